"""The judge protocol of Video-ChatGPT: does a predicted answer mean the same, yes or no, and 0..5?

A chat model gets the question, the correct answer and the predicted one, and replies with a Python
dictionary such as {'pred': 'yes', 'score': 4} (mbzuai-oryx/Video-ChatGPT, quantitative_evaluation).
It gets the same information here and replies in the same form, to our own words. What differs:

- the likeliest reply is taken (temperature 0, as in lmms-eval), so that it can be repeated;
- a reply that is no such dictionary, or says neither or both of yes and no, leaves its answer
  unscored; the original scorer adds nothing for it, but divides the sum of scores by it too.
  `official_figures` has the original sums.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypedDict

from video_star.core.chat import Chat, Messages, OpenAIChat, ask_all, recorded
from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.base import BenchmarkParams

PROMPT_VERSION: Final = 1
"""Raised when the wording of the prompt changes, as opinions then change too."""
BEST: Final = 5
"""The greatest score."""
SYSTEM: Final = (
    "You mark predicted answers to questions about videos by comparing them with the correct "
    "answers. What counts is whether both mean the same: synonyms and other wordings of the same "
    "thing agree with the correct answer, and length does not matter."
)
_REQUEST: Final = (
    "Reply with a Python dictionary and nothing else, no explanation. Its key 'pred' has the value "
    "'yes' where the predicted answer agrees with the correct one and 'no' where it does not; its "
    "key 'score' has an integer from 0 to 5, where 5 is complete agreement. "
    "For example: {'pred': 'yes', 'score': 4}"
)
_DICTIONARY = re.compile(r"\{[^{}]*\}")
_WORD = re.compile(r"[a-z]+")


class Sampling(TypedDict):
    temperature: float
    max_tokens: int


SAMPLING: Final[Sampling] = {"temperature": 0.0, "max_tokens": 64}


class ChatParams(BenchmarkParams):
    """A judge in params.yaml."""

    url: str
    """Base of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1."""
    model: str


@dataclass(frozen=True)
class Asked:
    """An answer to judge."""

    id: str
    question: str
    answer: str
    text: str
    """The predicted answer."""


@dataclass(frozen=True)
class Opinion:
    """What the judge says of one answer; no `yes` and no `score` where it says nothing clear."""

    yes: bool | None
    score: int | None
    """0..5; fractions are cut off, as by the original scorer."""
    reason: str = "judged"
    said: Mapping[Any, Any] | None = None
    """The dictionary as the judge wrote it."""


class Judge(Protocol):
    """Says of predicted answers whether they mean the same as the correct ones."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def rate(self, asked: Sequence[Asked]) -> list[Opinion]:
        """One opinion for each, in order."""
        ...


def messages(asked: Asked) -> Messages:
    """What a chat model is asked about one answer."""
    user = (
        f"Question: {asked.question}\nCorrect answer: {asked.answer}\n"
        f"Predicted answer: {asked.text}\n\n{_REQUEST}"
    )
    # Half of a surrogate pair, which JSON files may hold, cannot be sent.
    clean = user.encode("utf-8", "replace").decode("utf-8")
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": clean}]


def read_opinion(reply: str) -> Opinion:
    """The opinion in the first dictionary of a reply; never raises."""
    found = _DICTIONARY.search(reply)
    try:
        said = ast.literal_eval(found[0]) if found else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        said = None
    return opinion_of(said) if isinstance(said, dict) else _unclear(reply)


def opinion_of(said: Mapping[Any, Any]) -> Opinion:
    """The opinion in a judge's dictionary."""
    pred, score = said.get("pred"), _score(said.get("score"))
    words = {"yes", "no"}.intersection(_WORD.findall(pred.lower()) if isinstance(pred, str) else ())
    if len(words) != 1 or score is None:
        return _unclear(str(said), said)
    return Opinion("yes" in words, score, said=said)


def _score(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        score = int(float(value))
    except (ValueError, OverflowError):
        return None
    return score if 0 <= score <= BEST else None


def _unclear(reply: str, said: Mapping[Any, Any] | None = None) -> Opinion:
    return Opinion(None, None, "judge unclear", said)


def official_figures(opinions: Iterable[Opinion]) -> dict[str, float | int | None]:
    """Accuracy in percent and score as the original scorer sums them up, replies unread included.

    accuracy: yes / (yes + no), where any `pred` with "yes" in it is a yes; score: the sum of
    int(score) over the number of all opinions.
    """
    count = total = yes = no = 0
    for opinion in opinions:
        count += 1
        said = opinion.said or {}
        try:
            total += int(said["score"])
            pred = said["pred"].lower()
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            continue
        yes += "yes" in pred
        no += "yes" not in pred and "no" in pred
    return {
        "accuracy": 100 * yes / (yes + no) if yes + no else None,
        "score": total / count if count else None,
        "yes": yes,
        "no": no,
        "n": count,
    }


@dataclass(frozen=True)
class ChatJudge:
    """A chat model; ServiceError when it cannot be asked."""

    chat: Chat

    @property
    def name(self) -> str:
        return self.chat.name

    @property
    def version(self) -> str:
        sampling = ", ".join(f"{name} {value:g}" for name, value in SAMPLING.items())
        return f"prompt {PROMPT_VERSION}, {sampling}"

    def rate(self, asked: Sequence[Asked]) -> list[Opinion]:
        """Opinions on all, asked for many at a time."""
        replies = ask_all(self.chat, [messages(item) for item in asked])
        return [read_opinion(reply) for reply in replies]


def open_chat_judge(url: str, model: str, replies: Path | None) -> ChatJudge:
    """The judge on an OpenAI-compatible server; with `replies`, a file that keeps what it said."""
    chat = OpenAIChat(url, model, **SAMPLING)
    return ChatJudge(recorded(chat, replies) if replies else chat)


class RecordedJudge:
    """Files of the original scorer: {id}.json in a folder, or all of them in one file by id.

    Each holds [judge's dictionary, {"q", "a", "pred"}]; it answers only for the very question,
    correct answer and predicted answer that it was given for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self._records = dict(self._read())
        if not self._records:
            raise DataError(
                f"{path}: holds no judge's reply; name the folder with the {{id}}.json files of "
                "the Video-ChatGPT scorer."
            )

    @property
    def name(self) -> str:
        return f"recorded:{self._path.name}"

    @property
    def version(self) -> str:
        return f"sha256 {self._digest.hexdigest()[:16]}"

    def rate(self, asked: Sequence[Asked]) -> list[Opinion]:
        """Recorded opinions; what was not recorded is unscored and says so."""
        return [self._one(item) for item in asked]

    def _one(self, asked: Asked) -> Opinion:
        if asked.id not in self._records:
            return Opinion(None, None, "not recorded")
        said, given = self._records[asked.id]
        for key, now in (("q", asked.question), ("a", asked.answer), ("pred", asked.text)):
            if _plain(given.get(key, now)) != _plain(now):
                return Opinion(None, None, "recorded for another answer")
        return opinion_of(said)

    def _read(self) -> Iterator[tuple[str, tuple[dict[Any, Any], dict[Any, Any]]]]:
        if self._path.is_dir():
            for path in sorted(self._path.glob("*.json")):
                yield path.stem, self._record(path, self._json(path))
        else:
            records = self._json(self._path)
            if not isinstance(records, dict):
                raise DataError(f"{self._path}: not a JSON object of records by id.")
            for name, value in records.items():
                yield name, self._record(f"{self._path} {name}", value)

    def _json(self, path: Path) -> Any:
        try:
            raw = path.read_bytes()
            value = json.loads(raw)
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read as JSON ({error}); fetch it again.") from error
        self._digest.update(path.name.encode() + b"\0" + raw)
        return value

    @staticmethod
    def _record(where: object, value: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
        match value:
            case [dict() as said, dict() as given]:
                return said, given
        raise DataError(
            f"{where}: not [judge's dictionary, {{q, a, pred}}], as the Video-ChatGPT scorer "
            "writes it; take it out or fetch it again."
        )


def _plain(text: Any) -> str:
    return " ".join(str(text).split())
