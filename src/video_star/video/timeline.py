"""When each picture of a file is shown, from its packets, without decoding.

Times count from the file's start, as a player's clock does: the earliest stream starts at zero,
which need not be the video. Packets of an edit list that are decoded but not shown have no time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median_low

import av
from av.container import InputContainer
from av.format import Flags
from av.stream import Disposition

from video_star.core.engine import Clip
from video_star.core.errors import VideoError
from video_star.core.params import VideoParams
from video_star.video.container import video_streams

FORWARD_S, BACK_S = 10, Fraction(1, 10)
"""A jump of the time stamps by more is a joint of two recordings: what follows is shown at once.
The numbers are those of ffmpeg (dts_delta_threshold, and its limit for steps back)."""
LOST_S = Fraction(1, 2)
"""A file that ends so much before the length in its header is cut off."""

DAMAGED = "has pictures that cannot be decoded, or not as a whole"
"""The note on a file with damage inside."""


@dataclass(frozen=True)
class Timeline:
    """When the pictures of a stream are shown, in units of the stream from the file's start."""

    times: Sequence[int]
    """Of all pictures, sorted."""
    keys: Sequence[int]
    """Of the key frames, sorted."""
    aims: Sequence[int]
    """The time stamp by which a seek finds each key frame."""
    end: int
    """Of the last picture: its time and its own length."""
    unit: Fraction
    """Seconds per unit."""
    origin: int
    """The file's start by the time stamps of the stream."""
    counted: bool
    """Time stamps are of no use: the n-th picture that the decoder gives has the n-th time."""
    seekable: bool
    """Whether time stamps lead to their pictures."""
    sizes: Mapping[int, int]
    """Bytes of the packet by its time."""
    promised: int
    """The end of the pictures according to the file's header; as `end` where it says none."""
    damaged: bool
    """Whether the container says that a packet is not whole."""

    def seconds(self, time: int) -> Fraction:
        """Seconds from the file's start."""
        return time * self.unit

    @property
    def gap(self) -> Fraction:
        """Mean seconds from one picture to the next."""
        n = len(self.times)
        return self.seconds(self.times[-1] - self.times[0]) / (n - 1) if n > 1 else Fraction(0)

    def knows(self, packet: av.Packet) -> bool:
        """Whether a packet is the one that had this time in the first pass.

        After a seek it may be another: MPEG program streams do not say the time of each picture.
        """
        if packet.pts is None or packet.is_discard:
            return True
        return self.sizes.get(packet.pts - self.origin, packet.size) == packet.size

    def time_of(self, frame: av.VideoFrame, count: int) -> int | None:
        """The time of a picture, which is the decoder's `count`-th; None: it is not shown."""
        if self.counted:
            return self.times[count] if count < len(self.times) else None
        return None if frame.pts is None else frame.pts - self.origin

    def of_frames(self, times: Sequence[int]) -> Timeline:
        """The same, with the times of the frames that the decoder really gave.

        Where they are counted, there are fewer frames than packets (fields): they are spread out.
        """
        if self.counted:
            times = [self.times[i * len(self.times) // len(times)] for i in range(len(times))]
        return replace(self, times=sorted({*times}), keys=(), aims=(), seekable=False)

    @property
    def note(self) -> str | None:
        """That the file is cut off or damaged."""
        if self.seconds(self.promised - self.end) <= LOST_S:
            return DAMAGED if self.damaged else None
        end, promised = float(self.seconds(self.end)), float(self.seconds(self.promised))
        return f"ends at {end:.3g} s of {promised:.3g} s"


@dataclass
class Stamps:
    """Sets the time stamps of a stream right, packet by packet in the file's order.

    Those of joined recordings jump, in formats of broadcasts; elsewhere a long time between two
    pictures is meant. AVI stores the order of decoding alone: presentation times are guesses.
    """

    unit: Fraction
    jumps: bool
    avi: bool
    offset: int = 0
    crossed: bool = False
    """Whether pictures are decoded before a jump and shown behind it: their times say nothing."""
    step: int = 0
    """From one packet to the next, where packets do not tell their length."""
    _last: int | None = None
    _next: int = 0

    def mend(self, packet: av.Packet) -> None:
        """Change the time stamps of the next packet of the stream in place."""
        if self.avi:
            packet.pts = packet.dts
        if not self.jumps or packet.dts is None:
            return
        dts = packet.dts + self.offset
        if self._last is not None:
            jump = dts - self._next
            if jump * self.unit > FORWARD_S or (self._last - dts) * self.unit > BACK_S:
                self.offset -= jump
            elif dts > self._last:
                self.step = dts - self._last
        if self.offset:
            packet.dts += self.offset
            if packet.pts is not None:
                packet.pts += self.offset
        if packet.pts is not None:
            self.crossed |= (packet.pts - packet.dts) * self.unit > FORWARD_S
        self._last, self._next = packet.dts, packet.dts + (packet.duration or self.step)


@dataclass
class _Seen:
    """What the packets of a candidate tell."""

    stamps: Stamps
    times: dict[int, int] = field(default_factory=dict)
    """Length by presentation time."""
    sizes: dict[int, int] = field(default_factory=dict)
    """Bytes by presentation time."""
    lengths: list[int] = field(default_factory=list)
    """In the file's order."""
    keys: dict[int, int] = field(default_factory=dict)
    """Where a seek must aim, by presentation time."""
    held: int = 0
    """Until when empty packets show the last picture."""
    damaged: bool = False


def until_damaged(packets: Iterator[av.Packet]) -> Iterator[av.Packet]:
    """The packets up to where the container cannot be read further, as a player reads them."""
    try:
        yield from packets
    except (av.InvalidDataError, av.OSError, IndexError):
        # IndexError: PyAV's end of a file with streams that its start did not tell of.
        return


def repeats(packet: av.Packet) -> bool:
    """Whether a packet is empty, which shows the picture before it again (Theora I, 7.1)."""
    return not packet.size and packet.pts is not None


def stamps_of(container: InputContainer, stream: av.VideoStream) -> Stamps:
    """For a pass over the packets of a stream."""
    avi = container.format.name == "avi"
    return Stamps(stream.time_base or Fraction(1), _has(container, Flags.ts_discont), avi)


def _has(container: InputContainer, flag: Flags) -> bool:
    return bool(container.format.flags & int(flag.value))  # type: ignore[call-overload]


def scan(container: InputContainer, path: Path) -> tuple[av.VideoStream, Timeline]:
    """The video of a file and its timeline; VideoError when there is none.

    Of several the one that moves is taken, then the one marked as default, then the first.
    """
    streams = {stream.index: stream for stream in video_streams(container, path)}
    seen = {index: _Seen(stamps_of(container, stream)) for index, stream in streams.items()}
    # Where the header tells the length of the file alone, it may be that of the sound.
    read = streams.values() if all(s.duration for s in streams.values()) else container.streams
    reach: dict[int, int] = {}
    for packet in until_damaged(container.demux(*read)):
        index = packet.stream_index
        if index not in seen:
            reach[index] = max(reach.get(index, 0), (packet.pts or 0) + (packet.duration or 0))
        elif repeats(packet):
            seen[index].held = (packet.pts or 0) + (packet.duration or 0)
        elif packet.size:
            _note_packet(seen[index], packet, path)
    found = [stream for index, stream in streams.items() if seen[index].lengths]
    if not found:
        raise VideoError(f"{path}: holds no frames; replace the file.")
    stream = max(
        found,
        key=lambda s: (
            len(seen[s.index].lengths) > 1,
            bool(s.disposition & Disposition.default),
            -s.index,
        ),
    )
    others = [
        end * unit
        for index, end in reach.items()
        if (unit := container.streams[index].time_base) is not None
    ]
    longest = max(others, default=Fraction(0))
    return stream, _timeline(container, stream, seen[stream.index], longest)


def _note_packet(seen: _Seen, packet: av.Packet, path: Path) -> None:
    if packet.has_sidedata("encryption_info"):
        raise VideoError(f"{path}: is encrypted; decrypt it or leave it out.")
    seen.stamps.mend(packet)
    if packet.is_discard:
        return
    seen.damaged |= packet.is_corrupt
    length = packet.duration or 0
    seen.lengths.append(length)
    if packet.pts is not None:
        seen.times[packet.pts] = length
        seen.sizes[packet.pts] = packet.size
        if packet.is_keyframe:
            # Broadcasts have no index: they are searched in the order of decoding.
            by_dts = seen.stamps.jumps and packet.dts is not None
            seen.keys[packet.pts] = packet.dts if by_dts else packet.pts


def _timeline(
    container: InputContainer, stream: av.VideoStream, seen: _Seen, others: Fraction
) -> Timeline:
    unit = seen.stamps.unit
    raw = _has(container, Flags.no_timestamps) or seen.stamps.crossed or not seen.times
    counted = raw or (seen.stamps.avi and stream.codec_context.has_b_frames)
    if raw:
        step = max(seen.stamps.step, 1)
        starts = accumulate((length or step for length in seen.lengths[:-1]), initial=0)
        known = dict(zip(starts, seen.lengths, strict=True))
    else:
        known = seen.times
    times = sorted(known)
    origin = times[0]
    if container.start_time is not None and not raw:
        origin = min(origin, round(Fraction(container.start_time, av.time_base) / unit))
    last = known[times[-1]] or _usual_gap(times)
    end = max(times[-1] + last, seen.held) - origin
    return Timeline(
        times=[time - origin for time in times],
        keys=[key - origin for key in sorted(seen.keys)],
        aims=[aim for _, aim in sorted(seen.keys.items())],
        end=end,
        unit=unit,
        origin=origin,
        counted=counted,
        seekable=not counted and not seen.stamps.offset,
        sizes={time - origin: size for time, size in seen.sizes.items()},
        promised=end
        if raw or seen.stamps.offset
        else _promised(container, stream, others, origin, end),
        # Where recordings are joined, the numbers of the packets jump, and nothing is lost.
        damaged=seen.damaged and not seen.stamps.offset,
    )


def _usual_gap(times: Sequence[int]) -> int:
    return median_low(after - before for before, after in pairwise(times)) if len(times) > 1 else 0


def _promised(
    container: InputContainer, stream: av.VideoStream, others: Fraction, origin: int, end: int
) -> int:
    """The end in the header: of the stream, or of the whole file where no stream reaches it."""
    assert stream.time_base is not None
    if container.format.name == "avi":
        # Its duration is made up where the index is lost; a unit is a frame.
        return stream.frames - origin
    if stream.duration is not None:
        return (stream.start_time or 0) + stream.duration - origin
    if container.duration is None:
        return end
    # Some programs write the length of a recording, some its last time stamp.
    whole = Fraction(container.duration, av.time_base)
    return end if whole - others <= LOST_S else round(whole / stream.time_base) - origin


def choose_times(
    times: Sequence[int],
    unit: Fraction,
    clip: Clip,
    params: VideoParams,
    end: int | None = None,
) -> tuple[int, ...]:
    """Presentation times of the frames to keep, in order; VideoError when the cut is outside.

    `times` are sorted and count from the file's start; the last frame is shown until `end`. For
    each target time the nearest frame of the cut is taken, the earlier one on a tie, so files with
    a variable frame rate are sampled evenly in time.
    """
    times = _cut(times, unit, clip, end)
    first, last, n = times[0], times[-1], params.frames
    span = Fraction(last - first)
    if params.sampling == "uniform":
        steps = [Fraction(i, n - 1) for i in range(n)] if n > 1 else [Fraction(0)]
        return tuple(_nearest(times, first + span * step) for step in steps)
    if params.sampling == "middle":
        return tuple(_nearest(times, first + span * Fraction(2 * i + 1, 2 * n)) for i in range(n))
    assert params.fps is not None
    gap = 1 / (Fraction(params.fps).limit_denominator(1000) * unit)
    count = min(n, int(span / gap) + 1)
    return tuple(_nearest(times, first + gap * i) for i in range(count))


def exact(seconds: float) -> Fraction:
    """The decimal as written: a frame at 2/5 s is inside of a cut from 0.4 s."""
    return Fraction(repr(seconds))


def _cut(times: Sequence[int], unit: Fraction, clip: Clip, ended: int | None) -> Sequence[int]:
    """Times of the frames from start (included) to end (excluded)."""
    start = exact(clip.start_s or 0.0) / unit
    if start > times[-1] and clip.start_s and (ended is None or start >= ended):
        last = float(times[-1] * unit)
        raise VideoError(
            f"{clip.path}: the cut starts at {clip.start_s:g} s but the last frame is at "
            f"{last:.3g} s; correct the annotation."
        )
    stop = len(times)
    if clip.end_s is not None:
        end = exact(clip.end_s) / unit
        if times[0] > 0 and end <= times[0]:
            raise VideoError(
                f"{clip.path}: the cut ends at {clip.end_s:g} s but the first frame is at "
                f"{float(times[0] * unit):.3g} s; correct the annotation."
            )
        stop = bisect_left(times, end)
    inside = times[bisect_left(times, start) : stop]
    # A cut between two frames has the frame before it.
    return inside or [times[max(bisect_right(times, start) - 1, 0)]]


def _nearest(times: Sequence[int], target: Fraction) -> int:
    index = bisect_left(times, target)
    around = times[max(index - 1, 0) : index + 1]
    return min(around, key=lambda time: (abs(time - target), time))
