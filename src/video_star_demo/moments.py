"""The demo's MOMA-LRG: activities with interactions whose objects carry boxes, in its own layout.

A video shows two clips one after the other, in a part of the videos of the same shape. Boxes are
top-left corner, width and height in pixels, as in the data set.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

import numpy as np

from video_star.core.hashing import stable_seed
from video_star.core.jsonl import write_text
from video_star_demo import mp4, world
from video_star_demo.situations import box
from video_star_demo.world import ACTIONS, FPS, FRAMES, SECONDS, SIZE, Clip

ACTIVITIES: Final = {"train": 28, "val": 8}


def _pair(name: str, same: bool, seed: int) -> tuple[tuple[Clip, Clip], tuple[str, str]]:
    rng = random.Random(stable_seed(seed, "moma", name))
    first, second = rng.sample(ACTIONS, 2)
    one = world.draw_clip(first.program, rng.getrandbits(31))
    while True:
        other = world.draw_clip(second.program, rng.getrandbits(31))
        if (other.subject == one.subject) == same:
            return (one, other), (first.name, second.name)


def _interaction(number: str, clip: Clip, frame: int, start: float, entity: str) -> dict[str, Any]:
    x1, y1, x2, y2 = box(clip, frame)
    thing = {"id": entity, "class_name": clip.subject}
    size = [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)]
    return {
        "id": number,
        "time": round(start + frame / FPS, 3),
        "actors": [],
        "objects": [{**thing, "bbox": size}],
        "relationships": [],
        "transitive_actions": [],
        "attributes": [],
        "intransitive_actions": [],
    }


def _activity(
    name: str, clips: tuple[Clip, Clip], actions: tuple[str, str], same: bool
) -> dict[str, Any]:
    """One sub-activity over both clips: its boxes show one thing twice, and perhaps another one."""
    shown = [(0, 2), (0, FRAMES - 4), (1, 3)]
    interactions = [
        _interaction(
            f"{name}_{number}",
            clips[index],
            frame,
            float(index * SECONDS),
            "1" if same or index == 0 else "2",
        )
        for number, (index, frame) in enumerate(shown)
    ]
    duration = 2.0 * SECONDS
    part = {
        "id": f"{name}_0",
        "class_name": " and then ".join(actions),
        "start_time": 0.0,
        "end_time": duration,
        "higher_order_interactions": interactions,
    }
    return {
        "file_name": f"{name}.mp4",
        "num_frames": 2 * FRAMES,
        "width": SIZE,
        "height": SIZE,
        "duration": duration,
        "activity": {
            "id": name,
            "class_name": "moving shapes",
            "start_time": 0.0,
            "end_time": duration,
            "sub_activities": [part],
        },
    }


def write(root: Path, seed: int) -> None:
    """Write anns/anns.json, splits/standard.json and videos/raw/*.mp4 under root."""
    annotations, splits = [], {}
    for split, count in ACTIVITIES.items():
        names = [f"{split}{number:04d}" for number in range(count)]
        for number, name in enumerate(names):
            same = number % 4 == 0
            clips, actions = _pair(name, same, seed)
            frames = np.concatenate([world.render(clip) for clip in clips])
            mp4.write(root / "videos" / "raw" / f"{name}.mp4", frames)
            annotations.append(_activity(name, clips, actions, same))
        splits[split] = names
    for path, content in (("anns/anns.json", annotations), ("splits/standard.json", splits)):
        write_text(root / path, json.dumps(content, indent=1) + "\n")
