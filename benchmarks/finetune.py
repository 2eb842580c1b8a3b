"""How fast and in how much memory a finetune trains: `python benchmarks/finetune.py`.

Trains the demo's base with LoRA as params.yaml says, on rendered clips with four conversations
each, whose answers have 1 to 50 words:

- ours: features of a clip computed once, logits of answers only, through DeepSpeed as in the step;
- plain: transformers' Trainer, whose collator calls the family's processor for the clips and texts
  of each batch, as its documentation shows; labels and order are ours. Videos are read for each
  batch, or else ("with frames in memory") before the training; ours come from the frame cache.

Each run is a process of its own, in turn. Checks that the losses are equal within rounding. Prints
one JSON object a line: examples a second from the first batch on, padding, waiting for data, and
peak memory of the step and of a process that makes its batches, by number of examples (`--sizes`,
two or more).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import av
import numpy as np
from row import tell

from video_star.core.errors import VideoStarError
from video_star.core.jsonl import dump_json, write_records, write_shards, write_text
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import TrainingExample
from video_star.training.job import Job
from video_star.video.isolated import LIMITS

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / "src" / "video_star_demo" / "base"
ROUNDING = 1e-3
"""How far the loss of a step may be from the other way's, relatively."""
PROMPTS = (
    "What is happening?",
    "What is happening in this video? Explain step by step.",
    "What is happening? Options: (A) surfing, (B) jumping, (C) hiking.",
    "Does the video show surfing?",
)
WORDS = ("first", "the", "square", "stands", "still", "then", "it", "moves", "up", "and", "down")
LONGEST = 50
"""Words of an answer."""


def main() -> None:
    """Measure and print; or, in a process of its own, do one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=BASE)
    parser.add_argument("--clips", type=int, default=128)
    parser.add_argument("--short-side", type=int, default=None, help="default: params.yaml")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=[2_000, 20_000, 200_000])
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        name, folder = options.run
        sys.stdout.write(json.dumps(RUNS[name](Path(folder))) + "\n")
        return
    with tempfile.TemporaryDirectory() as scratch:
        _speed(Path(scratch), options)
        _memory(Path(scratch), options)


def _speed(scratch: Path, options: argparse.Namespace) -> None:
    job = _job(scratch, options.base, options.clips, options.short_side)
    made: dict[str, list[dict[str, Any]]] = {"ours": [], "plain": [], "held": []}
    for _ in range(options.times):
        for name, runs in made.items():
            runs.append(_apart(name, job.folder))
    ours = made["ours"]
    n = job.finetune.epochs * options.clips * len(PROMPTS)
    for name, how in (("plain", ""), ("held", " with frames in memory")):
        plain = made[name]
        pairs = zip(ours[0]["losses"], plain[0]["losses"], strict=True)
        off = max(abs(a / b - 1) for a, b in pairs)
        if off > ROUNDING:
            raise SystemExit(f"the losses differ by {off:.1e} of their value")
        rates = [[n / run["seconds"] for run in runs] for runs in (ours, plain)]
        busy, setup = (
            [median(run[what] for run in runs) for runs in (ours, plain)]
            for what in ("busy", "setup")
        )
        tell(
            f"finetune against the plain way{how}",
            median(a / b for a, b in zip(*rates, strict=True)),
            *("x", ">= 1.5"),
            f"{median(rates[0]):.1f} and {median(rates[1]):.1f} examples a second; "
            f"{busy[0]:.1f} and {busy[1]:.1f} s of processor time; before that {setup[0]:.1f} and "
            f"{setup[1]:.1f} s of setting up; {n} examples in {len(ours[0]['losses'])} steps, "
            f"losses within {off:.0e}",
        )
    tell("padding", 100 * ours[0]["padding"], "%", "< 10", "of the tokens of the batches")
    first, later = (
        median(run[part] / run["seconds"] for run in ours) for part in ("first", "wait")
    )
    tell(
        *("waiting for data", 100 * (first + later), "%", "< 5"),
        f"of the training; {100 * first:.1f} before the first step, {100 * later:.1f} after it",
    )


def _memory(scratch: Path, options: argparse.Namespace) -> None:
    for name, what in (("step", "step finetune"), ("feed", "batches of a process")):
        peaks = {}
        for n in options.sizes:
            folder = scratch / f"{name}-{n}"
            job = _job(folder, options.base, 8, options.short_side, examples=n)
            peaks[n] = _apart(name, job.folder)["peak"]
        if len(peaks) < 2:
            continue
        low, high = min(peaks), max(peaks)
        told = ", ".join(f"{peak / 1e6:.0f} MB at {n}" for n, peak in peaks.items())
        ratio = peaks[high] / peaks[low]
        each = (peaks[high] - peaks[low]) / (high - low)
        tell(f"memory of the {what}", ratio, "x", "<= 1.2", f"{told}: {each:.0f} bytes an example")


def _apart(name: str, folder: Path) -> dict[str, Any]:
    """What a run in a process of its own reports."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, "--run", name, str(folder)]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SystemExit(made.stderr[-3000:])
    found: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return found


def _conversations(clips: int, n: int) -> Iterator[TrainingExample]:
    rng = Random(1)
    for number in range(n):
        clip, prompt = number % clips, PROMPTS[number // clips % len(PROMPTS)]
        completion = " ".join(rng.choices(WORDS, k=rng.randint(1, LONGEST)))
        yield TrainingExample(
            **{"id": str(number), "sample_id": str(number), "video": f"{clip}.mp4"},
            **{"prompt": prompt, "completion": completion, "form": "direct", "origin": "direct"},
        )


def _job(
    folder: Path, base: Path, clips: int, short_side: int | None, examples: int | None = None
) -> Job:
    """A job with the parameters of params.yaml, whose clips lie in the frame cache."""
    from video_star.core.engine import Clip
    from video_star.video.cache import FrameCache

    params = load_params(ROOT / "params.yaml")
    side = short_side or params.video.short_side
    video = params.video.model_copy(update={"short_side": side})
    job = Job(
        **{"folder": folder / "job", "data": folder / "data", "video_roots": ()},
        **{"frames": folder / "frames", "limits": LIMITS, "base": base, "base_name": "base"},
        **{"examples": folder / "examples.jsonl", "max_failure_rate": 0.0, "video": video},
        **{"trust_remote_code": False, "dtype": "float32", "start_adapter": None},
        **{"device": "cpu", "seed": 1, "threads": 1, "world_size": 1, "zero": "zero2"},
        **{"micro_batch_size": params.finetune.batch_size, "checkpoint_steps": 10**9},
        **{"gradient_checkpointing": False, "liger": False, "finetune": params.finetune},
    )
    for path in (job.folder, job.data):
        path.mkdir(parents=True)
    write_records(job.examples, _conversations(clips, examples or clips * len(PROMPTS)))
    frames = FrameCache(job.frames, job.video, 1)
    for number in range(clips):
        frames.get(Clip(_clip(job.data / f"{number}.mp4", number, side or 56), None, None))
    write_text(job.folder / "job.json", dump_json(job.model_dump(mode="json")))
    return job


def _clip(path: Path, seed: int, side: int) -> Path:
    """Four seconds of a bright square that moves."""
    rng = np.random.default_rng(seed)
    start, speed = rng.integers(0, side // 2, 2), rng.integers(1, 4, 2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.height, stream.width, stream.pix_fmt = side, side, "yuv420p"
        for number in range(32):
            picture = np.full((side, side, 3), 30, np.uint8)
            y, x = (start + speed * number) % (side * 3 // 4)
            picture[y : y + side // 4, x : x + side // 4] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def _read(folder: Path) -> Job:
    return Job.model_validate_json((folder / "job.json").read_text(encoding="utf-8"))


def _load(job: Job) -> tuple[Any, Any]:
    """Processor and model, as a process of the launcher has them."""
    import torch

    from video_star.training import session, worker

    torch.set_num_threads(job.threads)
    worker._make_repeatable(torch, job)
    return session.load(job)


def _since(mark: tuple[float, float], ready: float) -> dict[str, float]:
    """Seconds and processor time since the first batch was asked for, and seconds up to there."""
    return {
        "seconds": time.perf_counter() - mark[0],
        "busy": time.process_time() - mark[1],
        "setup": mark[0] - ready,
    }


def _quiet(**message: Any) -> None:
    return


def _ours(folder: Path) -> dict[str, Any]:
    from video_star.training import session, worker
    from video_star.training.trainer import loss_curve

    job = _read(folder)
    os.environ |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "DS_ACCELERATOR": "cpu"}
    run = Path(tempfile.mkdtemp(dir=folder))
    worker._join_processes(job, run, 0)
    processor, model = _load(job)
    waits: list[float] = []
    marks: list[tuple[float, float]] = []
    cells = np.zeros(2, np.int64)

    def timed(work: Any) -> Any:
        def run(*arguments: Any) -> Any:
            begun = time.perf_counter()
            marks.append((begun, time.process_time()))
            result = work(*arguments)
            waits.append(time.perf_counter() - begun)
            return result

        return run

    ready = time.perf_counter()
    feed = session.make_feed(job, 0, processor, model, _quiet)
    collate = feed._collate

    def counted(rows: Sequence[Any]) -> dict[str, Any]:
        batch = collate(rows)
        for part in batch["parts"]:
            mask = part.inputs["attention_mask"]
            cells[:] += (int((mask == 0).sum()), mask.numel())
        return batch

    feed._enter, feed._wait, feed._collate = timed(feed._enter), timed(feed._wait), counted
    trainer = session.make_trainer(job, 0, model, feed, _quiet)
    trainer.train()
    took = _since(marks[0], ready)
    feed.close()
    return {
        **{**took, "padding": cells[0] / cells[1]},
        **{"first": waits[0], "wait": sum(waits[1:])},
        "losses": [point["loss"] for point in loss_curve(trainer.state.log_history)],
    }


def _plain(folder: Path, held: bool = False) -> dict[str, Any]:
    import torch
    from torch.utils.data import DataLoader
    from transformers import PrinterCallback, Trainer

    from video_star.models.conversation import Conversations
    from video_star.models.loading import load_processor
    from video_star.training import trainer as ours
    from video_star.training.examples import IGNORED, Examples
    from video_star.training.job import clip_of
    from video_star.training.order import Order
    from video_star.video.cache import FrameCache
    from video_star.video.decode import read_frames

    ours.deepspeed_config = lambda job: None
    job = _read(folder)
    model = _load(job)[1]
    texts = Conversations(load_processor(job.base, False))
    processor = load_processor(job.base, False)
    examples, tune = Examples(job.examples), job.finetune
    order = Order(len(examples), tune.epochs, tune.batch_size, job.seed, tune.group_by_length)
    processor.tokenizer.padding_side = "right"
    cache = FrameCache(job.frames, job.video, 1)
    lengths, frames, batches = {}, {}, []
    for index in range(len(examples)):
        clip = clip_of(examples[index], job.data)
        frames[index] = cache.get(clip)
        item, prepared = examples[index], texts.prepare(frames[index])
        lengths[index] = len(texts.encode_conversation(prepared, item.prompt, item.completion))
    for number in range(order.windows):
        batches += order.batches(number, lengths)

    marks: list[tuple[float, float]] = []

    def collate(indices: Sequence[int]) -> Any:
        marks.append((time.perf_counter(), time.process_time()))
        items = [examples[index] for index in indices]
        shown = [
            frames[index] if held else read_frames(clip_of(item, job.data), job.video)
            for index, item in zip(indices, items, strict=True)
        ]
        asked = [texts.render(item.prompt, None) for item in items]
        told = [texts.render(item.prompt, item.completion) for item in items]
        batch = processor(
            text=told,
            videos=[own.pixels for own in shown],
            video_metadata=[texts.metadata(own) for own in shown],
            **{"do_sample_frames": False, "padding": True, "return_tensors": "pt"},
        )
        tokens = processor.tokenizer
        labels = torch.full_like(batch["input_ids"], IGNORED)
        for row, (question, whole) in enumerate(zip(asked, told, strict=True)):
            n = len(tokens(whole).input_ids) - len(tokens(question).input_ids)
            end = int(batch["attention_mask"][row].sum())
            labels[row, end - n : end] = batch["input_ids"][row, end - n : end]
        return {**batch, "labels": labels}

    class Plain(Trainer):
        def get_train_dataloader(self) -> Any:
            return DataLoader(range(order.n), batch_sampler=batches, collate_fn=collate)

    ready = time.perf_counter()
    trainer = Plain(
        model=model, args=ours.arguments(job, order.steps), train_dataset=range(order.n)
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return {
        **_since(marks[0], ready),
        "losses": [point["loss"] for point in ours.loss_curve(trainer.state.log_history)],
    }


def _peak() -> dict[str, Any]:
    return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def _step(folder: Path) -> dict[str, Any]:
    """The step up to the launch of its processes."""
    from video_star.core.model_paths import base_ref, write_ref
    from video_star.pipeline.runner import run_step
    from video_star.pipeline.steps import finetune
    from video_star.training.examples import Examples

    job = _read(folder)
    workspace = Workspace(folder / "workspace")
    workspace.root.mkdir()
    raw = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (workspace.root / "params.yaml").write_text(raw, encoding="utf-8")
    (workspace.root / "src").symlink_to(ROOT / "src")
    (workspace.root / "data").symlink_to(job.data)
    replayed = workspace.data / "replay" / "replay.json"
    replayed.parent.mkdir()
    replayed.write_text("[]", encoding="utf-8")
    examples = Examples(job.examples)
    items = (examples[index] for index in range(len(examples)))
    write_shards(workspace.round("r1").train, items, lambda item: item.sample_id)
    model = load_params(workspace.root / "params.yaml").model
    write_ref(workspace.round("r0").model_json, base_ref(model, workspace.root))

    def stop(*given: object) -> None:
        raise VideoStarError("up to here")

    finetune.launch = stop
    try:
        run_step("finetune", "r1", workspace, Silent())
    except VideoStarError as error:
        if str(error) != "up to here":
            raise
    return _peak()


def _some_batches(folder: Path) -> dict[str, Any]:
    """The batches of the first and the last two windows."""
    from video_star.training import session

    job = _read(folder)
    feed = session.make_feed(job, 0, *_load(job), _quiet)
    window = feed.order.span * job.accumulation
    last = (feed.order.windows - 2) * window
    for number in (*range(min(2 * window, len(feed))), *range(max(0, last), len(feed))):
        feed[number]
    feed.close()
    return _peak()


RUNS = {
    "ours": _ours,
    "plain": _plain,
    "held": partial(_plain, held=True),
    "step": _step,
    "feed": _some_batches,
}

if __name__ == "__main__":
    main()
