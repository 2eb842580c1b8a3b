"""The readers by name, as `reader` in a section of `ingest.sources` gives it.

To add one: a module with a section and a class as `base.Reader` describes them, and a line in
READERS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from pydantic import ValidationError

from video_star.core.errors import UsageError
from video_star.core.params import explain
from video_star.data.readers.base import Reader
from video_star.video.isolated import LIMITS, Limits

READERS: dict[str, str] = {
    "kinetics": "video_star.data.readers.kinetics:Kinetics",
    "table": "video_star.data.readers.table:Table",
    "huggingface": "video_star.data.readers.table:HuggingFace",
    "egoexo4d": "video_star.data.readers.egoexo4d:EgoExo4D",
    "finediving": "video_star.data.readers.finediving:FineDiving",
    "moma": "video_star.data.readers.moma:Moma",
    "something": "video_star.data.readers.something:Something",
    "star": "video_star.data.readers.star:Star",
    "star_annotations": "video_star.data.readers.star_annotations:StarAnnotations",
}
"""Name to module:class, imported when it is used."""


def reader_class(name: str) -> type[Reader[Any]]:
    """The class of a reader of the table."""
    found: type[Reader[Any]] = resolve_name(READERS[name])
    return found


def open_readers(
    sections: Sequence[Mapping[str, Any]],
    data: Path,
    seed: int,
    limits: Limits = LIMITS,
    video_roots: tuple[Path, ...] = (),
) -> list[Reader[Any]]:
    """A reader for each section of `ingest.sources`; UsageError for a section that is wrong.

    Nothing is read yet. `data` is the data folder, `video_roots` others that videos may be in.
    """
    readers = []
    for number, raw in enumerate(sections):
        key, name = f"ingest.sources.{number}", raw.get("reader")
        if not isinstance(name, str) or name not in READERS:
            raise UsageError(
                f"params.yaml: {key}.reader: there is no reader {name!r}; "
                f"they are {', '.join(READERS)}."
            )
        kind = reader_class(name)
        try:
            section = kind.Section.model_validate(raw)
        except ValidationError as error:
            problems = "; ".join(explain(item, f"{key}.{name}") for item in error.errors()[:5])
            raise UsageError(f"params.yaml: {problems}.") from error
        readers.append(kind(section, data, seed, limits, video_roots))
    return readers
