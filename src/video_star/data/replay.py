"""Other instruction data in LLaVA JSON, mixed into a training set so that less is forgotten.

Format: a list of {"id", "video", "conversations": [{"from": "human", "value": "<video>\\n..."},
{"from": "gpt", "value": "..."}, ...]}; each question and answer pair is an example of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeGuard

from video_star.core.errors import DataError
from video_star.core.params import ReplayParams
from video_star.core.paths import inside
from video_star.core.records import Failure, TrainingExample


def read_replay(data: Path, replay: ReplayParams) -> tuple[list[TrainingExample], list[Failure]]:
    """Every usable pair of the file and a failure per unusable entry; DataError without a file."""
    path = inside(data, replay.annotations)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); correct curate.replay or set it to null."
        ) from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON ({error}); correct the file.") from error
    if not isinstance(entries, list):
        raise DataError(f"{path}: not a list of conversations; export it as LLaVA JSON.")
    examples: list[TrainingExample] = []
    failures: list[Failure] = []
    for number, entry in enumerate(entries):
        problem = _problem(entry, data, replay)
        if problem is None:
            examples += _pairs(entry, replay)
        else:
            name = str(entry.get("id", number)) if isinstance(entry, dict) else str(number)
            failures.append(
                Failure(sample_id=name, step="curate", error="ReplayEntry", message=problem)
            )
    return examples, failures


def _problem(entry: object, data: Path, replay: ReplayParams) -> str | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("video"), str):
        return "no video is named"
    if not _is_dialogue(entry.get("conversations")):
        return "conversations are not human and gpt in turn"
    if not all(turn["value"].strip() for turn in entry["conversations"][1::2]):
        return "an answer is empty"
    if not inside(data, f"{replay.videos}/{entry['video']}").is_file():
        return f"{replay.videos}/{entry['video']} does not exist"
    return None


def _is_dialogue(turns: object) -> TypeGuard[list[dict[str, str]]]:
    if not isinstance(turns, list) or not turns or len(turns) % 2:
        return False
    return all(
        isinstance(turn, dict)
        and turn.get("from") == ("human", "gpt")[i % 2]
        and isinstance(turn.get("value"), str)
        for i, turn in enumerate(turns)
    )


def _pairs(entry: dict[str, Any], replay: ReplayParams) -> list[TrainingExample]:
    turns, name = entry["conversations"], entry.get("id", entry["video"])
    return [
        TrainingExample(
            id=f"replay/{name}/{i // 2}",
            sample_id=f"replay/{name}",
            video=f"{replay.videos}/{entry['video']}",
            prompt=turns[i]["value"].replace("<video>", "").strip(),
            completion=turns[i + 1]["value"].strip(),
            form="replay",
            origin=None,
        )
        for i in range(0, len(turns), 2)
    ]
