"""Writes the demo's labelled videos in the public formats that real data sets come in.

data/kinetics, finediving, star and moma: each in its data set's layout. data/remarks: a table of
one's own. data/tempcompass: the benchmark's layout. data/replay: other instruction data in LLaVA's
JSON, which names known actions only. All clips are different draws.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from string import ascii_letters, digits
from typing import Final

from video_star.core.hashing import stable_seed
from video_star.core.progress import Progress
from video_star_demo import dives, lessons, moments, mp4, remarks, situations, tempcompass, world
from video_star_demo.world import ACTIONS, KNOWN, SECONDS, Action

SEED: Final = 7
"""Of the demo data as they are recorded in data.dvc."""
TRAIN_PER_CLASS: Final = 12
TEST_PER_CLASS: Final = 12
REPLAY_CLIPS: Final = 160
REPLAY_TURNS: Final = 6
REPLAY_MIX: Final = {
    "describe": 2.0,
    "caption": 1.0,
    "motion": 1.0,
    "yes_no": 2.0,
    "multi_choice": 2.0,
    "caption_matching": 1.0,
    "captioning": 1.0,
    "told_any": 0.5,
    "steps": 0.3,
    "choose": 0.3,
    "line_told_any": 3.0,
    "line_steps": 1.0,
    "line_choose": 1.0,
}

NAMED: Final = {"named": 0.5, "line_named": 2.0}
"""Added where the clip has a known name."""


def write_data(root: Path, seed: int, progress: Progress) -> int:
    """Write all of the demo data under root and return the number of clips.

    The same seed gives the same bytes everywhere.
    """
    writers = {
        "kinetics": _write_kinetics,
        "finediving": dives.write,
        "star": situations.write,
        "moma": moments.write,
        "remarks": remarks.write,
        "tempcompass": tempcompass.write,
        "replay": _write_replay,
    }
    for done, (name, write) in enumerate(writers.items(), start=1):
        write(root / name, seed)
        progress.update(done, len(writers), "data sets")
    return sum(1 for _ in root.rglob("*.mp4"))


def _youtube_id(rng: random.Random) -> str:
    return "".join(rng.choices(ascii_letters + digits + "-_", k=11))


def _sources(actions: list[Action], rng: random.Random) -> list[tuple[Action, str, int]]:
    """Each action in the list gets a source and a start; a source has one to three clips."""
    rng.shuffle(actions)
    made: list[tuple[Action, str, int]] = []
    while len(made) < len(actions):
        source, start = _youtube_id(rng), rng.randint(0, 90)
        for _ in range(rng.choice((1, 1, 2, 3))):
            if len(made) < len(actions):
                made.append((actions[len(made)], source, start))
                start += rng.randint(SECONDS, 40)
    return made


def _write_kinetics(root: Path, seed: int) -> None:
    for split, per_class in (("train", TRAIN_PER_CLASS), ("test", TEST_PER_CLASS)):
        rng = random.Random(stable_seed(seed, "kinetics", split))
        lines = ["label,youtube_id,time_start,time_end,split"]
        for action, source, start in _sources(list(ACTIONS) * per_class, rng):
            label = f'"{action.name}"' if " " in action.name else action.name
            lines.append(f"{label},{source},{start},{start + SECONDS},{split}")
            name = f"{source}_{start:06d}_{start + SECONDS:06d}.mp4"
            clip = world.draw_clip(action.program, stable_seed(seed, "kinetics", name))
            mp4.write(root / "videos" / name, world.render(clip))
        (root / f"{split}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_replay(root: Path, seed: int) -> None:
    rng = random.Random(stable_seed(seed, "replay"))
    programs, known = world.all_programs(), [action.program for action in KNOWN]
    records = []
    for number in range(REPLAY_CLIPS):
        program = rng.choice(known if number % 2 else programs)
        clip = world.draw_clip(program, stable_seed(seed, "replay", number))
        video = f"videos/{number:05d}.mp4"
        mp4.write(root / video, world.render(clip))
        mix = REPLAY_MIX | (NAMED if lessons.known_name(clip) else {})
        for turn in range(REPLAY_TURNS):
            asked = lessons.draw(clip, mix, rng)
            records.append(
                {
                    "id": f"{number:05d}_{turn}",
                    "video": video,
                    "conversations": [
                        {"from": "human", "value": f"<video>\n{asked.question}"},
                        {"from": "gpt", "value": asked.answer},
                    ],
                }
            )
    text = json.dumps(records, indent=2) + "\n"
    (root / "replay.json").write_text(text, encoding="utf-8")
