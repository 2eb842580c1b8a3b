"""The demo's STAR benchmark on Charades-like videos, in the layout of both.

A video shows one coloured shape after another, two seconds each. A question asks what one of them
does; the options are class names. Situations hold the shape's box in two frames of the segment.
"""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path
from string import ascii_uppercase, digits
from typing import Any, Final

import numpy as np

from video_star.core.hashing import stable_seed
from video_star.core.jsonl import write_text
from video_star_demo import mp4, world
from video_star_demo.world import ACTIONS, SECONDS, SIZE, UNIT, Action, Clip

VIDEOS: Final = {"train": 28, "val": 10}
SEGMENTS: Final = 3
OPTIONS: Final = 4
OBJECTS: Final = {
    f"o{n:03d}": name
    for n, name in enumerate(("person", *(f"{c} {s}" for c in world.COLOURS for s in world.SHAPES)))
}
NUMBER: Final = {name: key for key, name in OBJECTS.items()}
ACTION_CODES: Final = {action.name: f"a{n:03d}" for n, action in enumerate(ACTIONS)}


def box(clip: Clip, frame: int) -> list[float]:
    """Pixels x1, y1, x2, y2 around the shape, clipped to the frame."""
    x, y, radius = (int(v) / UNIT for v in clip.states[frame, :3])
    corners = (x - radius, y - radius, x + radius, y + radius)
    return [round(min(max(value, 0.0), float(SIZE)), 2) for value in corners]


def _draw(video: str, seed: int, rng: random.Random) -> list[tuple[Action, Clip]]:
    """Segments whose shapes all differ, so that a question names one of them."""
    actions = rng.sample(ACTIONS, SEGMENTS)
    clips: list[Clip] = []
    attempt = 0
    while len(clips) < SEGMENTS:
        action = actions[len(clips)]
        clip = world.draw_clip(action.program, stable_seed(seed, "star", video, attempt))
        attempt += 1
        if clip.subject not in {other.subject for other in clips}:
            clips.append(clip)
    return list(zip(actions, clips, strict=True))


def _situations(action: Action, clip: Clip, first: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for frame in (3, world.FRAMES - 4):
        found[f"{first + frame + 1:06d}"] = {  # frames count from 1
            "actions": [ACTION_CODES[action.name]],
            "bbox": [box(clip, frame)],
            "bbox_labels": [NUMBER[clip.subject]],
            "rel_labels": [],
            "rel_pairs": [],
        }
    return found


def _question(
    number: int, video: str, index: int, shown: list[tuple[Action, Clip]], rng: random.Random
) -> dict[str, Any]:
    action, clip = shown[index]
    others = rng.sample([a.name for a in ACTIONS if a.name != action.name], OPTIONS - 1)
    options = [action.name, *others]
    rng.shuffle(options)
    start = float(index * SECONDS)
    return {
        "question_id": f"Interaction_T1_{number}",
        "question": f"What was the {clip.subject} doing?",
        "video_id": video,
        "start": start,
        "end": start + SECONDS,
        "answer": f"{action.name.capitalize()}.",
        "question_program": [],
        "choices": [
            {"choice_id": n, "choice": f"{name.capitalize()}.", "choice_program": []}
            for n, name in enumerate(options)
        ],
        "situations": _situations(action, clip, index * world.FRAMES),
    }


def write(root: Path, seed: int) -> None:
    """Write STAR_{train,val}.json, STAR_classes/ and Charades_v1_480/*.mp4 under root."""
    rng = random.Random(stable_seed(seed, "star"))
    fps: dict[str, float] = {}
    number = 0
    for split, count in VIDEOS.items():
        questions = []
        for _ in range(count):
            video = "".join(rng.choices(ascii_uppercase + digits, k=5))
            shown = _draw(video, seed, rng)
            frames = np.concatenate([world.render(clip) for _, clip in shown])
            mp4.write(root / "Charades_v1_480" / f"{video}.mp4", frames)
            fps[f"{video}.mp4"] = float(world.FPS)
            questions.append(_question(number, video, rng.randrange(SEGMENTS), shown, rng))
            number += 1
        write_text(root / f"STAR_{split}.json", json.dumps(questions, indent=1) + "\n")
    _write_classes(root / "STAR_classes", fps)


def _write_classes(folder: Path, fps: dict[str, float]) -> None:
    actions = {code: name for name, code in ACTION_CODES.items()}
    verbs = {f"v{n:03d}": action.name for n, action in enumerate(ACTIONS)}
    for name, codes in (
        ("action_classes", actions),
        ("object_classes", OBJECTS),
        ("relationship_classes", {"r000": "in front of"}),
        ("verb_classes", verbs),
    ):
        lines = "".join(f"{code} {text}\n" for code, text in codes.items())
        write_text(folder / f"{name}.txt", lines)
    mapping = "".join(f"{a} {v} o001\n" for a, v in zip(actions, verbs, strict=True))
    write_text(folder / "action_mapping.txt", mapping)
    # A fixed protocol, because the bytes are recorded in data.dvc.
    (folder / "video_fps").write_bytes(pickle.dumps(fps, protocol=4))
