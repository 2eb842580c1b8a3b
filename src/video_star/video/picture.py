"""Pixels of a decoded frame as a player shows them: upright, square pixels, at one size.

The display matrix is that of ISO 14496-12 (`tkhd`), as FFmpeg hands it on (libavutil/display.h).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from video_star.core.errors import VideoError

Pixels = NDArray[np.uint8]
MAX_ENLARGED = 1920 * 1088
"""Pixels up to which a frame may be enlarged: a full HD picture. A frame of 2 x 4000 pixels with a
short side of 224 would have a hundred million."""
SAME_ASPECT = Fraction(1, 50)
"""Largest difference of two aspects that only rounding makes, as between 426x240 and 640x360."""
_SCALER = (
    Interpolation.AREA
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INT
)
"""Area averaging, exact: pixels do not depend on the CPU's vector instructions."""


@dataclass(frozen=True)
class Orientation:
    """What is done to a stored picture, in this order."""

    transpose: bool
    mirror: bool
    """Left and right swapped."""
    flip: bool
    """Top and bottom swapped."""

    def apply(self, pixels: Pixels) -> Pixels:
        """Pixels [H, W, 3] as shown."""
        shown = pixels.transpose(1, 0, 2) if self.transpose else pixels
        shown = shown[:, ::-1] if self.mirror else shown
        return np.ascontiguousarray(shown[::-1] if self.flip else shown)


AS_STORED = Orientation(False, False, False)


def orientation(frame: av.VideoFrame, before: Orientation = AS_STORED) -> Orientation:
    """Of the frame's display matrix, at the nearest right angle.

    Without one it is that of the picture `before`, up to the next key frame: H.264 and HEVC may
    give a matrix to the first picture of a sequence alone (their SEI "display orientation").

    The matrix (a b u, c d v, x y w) takes the point (p, q) to (a p + c q + x, b p + d q + y).
    """
    # `frame.side_data` would make a cycle, which holds every picture until a collection.
    side_data = SideDataContainer(frame)  # type: ignore[call-arg]
    matrix = side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return AS_STORED if frame.key_frame else before
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, c < 0, b < 0)
    return Orientation(False, a < 0, d < 0)


def _same_in_planes(frame: av.VideoFrame, height: int) -> bool:
    """Whether a frame scaled to planes of colours has the same pixels as one scaled to RGB.

    libswscale is two to three times as fast for planes. For RGB it rounds otherwise where each row
    is made of two (`yuv2rgb_full_2_c` in its output.c): not at a frame's own height, where colours
    lie a quarter of a row off, nor at half of it or less.
    """
    own = height == frame.height and height % 2 == 0
    return frame.format.name == "yuv420p" and (own or 2 * height <= frame.height)


@dataclass
class Screen:
    """Shows the frames of one clip, all at the size of the first."""

    path: Path
    """Of the clip, for messages."""
    short_side: int | None
    """The shorter side of what is shown; None: as stored."""
    size: tuple[int, int] | None = None
    """Width and height of what is shown; None before the first frame."""

    def show(self, frame: av.VideoFrame, aspect: Fraction | None, turn: Orientation) -> Pixels:
        """uint8 [H, W, 3], RGB; `aspect` is the width of a stored pixel in terms of its height.

        VideoError when the frame is shaped otherwise than the first, or would become huge.
        """
        width, height = self._scaled(frame.width * (aspect or Fraction(1)), frame.height)
        if width * height > max(frame.width * frame.height, MAX_ENLARGED):
            raise VideoError(
                f"{self.path}: its picture of {frame.width}x{frame.height} would be enlarged to "
                f"{width}x{height} pixels; leave the video out or re-encode it."
            )
        shown = (height, width) if turn.transpose else (width, height)
        if self.size is None:
            self.size = shown
        elif shown != self.size:
            if abs(Fraction(*shown) / Fraction(*self.size) - 1) > SAME_ASPECT:
                raise VideoError(
                    f"{self.path}: its pictures differ in size ({self.size[0]}x{self.size[1]}, "
                    f"then {shown[0]}x{shown[1]}); cut it there or scale them to one size."
                )
            width, height = self.size[::-1] if turn.transpose else self.size
        form = "gbrp" if _same_in_planes(frame, height) else "rgb24"
        scaled = frame.reformat(
            width=width, height=height, format=form, interpolation=_SCALER, threads=1
        )
        rgb = scaled.reformat(format="rgb24", interpolation=Interpolation.POINT, threads=1)
        return turn.apply(rgb.to_ndarray())

    def _scaled(self, width: Fraction, height: int) -> tuple[int, int]:
        """The size that is shown, before the picture is turned."""
        scale = Fraction(1)
        if self.short_side is not None:
            scale = self.short_side / min(width, Fraction(height))
        return max(round(width * scale), 1), max(round(height * scale), 1)
