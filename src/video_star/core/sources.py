"""Sections of `ingest.sources`: one per reader, validated before anything is read.

Paths are relative to data/. `questions` lists which question types a reader makes, in its own words
from the annotations; each reader's module says what its types are.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

SplitName = Literal["train", "test"]


class Source(BaseModel):
    """What every source says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    """Short name; becomes the first part of every sample id."""


class KineticsSource(Source):
    """Kinetics-400/600/700: a CSV or DeepMind's JSON, and a folder of clips."""

    reader: Literal["kinetics"]
    annotations: str
    videos: str
    split: SplitName


class FineDivingSource(Source):
    """FineDiving: the folder of pickles, and clips or frame folders."""

    reader: Literal["finediving"]
    annotations: str
    """The folder with the fine-grained and coarse pickles and the two split pickles."""
    videos: str
    fps: float = Field(gt=0)
    """Frames per second of the untrimmed recordings, whose frames `start_frame` counts: only for
    dives that are cut out of them."""
    questions: tuple[
        Literal["sequence", "after_first", "before_last", "assessment", "score"], ...
    ] = Field(min_length=1)


class StarSource(Source):
    """STAR benchmark questions on Charades videos."""

    reader: Literal["star"]
    annotations: str
    """STAR_train.json or STAR_val.json."""
    classes: str
    """The folder STAR_classes."""
    videos: str
    split: SplitName
    questions: tuple[
        Literal["choice", "reverse", "between", "span", "span_of_answer", "in_box", "same"], ...
    ] = Field(min_length=1)


class SomethingSource(Source):
    """Something-Something v2: train.json or validation.json, and a folder of webm files."""

    reader: Literal["something"]
    annotations: str
    videos: str
    split: SplitName
    questions: tuple[Literal["objects", "sentence"], ...] = Field(min_length=1)


class MomaSource(Source):
    """MOMA-LRG: anns.json, a split file, and the raw videos."""

    reader: Literal["moma"]
    annotations: str
    splits: str
    """splits/standard.json"""
    videos: str
    questions: tuple[Literal["sequence", "after", "before", "box", "same", "relation"], ...] = (
        Field(min_length=1)
    )
    per_activity: int = Field(ge=1)
    """At most so many questions of one type per sub-activity (box, same, relation) or activity."""


class EgoExoSource(Source):
    """Ego-Exo4D: takes.json, a folder of annotation files, and the takes."""

    reader: Literal["egoexo4d"]
    takes: str
    annotations: str
    """The folder with atomic_descriptions_{split}.json and the other files."""
    part: Literal["train", "val", "test"]
    """Which files of the folder."""
    videos: str
    split: SplitName
    questions: tuple[
        Literal["text", "time", "commentary", "good_execution", "tips", "proficiency"], ...
    ] = Field(min_length=1)
    window: float = Field(gt=0)
    """Seconds of the take that are cut around an event."""
    view: Literal["best_exo", "ego"] = "best_exo"
    """The best view from outside (ego where no camera is named for it), or always the ego one."""


class StarAnnotationsSource(Source):
    """The `star_annotations` JSON of the authors of Video-STaR."""

    reader: Literal["star_annotations"]
    annotations: str
    videos: str
    split: SplitName


TableKind = Literal[
    "class", "sequence", "set", "span", "time", "score", "box", "text", "choice", "same", "labels"
]


class TableSource(Source):
    """Any CSV, JSONL or Parquet file, or a Hugging Face `datasets` folder, one row per question."""

    reader: Literal["table", "huggingface"]
    annotations: str
    """The file; for huggingface the folder that `save_to_disk` wrote."""
    videos: str
    kind: TableKind
    """Kind of every row's label, or `labels` for a column of labels as JSON."""
    columns: dict[str, str]
    """Our names to the file's columns; data/readers/table.py lists them for each kind."""
    split: SplitName | None
    """Split of every row, or null when a column says it."""


AnySource: TypeAlias = Annotated[
    KineticsSource
    | FineDivingSource
    | StarSource
    | SomethingSource
    | MomaSource
    | EgoExoSource
    | StarAnnotationsSource
    | TableSource,
    Field(discriminator="reader"),
]
