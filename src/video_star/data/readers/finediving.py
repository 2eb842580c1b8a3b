"""FineDiving: dives with their steps, difficulty and score, from the official pickles.

Question types (`questions`), each about one whole dive:

- sequence: its steps in order of time. They are the runs of equal `frames_labels`; the set of the
  labels would lose repeated steps and their order.
- after_first, before_last: the step after the first one, and before the last one.
- assessment: the steps, the difficulty and the score together.
- score: the score alone.

A dive is found as {competition}_{instance}.mp4, {competition}/{instance}.mp4, or a folder
{competition}/{instance} of numbered frames; else it is cut out of the untrimmed {competition}.mp4.
Train and test are the official split, which divides dives and not competitions: a dive is its own
source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import Field

from video_star.core.errors import DataError, VideoError
from video_star.core.excerpt import excerpt
from video_star.core.labels import ClassLabel, Label, ScoreLabel, SequenceLabel, cells
from video_star.core.labels.cells import BadRow, EmptyLabel
from video_star.core.records import Split
from video_star.data.readers import base
from video_star.data.readers.base import MissingVideo, Reader, Row, Segment
from video_star.data.readers.pickles import load_dict, load_pickle
from video_star.video.frame_folder import numbered_images

FINE = "FineDiving_fine-grained_annotation.pkl"
AQA = "fine-grained_annotation_aqa.pkl"
COARSE = "FineDiving_coarse_annotation.pkl"
TABLE = "Sub_action_Types_Table.pkl"
AQA_FIELDS = ("action_type", "dive_score", "difficulty", "steps_transit_frames", "frames_labels")
"""The same annotations as lists instead of dicts."""
SPLITS: tuple[Split, ...] = ("train", "test")
SPLIT_FOLDERS = ("", "train_test_split")
"""Where {train,test}_split.pkl lie inside the annotations folder."""
_PART = re.compile(r"[^/\\\0]+")

Key: TypeAlias = tuple[str, int]


class FineDivingSource(base.Source):
    """`annotations`: the folder with the fine-grained and coarse pickles and the two split pickles;
    `videos`: clips, frame folders or untrimmed recordings."""

    fps: float = Field(gt=0)
    """Frames per second of the untrimmed recordings, whose frames `start_frame` counts: only for
    dives that are cut out of them."""
    questions: tuple[
        Literal["sequence", "after_first", "before_last", "assessment", "score"], ...
    ] = Field(min_length=1)


@dataclass(frozen=True)
class Annotations:
    """The pickles of one folder."""

    dives: Mapping[Any, Any]
    coarse: Mapping[Any, Any]
    """Where each dive lies in its competition's recording; empty without the file."""
    names: Mapping[Any, Any]
    """Step id to its name, for dives that do not bring their own names."""


@dataclass(frozen=True)
class Dive:
    """What is known of a dive."""

    steps: tuple[str, ...]
    difficulty: float
    score: float


class FineDiving(Reader[FineDivingSource]):
    """Both splits, in the order of the split files."""

    Section = FineDivingSource

    def rows(self) -> Iterator[Row]:
        folder = self.inside(self.source.annotations)
        self.check_videos()
        notes = _annotations(folder)
        for split in SPLITS:
            path = _split_file(folder, split)
            keys = load_pickle(path)
            if not isinstance(keys, list | tuple):
                raise DataError(f"{path}: holds no list of dives; get the file from its publisher.")
            place = path.relative_to(self.data).as_posix()
            for number, item in enumerate(keys, start=1):
                yield from base.counted(f"{place}:{number}", self._dive(item, split, notes))

    def _dive(self, item: object, split: Split, notes: Annotations) -> Iterator[Row]:
        key = _key(item)
        dive, shown = _dive(key, notes), self._find(key, notes)
        recording = f"{key[0]}_{key[1]}"
        for kind in self.source.questions:
            name = f"{recording}/{kind}"
            yield from base.counted(
                f"{self.source.dataset}/{name}",
                self._sample(kind, name, recording, split, shown, dive),
            )

    def _sample(
        self, kind: str, name: str, recording: str, split: Split, shown: Segment, dive: Dive
    ) -> Iterator[Row]:
        labels, fields = _labels(kind, dive)
        yield self.sample(name, recording, split, shown, self.ask(kind, name, **fields), *labels)

    def _find(self, key: Key, notes: Annotations) -> Segment:
        competition, instance = key
        folder = f"{self.source.videos}/{competition}/{instance}"
        clip = self._file(f"{competition}_{instance}") or self._file(f"{competition}/{instance}")
        if clip is not None:
            return Segment(clip)
        if self.inside(folder).is_dir():
            try:
                numbered_images(self.data / folder)
            except VideoError as error:
                raise MissingVideo(str(error)) from error
            return Segment(folder)
        recording, cut = self._file(competition), notes.coarse.get(key)
        if recording is None or not isinstance(cut, dict):
            raise MissingVideo(
                f"{competition}_{instance} is not among the videos, "
                "as a file or as a folder of frames."
            )
        # Frames of the recording are numbered from 1, and both ends belong to the dive.
        start = cells.number(cut.get("start_frame"), "start_frame") - 1
        end = cells.number(cut.get("end_frame"), "end_frame")
        return Segment(recording, start / self.source.fps, end / self.source.fps)

    def _file(self, stem: str) -> str | None:
        return self.first_file(f"{self.source.videos}/{stem}{suffix}" for suffix in base.SUFFIXES)


def _annotations(folder: Path) -> Annotations:
    name = FINE if (folder / FINE).is_file() or not (folder / AQA).is_file() else AQA
    dives = load_dict(folder / name)
    coarse, names = (
        load_dict(folder / other) if (folder / other).is_file() else {} for other in (COARSE, TABLE)
    )
    return Annotations(dives, coarse, names)


def _split_file(folder: Path, split: Split) -> Path:
    places = [folder / part / f"{split}_split.pkl" for part in SPLIT_FOLDERS]
    return next((path for path in places if path.is_file()), places[0])


def _key(item: object) -> Key:
    if not isinstance(item, list | tuple) or len(item) != 2:
        raise BadRow(f"{excerpt(item)} is not (competition, instance); correct the split file.")
    competition, instance = str(item[0]), cells.number(item[1], "instance")
    if not _PART.fullmatch(competition) or competition in (".", "..") or instance % 1:
        raise BadRow(f"{excerpt(item)} does not name a dive; correct the split file.")
    return competition, int(instance)


def _dive(key: Key, notes: Annotations) -> Dive:
    row = notes.dives.get(key)
    if row is None:
        raise EmptyLabel(f"{key} has no fine-grained annotation; add one or take it out.")
    if isinstance(row, list | tuple):
        row = dict(zip(AQA_FIELDS, row, strict=False))
    if not isinstance(row, dict):
        raise BadRow(f"the annotation of {key} is neither a dict nor a list; correct it.")
    return Dive(steps_of(row, notes.names), _number(row, "difficulty"), _number(row, "dive_score"))


def _number(row: Mapping[str, Any], name: str) -> float:
    if row.get(name) is None:
        raise EmptyLabel(f"the dive has no {name}; add it or take it out.")
    return cells.number(row[name], name)


def steps_of(row: Mapping[str, Any], table: Mapping[Any, Any]) -> tuple[str, ...]:
    """Names of a dive's steps in order of time, from the label of each frame.

    `steps_transit_frames` is not used: in some dives it holds values that are no frame.
    """
    labels = row.get("frames_labels")
    try:
        ids = [int(label) for label in (() if labels is None else labels)]
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRow(f"frames_labels are no step numbers ({error}); correct them.") from error
    if not ids:
        raise EmptyLabel("the dive has no frames_labels; add them or take it out.")
    own = row.get("sub-action_types")
    names = {**table, **(own if isinstance(own, dict) else {})}
    steps = [step for step, _ in groupby(ids)]
    nameless = [step for step in steps if not str(names.get(step, "")).strip()]
    if nameless:
        raise BadRow(f"step {nameless[0]} has no name; add it to sub-action_types or {TABLE}.")
    return tuple(str(names[step]).strip() for step in steps)


def _labels(kind: str, dive: Dive) -> tuple[tuple[Label, ...], dict[str, str]]:
    """The labels of a question about a dive, and the fields of its template."""
    steps = dive.steps
    sequence = SequenceLabel(names=steps)
    score = ScoreLabel(name="score", value=dive.score, low=0.0)
    if kind == "sequence":
        return (sequence,), {}
    if kind == "assessment":
        return (sequence, ScoreLabel(name="difficulty", value=dive.difficulty), score), {}
    if kind == "score":
        return (score,), {}
    if len(steps) < 2:
        raise EmptyLabel(f"the dive has one step only, so nothing is asked as {kind}.")
    action, answer = (steps[0], steps[1]) if kind == "after_first" else (steps[-1], steps[-2])
    return (ClassLabel(name=answer, synonyms=spelled_out(answer)),), {"action": action}


def spelled_out(step: str) -> tuple[str, ...]:
    """The step without the data set's short forms ("3.5 Soms.Tuck"), where it has any."""
    words = re.sub(r"\bSoms?\.?(?=\W|[A-Z]|$)", "somersaults ", step)
    words = re.sub(r"\bArm\.", "armstand ", words)
    words = " ".join(re.sub(r"(?<!\d)\.|\.(?!\d)", " ", words).split()).lower()
    return () if words == step.lower() else (words,)
