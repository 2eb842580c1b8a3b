"""Question templates: for each kind of question at least twenty, in our own words.

`ask` chooses by a stable hash of seed, kind and sample key, so neither the order of a manifest nor
the process matters. Templates from a file (`ingest.questions`, see `bank`) take the place of ours
within `using`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from string import Formatter

from video_star.core.hashing import stable_index
from video_star.core.prompts import CLASS_QUESTIONS, class_question
from video_star.data.questions import actions, descriptions, things, times

TEMPLATES: dict[str, tuple[str, ...]] = {
    "class": CLASS_QUESTIONS,
    "sequence": actions.SEQUENCE,
    "set": things.SET,
    "span": times.SPAN,
    "time": times.TIME,
    "score": actions.SCORE,
    "score_of": actions.SCORE_OF,
    "box": things.BOX,
    "box_at": things.BOX_AT,
    "text": descriptions.TEXT,
    "choice": descriptions.CHOICE,
    "same": things.SAME,
    "same_at": things.SAME_AT,
    "after_first": actions.AFTER_FIRST,
    "before_last": actions.BEFORE_LAST,
    "after": actions.AFTER,
    "before": actions.BEFORE,
    "assessment": actions.ASSESSMENT,
    "reverse": times.REVERSE,
    "between": times.BETWEEN,
    "span_of_answer": times.SPAN_OF_ANSWER,
    "in_box": things.IN_BOX,
    "objects": things.OBJECTS,
    "sentence": descriptions.SENTENCE,
    "relation": things.RELATION,
    "at_time": times.AT_TIME,
    "commentary": descriptions.COMMENTARY,
    "good_execution": descriptions.GOOD_EXECUTION,
    "tips": descriptions.TIPS,
    "proficiency": descriptions.PROFICIENCY,
}
"""Kind to templates; the constants say which fields each has."""

_FULLER = {"box": "box_at", "same": "same_at", "score": "score_of"}
"""Kinds that have templates of their own when more is known."""


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


FIELDS: Mapping[str, frozenset[str]] = {
    kind: fields_of(templates[0]) for kind, templates in TEMPLATES.items()
}
"""Kind to the fields that each of its templates uses."""


def ask(kind: str, key: str, seed: int, **fields: str) -> tuple[str, str]:
    """The question of a kind for a sample, and the name of its template as "kind/index".

    `key` is what tells samples apart, usually the sample id. A "box" with a time, a "same" with
    boxes and a "score" with a name are asked with the templates that hold them.

    Raises KeyError for an unknown kind and TypeError for fields that do not fit it.
    """
    fuller = _FULLER.get(kind)
    if fuller and fields.keys() == FIELDS[fuller]:
        kind = fuller
    if kind not in TEMPLATES:
        raise KeyError(f"no question kind {kind!r}; they are {', '.join(TEMPLATES)}")
    if fields.keys() != FIELDS[kind]:
        wanted, given = (", ".join(sorted(names)) or "none" for names in (FIELDS[kind], fields))
        raise TypeError(f"question kind {kind!r} has the fields {wanted}, not {given}")
    from_file = _FROM_FILE.get({}).get(kind)
    if kind == "class" and from_file is None:
        return class_question(key, seed)
    templates = TEMPLATES[kind] if from_file is None else from_file
    index = stable_index(len(templates), seed, "question", kind, key)
    origin = kind if from_file is None else f"{kind}/file"
    return templates[index].format(**fields), f"{origin}/{index}"


@contextmanager
def using(templates: Mapping[str, tuple[str, ...]]) -> Iterator[None]:
    """Within it `ask` takes these templates for their kinds, named "kind/file/index"."""
    token = _FROM_FILE.set(templates)
    try:
        yield
    finally:
        _FROM_FILE.reset(token)
