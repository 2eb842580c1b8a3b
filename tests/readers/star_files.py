"""A small STAR benchmark folder in the exact layout of the public files."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tiny
from outcomes import rows_of

from video_star.data.readers.base import Row

CLASSES = {
    "action_classes": "a000 hold some clothes\na001 put clothes somewhere\na025 watch/read/look at "
    "a book\na026 put a towel/s somewhere\na051 eat a sandwich\na082 drink from a cup/glass/bottle",
    "object_classes": "o000 person\no010 cup/glass/bottle\no016 sandwich\no017 book\no019 clothes",
    "relationship_classes": "r000 on\nr002 in_front_of\nr013 eating",
    "verb_classes": "v002 eat\nv004 hold\nv007 put",
    "action_mapping": "a000 v004 o019\na001 v007 o019",
}
"""Parts of the files of STAR_classes; as there, the last line has no line break."""
FPS = 8
SECONDS, WIDTH, HEIGHT = 10, 64, 48


def keyframe(
    actions: list[str], boxes: Mapping[str, list[float] | None] | None = None
) -> dict[str, Any]:
    """A situation; boxes by object code."""
    shown = boxes or {}
    return {
        "actions": actions,
        "bbox": list(shown.values()),
        "bbox_labels": list(shown),
        "rel_labels": ["r000" for _ in shown],
        "rel_pairs": [["o000", code] for code in shown],
    }


SITUATIONS = {
    # Frame n is shown at (n - 1) / 8 seconds: 1, 3, 4.5 and 8 seconds.
    "000009": keyframe(["a000"]),
    "000025": keyframe(
        ["a051", "a000"],
        {"o000": [0, 0, 60, 48], "o016": [16, 12, 32, 24], "o010": [32, 24, 64, 48]},
    ),
    "000037": keyframe(["a051"], {"o000": None, "o016": [20, 12, 36, 24], "o017": None}),
    "000065": keyframe(["a000", "a025"], {"o017": [0, 0, 8, 8]}),
}


def entry(**changes: Any) -> dict[str, Any]:
    """One question about seconds 2 to 5 of TJZ0P."""
    texts = ("The medicine.", "The sandwich.", "The blanket.", "The closet/cabinet.")
    return {
        "question_id": "Interaction_T1_4",
        "question": "Which object was eaten by the person?",
        "video_id": "TJZ0P",
        "start": 2.0,
        "end": 5.0,
        "answer": "The sandwich.",
        "question_program": [{"function": "Situations", "value_input": []}],
        # The list's own order is not the order of the options.
        "choices": [
            {"choice_id": n, "choice": texts[n], "choice_program": []} for n in (2, 0, 3, 1)
        ],
        "situations": SITUATIONS,
        **changes,
    }


def write_star(data: Path, *entries: Any, video: str | None = "TJZ0P.mp4") -> None:
    """STAR_val.json, STAR_classes/ with video_fps, and one video of 10 s at 8 frames a second."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "STAR_val.json").write_text(json.dumps(entries or [entry()]), encoding="utf-8")
    folder = data / "STAR_classes"
    folder.mkdir(exist_ok=True)
    for name, lines in CLASSES.items():
        (folder / f"{name}.txt").write_text(lines, encoding="utf-8")
    rates = {"TJZ0P.mp4": float(FPS)}
    (folder / "video_fps").write_bytes(pickle.dumps(rates, protocol=3))
    (data / "Charades_v1_480").mkdir(exist_ok=True)
    if video:
        frames = tiny.grey_steps(SECONDS * FPS, WIDTH, HEIGHT) % 200
        tiny.write_clip(data / "Charades_v1_480" / video, frames, fps=FPS)


def read_star(data: Path, *questions: str, split: str = "train") -> list[Row]:
    """Rows of the folder that lies there."""
    section = {"annotations": "STAR_val.json", "classes": "STAR_classes", "split": split}
    videos = "Charades_v1_480"
    return rows_of("star", data, dataset="star", videos=videos, questions=questions, **section)
