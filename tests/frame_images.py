"""Folders of numbered images, real small jpg and png files."""

from __future__ import annotations

from pathlib import Path

import av
import tiny


def write_frames(folder: Path, names: list[str], size: tuple[int, int] = (48, 32)) -> Path:
    """Grey images (see tiny.grey_steps) under these names: image i has level 16 + 12 i."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in zip(names, tiny.grey_steps(len(names), *size), strict=True):
        jpeg = not name.lower().endswith(".png")
        with av.open(str(folder / name), "w", format="image2", options={"update": "1"}) as out:
            stream = out.add_stream("mjpeg" if jpeg else "png", rate=1)
            stream.width, stream.height = size
            stream.pix_fmt = "yuvj420p" if jpeg else "rgb24"
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            out.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
            out.mux(stream.encode())
    return folder
