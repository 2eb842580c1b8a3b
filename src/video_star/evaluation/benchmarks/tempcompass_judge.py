"""Who rates what the rules of TempCompass cannot: recorded official ratings, or a chat model.

The official scorer asks gpt-3.5-turbo-1106 about every caption, and about the answers to other
tasks that no rule recognises (eval_captioning.py, utils/eval_utils.py of llyx97/TempCompass). The
model here gets the same information and answers in the same form, in our own words. Where the
official scorer counts a judge that fails as 0 or -1, the item stays unscored here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypedDict

from video_star.core.chat import Chat, Messages, OpenAIChat, ask_all, recorded
from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.tempcompass_items import Gold, bare_id, choice_of
from video_star.evaluation.benchmarks.tempcompass_rules import TASKS, Task, clean

PROMPT_VERSION: Final = 1
"""Raised when the wording of the prompts changes, as ratings then change too."""


class Sampling(TypedDict):
    temperature: float
    max_tokens: int


SAMPLING: Final[Sampling] = {"temperature": 0.0, "max_tokens": 128}
"""The official judge draws at temperature 1; the likeliest reply can be repeated."""
SYSTEM: Final = "You help to mark answers to questions about videos."
_HEADINGS: Final[dict[Task, str]] = {
    "multi-choice": "Multi-Choice Question",
    "yes_no": "Yes/No Question",
    "caption_matching": "Caption Matching Question",
}
_MARK: Final = (
    "Below are a question, its right answer and what a model predicted. Decide whether the "
    'prediction means the same as the right answer. Reply with one word: "Correct" if it does, '
    '"Incorrect" if it does not.'
)
_CHOOSE: Final = (
    "Below are a description of a video and a multi-choice question about that video. Knowing "
    "nothing but the description, choose the option that answers the question. Reply in two "
    'lines:\nReasoning: why, in one sentence\nAnswer: the chosen option in full, such as "B. ..."\n'
    "If no option fits, or the description does not tell, the second line is:\n"
    "Answer: None of the choices are correct"
)


@dataclass(frozen=True)
class Asked:
    """An answer that needs a judge."""

    gold: Gold
    text: str


@dataclass(frozen=True)
class Rating:
    """What the judge says: 1, 0, or None when it does not say, and then the reason why not."""

    value: int | None
    reason: str = "judged"


class Judge(Protocol):
    """Rates answers that no rule recognises."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def rate(self, asked: Sequence[Asked]) -> list[Rating]:
        """One rating for each, in order."""
        ...

    @property
    def notes(self) -> list[str]:
        """What a reader of the ratings must know, after `rate`."""
        ...


def messages(asked: Asked) -> Messages:
    """What a chat model is asked about one answer."""
    # Half of a surrogate pair, which JSON files may hold, cannot be sent.
    gold, text = asked.gold, clean(asked.text).encode("utf-8", "replace").decode("utf-8")
    if gold.task == "captioning":
        about = f"Video Description: {text}\nMulti-Choice Question:\n{choice_of(gold).question}"
        user = f"{_CHOOSE}\n\n{about}"
    else:
        about = f"{_HEADINGS[gold.task]}:\n{gold.question}\nGround-Truth Answer: {gold.answer}"
        user = f"{_MARK}\n\n{about}\nModel Prediction: {text}"
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]


def read_mark(reply: str) -> int | None:
    """1 or 0 from a reply of "Correct" or "Incorrect", in the official order of tests."""
    for word, rating in (("Correct", 1), ("Incorrect", 0)):
        if reply.startswith(word):
            return rating
    if "Incorrect" in reply:
        return 0
    return 1 if "Correct" in reply else None


def read_choice(reply: str, right: str) -> int | None:
    """1 when the reply's last "Answer" line names the right option ("B. text") and only that.

    A reply without such a line is taken as a whole, as in the official scorer; an empty one says
    nothing.
    """
    if not reply.strip():
        return None
    lines = [line.strip() for line in reply.split("\n") if "Answer" in line]
    chosen = lines[-1].replace("Answer:", "").strip() if lines else reply
    named = sum(chosen.count(f"{letter}.") for letter in "ABCD")
    return int(named == 1 and chosen.split(". ")[0] == right.split(". ")[0])


@dataclass(frozen=True)
class ChatJudge:
    """A chat model; what it cannot be asked is a ServiceError, what it says unclearly is not."""

    chat: Chat

    @property
    def name(self) -> str:
        return self.chat.name

    @property
    def version(self) -> str:
        sampling = ", ".join(f"{name} {value:g}" for name, value in SAMPLING.items())
        return f"prompts {PROMPT_VERSION}, {sampling}"

    @property
    def notes(self) -> list[str]:
        return []

    def rate(self, asked: Sequence[Asked]) -> list[Rating]:
        """Ratings of all, asked for many at a time."""
        replies = ask_all(self.chat, [messages(item) for item in asked])
        return [_rating(item, reply.strip()) for item, reply in zip(asked, replies, strict=True)]


def open_chat(url: str, model: str, replies: Path | None) -> Chat:
    """The judge model of an OpenAI-compatible server; with `replies`, a file that keeps them."""
    chat = OpenAIChat(url, model, **SAMPLING)
    return recorded(chat, replies) if replies else chat


def _rating(asked: Asked, reply: str) -> Rating:
    if asked.gold.task == "captioning":
        value = read_choice(reply, choice_of(asked.gold).answer)
    else:
        value = read_mark(reply)
    return Rating(value) if value is not None else Rating(None, f"judge unclear: {reply[:80]!r}")


class RecordedJudge:
    """Official result files ({task}.json) whose ratings answer for the judge, place by place.

    Results of captions do not say which question they belong to, so they hold by place: the
    published ones rate other captions than the published predictions in 132 places, which is noted.
    Ratings of other tasks are used only where they rate the very same answer.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digest = hashlib.sha256()
        self._entries: dict[tuple[str, str, str, int], dict[str, Any]] = {}
        for task in TASKS:
            self._read(task, folder / f"{task}.json")
        if not self._entries:
            raise DataError(f"{folder}: holds no official result file, such as captioning.json.")
        self._other_text = 0
        self._captions = 0

    @property
    def name(self) -> str:
        return f"recorded:{self._folder.name}"

    @property
    def version(self) -> str:
        return f"sha256 {self._digest.hexdigest()[:16]}"

    @property
    def notes(self) -> list[str]:
        if not self._other_text:
            return []
        return [
            f"{self._other_text} of {self._captions} recorded ratings of captions were given to "
            "another text than the predictions have at their place"
        ]

    def rate(self, asked: Sequence[Asked]) -> list[Rating]:
        """Recorded ratings; DataError when most of them rate other captions than these."""
        self._captions = sum(item.gold.task == "captioning" for item in asked)
        self._other_text = 0
        ratings = [self._one(item) for item in asked]
        if 2 * self._other_text > self._captions:
            raise DataError(
                f"{self._folder}: {self._other_text} of {self._captions} ratings of captions were "
                "given to other texts; name the official results of these very predictions."
            )
        return ratings

    def _one(self, asked: Asked) -> Rating:
        gold = asked.gold
        entry = self._entries.get((gold.task, bare_id(gold.video), gold.aspect, gold.index))
        if entry is None:
            return Rating(None, "not recorded")
        same = clean(str(entry.get("video-llm-prediction"))) == clean(asked.text)
        if gold.task == "captioning":
            self._other_text += not same
        elif not same or entry.get("question", gold.question) != gold.question:
            return Rating(None, "recorded for another answer")
        if entry.get("rating") not in (0, 1):
            return Rating(None, "recorded judge failed")
        return Rating(int(entry["rating"]))

    def _read(self, task: Task, path: Path) -> None:
        if not path.exists():
            return
        try:
            raw = path.read_bytes()
            videos = json.loads(raw)
            for video, aspects in videos.items():
                for aspect, entries in aspects.items():
                    for index, entry in enumerate(entries):
                        key = (task, bare_id(video), aspect, index)
                        self._entries[key] = {"rating": None, **entry}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise DataError(
                f"{path}: not an official result file ({error}); fetch it again."
            ) from error
        self._digest.update(task.encode() + b"\0" + raw)
