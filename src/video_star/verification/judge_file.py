"""Answers from anywhere, judged by the verifiers: what is behind `video-star judge FILE.jsonl`.

A line is {"id", "question", "labels", "answer"}, its labels as in manifests; other keys are left
alone. The classes that an answer may be mistaken for are those of the lines with the same "dataset"
where lines have one, else of those with the same question; so the file is read twice, never held.
"""

from __future__ import annotations

import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from video_star.core.errors import DataError, UsageError
from video_star.core.hashing import stable_hash
from video_star.core.jsonl import to_line, write_records
from video_star.core.labels import KINDS, Label, Record
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import LabelVerdict, Outcome
from video_star.verification import Case, Known, judge_all, known_of
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


Result: TypeAlias = Judged | BadLine


def judge_lines(lines: BinaryIO, params: Params, home: Path) -> Iterator[Result]:
    """A result for each line, in order; blank lines have none.

    `lines` is read to its end, rewound and read again. Verifiers and models are looked for below
    `home`, the workspace.
    """
    known, repeated = _known(lines, params, home)
    lines.seek(0)
    seen: set[str] = set()
    rest = _parsed(lines)
    while chunk := list(islice(rest, CHUNK)):
        chunk = [_unrepeated(item, repeated, seen) for item in chunk]
        good = [_case(line) for _, line in chunk if isinstance(line, Line)]
        judged = iter(judge_all(good, params.verify, known))
        for number, line in chunk:
            if isinstance(line, Line):
                made = next(judged)
                yield Judged(
                    id=line.id, outcome=made.outcome, passed=made.passed, verdicts=made.labels
                )
            else:
                yield BadLine(number, line)


_Item: TypeAlias = tuple[int, Line | str]
"""Number of a line, and what it holds or what is wrong with it."""


def _case(line: Line) -> Case:
    return Case(line.answer, line.question, line.labels, line.group)


def _parsed(lines: Iterable[bytes]) -> Iterator[_Item]:
    for number, raw in enumerate(lines, start=1):
        text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if text.strip():
            yield number, _parse(text)


def _parse(text: bytes) -> Line | str:
    try:
        return Line.model_validate_json(text)
    except ValidationError as error:
        return _problem(error)


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


def _known(lines: Iterable[bytes], params: Params, home: Path) -> tuple[Known, frozenset[int]]:
    """What verifiers know of the file, and the hashes of ids that stand in it more than once."""
    hashes = array("Q")

    def good() -> Iterator[tuple[str, Sequence[Label]]]:
        for _, line in _parsed(lines):
            if isinstance(line, Line):
                hashes.append(stable_hash(line.id))
                yield line.group, line.labels

    judge = open_judge(params, Workspace(home), Silent())
    known = known_of(good(), params.verify, home, params.settings.device, judge)
    values, counts = np.unique(np.frombuffer(hashes, np.uint64), return_counts=True)
    return known, frozenset(int(value) for value in values[counts > 1])


def _unrepeated(item: _Item, repeated: frozenset[int], seen: set[str]) -> _Item:
    """The line, or that an earlier one has its id."""
    number, line = item
    if not isinstance(line, Line) or stable_hash(line.id) not in repeated:
        return item
    if line.id in seen:
        return number, f"id {line.id!r} is on an earlier line; each line needs its own"
    seen.add(line.id)
    return item


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
    lines: Iterable[Result],
    out: Path | None,
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> Counts:
    """Write what is judged to `out`, whole or not at all, or line by line to `say`.

    Bad lines are told to `warn` as they come.
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
