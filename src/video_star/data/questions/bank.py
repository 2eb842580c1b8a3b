"""Question templates in a file (`ingest.questions`): proposed by a model or written by hand.

    class:
      - Which sport is this?
    span:
      - 'When does "{event}" take place?'

YAML or JSON, kind to templates. A kind that is in the file is asked with its templates alone. As
the file is part of the data, the questions are reviewed text and ingest stays deterministic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from video_star.core.errors import DataError
from video_star.core.jsonl import write_text
from video_star.data.questions import FIELDS, TEMPLATES, fields_of


def load_questions(path: Path) -> dict[str, tuple[str, ...]]:
    """Kind to its templates in the file; DataError names the kind and the template that is wrong.

    Every template must use exactly the fields of its kind.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); correct `ingest.questions`, or set it to null."
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{path}: not YAML or JSON: {' '.join(str(error).split())}.") from error
    if not isinstance(raw, dict) or not raw:
        raise DataError(f"{path}: not a mapping of question kinds to lists of questions.")
    return {str(kind): _templates(path, str(kind), value) for kind, value in raw.items()}


def save_questions(path: Path, kind: str, templates: Sequence[str]) -> None:
    """Write the templates of one kind; those of other kinds in the file stay as they are."""
    known: Mapping[str, tuple[str, ...]] = load_questions(path) if path.exists() else {}
    merged = {name: list(own) for name, own in {**known, kind: tuple(templates)}.items()}
    write_text(path, yaml.safe_dump(merged, allow_unicode=True, width=1000))


def problem_of(kind: str, template: str) -> str | None:
    """What makes a text unfit as a template of the kind, or None."""
    wanted = FIELDS[kind]
    try:
        given = fields_of(template)
    except ValueError as error:
        return f"its braces cannot be read ({error})"
    if given == wanted:
        return None
    names = " and ".join(f"{{{name}}}" for name in sorted(wanted)) or "no field"
    return f"it must use {names}"


def _templates(path: Path, kind: str, value: Any) -> tuple[str, ...]:
    if kind not in TEMPLATES:
        raise DataError(
            f"{path}: there is no question kind {kind!r}; they are {', '.join(TEMPLATES)}."
        )
    if not isinstance(value, list) or not value:
        raise DataError(f"{path}: {kind}: not a list of questions; write at least one.")
    for template in value:
        if not isinstance(template, str) or not template.strip():
            raise DataError(f"{path}: {kind}: {template!r} is no text; write a question.")
        problem = problem_of(kind, template)
        if problem:
            raise DataError(f"{path}: {kind}: {template!r}: {problem}; correct it.")
    twice = {template for template in value if value.count(template) > 1}
    if twice:
        raise DataError(f"{path}: {kind}: {min(twice)!r} is there twice; keep one.")
    return tuple(value)
