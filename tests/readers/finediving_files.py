"""Small FineDiving folders in the exact layout of the public files."""

from __future__ import annotations

import pickle
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from outcomes import rows_of

from video_star.data.readers.base import Row

TABLE = {
    **{1: "Forward", 2: "Back", 4: "Inward", 5: "Arm.Forward", 19: "3.5 Soms.Pike"},
    **{22: "1 Som.Tuck", 23: "1.5 Soms.Tuck", 29: "0.5 Twist", 36: "Entry", 38: "Background"},
}
"""A part of Sub_action_Types_Table."""
WORLD_CUP = "FINADivingWorldCup2021_Men3m_final_r1"

Key = tuple[str, int]


def dive(labels: list[int], score: float = 65.6, difficulty: float = 3.2) -> dict[str, Any]:
    """The fine-grained annotation of one dive with these frames' labels."""
    lengths = [len(list(run)) for _, run in groupby(labels)]
    return {
        "action_type": "407c",
        "dive_score": score,
        "difficulty": difficulty,
        "steps_transit_frames": np.cumsum(lengths)[:-1] - 1,
        "frames_labels": np.array(labels),
        "sub-action_types": {np.int64(number): TABLE[number] for number in set(labels)},
    }


def coarse(start: int, frames: int) -> dict[str, Any]:
    """The coarse annotation of one dive; both frames belong to it."""
    return {
        **{"action_type": "407c", "start_frame": start, "end_frame": start + frames - 1},
        **{"dive_score": 65.6, "difficulty": 3.2, "judge_scores": [7.0, 7.0, 6.5]},
    }


def write_pickles(
    folder: Path,
    fine: dict[Key, Any],
    train: list[Any],
    test: list[Any],
    starts: dict[Key, Any] | None = None,
    protocol: int = 2,
) -> None:
    """All official pickles; `starts` is the coarse file."""
    order = ("action_type", "dive_score", "difficulty", "steps_transit_frames", "frames_labels")
    files = {
        "FineDiving_fine-grained_annotation": fine,
        "FineDiving_coarse_annotation": starts or {},
        "fine-grained_annotation_aqa": {
            key: [row.get(name) for name in order]
            for key, row in fine.items()
            if isinstance(row, dict)
        },
        "Sub_action_Types_Table": TABLE,
        "train_split": train,
        "test_split": test,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(content, protocol=protocol))


def read(data: Path, *questions: str, fps: float = 25) -> list[Row]:
    """Rows of the pickles and videos that lie there."""
    section = {"annotations": "Annotations", "videos": "videos", "fps": fps}
    asked = questions or ("sequence",)
    return rows_of("finediving", data, dataset="finediving", questions=asked, **section)
