"""Joins the answers of any model with the questions of a benchmark; names everything that is wrong.

A benchmark recognises the layout of a file, reads its entries and finds the question of an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from video_star.core.errors import DataError
from video_star.evaluation.benchmarks.prediction_files import (
    KINDS,
    Content,
    Kind,
    Problem,
    Rows,
    files_of,
    read_content,
)

_FAILED = ("failed to obtain answer", "[lmms_eval_request_failed")
"""How texts begin that VLMEvalKit and lmms-eval write where a model gave no answer, folded."""
_EMPTY = frozenset({"", "nan", "none"})
"""Cells of a table without an answer, folded: empty, or what Python writes for NaN and None."""


class Malformed(Exception):
    """An entry that cannot be used; the message is the reason."""


@dataclass(frozen=True)
class NoAnswer:
    """What an entry has in place of an answer."""

    kind: Kind
    """missing: null; lost: the tool that asked lost it; malformed: no text."""
    what: str


@dataclass(frozen=True)
class Given:
    """One answer of a file."""

    where: str
    file: str
    text: str | NoAnswer


G = TypeVar("G", bound=Given)


@dataclass
class Predictions(Generic[G]):
    """What the files of a folder hold, and once joined with the questions the answers to them."""

    given: list[G] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """Files with answers, and their layouts."""
    ignored: list[str] = field(default_factory=list)
    """Files without any answer to the benchmark."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """The answers by item id; an item without one is missing here and named in problems."""
    named: set[str] = field(default_factory=set)
    """Items that any entry is about."""
    lost: set[str] = field(default_factory=set)
    """Items whose answer was lost by the tool that asked: they are unscored."""

    def stopping(self, allow_missing: bool, harmless: Collection[str] = ()) -> Counter[str]:
        """How many problems of each kind keep the answers from being scored."""
        allowed = {*harmless, "lost", *(["missing"] if allow_missing else [])}
        return Counter(own.kind for own in self.problems if own.kind not in allowed)


def read_files(
    path: Path,
    layout_of: Callable[[Path, Content], tuple[str, Rows] | None],
    readers: Mapping[str, Callable[[Path, str, dict[str, Any]], G]],
    layouts: str,
) -> Predictions[G]:
    """Every answer in a file or the files of a folder; DataError where there is none at all.

    `layout_of` gives the layout and the entries of a file that holds answers. `readers` take file,
    place and entry of a layout, and raise Malformed. `layouts` describes what can be read.
    """
    found = Predictions[G]()
    for file in files_of(path):
        content = read_content(file)
        if isinstance(content, Problem):
            found.problems.append(content)
            continue
        layout = layout_of(file, content) if content else None
        if layout is None or content is None:
            found.ignored.append(file.name)
            continue
        found.files[file.name], rows = layout
        found.problems += content.problems
        for where, entry in rows:
            try:
                if not isinstance(entry, dict):
                    raise Malformed("not a JSON object")
                found.given.append(readers[layout[0]](file, where, entry))
            except Malformed as error:
                found.problems.append(Problem("malformed", where, str(error)))
    if not found.files and not found.problems:
        raise DataError(f"{path}: none of its files holds answers; {layouts}.")
    return found


def join(
    ids: Sequence[str],
    found: Predictions[G],
    find: Callable[[G], tuple[str | None, Problem | None]],
    harmless: Collection[str] = (),
) -> None:
    """Join each answer with its question, in place.

    `ids` are those of all questions; `find` gives the question's and what is wrong with the answer.
    An answer with a problem of a `harmless` kind still counts; such problems are listed last.
    """
    first: dict[str, G] = {}
    same: Counter[tuple[str, str]] = Counter()
    for given in found.given:
        name, problem = find(given)
        if problem is not None:
            found.problems.append(problem)
        if name is None:
            continue
        text = given.text
        before = first.setdefault(name, given)
        if isinstance(text, NoAnswer) and text.kind == "malformed":
            found.problems.append(Problem("malformed", given.where, text.what))
        elif before is not given:
            if before.file != given.file and before.text == text:
                same[before.file, given.file] += 1
            else:
                what = f"two answers: {before.where} and {given.where}"
                found.problems.append(Problem("twice", name, what))
        elif problem is None or problem.kind in harmless:
            if isinstance(text, str):
                found.texts[name] = text
            else:
                found.problems.append(Problem(text.kind, name, f"{text.what} ({given.where})"))
    found.named = {*first}
    found.lost = {own.where for own in found.problems if own.kind == "lost"}
    # Where no entry could be used at all, that is the trouble.
    for name in ids if first or not found.problems else ():
        if name not in first:
            found.problems.append(Problem("missing", name, "no file has an answer to it"))
    found.problems.sort(key=lambda problem: (problem.kind in harmless, KINDS.index(problem.kind)))
    found.notes += [f"{n} answers of {b} stand in {a} already" for (a, b), n in same.items()]
    if found.lost:
        found.notes.append(
            f"{len(found.lost):,} predictions are lost (empty cells, or the text of a tool that "
            "failed), so they are unscored, not 0"
        )


def text_of(entry: dict[str, Any], key: str) -> str:
    """A text that an entry must have."""
    value = entry.get(key)
    if not isinstance(value, str):
        raise Malformed(f'"{key}" is missing or no text')
    return value


def answer_of(value: Any) -> str | NoAnswer:
    """The answer that a field holds."""
    if value is None:
        return NoAnswer("missing", "its prediction is null or there is none")
    if isinstance(value, float) and value != value:
        return NoAnswer("lost", "its prediction is NaN")
    if not isinstance(value, str):
        shown = repr(value) if isinstance(value, int | float) else f"({type(value).__name__})"
        return NoAnswer("malformed", f"the prediction {shown} is not a text")
    if value.strip().lower().startswith(_FAILED):
        return NoAnswer("lost", f"its prediction is {value.strip()[:80]!r}")
    return value


def answer_in_cell(value: Any) -> str | NoAnswer:
    """The answer in a cell of a table, where an empty one is lost and a number may be a text."""
    if value is None or str(value).strip().lower() in _EMPTY:
        return NoAnswer("lost", "its prediction is an empty cell")
    return answer_of(str(value))


def lmms_response(entry: dict[str, Any]) -> str | None:
    """The first response of a line of a sample log of lmms-eval (--log_samples).

        {"doc_id", "doc": {...}, "target", "resps": [["..."]], "filtered_resps": ["..."], <metrics>}

    After the task's filters if they left one. "doc" has the fields of the data set's row. Versions
    differ: some leave out "doc" or "resps", some write responses without their lists. With
    --predict_only there is no metric but "bypass".
    """
    for key in ("filtered_resps", "resps"):
        value = entry.get(key)
        while isinstance(value, list) and value:
            value = value[0]  # a list for each request, and one for its repeats
        if isinstance(value, str):
            return value
    return None
