"""Videos outside of data/: DVC tracks their checksums, and they are compared with these.

The file is what `sha256sum` writes (GNU coreutils): a digest, two blanks (or a blank and a star),
and a path below the folder of videos.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from shlex import quote
from typing import Any

from video_star.core.errors import UsageError
from video_star.core.labels.cells import RowError
from video_star.core.records import VideoSample
from video_star.data.readers.base import Reader, Row, failure, open_text
from video_star.video.content import ContentHashes, files_of

_LINE = re.compile(r"([0-9a-f]{64}) [ *](?:\./)?(.+)")


class ChangedVideo(RowError):
    """The video is not the one that the checksums are of."""


class Checksums:
    """The checksums of one source; UsageError when it needs some and names none."""

    def __init__(self, reader: Reader[Any], hashes: ContentHashes) -> None:
        self._videos, self._name = reader.source.videos, reader.source.checksums
        self._folder, self._hashes = reader.inside(self._videos), hashes
        self._known: dict[str, bytes] = {}
        if self._name is not None:
            for line in open_text(reader.annotation_file(self._name)):
                if match := _LINE.fullmatch(line.rstrip("\r\n")):
                    self._known[match[2]] = bytes.fromhex(match[1])
        elif PurePosixPath(self._videos).is_absolute():
            raise UsageError(
                f"ingest.sources ({reader.source.dataset}): videos outside of data/ need "
                f"`checksums`, which DVC tracks in their place: (cd {quote(self._videos)} && "
                "find -L . -type f -print0 | sort -z | xargs -0 sha256sum) > data/NAME.sha256"
            )

    def checked(self, row: Row) -> Row:
        """The sample, or the failure of one whose video is another one now."""
        if self._name is None or not isinstance(row, VideoSample):
            return row
        path = self._folder / PurePosixPath(row.video).relative_to(self._videos)
        for file in files_of(path):
            known = self._known.get(file.relative_to(self._folder).as_posix())
            if known is None or known.hex() != self._hashes.of(file):
                problem = "is not in" if known is None else "is another file than that of"
                error = ChangedVideo(
                    f"{file} {problem} {self._name}; write it again if it is right."
                )
                return failure(row.id, error)
        return row
