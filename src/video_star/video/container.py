"""Opens a file as the container that it is, and finds the moving pictures in it.

A name says nothing about a content. Only containers of `CONTAINERS` are opened, so neither a
playlist nor a script of files (HLS, DASH, concat) leads to another file or to a network address;
FFmpeg's protocols but `file` are switched off as well.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
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
_IMAGES = ("jpeg_pipe", "png_pipe")
"""What an image of a folder of frames may be."""
_NOT_SHOWN = Disposition.attached_pic | Disposition.timed_thumbnails


def refuse_special(path: Path) -> None:
    """VideoError for a pipe, socket or device: opening one may wait forever; OSError."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise VideoError(f"{path}: is no regular file; replace it with a video file.")


def unreadable(path: Path, error: OSError) -> VideoError:
    """The system's refusal of a file, as the error of one video."""
    if isinstance(error, FileNotFoundError):
        return VideoError(f"{path}: does not exist; correct the annotation or add it.")
    reason = error.strerror or str(error)
    return VideoError(f"{path}: cannot be read ({reason}); correct the annotation or add it.")


@contextmanager
def opened(path: Path, formats: tuple[str, ...] = CONTAINERS) -> Iterator[InputContainer]:
    """An open container; errors of the codec library inside become a VideoError."""
    try:
        refuse_special(path)
    except (OSError, ValueError) as error:
        cause = error if isinstance(error, OSError) else OSError(str(error))
        raise unreadable(path, cause) from error
    try:
        with _open(path, formats) as container:
            for stream in container.streams.video:
                if stream.codec_context is not None:
                    stream.codec_context.thread_count = 1
            yield container
    except MemoryError as error:
        raise VideoError(
            f"{path}: does not fit in memory; raise settings.decode_memory_gb in params.yaml, "
            "or replace the file."
        ) from error
    except (av.FFmpegError, OSError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"{path}: cannot be decoded ({reason}); replace or re-encode the file."
        ) from error


def _open(path: Path, formats: tuple[str, ...]) -> InputContainer:
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(formats)}
    try:
        return av.open(f"file:{path}", metadata_errors="replace", container_options=options)
    except av.ArgumentError as error:
        # So FFmpeg says that a format is not on the list.
        raise VideoError(
            f"{path}: cannot be decoded (by its content it is no video: a still picture, text, a "
            "playlist, a script or damaged); replace the file."
        ) from error


def opened_image(path: Path) -> contextmanager[InputContainer]:
    """As `opened`, for an image of a folder of frames."""
    return opened(path, _IMAGES)


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
