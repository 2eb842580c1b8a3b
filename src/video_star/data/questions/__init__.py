"""Question templates by kind of question, and the choice among them.

The YAML files beside this one hold at least twenty templates for each kind, in our own words; those
of kind "class" are in `core.prompts`. A file of the same format (`ingest.questions`), proposed by a
model or written by hand, replaces the templates of the kinds that it has:

    class:
      - Which sport is this?
    span:
      - 'When does "{event}" take place?'

`ask` chooses by a stable hash of seed, kind and sample key, so neither the order of a manifest nor
the process matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

from video_star.core.errors import DataError
from video_star.core.hashing import stable_index
from video_star.core.jsonl import write_text
from video_star.core.prompts import CLASS_QUESTIONS, class_question

_WITH_MORE_FIELDS = {"box": "box_at", "same": "same_at", "score": "score_of"}
"""Kinds that have other templates when more is known."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FROM_FILE: ContextVar[Mapping[str, tuple[str, ...]]] = ContextVar("questions")


def fields_of(template: str) -> frozenset[str]:
    """Names of the fields that a template uses; ValueError for anything but plain {name}."""
    names = set()
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None:
            if form or conversion or not name.isidentifier():
                raise ValueError("a field is not written as {name}")
            names.add(name)
    return frozenset(names)


def _read(path: Path) -> dict[str, list[str]]:
    """Kind to templates of a YAML or JSON file, each list checked without regard to its kind."""
    try:
        raw: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); correct `ingest.questions`, or set it to null."
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{path}: not YAML or JSON: {' '.join(str(error).split())}.") from error
    if not isinstance(raw, dict) or not raw:
        raise DataError(f"{path}: not a mapping of question kinds to lists of questions.")
    for kind, templates in raw.items():
        where = f"{path}: {kind}:"
        if not isinstance(templates, list) or not templates:
            raise DataError(f"{where} not a list of questions; write at least one.")
        for template in templates:
            if not isinstance(template, str) or not template.strip():
                raise DataError(f"{where} {template!r} is no text; write a question.")
            if templates.count(template) > 1:
                raise DataError(f"{where} {template!r} is there twice; keep one.")
    return {str(kind): templates for kind, templates in raw.items()}


TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "class": CLASS_QUESTIONS,
    **{
        kind: tuple(templates)
        for path in sorted(Path(__file__).parent.glob("*.yaml"))
        for kind, templates in _read(path).items()
    },
}
"""Kind to templates."""

FIELDS: Mapping[str, frozenset[str]] = {
    kind: fields_of(templates[0]) for kind, templates in TEMPLATES.items()
}
"""Kind to the fields that each of its templates uses."""


def problem_of(kind: str, template: str) -> str | None:
    """Why a text cannot be a template of the kind, or None."""
    try:
        fields = fields_of(template)
    except ValueError as error:
        return f"its braces cannot be read ({error})"
    if fields == FIELDS[kind]:
        return None
    names = " and ".join(f"{{{name}}}" for name in sorted(FIELDS[kind])) or "no field"
    return f"it must use {names}"


def load_questions(path: Path) -> dict[str, tuple[str, ...]]:
    """Kind to its templates in a file; DataError names the kind and the template that is wrong.

    Every template must use exactly the fields of its kind.
    """
    found = _read(path)
    for kind, templates in found.items():
        if kind not in TEMPLATES:
            raise DataError(
                f"{path}: there is no question kind {kind!r}; they are {', '.join(TEMPLATES)}."
            )
        for template in templates:
            if problem := problem_of(kind, template):
                raise DataError(f"{path}: {kind}: {template!r}: {problem}; correct it.")
    return {kind: tuple(templates) for kind, templates in found.items()}


def save_questions(path: Path, kind: str, templates: Sequence[str]) -> None:
    """Write the templates of one kind; those of other kinds in the file stay as they are."""
    known = load_questions(path) if path.exists() else {}
    merged = {name: list(own) for name, own in {**known, kind: templates}.items()}
    write_text(path, yaml.safe_dump(merged, allow_unicode=True, width=1000))


@contextmanager
def using(templates: Mapping[str, tuple[str, ...]]) -> Iterator[None]:
    """Within it `ask` takes these templates for their kinds, named "kind/file/index"."""
    token = _FROM_FILE.set(templates)
    try:
        yield
    finally:
        _FROM_FILE.reset(token)


def ask(kind: str, key: str, seed: int, **fields: str) -> tuple[str, str]:
    """The question of a kind for a sample, and the name of its template as "kind/index".

    `key` is what tells samples apart, usually the sample id. A "box" with a time, a "same" with
    boxes and a "score" with a name are asked with the templates that have these fields.

    Raises KeyError for an unknown kind and TypeError for fields that do not fit it.
    """
    other = _WITH_MORE_FIELDS.get(kind)
    if other and fields.keys() == FIELDS[other]:
        kind = other
    if kind not in TEMPLATES:
        raise KeyError(f"no question kind {kind!r}; they are {', '.join(TEMPLATES)}")
    if fields.keys() != FIELDS[kind]:
        expected, given = (", ".join(sorted(names)) or "none" for names in (FIELDS[kind], fields))
        raise TypeError(f"question kind {kind!r} has the fields {expected}, not {given}")
    from_file = _FROM_FILE.get({}).get(kind)
    if kind == "class" and from_file is None:
        return class_question(key, seed)
    templates = TEMPLATES[kind] if from_file is None else from_file
    index = stable_index(len(templates), seed, "question", kind, key)
    origin = kind if from_file is None else f"{kind}/file"
    return templates[index].format(**fields), f"{origin}/{index}"
