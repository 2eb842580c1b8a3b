"""Charades' videos: whole recordings by their id, and clips that were cut out of them.

A recording is {id}.mp4, in the folder or below it (Charades_v1_480). Toolkits for STAR name their
clips {id}_{start}_{end}.mp4 or {id}_T{start}_{end}.mp4, with times in seconds.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from video_star.core.paths import inside
from video_star.data.readers.json_files import folder_in
from video_star.data.readers.kinetics import SUFFIXES
from video_star.data.readers.rows import MissingVideo
from video_star.video.decode import VideoInfo, probe

_CUT = re.compile(r"(.+)_T?(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)", re.ASCII)
_SAME_TIME = 0.051
"""Clip names are rounded to a tenth of a second at the coarsest."""


@dataclass(frozen=True)
class Segment:
    """A part of a recording as a file and a cut; None means from the file's start / to its end."""

    video: str
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True)
class Charades:
    """The video files below a folder; paths are relative to the data folder."""

    data: Path
    whole: dict[str, str]
    cuts: dict[str, list[tuple[float, float, str]]]
    _infos: dict[str, VideoInfo] = field(default_factory=dict, repr=False)

    def recording(self, video: str) -> str:
        """The whole recording; MissingVideo when it is not there, even if clips of it are."""
        if video not in self.whole:
            raise MissingVideo(f"the recording {video} is not among the videos.")
        return self.whole[video]

    def segment(self, video: str, start: float, end: float) -> Segment:
        """The part from start to end: cut virtually, or the file of that clip; MissingVideo.

        The recording goes first: clips cut without re-encoding begin at some earlier key frame.
        """
        if video in self.whole:
            return Segment(self.whole[video], start, end)
        for first, last, path in self.cuts.get(video, ()):
            if abs(first - start) < _SAME_TIME and abs(last - end) < _SAME_TIME:
                return Segment(path, None, None)
        raise MissingVideo(f"{video} ({start:g} to {end:g} s) is not among the videos.")

    def info(self, path: str) -> VideoInfo:
        """Duration, rate and size of a file, probed once; VideoError."""
        if path not in self._infos:
            self._infos[path] = probe(self.data / path)
        return self._infos[path]


def index_charades(data: Path, videos: str) -> Charades:
    """Index a folder tree; of a video that lies there twice the first path in sorted order."""
    folder = inside(data, folder_in(data, videos))
    whole: dict[str, str] = {}
    cuts: dict[str, list[tuple[float, float, str]]] = {}
    paths = (Path(top) / name for top, _, names in os.walk(folder) for name in names)
    for path in sorted(p for p in paths if p.suffix.lower() in SUFFIXES):
        relative = path.relative_to(data).as_posix()
        match = _CUT.fullmatch(path.stem)
        if match:
            cut = (float(match[2]), float(match[3]), relative)
            cuts.setdefault(match[1], []).append(cut)
        whole.setdefault(path.stem, relative)
    return Charades(data, whole, cuts)
