"""Answers from anywhere, judged by the verifiers: what is behind `video-star judge FILE.jsonl`.

A line is {"id", "question", "labels", "answer"}, its labels as in manifests; other keys are left
alone. The classes that an answer may be mistaken for are those of the lines with the same "dataset"
where lines have one, else of those with the same question; so the file is read twice, never held.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from video_star.core.errors import DataError, UsageError
from video_star.core.hashing import stable_hash
from video_star.core.jsonl import to_line, write_records
from video_star.core.labels import KINDS, Label, Record
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

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    id: str = Field(min_length=1)
    question: str
    labels: tuple[Label, ...] = Field(min_length=1)
    answer: str
    dataset: str | None = None

    @property
    def group(self) -> str:
        """Whose classes else could have been the answer."""
        return self.question if self.dataset is None else f"{self.dataset}/"


class Judged(Record):
    """One line of the output."""

    id: str
    outcome: Outcome
    passed: bool
    verdicts: tuple[LabelVerdict, ...]


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be judged."""

    number: int
    """Counted from 1."""
    problem: str


def judge_lines(lines: BinaryIO, params: Params, home: Path) -> Iterator[Judged | BadLine]:
    """A result for each line, in order; blank lines have none.

    `lines` is read to its end, rewound and read again. Verifiers and models are looked for below
    `home`, the workspace.
    """
    judge = open_judge(params, Workspace(home), Silent())
    labelled = ((one.group, one.labels) for one in _parsed(lines) if isinstance(one, Line))
    known = known_of(labelled, params.verify, home, params.settings.device, judge)
    lines.seek(0)
    rest = _parsed(lines)
    while chunk := list(islice(rest, CHUNK)):
        good = [one for one in chunk if isinstance(one, Line)]
        cases = [Case(one.answer, one.question, one.labels, one.group) for one in good]
        judged = iter(judge_all(cases, params.verify, known))
        for one in chunk:
            if isinstance(one, BadLine):
                yield one
                continue
            made = next(judged)
            yield Judged(id=one.id, outcome=made.outcome, passed=made.passed, verdicts=made.labels)


def _parsed(lines: Iterable[bytes]) -> Iterator[Line | BadLine]:
    seen: set[int] = set()
    for number, raw in enumerate(lines, start=1):
        text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if not text.strip():
            continue
        try:
            line = Line.model_validate_json(text)
        except ValidationError as error:
            yield BadLine(number, _problem(error))
            continue
        hashed = stable_hash(line.id)  # less than the text
        if hashed in seen:
            problem = f"id {line.id!r} is on an earlier line; each line needs its own"
            yield BadLine(number, problem)
            continue
        seen.add(hashed)
        yield line


def _problem(error: ValidationError) -> str:
    """The first thing that is wrong with a line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    kind = first["type"]
    if kind == "json_invalid":
        return f"not JSON ({first['ctx']['error']})"
    if kind == "missing":
        return f"no {where}; a line has id, question, labels and answer"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = first.get("ctx", {}).get("tag")
        named = f"unknown label kind {tag!r}" if tag is not None else "a label without a kind"
        return f"{where}: {named}; the kinds are {', '.join(KINDS)}"
    if not where:
        return "not a JSON object; write {...}"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


@contextmanager
def open_lines(name: str, stdin: BinaryIO) -> Iterator[BinaryIO]:
    """A file of lines, or for "-" what comes from `stdin`; DataError when it cannot be read."""
    if name == "-":
        with tempfile.TemporaryFile() as spooled:
            shutil.copyfileobj(stdin, spooled)
            spooled.seek(0)
            yield spooled
        return
    if not Path(name).is_file():
        raise DataError(f"{name}: there is no such file; correct its path, or write - for stdin.")
    with Path(name).open("rb") as file:
        yield file


@dataclass
class Counts:
    """Lines of a file by what became of them."""

    judged: int = 0
    passed: int = 0
    doubtful: int = 0
    bad: int = 0


def judge_file(
    lines: Iterable[Judged | BadLine],
    out: Path | None,
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> Counts:
    """Write what is judged to `out`, whole or not at all, or line by line to `say`.

    Bad lines are passed to `warn` as they come.
    """
    if out is not None and out.is_dir():
        raise UsageError(f"{out} is a folder; name a file to write.")
    counts = Counts()

    def good() -> Iterator[Judged]:
        for line in lines:
            if isinstance(line, BadLine):
                counts.bad += 1
                warn(f"line {line.number}: {line.problem}")
                continue
            counts.judged += 1
            counts.passed += line.passed
            counts.doubtful += line.outcome == "doubtful"
            yield line

    if out is not None:
        write_records(out, good())
        return counts
    for judged in good():
        say(to_line(judged))
    return counts
