"""The judge protocol of Video-ChatGPT: does a predicted answer mean the same, yes or no, and 0..5?

A chat model gets the question, the correct answer and the predicted one, and replies with a Python
dictionary such as {'pred': 'yes', 'score': 4} (mbzuai-oryx/Video-ChatGPT, quantitative_evaluation).
It gets the same information here and replies in the same form, to our own words. What differs:

- the likeliest reply is taken (temperature 0, as in lmms-eval), so that it can be repeated;
- the last dictionary of a reply counts, as a judge that reasons quotes the request first, and what
  it only thought does not;
- a reply without such a dictionary, or with neither or both of yes and no, leaves its answer
  unscored; the original scorer adds nothing for it, but divides the sum of scores by it too.
  `official_figures` has the original sums.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from video_star.core.chat import Messages, conversation
from video_star.core.errors import DataError
from video_star.core.records import Score
from video_star.evaluation.benchmarks.answer_text import bare
from video_star.evaluation.benchmarks.base import Item, Measure
from video_star.evaluation.benchmarks.judging import Judge, JudgeProtocol, Rating, RecordedJudge
from video_star.verification.final_answer import read

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
_DICTIONARY = re.compile(r"\{(?:[^{}]|\{[^{}]*\})*\}")
_KEYS = frozenset({"pred", "score"})
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
_NO_DICTIONARY = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, AttributeError)
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Answer:
    """A predicted answer to rate."""

    id: str
    question: str
    correct: str
    """The correct answer."""
    text: str


def messages(answer: Answer) -> Messages:
    """What a chat model is asked about one answer."""
    return conversation(
        SYSTEM,
        f"Question: {answer.question}\nCorrect answer: {answer.correct}\n"
        f"Predicted answer: {bare(answer.text)}\n\n{_REQUEST}",
    )


def read_reply(_: Answer, reply: str) -> Rating:
    """The rating in the last dictionary of a reply, whether Python or JSON."""
    text = read(reply).visible.text
    found = [value for match in _DICTIONARY.finditer(text) if (value := _dictionary(match[0]))]
    return rating_of(found[-1] if found else None)


def _dictionary(text: str) -> dict[str, Any] | None:
    """A dictionary with one of our keys, in any case and quotes; None for anything else."""
    for parse in (
        ast.literal_eval,
        json.loads,
        lambda own: ast.literal_eval(own.translate(_QUOTES)),
    ):
        with suppress(*_NO_DICTIONARY):
            own = {str(key).strip().lower(): value for key, value in parse(text).items()}
            return own if _KEYS & own.keys() else None
    return None


def rating_of(reply: Mapping[Any, Any] | None) -> Rating:
    """The rating in a judge's dictionary; scores with fractions are cut off, as originally."""
    pred, score = (reply or {}).get("pred"), _score((reply or {}).get("score"))
    words = {"yes", "no"}.intersection(_WORD.findall(pred.lower()) if isinstance(pred, str) else ())
    if len(words) != 1 or score is None:
        return Rating(None, None, "judge unclear", reply)
    return Rating("yes" in words, score, reply=reply)


def _score(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        score = int(float(value))
    except (ValueError, OverflowError):
        return None
    return score if 0 <= score <= BEST else None


def official_figures(ratings: Iterable[Rating]) -> dict[str, float | int | None]:
    """Accuracy in percent and score as the original scorer sums them up, unread replies included.

    accuracy: yes / (yes + no), where any `pred` with "yes" in it is a yes; score: the sum of
    int(score) over the number of all replies.
    """
    count = total = yes = no = 0
    for rating in ratings:
        count += 1
        reply = rating.reply or {}
        try:
            total += int(reply["score"])
            pred = reply["pred"].lower()
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


class OriginalReplies(RecordedJudge[Answer]):
    """Files of the original scorer: {id}.json in a folder, or all of them in one file by id.

    Each holds [judge's dictionary, {"q", "a", "pred"}]; it answers only for the very question,
    correct answer and predicted answer that it was given for.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._records = dict(self._read())
        if not self._records:
            raise DataError(
                f"{path}: holds no judge's reply; name the folder with the {{id}}.json files of "
                "the Video-ChatGPT scorer."
            )

    def rating(self, answer: Answer) -> Rating:
        if answer.id not in self._records:
            return Rating(None, reason="not recorded")
        reply, rated = self._records[answer.id]
        for key, now in (("q", answer.question), ("a", answer.correct), ("pred", answer.text)):
            if _plain(rated.get(key, now)) != _plain(now):
                return Rating(None, reason="recorded for another answer")
        return rating_of(reply)

    def _read(self) -> Iterator[tuple[str, tuple[dict[Any, Any], dict[Any, Any]]]]:
        if self.path.is_dir():
            for path in sorted(self.path.glob("*.json")):
                yield path.stem, _record(path, self.read_json(path, path.name))
            return
        records = self.read_json(self.path, self.path.name)
        if not isinstance(records, dict):
            raise DataError(f"{self.path}: not a JSON object of records by id.")
        for name, value in records.items():
            yield name, _record(f"{self.path} {name}", value)


def _record(where: object, value: Any) -> tuple[dict[Any, Any], dict[Any, Any]]:
    match value:
        case [dict() as reply, dict() as rated]:
            return reply, rated
    raise DataError(
        f"{where}: not [judge's dictionary, {{q, a, pred}}], as the Video-ChatGPT scorer "
        "writes it; take it out or fetch it again."
    )


def _plain(text: Any) -> str:
    return " ".join(bare(str(text)).split())


PROTOCOL: Final = JudgeProtocol(
    "video_chatgpt", "prompt 1", 64, messages, read_reply, OriginalReplies
)


def judged(
    items: Sequence[Item[Any]], answers: Sequence[Answer], judge: Judge[Answer]
) -> list[Score]:
    """The judge's three scores of each item; unclear ratings are unscored, not wrong."""
    scores = []
    for item, rating in zip(items, judge.rate(answers), strict=True):
        slices = (*item.slices, judge.slice)
        values = {
            "judged_accuracy": None if rating.correct is None else float(rating.correct),
            "judged_score": None if rating.score is None else float(rating.score),
            "judged_share": float(rating.correct is not None),
        }
        for metric, value in values.items():
            own = replace(item, metric=metric, slices=slices)
            scores.append(own.scored(value, rating.reason))
    return scores


def with_bounds(measures: Sequence[Measure]) -> list[Measure]:
    """The measures, those of the judge's score with its own bounds."""
    return [
        replace(m, bounds=(0.0, float(BEST))) if m.name == "judged_score" else m for m in measures
    ]
