"""Other instruction data, mixed into a training set so that less is forgotten.

A JSON list or JSON lines as published mixes are, LLaVA's and ShareGPT's, or ms-swift's and
LLaMA-Factory's:

    {"id", "video": "a.mp4", "conversations": [{"from": "human", "value": "<video>\\n..."},
                                               {"from": "gpt", "value": "..."}, ...]}
    {"videos": ["a.mp4"], "messages": [{"role": "system", "content": "..."},
                                       {"role": "user", "content": "<video>..."}, ...]}

Each question and answer pair is an example of its own; what a system turn says stands before each
question, as examples have no such turn. An entry that has no one video, or no such turns, is left
out and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final, TypeAlias

from video_star.core.errors import DataError
from video_star.core.excerpt import cut, excerpt
from video_star.core.labels import NAME_LENGTH, is_visible
from video_star.core.labels.cells import BadRow
from video_star.core.params import ReplayParams
from video_star.core.paths import Workspace, inside
from video_star.core.records import Failure, TrainingExample
from video_star.data.readers.json_files import json_records

Turn: TypeAlias = tuple[str, str]
"""Role (system, user or assistant) and text."""

_TURNS: Final = ("conversations", "messages")
_ROLES: Final = {
    **{"system": "system", "human": "user", "user": "user"},
    **dict.fromkeys(("gpt", "assistant", "model", "bot"), "assistant"),
}
_PLACEHOLDER: Final = re.compile(
    r"<(?:video|image)>|<\|vision_start\|><\|(?:video|image)_pad\|><\|vision_end\|>"
)
"""Where the video stands in a text; LLaVA-Video-178K writes <image> for it."""


LONGEST: Final = 100_000
"""Characters of an entry's turns: some 25,000 tokens, beyond what a video leaves of any context."""


class LeftOut(Exception):
    """An entry that is no example; the reason is for counting, the message says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass
class Replay:
    """A file of conversations, with counts of what was read of it so far."""

    workspace: Workspace
    params: ReplayParams
    entries: int = 0
    left_out: list[Failure] = field(default_factory=list)
    """A record for each entry that is no example."""

    def examples(self) -> Iterator[TrainingExample]:
        """Every usable pair of the file, as it is read.

        DataError without a readable file, or without any entry that can be used.
        """
        path = inside(self.workspace.data, self.params.annotations)
        if not path.is_file():
            raise DataError(
                f"{path}: there is no such file; correct curate.replay or set it to null."
            )
        if path.suffix.lower() not in (".json", ".jsonl"):
            raise DataError(f"{path}: neither .json nor .jsonl; export it as LLaVA JSON.")
        names: Counter[str] = Counter()
        for _, entry in json_records(path, _TURNS):
            self.entries += 1
            name = _unique(_name(entry, self.entries), names)
            try:
                yield from list(_examples(entry, name, self.workspace, self.params))
            except LeftOut as why:
                self.left_out.append(
                    Failure(sample_id=name, step="curate", error=why.reason, message=str(why))
                )
        if len(self.left_out) == self.entries:
            first = f"; the first: {self.left_out[0].message}" if self.left_out else ""
            raise DataError(
                f"{path}: none of its {self.entries:,} entries is a conversation about a video"
                f"{first}; correct curate.replay or set it to null."
            )


def _name(entry: dict[str, Any] | BadRow, number: int) -> str:
    """The entry's id, else its video, else its number."""
    found = (entry.get("id"), entry.get("video")) if isinstance(entry, dict) else ()
    named = (_text(str(own)) for own in found if isinstance(own, str | int))
    return cut(next(filter(None, named), str(number)), NAME_LENGTH)


def _unique(name: str, names: Counter[str]) -> str:
    """A name that no entry before has: several about one video often share its id."""
    own = name
    while names[own]:
        names[name] += 1
        own = f"{name}#{names[name]}"
    names[own] += 1
    return own


def _examples(
    entry: dict[str, Any] | BadRow, name: str, workspace: Workspace, replay: ReplayParams
) -> Iterator[TrainingExample]:
    """An example for each pair; LeftOut for an entry that is none."""
    if isinstance(entry, BadRow):
        raise LeftOut("ReplayEntry", str(entry))
    video = (PurePosixPath(replay.videos) / _video(entry)).as_posix()
    turns = _turns(entry)
    try:
        video.encode()  # bytes that are no UTF-8 may name a file, but cannot be written
        exists = workspace.video(video).is_file()
    except (DataError, ValueError, OSError) as error:
        raise LeftOut("MissingVideo", f"{excerpt(video)} is not a usable path ({error})") from error
    if not exists:
        raise LeftOut("MissingVideo", f"{excerpt(video)} does not exist")
    system = [text for role, text in turns if role == "system" and text]
    spoken = [text for role, text in turns if role != "system"]
    for number, (prompt, completion) in enumerate(zip(spoken[::2], spoken[1::2], strict=True)):
        yield TrainingExample(
            id=f"replay/{name}/{number}",
            sample_id=f"replay/{name}",
            video=video,
            prompt="\n".join([*system, prompt]),
            completion=completion,
            form="replay",
            origin=None,
        )


def _video(entry: dict[str, Any]) -> str:
    """The one video of an entry."""
    parts = [part for _, content in _raw_turns(entry) for part in _parts(content)]
    images = [entry.get("image"), entry.get("images"), *_media(parts, "image", "image_url")]
    if any(images):
        raise LeftOut("ReplayImage", "it is about an image")
    given = [entry.get("video"), entry.get("videos"), *_media(parts, "video", "video_url")]
    listed = [own for one in given for own in (one if isinstance(one, list) else [one]) if own]
    videos = [own.get("video", own.get("path")) if isinstance(own, dict) else own for own in listed]
    if not videos:
        raise LeftOut("ReplayText", "it is about no video")
    if len({str(own) for own in videos}) > 1 or not isinstance(videos[0], str):
        raise LeftOut("ReplayVideos", f"it is not about one video, but {excerpt(videos)}")
    return videos[0]


def _turns(entry: dict[str, Any]) -> list[Turn]:
    """System turns, then user and assistant in turn, none of the replies empty."""
    turns = [
        (_ROLES.get(str(role).lower(), ""), _said(content))
        for role, content in _raw_turns(entry)
        if isinstance(content, str | list)
    ]
    if isinstance(entry.get("system"), str):
        turns.insert(0, ("system", _text(entry["system"])))
    roles = [role for role, _ in turns]
    spoken = roles[roles.count("system") :]
    alternating = ["user", "assistant"] * (len(spoken) // 2)
    if not spoken or roles != ["system"] * roles.count("system") + alternating:
        shown = ", ".join(str(role) for role, _ in _raw_turns(entry)) or "none"
        raise LeftOut("ReplayTurns", f"its turns are not user and assistant in turn ({cut(shown)})")
    if not all(is_visible(text) for role, text in turns if role == "assistant"):
        raise LeftOut("EmptyReply", "a reply is empty")
    if (length := sum(len(text) for _, text in turns)) > LONGEST:
        raise LeftOut("LongReplay", f"its turns have {length:,} characters")
    return turns


def _raw_turns(entry: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Role and content of each turn, by either pair of names."""
    found = next((entry[key] for key in _TURNS if key in entry), None)
    return [
        (turn.get("from", turn.get("role")), turn.get("value", turn.get("content")))
        if isinstance(turn, dict)
        else (None, None)
        for turn in (found if isinstance(found, list) else ())
    ]


def _parts(content: Any) -> list[dict[str, Any]]:
    """The parts of a content that is a list of {"type", <type>: ...}."""
    return [own for own in content if isinstance(own, dict)] if isinstance(content, list) else []


def _media(parts: list[dict[str, Any]], *types: str) -> list[Any]:
    return [part.get(part["type"]) for part in parts if part.get("type") in types]


def _said(content: str | list[Any]) -> str:
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in _parts(content))
    return _text(content)


def _text(text: str) -> str:
    """Without placeholders; half a surrogate pair cannot be written and becomes "?"."""
    return _PLACEHOLDER.sub("", text.encode("utf-8", "replace").decode()).strip()
