"""Ego-Exo4D: takes.json, the annotation files of one part, and the frame-aligned videos.

Question types, each on a stretch of `window` seconds around the annotated time:
- atomic_descriptions: `text` (what happens at a time) and `time` (when something happens);
- expert_commentary: `commentary`;
- proficiency_demonstration: `good_execution` and `tips`;
- proficiency_demonstrator: `proficiency` (one of four levels), anywhere in the take.

With `view: best_exo` an event is shown by the camera that its description calls best, or else by
the take's best one; where none is named, and with `view: ego`, by the glasses' camera.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from video_star.core.labels import ClassLabel, Label, TextLabel, TimeLabel, say_seconds
from video_star.core.sources import EgoExoSource
from video_star.data.questions import ask
from video_star.data.readers import egoexo4d_takes as stage
from video_star.data.readers import rows
from video_star.data.readers.egoexo4d_events import Event, events_of
from video_star.data.readers.egoexo4d_takes import Window
from video_star.data.readers.json_files import folder_in
from video_star.data.readers.rows import Row, RowError

FILES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("atomic_descriptions", ("text", "time")),
    ("expert_commentary", ("commentary",)),
    ("proficiency_demonstration", ("good_execution", "tips")),
    ("proficiency_demonstrator", ("proficiency",)),
)
"""Annotation files (before "_{part}.json") and the question types that come from each."""


def read_egoexo4d(source: EgoExoSource, data: Path, seed: int) -> Iterator[Row]:
    """Samples file by file, in the order of each; what cannot be used becomes a Failure.

    Raises DataError when a needed file is missing or has another shape.
    """
    takes_path = rows.annotation_path(data, source.takes)
    folder_in(data, source.videos)
    asked = frozenset(source.questions)
    needed = [
        (f"{source.annotations}/{file}_{source.part}.json", kinds)
        for file, kinds in FILES
        if asked.intersection(kinds)
    ]
    files = [(name, kinds, rows.annotation_path(data, name)) for name, kinds in needed]
    takes, failures = stage.read_takes(takes_path, source.takes)
    yield from failures
    for name, kinds, path in files:
        found = list(events_of(kinds, path, takes, asked, seed))
        events = [event for event in found if isinstance(event, Event)]
        times = _times(events)
        for event in found:
            if isinstance(event, Event):
                same = times[event.take.uid, event.text]
                yield from _samples(source, data, event, same, f"{name}:{event.take.uid}", seed)
            else:
                yield rows.failure(f"{name}:{event[0]}", event[1])


def _times(events: Sequence[Event]) -> dict[tuple[str, str], list[float]]:
    """When each text was said of each take."""
    times: dict[tuple[str, str], list[float]] = {}
    for event in events:
        times.setdefault((event.take.uid, event.text), []).append(event.time)
    return times


def _samples(
    source: EgoExoSource, data: Path, event: Event, times: Sequence[float], where: str, seed: int
) -> Iterator[Row]:
    """The samples of one event; `times` are all times of its take with the same text."""
    take = event.take
    try:
        camera = stage.camera_of(take, source.view, event.exo, event.ego_visible)
        video = stage.file_of(take, camera, data, source.videos)
        window = stage.window_of(take, event.time, source.window, seed, f"{take.uid}/{event.key}")
    except RowError as error:
        yield rows.failure(f"{where}:{event.key}", error)
        return
    for kind in event.kinds:
        if kind not in source.questions:
            continue
        if kind == "time" and sum(window.start <= time <= window.end for time in times) > 1:
            # The window shows it more than once: the question would have several right answers.
            continue
        asked, fields, label = _ASKED[kind](event, window)
        sample_id = f"{source.dataset}/{take.uid}/{kind}/{event.key}"
        question, template = ask(asked, sample_id, seed, **fields)
        yield rows.sample_of(
            id=sample_id,
            dataset=source.dataset,
            video=video,
            start_s=window.start,
            end_s=window.end,
            source_id=f"{source.dataset}/{take.uid}",
            split=source.split,
            question=question,
            question_template=template,
            labels=(label,),
        )


Asked: TypeAlias = tuple[str, dict[str, str], Label]
"""Kind of the question, fields of its template, and the right answer."""


def _at_time(event: Event, window: Window) -> Asked:
    return "at_time", {"time": f"{say_seconds(window.at)} seconds"}, TextLabel(text=event.text)


def _when(event: Event, window: Window) -> Asked:
    label = TimeLabel(at=window.at, duration=window.duration)
    return "time", {"event": event.text.rstrip(". ")}, label


def _said(kind: str) -> Callable[[Event, Window], Asked]:
    return lambda event, window: (kind, {}, TextLabel(text=event.text))


_ASKED: dict[str, Callable[[Event, Window], Asked]] = {
    "text": _at_time,
    "time": _when,
    "commentary": _said("commentary"),
    "good_execution": _said("good_execution"),
    "tips": _said("tips"),
    "proficiency": lambda event, window: ("proficiency", {}, ClassLabel(name=event.text)),
}
