"""Answers from anywhere, judged by the verifiers: what is behind `video-star judge FILE.jsonl`.

A line is {"id", "question", "labels", "answer"}, its labels as in manifests; other keys are left
alone. The classes that an answer may be mistaken for are those of the lines with the same "dataset"
where lines have one, else of those with the same question; so a file is read twice, never held.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, Field, ValidationError

from video_star.core.jsonl import problem_of
from video_star.core.labels import Label, Record
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import LabelVerdict, Outcome
from video_star.verification import Case, judge_all, known_of
from video_star.verification.judge import open_judge

CHUNK = 512
"""Lines that are judged together."""


class Line(BaseModel):
    """One answer to judge."""

    id: str = Field(min_length=1)
    question: str
    labels: tuple[Label, ...] = Field(min_length=1)
    answer: str
    dataset: str | None = None

    @property
    def case(self) -> Case:
        """What is judged."""
        group = self.question if self.dataset is None else f"{self.dataset}/"
        return Case(self.answer, self.question, self.labels, group)


class Judged(Record):
    """One line of the output."""

    id: str
    outcome: Outcome
    passed: bool
    verdicts: tuple[LabelVerdict, ...]


def judge_lines(
    lines: BinaryIO, params: Params, home: Path, warn: Callable[[str], None]
) -> Iterator[Judged]:
    """A result for each line, in order; blank lines have none, and `warn` is told of bad ones.

    `lines` is read to its end, rewound and read again. Verifiers and models are looked for below
    `home`, the workspace.
    """
    judge = open_judge(params, Workspace(home), Silent())
    cases = (line.case for line in _parsed(lines, lambda problem: None))
    labelled = ((case.group, case.labels) for case in cases)
    known = known_of(labelled, params.verify, home, params.settings.device, judge)
    lines.seek(0)
    rest = _parsed(lines, warn)
    while chunk := list(islice(rest, CHUNK)):
        made = judge_all([line.case for line in chunk], params.verify, known)
        for line, one in zip(chunk, made, strict=True):
            yield Judged(id=line.id, outcome=one.outcome, passed=one.passed, verdicts=one.labels)


def _parsed(lines: Iterable[bytes], warn: Callable[[str], None]) -> Iterator[Line]:
    seen: set[int] = set()
    for number, raw in enumerate(lines, start=1):
        if not (text := raw.removeprefix(BOM_UTF8).strip()):
            continue
        try:
            line = Line.model_validate_json(text)
        except ValidationError as error:
            warn(f"line {number}: {problem_of(error)}")
            continue
        if hash(line.id) in seen:  # less than the text
            warn(f"line {number}: id {line.id!r} is on an earlier line; each line needs its own")
            continue
        seen.add(hash(line.id))
        yield line
