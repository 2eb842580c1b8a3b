"""TempCompass' judge, for what its rules cannot rate.

The official scorer asks gpt-3.5-turbo-1106 about every caption, and about the answers to other
tasks that no rule recognises (eval_captioning.py, utils/eval_utils.py of llyx97/TempCompass). The
judge here gets the same information and replies in the same form, in our own words. The last
verdict of a reply counts, as a judge that reasons quotes the request first. Where the official
scorer counts a judge that fails or is unclear as 0 or -1, the answer stays unscored here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

from video_star.core.chat import Messages, conversation
from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.answer_text import bare
from video_star.evaluation.benchmarks.judging import Judge, JudgeProtocol, Rating, RecordedJudge
from video_star.evaluation.benchmarks.tempcompass_official import (
    TASKS,
    Gold,
    Task,
    bare_id,
    official_match,
    option_lines,
    option_text,
)
from video_star.verification import option_chosen
from video_star.verification.final_answer import read
from video_star.verification.judge import read_verdict

SYSTEM: Final = "You help to mark answers to questions about videos."
_HEADINGS: Final[dict[Task, str]] = {
    "multi-choice": "Multi-Choice Question",
    "yes_no": "Yes/No Question",
    "caption_matching": "Caption Matching Question",
}
_COMPARE: Final = (
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
_NONE: Final = re.compile(r"\bnone\b", re.I)


@dataclass(frozen=True)
class Answer:
    """An answer to rate."""

    gold: Gold
    text: str


def messages(answer: Answer) -> Messages:
    """What a chat model is asked about one answer."""
    gold, text = answer.gold, bare(answer.text)
    if gold.task == "captioning":
        about = f"Video Description: {text}\nMulti-Choice Question:\n{gold.choice.question}"
        return conversation(SYSTEM, f"{_CHOOSE}\n\n{about}")
    about = f"{_HEADINGS[gold.task]}:\n{gold.question}\nGround-Truth Answer: {gold.answer}"
    return conversation(SYSTEM, f"{_COMPARE}\n\n{about}\nModel Prediction: {text}")


def read_choice(reply: str, question: str, right: str) -> bool | None:
    """Whether a reply's last answer chooses the right option line ("B. text") and only that.

    None where that is not clear, where the official scorer gives 0. Several lettered options, or
    "None of the choices are correct", are clear and wrong.
    """
    lines = option_lines(question)
    chosen = option_chosen(reply, [option_text(line) or line for line in lines])
    if chosen is not None:
        return lines[chosen] == right
    reading = read(reply)
    answer = [reading.visible, *reading.finals][-1].text
    lettered = {letter for letter in ascii_uppercase[: len(lines)] if f"{letter}." in answer}
    return False if _NONE.search(answer) or len(lettered) > 1 else None


def read_reply(answer: Answer, reply: str) -> Rating:
    """The rating in a reply to an answer of any task."""
    if answer.gold.task == "captioning":
        choice = answer.gold.choice
        correct = read_choice(reply, choice.question, choice.answer)
    else:
        correct = read_verdict(reply)
    reason = "judged" if correct is not None else f"judge unclear: {reply.strip()[:80]!r}"
    return Rating(correct, reason=reason)


class OfficialResults(RecordedJudge[Answer]):
    """Result files ({task}.json) of the official scorer, question by question.

    Those of captions do not name their question, so they are taken by position: the
    published ones rate other captions than the published predictions in 132 places, which is noted.
    The official scorer cuts the captions of some models out of longer replies before it rates them.
    Ratings of other tasks are used only where they rate the very same answer.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._entries: dict[tuple[str, str, str, int], dict[str, Any]] = {}
        for task in TASKS:
            file = path / f"{task}.json"
            if file.exists():
                self._add(task, file)
        if not self._entries:
            raise DataError(f"{path}: holds no official result file, such as captioning.json.")

    def _add(self, task: Task, file: Path) -> None:
        videos = self.read_json(file, task)
        try:
            for video, aspects in videos.items():
                for aspect, entries in aspects.items():
                    for index, entry in enumerate(entries):
                        key = (task, bare_id(video), aspect, index)
                        self._entries[key] = {"rating": None, **entry}
        except (AttributeError, TypeError) as error:
            raise DataError(
                f"{file}: not an official result file ({error}); fetch it again."
            ) from error

    def _entry(self, gold: Gold) -> dict[str, Any] | None:
        return self._entries.get((gold.task, bare_id(gold.video), gold.aspect, gold.index))

    def _is_of(self, answer: Answer, entry: Mapping[str, Any]) -> bool:
        rated = entry.get("video-llm-prediction")
        if not isinstance(rated, str):
            return False
        if answer.gold.task == "captioning":
            return _is_part(rated, answer.text)
        return bare(rated) == bare(answer.text)

    def decides(self, answer: Answer, recognised: bool) -> bool:
        """As officially for this very answer: earlier rules did not know answers with a blank."""
        entry = self._entry(answer.gold) or {}
        left_to_it = entry.get("match_success") is False and self.rating(answer).correct is not None
        return left_to_it or not recognised

    def rating(self, answer: Answer) -> Rating:
        gold, entry = answer.gold, self._entry(answer.gold)
        if entry is None:
            return Rating(None, reason="not recorded")
        if gold.task != "captioning" and (
            not self._is_of(answer, entry) or entry.get("question", gold.question) != gold.question
        ):
            return Rating(None, reason="recorded for another answer")
        if entry.get("rating") not in (0, 1):
            return Rating(None, reason="recorded judge failed")
        return Rating(bool(entry["rating"]))

    def rate(self, answers: Sequence[Answer]) -> list[Rating]:
        """Recorded ratings; DataError when most of them rate other captions than these."""
        captions = [answer for answer in answers if answer.gold.task == "captioning"]
        entries = [(answer, self._entry(answer.gold)) for answer in captions]
        others = sum(entry is not None and not self._is_of(own, entry) for own, entry in entries)
        if 2 * others > len(captions):
            raise DataError(
                f"{self.path}: {others} of {len(captions)} ratings of captions were given to "
                "other texts; name the official results of these very predictions."
            )
        note = (
            f"{others} of {len(captions)} recorded ratings of captions were given to another text "
            "than the predictions have at their place"
        )
        self.notes = [note] if others else []
        return super().rate(answers)


def _is_part(caption: str, reply: str) -> bool:
    """Whether a caption is all of a reply, or a part of it between quotes, colons or line ends.

    There the official scorer cuts, and takes off asterisks (utils/eval_utils.py).
    """
    part, whole = (bare(text).replace("*", "").strip() for text in (caption, reply))
    return bool(re.search(rf'(?:\A|["\n:])\s*{re.escape(part)}\s*(?:\Z|["\n:])', whole))


PROTOCOL: Final = JudgeProtocol(
    "tempcompass", "prompts 1", 128, messages, read_reply, OfficialResults
)


def rate_unmatched(
    golds: Iterable[Gold], texts: Mapping[str, str], judge: Judge[Answer]
) -> dict[str, Rating]:
    """The judge's ratings, by item id, of the answers that no official rule recognises."""
    given = (Answer(gold, texts[gold.id]) for gold in golds if gold.id in texts)
    answers = [
        own for own in given if judge.decides(own, official_match(own.gold, own.text).matched)
    ]
    ratings = judge.rate(answers)
    return {own.gold.id: rating for own, rating in zip(answers, ratings, strict=True)}
