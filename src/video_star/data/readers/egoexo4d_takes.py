"""The takes of Ego-Exo4D: cameras, files, and the stretch of a take that is cut around an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from video_star.core.hashing import stable_index
from video_star.core.records import Failure
from video_star.data.readers import rows
from video_star.data.readers.json_files import json_items, mapping, text_of, video_in
from video_star.data.readers.rows import BadRow, RowError

SMALL = "downscaled/448"
"""Folder of the files with a shorter side of 448; taken where it is there, as it decodes faster."""
_NO_CAMERAS = ("collage", "best_exo")
"""Entries of frame_aligned_videos that are pictures of several cameras side by side."""
_MARGIN = 0.1
"""An event never lies in the first or last tenth of its window, unless the take ends there."""
_STEPS = 1000


class NotVisible(RowError):
    """No camera of the wanted view shows what is described."""


@dataclass(frozen=True)
class Take:
    """One take of takes.json; times in seconds."""

    uid: str
    folder: str
    """Where it lies in the download folder ("takes/<take_name>")."""
    duration: float
    best_exo: str | None
    cameras: Mapping[str, str]
    """Camera to file, relative to `folder`; of several streams the picture in colour."""

    @property
    def ego(self) -> str | None:
        """The first of the glasses' cameras."""
        return next((name for name in self.cameras if name.lower().startswith("aria")), None)


@dataclass(frozen=True)
class Window:
    """A stretch of a take, and the event's time in it; all in seconds."""

    start: float
    end: float
    at: float

    @property
    def duration(self) -> float:
        return round(self.end - self.start, 3)


def read_takes(path: Path, name: str) -> tuple[dict[str, Take], list[Failure]]:
    """All takes by uid, and the entries that cannot be used; DataError when the file is no list."""
    takes: dict[str, Take] = {}
    failures = []
    for number, item in json_items(path):
        try:
            take = _take(mapping(item, "the take"))
            takes[take.uid] = take
        except RowError as error:
            failures.append(rows.failure(f"{name}:{number}", error))
    return takes, failures


def _take(row: Mapping[str, Any]) -> Take:
    uid = text_of(row, "take_uid")
    folder = str(row.get("root_dir") or "").strip() or f"takes/{text_of(row, 'take_name')}"
    duration = rows.number(row.get("duration_sec"), "duration_sec")
    if duration <= 0:
        raise BadRow(f"take {uid} lasts {duration:g} seconds; correct duration_sec.")
    cameras = {}
    for name, streams in mapping(row.get("frame_aligned_videos"), "frame_aligned_videos").items():
        if name in _NO_CAMERAS or not isinstance(streams, dict):
            continue
        stream = streams.get("rgb") or streams.get("0")
        relative = stream.get("relative_path") if isinstance(stream, dict) else None
        if isinstance(relative, str) and relative:
            cameras[str(name)] = relative
    best = row.get("best_exo")
    return Take(uid, folder, duration, best if isinstance(best, str) and best else None, cameras)


def camera_of(
    take: Take, view: Literal["best_exo", "ego"], exo: str | None, ego_visible: bool
) -> str:
    """The camera to show an event with: `exo` where the view allows, else the ego one.

    Raises NotVisible when only the other view shows the event, BadRow when there is no such camera.
    """
    if view == "best_exo" and exo is not None:
        if exo not in take.cameras:
            raise BadRow(f"take {take.uid} has no camera {exo}; correct takes.json.")
        return exo
    if not ego_visible:
        raise NotVisible(f"take {take.uid}: no camera of the view {view} shows this.")
    if take.ego is None:
        raise BadRow(f"take {take.uid} has no ego camera; correct takes.json.")
    return take.ego


def file_of(take: Take, camera: str, data: Path, videos: str) -> str:
    """The file of a camera, relative to the data folder; MissingVideo when it is not there.

    `videos` is the download folder, or the folder `takes` in it.
    """
    relative = PurePosixPath(take.cameras[camera])
    files = (relative.parent / SMALL / relative.name, relative)
    folders = (PurePosixPath(take.folder), PurePosixPath(PurePosixPath(take.folder).name))
    candidates = [
        (PurePosixPath(videos) / folder / file).as_posix() for folder in folders for file in files
    ]
    return video_in(data, candidates, f"take {take.uid}, camera {camera},")


def window_of(take: Take, time: float, width: float, seed: int, key: str) -> Window:
    """A stretch of `width` seconds around a time, placed by a stable hash and kept in the take.

    Raises BadRow for a time outside of the take.
    """
    if not 0 <= time <= take.duration:
        raise BadRow(f"time {time:g} is outside of take {take.uid} ({take.duration:g} s).")
    if width >= take.duration:
        return Window(0.0, take.duration, round(time, 3))
    share = _MARGIN + (1 - 2 * _MARGIN) * stable_index(_STEPS + 1, seed, "window", key) / _STEPS
    start = round(min(max(time - share * width, 0.0), take.duration - width), 2)
    end = round(min(start + width, take.duration), 3)
    return Window(start, end, round(min(max(time - start, 0.0), end - start), 3))
