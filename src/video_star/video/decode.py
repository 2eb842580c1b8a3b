"""Reads videos with PyAV: frames are chosen by presentation time, and only those are converted.

Generation, finetuning and evaluation all use the pixels that `read_frames` returns. A first pass
over the packets, without decoding, gives all presentation times and key frames; the decoder then
goes to the key frame before each chosen frame, and leaves out what no chosen frame needs, in one
thread: videos are read in parallel.

A damaged file is read as a player reads it: past packets that cannot be decoded, and up to where
it breaks off; `note` then says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, dropwhile
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.params import VideoParams
from video_star.video.container import is_folder, opened
from video_star.video.frame_folder import numbered_images
from video_star.video.picture import AS_STORED, Orientation, Pixels, Screen, orientation
from video_star.video.timeline import (
    DAMAGED,
    Stamps,
    Timeline,
    choose_times,
    exact,
    repeats,
    scan,
    stamps_of,
    until_damaged,
)

_Picture = tuple[av.VideoFrame, Fraction | None, Orientation]
"""With the aspect of its pixels, and how it is turned."""

_TELLS_UNUSED = ("h264",)
"""Codecs in which a picture says that no other is made from it (nal_ref_idc 0 in ISO 14496-10,
7.4.1), so that FFmpeg may skip it. HEVC says it of pictures of the same temporal layer alone."""

__all__ = ["Frames", "VideoInfo", "choose_times", "probe", "read_frames"]


@dataclass(frozen=True)
class Frames:
    """The chosen frames of a clip, in order of time."""

    pixels: Pixels
    """uint8 [T, H, W, 3], RGB."""
    times: tuple[float, ...] | None
    """Seconds from the start of the clip to each frame; None for a folder of images."""
    duration: float | None
    """Seconds from the start of the clip to the end of its last frame; None as for `times`."""
    note: str | None = None
    """What of a damaged file could not be read; None for a whole one."""


@dataclass(frozen=True)
class VideoInfo:
    """Metadata of a file: seconds from its start to the end of its last frame, size as stored."""

    duration_s: float
    fps: float
    n_frames: int
    width: int
    height: int
    note: str | None = None
    """As of `Frames`."""


def probe(path: Path) -> VideoInfo:
    """Duration, rate and size of a video, from its packets, without decoding; VideoError."""
    if is_folder(path):
        raise VideoError(
            f"{path}: a folder of images has no clock, so its length is not known; "
            "make a video of it."
        )
    with opened(path) as container:
        stream, line = scan(container, path)
        width, height = stream.codec_context.width, stream.codec_context.height
    fps = float(1 / line.gap) if line.gap else 0.0
    return VideoInfo(float(line.seconds(line.end)), fps, len(line.times), width, height, line.note)


def read_frames(clip: Clip, params: VideoParams) -> Frames:
    """The chosen frames of a clip, with their times.

    T is `params.frames` for uniform and middle sampling (a clip with fewer frames repeats some) and
    1..`params.frames` for fps sampling. A folder of numbered images has no times, so it can neither
    be cut nor sampled by fps. VideoError when the file cannot be opened, decoded or cut.
    """
    if is_folder(clip.path):
        return _read_folder(clip, params)
    with opened(clip.path) as container:
        stream, line = scan(container, clip.path)
        reader = _Reader(clip, params, stream.index)
        targets = choose_times(line.times, line.unit, clip, params, line.end)
        found = reader.by_groups(container, line, targets) if line.seekable else None
    if found is None:
        found = reader.in_order(line, set(targets))
    note = line.note
    if len(found) < len(set(targets)):
        # Some packets give no frame (hidden reference frames, fields, a lead-in, damage): choose
        # again among the frames that the decoder returns.
        line = reader.decoded_line(line)
        targets = choose_times(line.times, line.unit, clip, params, line.end)
        found = reader.in_order(line, set(targets))
    if len(found) < len(set(targets)):
        raise VideoError(
            f"{clip.path}: frames are missing in the middle; replace or re-encode the file."
        )
    if note is None and reader.damaged:
        note = DAMAGED
    start, shown = exact(clip.start_s or 0.0), _shown(line, clip, targets)
    end = line.seconds(line.end)
    if clip.end_s is not None:
        end = min(end, exact(clip.end_s))
    duration = max(float(end - start), shown[-1])
    return Frames(np.stack([found[time] for time in targets]), shown, duration, note)


def chosen_times(clip: Clip, params: VideoParams) -> tuple[float, ...] | None:
    """The times of `read_frames`, from the packets, without decoding; VideoError.

    Those of a damaged file, or of one with packets that give no frame, may differ.
    """
    if is_folder(clip.path):
        return None
    with opened(clip.path) as container:
        _, line = scan(container, clip.path)
    return _shown(line, clip, choose_times(line.times, line.unit, clip, params, line.end))


def _shown(line: Timeline, clip: Clip, targets: Sequence[int]) -> tuple[float, ...]:
    """Seconds from the start of the clip; a cut between two frames has the one before it."""
    start = exact(clip.start_s or 0.0)
    return tuple(float(max(line.seconds(time) - start, Fraction(0))) for time in targets)


class _Astray(Exception):
    """A seek did not lead to the packets that the first pass saw."""


@dataclass
class _Reader:
    """Decodes one stream of a clip's file."""

    clip: Clip
    params: VideoParams
    index: int
    """Of the stream."""
    damaged: bool = False
    """Whether a packet could not be decoded."""

    def by_groups(
        self, container: InputContainer, line: Timeline, targets: Sequence[int]
    ) -> dict[int, Pixels] | None:
        """Frames by target time; what none of them needs is skipped.

        None where a seek fails or leads elsewhere, or something is damaged.
        """
        groups: dict[int, set[int]] = {}
        for time in targets:
            groups.setdefault(bisect_right(line.keys, time) - 1, set()).add(time)
        screen, found = self._screen(), dict[int, Pixels]()
        stream = container.streams[self.index]
        # What a decoder shows in place of damage depends on what it decoded before.
        stream.codec_context.options = {"err_detect": "explode"}
        try:
            for group, wanted in sorted(groups.items()):
                if group > 0:
                    key = line.keys[group]
                    container.seek(line.aims[group], stream=stream)
                    frames = _from_key(self._frames(container, line, wanted, key), key)
                else:
                    container.seek(0)
                    frames = self._frames(container, line, wanted)
                found.update(self._collect(frames, wanted, screen))
        except (_Astray, av.FFmpegError):
            return None
        return found

    def in_order(self, line: Timeline, targets: set[int]) -> dict[int, Pixels]:
        """Frames by target time, decoded from the file's first packet on."""
        with opened(self.clip.path) as container:
            frames = self._frames(container, line)
            return self._collect(frames, targets, self._screen(), ordered=False)

    def decoded_line(self, line: Timeline) -> Timeline:
        """The timeline of the frames that the decoder really gives; VideoError without any."""
        with opened(self.clip.path) as container:
            times = [time for time, _ in self._frames(container, line)]
        if not times:
            raise VideoError(f"{self.clip.path}: no frame can be decoded; replace the file.")
        return line.of_frames(times)

    def _screen(self) -> Screen:
        return Screen(self.clip.path, self.params.short_side)

    def _frames(
        self,
        container: InputContainer,
        line: Timeline,
        wanted: Set[int] | None = None,
        key: int | None = None,
    ) -> Iterator[tuple[int, _Picture]]:
        """Time and picture of what the decoder gives from here on, or from a key frame on.

        With `wanted` times, which a seek has led to, only those must be among them.
        """
        stream = container.streams[self.index]
        assert isinstance(stream, av.VideoStream)
        stamps, count, turn = stamps_of(container, stream), 0, AS_STORED
        for packet in self._packets(container, stream, stamps, line, wanted, key):
            try:
                frames = stream.codec_context.decode(packet)
            except av.InvalidDataError:
                if wanted is not None:
                    raise
                self.damaged = True
                continue
            for frame in frames:
                time = line.time_of(frame, count)
                count += 1
                turn = orientation(frame, turn)
                if time is not None:
                    yield time, (frame, stream.sample_aspect_ratio, turn)

    def _packets(
        self,
        container: InputContainer,
        stream: av.VideoStream,
        stamps: Stamps,
        line: Timeline,
        wanted: Set[int] | None,
        key: int | None,
    ) -> Iterator[av.Packet | None]:
        """What is to be decoded; None ends the decoder, which then gives all that it holds.

        With `wanted` times nothing comes that these do not need, but the packet behind each: it may
        be the second field of the same picture.
        """
        missing, was_wanted = set(wanted or ()), False
        tells = stream.codec_context.name in _TELLS_UNUSED
        for packet in until_damaged(container.demux(stream)):
            if repeats(packet):
                continue
            stamps.mend(packet)
            if wanted is None:
                yield packet
                continue
            if not line.knows(packet):
                raise _Astray
            time = None if packet.pts is None else packet.pts - line.origin
            if key is not None and time != key:
                continue
            key = None
            needed = time in wanted or was_wanted or packet.is_keyframe or not tells
            stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            yield packet
            if was_wanted and not missing:
                if packet.size:  # else it has ended the decoder
                    yield None
                return
            was_wanted = time in wanted
            missing.discard(time)

    def _collect(
        self,
        frames: Iterator[tuple[int, _Picture]],
        targets: set[int],
        screen: Screen,
        ordered: bool = True,
    ) -> dict[int, Pixels]:
        """Decode until all target times are found or, where pictures are in order, passed."""
        found: dict[int, Pixels] = {}
        last = max(targets)
        for time, picture in frames:
            if time in targets:
                found[time] = screen.show(*picture)
            if len(found) == len(targets) or (ordered and time >= last):
                break
        return found


def _from_key(frames: Iterator[tuple[int, _Picture]], key: int) -> Iterator[tuple[int, _Picture]]:
    """The frames behind a seek to a key frame; _Astray where that is not the first of them.

    Pictures shown before it may need others that were not read; where the decoder holds back the
    key frame itself, as at the start of a gradual refresh, later ones need earlier ones too. So do
    those behind a picture that the container alone calls a key frame.
    """
    frames = dropwhile(lambda frame: frame[0] < key, frames)
    first = next(frames, None)
    if first is None or first[0] != key or not first[1][0].key_frame:
        raise _Astray
    return chain([first], frames)


def _read_folder(clip: Clip, params: VideoParams) -> Frames:
    """As `read_frames`, for a folder of numbered images."""
    if params.sampling == "fps" or clip.start_s is not None or clip.end_s is not None:
        raise VideoError(
            f"{clip.path}: a folder of images has no clock; sample it uniform or middle and whole, "
            "or make a video of it."
        )
    images = numbered_images(clip.path)
    targets = choose_times(range(len(images)), Fraction(1), clip, params)
    screen, found = Screen(clip.path, params.short_side), dict[int, Pixels]()
    for index in sorted(set(targets)):
        with opened(images[index], image=True) as container:
            frame = next(container.decode(video=0), None)
            if frame is None:
                raise VideoError(f"{images[index]}: cannot be decoded; replace the image.")
            found[index] = screen.show(frame, None, orientation(frame))
    return Frames(np.stack([found[index] for index in targets]), None, None)
