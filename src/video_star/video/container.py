"""Opens a file as the container that it is, and finds the moving pictures in it.

A name says nothing about a content. Only containers of `CONTAINERS` are opened, so neither a
playlist nor a script of files (HLS, DASH, concat) leads to another file or to a network address;
FFmpeg's protocols but `file` are switched off as well.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition

from video_star.core.errors import VideoError

CONTAINERS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "kux", "asf", "asf_o", "ogg", "rm"),
    *("mxf", "gxf", "nut", "nuv", "wtv", "dv", "dhav", "ivf", "swf", "gif", "apng", "webp_anim"),
    *("yuv4mpegpipe", "mjpeg", "mpjpeg", "mpegvideo", "m4v", "h261", "h263", "h264", "hevc"),
    *("vvc", "evc", "obu", "vc1", "cavsvideo", "avs2", "avs3", "dirac"),
)
"""FFmpeg's names of containers and raw streams that hold a video and refer to no other file."""
IMAGES = ("jpeg_pipe", "png_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "gif")
"""FFmpeg's names of what a frame in a folder may be, whatever its suffix."""
_NOT_SHOWN = Disposition.attached_pic | Disposition.timed_thumbnails


def is_folder(path: Path) -> bool:
    """Whether a video is a folder of images or a file.

    VideoError when there is none, and for a pipe, socket or device: opening one may wait forever.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise VideoError(f"{path}: is no regular file; replace it with a video file.")
    return stat.S_ISDIR(mode)


def unreadable(path: Path, error: OSError | ValueError) -> VideoError:
    """The system's refusal of a file, as the error of one video."""
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, FileNotFoundError):
        reason = "it does not exist"
    return VideoError(f"{path}: cannot be read ({reason}); correct the annotation or add it.")


def too_large(path: Path) -> VideoError:
    """A video whose pictures need more memory than a reader may take."""
    return VideoError(
        f"{path}: does not fit in memory; raise settings.decode_memory_gb in params.yaml, or "
        "replace the file."
    )


@contextmanager
def opened(path: Path, image: bool = False) -> Iterator[InputContainer]:
    """An open video, or image of a folder; errors of the codec library become a VideoError."""
    is_folder(path)
    try:
        with path.open("rb"):
            pass  # the system's reasons are said in its words, unlike those of a codec
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        with _open(path, image) as container:
            for stream in container.streams.video:
                if stream.codec_context is not None:
                    stream.codec_context.thread_count = 1
            yield container
    except MemoryError as error:
        raise too_large(path) from error
    except (av.FFmpegError, OSError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, OSError | EOFError):
            # "Operation not permitted" and the like sound like the system, but are of the content.
            reason = f"damaged, cut off or of an unknown kind: {reason}"
        raise VideoError(
            f"{path}: cannot be decoded ({reason}); replace or re-encode the file."
        ) from error


def _open(path: Path, image: bool) -> InputContainer:
    # A sequence of images could be meant by the name of one.
    source = BytesIO(path.read_bytes()) if image else f"file:{path}"
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(IMAGES if image else CONTAINERS),
    }
    try:
        return av.open(source, metadata_errors="replace", container_options=options)
    except av.ArgumentError as error:
        # So FFmpeg says that a format is not on the list.
        raise VideoError(
            f"{path}: has no video stream (its content is a sound, a still picture, text, a "
            "playlist, a script or unknown); use a video file."
        ) from error


def video_streams(container: InputContainer, path: Path) -> list[av.VideoStream]:
    """The streams that may be the video: no covers, no thumbnails, none of an unknown codec."""
    shown = [s for s in container.streams.video if not s.disposition & _NOT_SHOWN]
    if not shown:
        beside = " but a cover picture" if container.streams.video else ""
        raise VideoError(f"{path}: has no video stream{beside}; use a video file.")
    known = [stream for stream in shown if stream.codec_context is not None]
    if not known:
        raise VideoError(f"{path}: its video has an unknown codec; re-encode the file.")
    return known
