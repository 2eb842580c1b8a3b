"""Writing the world's clips as H.264 files whose bytes are the same on every machine.

The conversion to YUV 4:2:0 is our own integer arithmetic, so no colour converter with per-CPU code
paths takes part, and x264 runs on one thread.
"""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np

from video_star_demo.world import FPS, Frames

CRF = "16"
_X264 = "threads=1:lookahead-threads=1:sliced-threads=0:asm=0:bframes=0:keyint=16:scenecut=0"


def to_yuv(frame: Frames) -> Frames:
    """RGB uint8 [h, w, 3] to planar yuv420p as uint8 [h * 3 / 2, w] (BT.601, limited range)."""
    r, g, b = (frame[..., i].astype(np.int32) for i in range(3))
    y = ((66 * r + 129 * g + 25 * b + 128) >> 8) + 16
    half = frame.astype(np.int32).reshape(frame.shape[0] // 2, 2, frame.shape[1] // 2, 2, 3)
    r, g, b = ((half.sum(axis=(1, 3))[..., i] + 2) >> 2 for i in range(3))
    u = ((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128
    v = ((112 * r - 94 * g - 18 * b + 128) >> 8) + 128
    rows = [y, u.reshape(-1, frame.shape[1]), v.reshape(-1, frame.shape[1])]
    return np.concatenate(rows).astype(np.uint8)


def encode(frames: Frames) -> bytes:
    """An mp4 of uint8 [n, h, w, 3] RGB frames at 8 frames per second."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.height, stream.width = frames.shape[1], frames.shape[2]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        stream.options = {"crf": CRF, "preset": "medium", "x264-params": _X264}
        stream.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT: no encoder version in the file
        for image in frames:
            frame = av.VideoFrame.from_ndarray(to_yuv(image), format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def write(path: Path, frames: Frames) -> None:
    """Write one clip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(frames))
