"""Frames of clips as the model saw them, as one small picture for each clip."""

from __future__ import annotations

import math
from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image

from video_star.core.labels import Record
from video_star.video.decode import Frames

SHEET_PIXELS = 150_000
"""Pixels of all frames of a clip together: some 20 KB, and eight frames are 137 pixels wide."""
QUALITY = 80
"""Of JPEG, 0 to 95: what is drawn with edges stays readable."""


class Sheet(Record):
    """The frames of a clip in rows of one JPEG, the first at the top left."""

    jpeg: str
    """Base64."""
    count: int
    columns: int
    width: int
    """Of one frame on the sheet, pixels."""
    height: int
    seen: tuple[int, int]
    """Width and height at which the frames were read: a sheet may be smaller."""
    times: tuple[float, ...] | None
    """Seconds from the start of the clip to each frame; None where there is no clock."""


def sheet_of(frames: Frames) -> Sheet:
    """The sheet of a clip's frames."""
    count, height, width = frames.pixels.shape[:3]
    scale = min(1.0, math.sqrt(SHEET_PIXELS / (count * height * width)))
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    columns = math.ceil(math.sqrt(count))
    sheet = Image.new("RGB", (columns * size[0], math.ceil(count / columns) * size[1]))
    for index, pixels in enumerate(np.asarray(frames.pixels)):
        picture = Image.fromarray(pixels)
        shown = picture if picture.size == size else picture.resize(size, Image.Resampling.BOX)
        sheet.paste(shown, (index % columns * size[0], index // columns * size[1]))
    written = BytesIO()
    sheet.save(written, "JPEG", quality=QUALITY, optimize=True)
    return Sheet(
        jpeg=b64encode(written.getvalue()).decode(),
        count=count,
        columns=columns,
        width=size[0],
        height=size[1],
        seen=(width, height),
        times=frames.times,
    )
