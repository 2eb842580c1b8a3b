"""The demo's own table: JSON lines with instants, sets and sentences, as a user might keep them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

from video_star.core.hashing import stable_seed
from video_star.core.labels import Label, SetLabel, TextLabel, TimeLabel
from video_star.data.questions import ask
from video_star_demo import mp4, wording, world
from video_star_demo.world import FPS, MOTIONS, Clip, Phase

PER_KIND: Final = {"train": 18, "test": 8}
KINDS: Final = ("set", "time", "text")
CUT: Final = 1.5
"""Seconds of the two-second file that a row is about."""
MOVES: Final = [motion for motion in MOTIONS if motion != "still"]


def _label(kind: str, clip: Clip, start: float, rng: random.Random) -> tuple[Label, dict[str, str]]:
    """The label of a kind, and the fields of its question."""
    if kind == "set":
        doing = [wording.DOING[phase.motion] for phase in clip.program]
        return SetLabel(names=(clip.subject, *doing)), {}
    if kind == "time":
        half = len(clip.states) / FPS / 2
        begins = f"the {clip.subject} begins {wording.DOING[clip.program[1].motion]}"
        return TimeLabel(at=half - start, duration=CUT), {"event": begins}
    return TextLabel(text=wording.describe(clip, rng)), {}


def _row(number: int, kind: str, split: str, root: Path, seed: int) -> dict[str, Any]:
    rng = random.Random(stable_seed(seed, "remarks", number))
    first, second = rng.sample(MOVES, 2)
    clip = world.draw_clip((Phase(first), Phase(second)), rng.getrandbits(31))
    name = f"{number:04d}"
    mp4.write(root / "videos" / f"{name}.mp4", world.render(clip))
    start = rng.randrange(5) / FPS
    label, fields = _label(kind, clip, start, rng)
    return {
        "id": name,
        "video": f"{name}.mp4",
        "split": split,
        "start": start,
        "end": start + CUT,
        "question": ask(kind, name, seed, **fields)[0],
        "labels": [label.model_dump(mode="json")],
    }


def write(root: Path, seed: int) -> None:
    """Write remarks.jsonl and videos/*.mp4 under root."""
    rows: list[dict[str, Any]] = []
    for split, count in PER_KIND.items():
        for kind in KINDS:
            for _ in range(count):
                rows.append(_row(len(rows), kind, split, root, seed))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (root / "remarks.jsonl").write_text(text, encoding="utf-8")
