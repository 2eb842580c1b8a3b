"""On a CUDA device: bfloat16 LoRA learns what float32 learns on the CPU, and answers.

Skipped elsewhere. The base has 0.1 MB of weights, so the bound on memory is about what the trainer
itself takes: buffers, never a copy of something large.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import finetuned
import pytest
import several
import tiny
import torch
from jobs import make_job

from video_star.core.engine import Clip, Reply, Request, Sampling
from video_star.core.jsonl import write_records
from video_star.core.model_paths import base_ref
from video_star.core.params import FinetuneParams, ModelParams
from video_star.core.progress import Silent
from video_star.generation.transformers import TransformersEngine
from video_star.training.job import Job
from video_star.video.cache import FrameCache

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
needs_bitsandbytes = pytest.mark.skipif(
    find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed"
)
PEAK_BYTES = 3 << 30
"""Two buffers of zero.CHUNK elements for reducing, one for gathering, and small change."""
SAME = {"lora": 0.05, "qlora": 0.5}
"""How far losses may be from float32 on the CPU: bfloat16 has 8 bits, nf4 weights have 4."""


@pytest.fixture
def make(tmp_path: Path, tiny_base: Path, clips: Path) -> Any:
    """`make(name, device=..., dtype=..., method=...)`: a job of ten steps."""
    shutil.copytree(clips, tmp_path / "data" / "clips")
    write_records(tmp_path / "examples.jsonl", finetuned.examples(16))

    def job(name: str, method: str = "lora", **changes: Any) -> Job:
        raw = tiny.tiny_params(finetune__batch_size=8, finetune__epochs=5, finetune__method=method)
        made = make_job(
            tmp_path / name,
            data=tmp_path / "data",
            video_roots=(),
            frames=tmp_path / "frames",
            examples=tmp_path / "examples.jsonl",
            base=str(tiny_base),
            finetune=FinetuneParams(**raw["finetune"]),
            **changes,
        )
        made.folder.mkdir()
        return made

    return job


@pytest.mark.parametrize("method", ["lora", pytest.param("qlora", marks=needs_bitsandbytes)])
def test_a_gpu_learns_what_the_cpu_learns_and_answers(
    method: str, make: Any, tmp_path: Path, tiny_base: Path
) -> None:
    plain = make("cpu")
    several.train_all([plain], tmp_path / "launch-cpu")
    job = make("cuda", method, device="cuda", dtype="bfloat16")
    several.train_all([job], tmp_path / "launch-cuda")
    assert several.losses(job) == pytest.approx(several.losses(plain), rel=SAME[method])
    assert several.peak(job, 0) < PEAK_BYTES
    model = ModelParams(
        base=str(tiny_base), revision=None, dtype="bfloat16", trust_remote_code=False
    )
    engine = TransformersEngine(
        ref=base_ref(model, tmp_path),
        model=model,
        location=tiny_base,
        adapter=job.result / "adapter",
        frames=FrameCache(tmp_path / "frames", job.video, 1),
        device="cuda",
        batch_size=4,
        progress=Silent(),
    )
    clip = Clip(tmp_path / "data" / "clips" / "train-0.mp4", None, None)
    request = Request("0", clip, "What?", Sampling(0.0, 1.0, 12), seed=1)
    (reply,) = [outcome for batch in engine.answer([request]) for outcome in batch]
    assert isinstance(reply, Reply)
    assert reply.n_tokens > 0
