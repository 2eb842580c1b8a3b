"""The model is told when each frame is shown, truly, in generate, finetune and evaluate."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import finetuned
import numpy as np
import pytest
import tiny
from tiny_families import BUILDERS
from transformers import AutoModelForImageTextToText, AutoProcessor

from video_star.core.engine import Clip, Request
from video_star.core.jsonl import write_records
from video_star.core.labels import ClassLabel
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import TrainingExample, VideoSample
from video_star.generation import transformers as engine
from video_star.generation.prefix import Parts, continue_from
from video_star.models.conversation import Conversations
from video_star.pipeline.runner import run_step
from video_star.video.cache import FrameCache

CUT = (0.4, 1.3)
"""Seconds of the part of each second clip that a sample is about."""


def shown(clip: Clip, n: int) -> list[float]:
    """Times of `n` evenly chosen frames from the start of the cut: by numpy, all decoded."""
    with av.open(str(clip.path)) as container:
        everything = np.array([float(frame.time) for frame in container.decode(video=0)])
    start, end = clip.start_s or 0.0, clip.end_s or np.inf
    inside = everything[(everything >= start) & (everything < end)]
    wanted = np.linspace(inside[0], inside[-1], n)
    nearest = np.abs(inside[None] - wanted[:, None]).argmin(axis=1)
    return [float(time) for time in inside[nearest] - start]


def pairs(times: Sequence[float]) -> list[float]:
    return [(one + other) / 2 for one, other in zip(times[::2], times[1::2], strict=True)]


def whole_seconds(times: Sequence[float]) -> list[float]:
    return [float(int(time + 1e-6)) for time in times]


TOLD: dict[str, tuple[str, Callable[[Sequence[float]], Sequence[float]]]] = {
    "qwen3_vl": (r"<([\d.]+) seconds>", pairs),
    "video_llama_3": (r"Time ([\d.]+)s:", list),
    "smolvlm": (r"Frame from 00:(\d\d):", whole_seconds),
    "gemma4": (r"00:(\d\d) <\|image>", whole_seconds),
}
"""Where a prompt says seconds, and which; tenths are rounded."""


def workspace_of(root: Path, name: str, footage: Sequence[Path]) -> Workspace:
    """A workspace whose train and test samples are the clips, every second one cut."""
    workspace = Workspace(root)
    BUILDERS[name](root / "base")
    (workspace.data / "clips").mkdir(parents=True)
    samples = []
    for number, path in enumerate(footage):
        for split in ("train", "test"):
            shutil.copy(path, workspace.data / "clips" / f"{split}-{path.name}")
            start, end = CUT if number % 2 else (None, None)
            samples.append(
                VideoSample(
                    id=f"{split}/{path.stem}",
                    dataset="tiny",
                    video=f"clips/{split}-{path.name}",
                    start_s=start,
                    end_s=end,
                    source_id=f"{split}-{path.stem}",
                    split="train" if split == "train" else "test",
                    question="What is it?",
                    question_template="class/0",
                    labels=(ClassLabel(name=tiny.CLASSES[number]),),
                )
            )
    write_records(workspace.manifest, sorted(samples, key=lambda sample: sample.id))
    params = tiny.tiny_params(
        video={"frames": 4, "sampling": "uniform", "fps": None, "short_side": None},
        evaluate={
            "max_new_tokens": 4,
            "bootstrap": 100,
            "benchmarks": {"kinetics_qa": {"options": 3, "distractors": "any", "judge": None}},
        },
    )
    import yaml

    workspace.params.write_text(yaml.safe_dump(params), encoding="utf-8")
    return workspace


@pytest.mark.parametrize("name", [*TOLD, "qwen2_5_vl"])
def test_true_times_reach_the_model_in_every_step(
    name: str, tmp_path: Path, footage: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_of(tmp_path, name, footage)
    run_step("base", "r0", workspace, Silent())
    processor = AutoProcessor.from_pretrained(workspace.root / "base")
    seen: list[tuple[Clip, np.ndarray, Any]] = []

    def looked_at(
        model: Any, inputs: dict[str, Any], requests: Sequence[Request], ends: set[int]
    ) -> list[list[int]]:
        for row, request in enumerate(requests):
            ids = inputs["input_ids"][row][inputs["attention_mask"][row].bool()].numpy()
            rates = inputs.get("second_per_grid_ts")
            seen.append((request.clip, ids, None if rates is None else float(rates[row])))
        return [[min(ends)] for _ in requests]

    def begun(model: Any, beginnings: dict[str, Any], parts: Parts, pad: int) -> dict[str, Any]:
        """Rates go with the video, into the beginning that the rows of a clip have in common."""
        rates = beginnings.get("second_per_grid_ts")
        rows = {} if rates is None else {"second_per_grid_ts": rates[parts.owners]}
        return continue_from(model, beginnings, parts, pad) | rows

    monkeypatch.setattr(engine, "decode", looked_at)
    monkeypatch.setattr(engine, "continue_from", begun)
    run_step("generate", "r1", workspace, Silent())
    generated = len(seen)
    run_step("evaluate", "r0", workspace, Silent())
    assert 0 < generated < len(seen)

    params = tiny.params_of(workspace)
    examples = [
        TrainingExample(
            id=path.name,
            sample_id=path.name,
            video=f"clips/train-{path.name}",
            start_s=CUT[0] if number % 2 else None,
            end_s=CUT[1] if number % 2 else None,
            prompt="What?",
            completion="A run.",
            form="direct",
            origin="direct",
        )
        for number, path in enumerate(footage)
    ]
    frames = FrameCache(workspace.frames, params.video, 1)
    conversations = Conversations(processor)
    model = AutoModelForImageTextToText.from_pretrained(workspace.root / "base")
    rows = finetuned.rows(model, examples, conversations, frames, workspace.data)
    for item, (tokens, entry) in zip(examples, rows, strict=True):
        rates = entry.inputs.get("second_per_grid_ts")
        clip = Clip(workspace.data / item.video, item.start_s, item.end_s)
        seen.append((clip, tokens.ids, None if rates is None else float(rates[0])))

    for clip, ids, rate in seen:
        times = shown(clip, 4)
        if name == "qwen2_5_vl":
            assert rate == pytest.approx(2 * (times[-1] - times[0]) / 3)
        else:
            pattern, wanted = TOLD[name]
            told = [float(time) for time in re.findall(pattern, processor.tokenizer.decode(ids))]
            assert told == pytest.approx(wanted(times), abs=0.0501)
