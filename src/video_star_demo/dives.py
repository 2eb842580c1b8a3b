"""The demo's FineDiving: pickled annotations and one clip per dive, in the data set's own layout.

A dive is a pair of moves at one pace. Its steps are motions, its difficulty belongs to the pair and
its marks to the pace, so that the score can be seen; the names and numbers come with the labels.
"""

from __future__ import annotations

import pickle
import random
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np

from video_star.core.hashing import stable_seed
from video_star_demo import mp4, wording, world
from video_star_demo.world import Phase

STEPS: Final[dict[int, str]] = {
    number: wording.DOING[motion] for number, motion in enumerate(world.STEPS, start=1)
}
"""Sub_action_Types_Table: id to the name of a step."""
NUMBER: Final = {motion: number for number, motion in enumerate(world.STEPS, start=1)}
TYPES: Final[dict[str, tuple[str, str, float]]] = {
    "101b": ("up", "left", 1.6),
    "103b": ("up", "right", 1.8),
    "201c": ("left", "up", 2.2),
    "203c": ("right", "up", 2.4),
    "305c": ("left", "right", 3.0),
    "405b": ("down", "left", 3.4),
}
"""Dive codes: two moves and the difficulty."""
MARKS: Final = {"slow": 5.5, "fast": 9.0}
"""What each of three judges gives, half a point more or less."""
TRAIN_PER_TYPE: Final = 4
TEST_PER_TYPE: Final = 2
COMPETITIONS: Final = ("01", "02", "FINADivingWorldCup2021_Men3m_final_r1")

Key = tuple[str, int]


def write(root: Path, seed: int) -> None:
    """Write Annotations/*.pkl and videos/{competition}_{instance}.mp4 under root."""
    rng = random.Random(stable_seed(seed, "finediving"))
    wanted = [
        (code, pace, split)
        for split, count in (("train", TRAIN_PER_TYPE), ("test", TEST_PER_TYPE))
        for code in TYPES
        for pace, _ in zip(("slow", "fast") * count, range(count), strict=False)
    ]
    rng.shuffle(wanted)
    coarse: dict[Key, dict[str, Any]] = {}
    fine: dict[Key, dict[str, Any]] = {}
    splits: dict[str, list[Key]] = {"train": [], "test": []}
    for number, (code, pace, split) in enumerate(wanted):
        key = (COMPETITIONS[number % len(COMPETITIONS)], number // len(COMPETITIONS) + 1)
        first, last, difficulty = TYPES[code]
        program = (Phase(first, pace), Phase(last, pace))
        clip = world.draw_clip(program, stable_seed(seed, "finediving", number))
        mp4.write(root / "videos" / f"{key[0]}_{key[1]}.mp4", world.render(clip))
        marks = [MARKS[pace] + rng.choice((-0.5, 0.0, 0.5)) for _ in range(3)]
        facts = {
            "action_type": code,
            "dive_score": round(difficulty * sum(marks), 2),
            "difficulty": difficulty,
        }
        start = rng.randint(1, 900)
        coarse[key] = {
            **facts,
            "start_frame": start,
            "end_frame": start + world.FRAMES - 1,
            "judge_scores": marks,
        }
        fine[key] = {**facts, **_steps(first, last)}
        splits[split].append(key)
    _dump(root / "Annotations", coarse, fine, splits)


def _steps(first: str, last: str) -> dict[str, Any]:
    labels = np.repeat([NUMBER[first], NUMBER[last]], world.FRAMES // 2)
    lengths = [len(list(run)) for _, run in groupby(labels.tolist())]
    return {
        "steps_transit_frames": np.cumsum(lengths)[:-1] - 1,
        "frames_labels": labels,
        "sub-action_types": {np.int64(number): STEPS[int(number)] for number in set(labels)},
    }


def _dump(
    folder: Path,
    coarse: dict[Key, dict[str, Any]],
    fine: dict[Key, dict[str, Any]],
    splits: dict[str, list[Key]],
) -> None:
    order = ("action_type", "dive_score", "difficulty", "steps_transit_frames", "frames_labels")
    files: dict[str, object] = {
        "FineDiving_coarse_annotation": coarse,
        "FineDiving_fine-grained_annotation": fine,
        "fine-grained_annotation_aqa": {
            key: [dive[name] for name in order] for key, dive in fine.items()
        },
        "Sub_action_Types_Table": STEPS,
        "train_split": splits["train"],
        "test_split": splits["test"],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        # A fixed protocol, because the bytes are recorded in data.dvc.
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(content, protocol=4))
