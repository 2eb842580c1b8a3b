"""The demo's TempCompass: held-out videos and questions in the benchmark's own file layout."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from video_star.core.hashing import stable_seed
from video_star.core.jsonl import write_text
from video_star.core.labels import option_line
from video_star_demo import mp4, wording, world
from video_star_demo.wording import Facet
from video_star_demo.world import ACTIONS, Clip, Program

ASPECTS: Final = ("action", "direction", "speed", "order", "attribute_change")
TASKS: Final = ("multi-choice", "yes_no", "caption_matching", "captioning")
PER_ACTION: Final = 4
UNNAMED: Final = 8
"""Videos of motions without a name; half of them change their speed."""


ENOUGH: Final = 5


def _programs(rng: random.Random) -> list[Program]:
    named = {action.program for action in ACTIONS}
    free = [program for program in world.all_programs() if program not in named]
    changing = [program for program in free if len(program) == 2 and program[0].speed]
    other = [program for program in free if not any(phase.speed for phase in program)]
    unnamed = rng.sample(changing, UNNAMED // 2) + rng.sample(other, UNNAMED - UNNAMED // 2)
    return [action.program for action in ACTIONS for _ in range(PER_ACTION)] + unnamed


def _facets(clip: Clip, asked: dict[str, int], rng: random.Random) -> list[Facet]:
    """Up to two facets of a video: its name if any, and the motion facet asked least so far.

    A named video is asked for its motion too only until each motion aspect was asked five times, so
    that most questions are about names, which is what a round can teach.
    """
    motions = sorted(wording.motion_facets(clip, rng), key=lambda facet: asked[facet.aspect])
    if clip.action is None:
        return motions[:2]
    partners = wording.partner_names(clip.action, ACTIONS)
    kind = "fine-grained action" if partners else "coarse-grained action"
    others = [name for name in (a.name for a in ACTIONS) if name not in partners]
    near = [*partners, *rng.sample(others, 3)] if partners else others
    motions = [facet for facet in motions if asked[facet.aspect] < ENOUGH]
    return [wording.action_facet(clip.action.name, near, kind), *motions[:1]]


def _questions(facet: Facet, clip: Clip, rng: random.Random) -> dict[str, list[dict[str, str]]]:
    """One multi-choice, two yes/no, one matching and one captioning question."""
    subject = clip.subject
    choice = wording.multi_choice(facet, subject, 3, rng)
    pair = [wording.yes_no(facet, subject, positive, rng) for positive in (True, False)]
    matching = wording.caption_matching(facet, subject, rng)
    question, options = wording.captioning_options(facet, subject, 3, rng)
    right = option_line(options, options.index(facet.truth))
    return {
        "multi-choice": [choice._asdict()],
        "yes_no": [asked._asdict() for asked in pair],
        "caption_matching": [matching._asdict()],
        "captioning": [{"question": question, "answer": right}],
    }


def _meta(facets: Sequence[Facet], clip: Clip) -> dict[str, Any]:
    dims: dict[str, Any] = dict.fromkeys(ASPECTS)
    for facet in facets:
        known: dict[str, str] = {"subject": clip.subject}
        if facet.aspect == "order":
            first, last = facet.truth.split(" and then ")
            known |= {"event1": first, "event2": last}
        else:
            known |= {facet.key: facet.truth, "type": facet.kind}
        dims[facet.aspect] = known
    return {"eval_dim": dims, "content": ["artifacts"]}


def write(root: Path, seed: int) -> None:
    """Write questions/*.json, meta_info.json and videos/*.mp4 under root."""
    rng = random.Random(stable_seed(seed, "tempcompass"))
    files: dict[str, dict[str, Any]] = {task: {} for task in TASKS}
    meta: dict[str, Any] = {}
    asked = dict.fromkeys(ASPECTS, 0)
    ids = rng.sample(range(1_000_000_000, 1_100_000_000), len(ACTIONS) * PER_ACTION + UNNAMED)
    for number, program in zip(ids, _programs(rng), strict=True):
        video = str(number)
        clip = world.draw_clip(program, stable_seed(seed, "tempcompass", video))
        facets = _facets(clip, asked, rng)
        for facet in facets:
            asked[facet.aspect] += 1
            for task, questions in _questions(facet, clip, rng).items():
                files[task].setdefault(video, {})[facet.aspect] = questions
        meta[video] = _meta(facets, clip)
        mp4.write(root / "videos" / f"{video}.mp4", world.render(clip))
    for path, content in (
        *((f"questions/{task}.json", content) for task, content in files.items()),
        ("meta_info.json", meta),
    ):
        write_text(root / path, json.dumps(content, indent=4) + "\n")
