"""A workspace of 1,000 hostile samples that went through two scripted rounds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import tiny
import yaml

from video_star.core.jsonl import write_records
from video_star.core.labels import ClassLabel, SetLabel
from video_star.core.model_paths import base_ref, write_ref
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import LossPoint, VideoSample
from video_star.pipeline.runner import run_step

SAMPLES = 1_000
HOSTILE = '<img src=x onerror=alert(1)>&lt;img src=x onerror="alert(2)"></script><!--<script>'
ODD = "Nothing moves.\u202e\x1b[1m" + "x" * 5_000
"""An answer that turns the direction of what follows, and is longer than a screen."""
STEPS = ("generate", "verify", "rationalize", "verify-rationales", "curate", "evaluate")


def samples() -> list[VideoSample]:
    """Of two data sets, clips and kinds of label; many have markup where text may be."""
    made = []
    for i in range(SAMPLES):
        name = tiny.CLASSES[i % 4]
        odd = HOSTILE if i % 10 == 0 else ""
        one = ClassLabel(name=name, synonyms=(odd,) if odd else ())
        # An answer names one class, so that a set of two never passes without its label.
        two = SetLabel(names=(f"{name}{HOSTILE * (i == 14)}", tiny.CLASSES[(i + 1) % 4]))
        made.append(
            VideoSample(
                id=f"tiny/{i:04d}{odd}",
                dataset="odd<i>" if i % 10 == 0 else "tiny",
                video="clips/train <i>0.mp4" if i % 10 == 0 else f"clips/train-{i % 10}.mp4",
                source_id=f"train-{i % 10}",
                split="train",
                question=f"What happens in clip {i}? {odd}",
                question_template="1",
                labels=(two if i % 5 == 4 else one,),
            )
        )
    return made


def rules(answers: dict[str, str]) -> str:
    """A script: what the model says about each clip, and with the label as a hint."""
    known = ("jumping and surfing", *tiny.CLASSES[:2])
    shown = "The square moves as in this.\nAnswer: "  # more than an echo of the hint
    hinted = [{"prompt": f"is: {name}", "text": f"{shown}{name}"} for name in known]
    plain = [{"video": clip, "text": text} for clip, text in answers.items()]
    return json.dumps([*hinted, *plain, {"text": "\U0001f642 I see.\nAnswer: surfing"}])


SCRIPTS = {
    "r1": {"<i>": HOSTILE, "train-3": "It may be hiking or surfing.", "train-8": ODD},
    "r2": {"<i>": f"{HOSTILE}\nAnswer: jumping", "train-3": "Answer: hiking"},
}


def build(root: Path, clips: Path) -> Workspace:
    """r0 to r2, without what only a model can do: finetunes."""
    base = root.with_name("base")
    base.mkdir()
    (base / "config.json").write_text("{}", encoding="utf-8")
    workspace = tiny.make_workspace(root, base, clips)
    folder = workspace.data / "clips"
    shutil.copy(folder / "train-0.mp4", folder / "train <i>0.mp4")
    held_out = tiny.tiny_samples(4, "test")
    write_records(workspace.manifest, sorted([*samples(), *held_out], key=lambda own: own.id))
    for name in ("r0", "r1", "r2"):
        raw = tiny.tiny_params(
            cycle=f"tiny {HOSTILE}",
            generate__samples=1,
            evaluate__benchmarks={"held_out": {"dataset": None}},
            settings__engine=f"scripted:{name}.json",
        )
        workspace.params.write_text(yaml.safe_dump(raw), encoding="utf-8")
        script = rules(SCRIPTS.get(name, {}))
        (workspace.root / f"{name}.json").write_text(script, encoding="utf-8")
        if name != "r0":
            params = load_params(workspace.params)
            write_ref(workspace.round(name).model_json, base_ref(params.model, workspace.root))
            points = [LossPoint(step=n, loss=5 / n, learning_rate=0.1) for n in range(1, 200)]
            write_records(workspace.round(name).loss, points)
        for step in ("base", "evaluate") if name == "r0" else STEPS:
            run_step(step, name, workspace, Silent())
    return workspace
