"""ZeRO stages and numbers of processes learn the same, and go on from one another's checkpoints."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import finetuned
import pytest
import several
import tiny
import torch
from jobs import make_job
from safetensors.torch import load_file

from video_star.core.jsonl import write_records
from video_star.core.params import FinetuneParams, Part, VideoParams
from video_star.training.job import Job

SAME = 1e-3
"""How far a loss may be from that of the plain run."""
SAME_HALF = 2e-2
"""The same in bfloat16, where sums over other parts are rounded otherwise."""
STAGES = ("zero0", "zero1", "zero2", "zero3")
HALF, STEPS = 3, 6
AGAIN = ("zero0", "zero2", "zero3", "full-zero2", "half-zero2")
"""Runs of one process whose ends are trained twice."""


TWO: dict[str, Any] = {"world_size": 2, "micro_batch_size": 2}
HALF_PRECISION: dict[str, Any] = {"dtype": "bfloat16"}


PARTS = get_args(Part)


class Runs:
    """Jobs over the same examples; each is trained once, those of a launch together."""

    def __init__(self, folder: Path, base: Path, clips: Path) -> None:
        self.folder = folder
        shutil.copytree(clips, folder / "data" / "clips")
        examples = finetuned.examples(16)
        write_records(folder / "examples.jsonl", examples)
        of_lengths = [
            item.model_copy(update={"start_s": 0.0, "end_s": 0.2 + 0.5 * (i % 3)})
            for i, item in enumerate(examples)
        ]
        write_records(folder / "lengths.jsonl", of_lengths)
        self.base = base

    def job(
        self,
        name: str,
        method: str = "lora",
        parts: Sequence[str] = PARTS[:1],
        epochs: int = STEPS // 2,
        **changes: Any,
    ) -> Job:
        """A job of two steps an epoch with a checkpoint after three, in a folder of its own."""
        raw = tiny.tiny_params(
            finetune__batch_size=8,
            finetune__epochs=epochs,
            finetune__learning_rate=0.01,
            finetune__group_by_length=None,  # so that two steps are an epoch
            finetune__method=method,
            finetune__parts=list(parts),
        )
        raw["finetune"]["lora"]["r"] = 3  # not divisible among two processes
        fields: dict[str, Any] = {
            "data": self.folder / "data",
            "frames": self.folder / "frames",
            "examples": self.folder / "examples.jsonl",
            "base": str(self.base),
            "checkpoint_steps": HALF,
            "finetune": FinetuneParams(**raw["finetune"]),
        }
        made = make_job(self.folder / name, **(fields | changes))
        made.folder.mkdir()
        return made

    def job_of_lengths(self, name: str, **changes: Any) -> Job:
        """A job over clips of different lengths whose pixels go in, as the tower learns."""
        return self.job(
            name,
            parts=("language_model", "vision_tower"),
            epochs=2,
            examples=self.folder / "lengths.jsonl",
            video=VideoParams(frames=8, sampling="fps", fps=4.0, short_side=28),
            **changes,
        )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, clips: Path) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"), tiny_base, clips)


@pytest.fixture(scope="module")
def one(runs: Runs) -> dict[str, Job]:
    """Undisturbed runs of one process, and the ends of such runs by one process."""
    jobs = {zero: runs.job(f"one-{zero}", zero=zero) for zero in STAGES}
    for zero in STAGES[1:]:
        jobs[f"full-{zero}"] = runs.job(f"one-full-{zero}", "full", zero=zero)
    jobs["half-zero2"] = runs.job("one-half-zero2", zero="zero2", **HALF_PRECISION)
    jobs["all"] = runs.job("one-all", "full", PARTS, zero="zero2")
    jobs["lengths"] = runs.job_of_lengths("one-lengths", zero="zero0")
    for name in AGAIN:
        before = jobs[name]
        job = before.model_copy(update={"folder": runs.folder / f"one-{name}-again"})
        job.folder.mkdir()
        jobs[f"{name} again"] = several.begun(job, before, HALF)
    several.train_all(list(jobs.values()), runs.folder / "launch-one")
    return jobs


@pytest.fixture(scope="module")
def two(runs: Runs, one: dict[str, Job]) -> dict[str, Job]:
    """Undisturbed runs of two processes, and the ends of runs that one or two began."""
    jobs = {zero: runs.job(f"two-{zero}", zero=zero, **TWO) for zero in STAGES}
    for zero in STAGES[2:]:
        again = runs.job(f"two-{zero}-again", zero=zero, **TWO)
        jobs[f"{zero} again"] = several.begun(again, jobs[zero], HALF)
    jobs["offload"] = runs.job(
        "two-offload", zero="zero3_offload", gradient_checkpointing=True, **TWO
    )
    jobs["full-zero3"] = runs.job("two-full-zero3", "full", zero="zero3", **TWO)
    jobs["all"] = runs.job("two-all", "full", PARTS, zero="zero3", **TWO)
    for zero in ("zero2", "zero3"):
        jobs[f"lengths-{zero}"] = runs.job_of_lengths(f"two-lengths-{zero}", zero=zero, **TWO)
    for before, after in (("zero1", "zero1"), ("zero2", "zero3"), ("zero3", "zero2_offload")):
        job = runs.job(f"{before}-then-{after}", zero=after, **TWO)
        jobs[f"then-{after}"] = several.begun(job, one[before], HALF)
    job = runs.job("full-then-zero3", "full", zero="zero3", **TWO)
    jobs["then-full"] = several.begun(job, one["full-zero2"], HALF)
    job = runs.job("half-then-zero3", zero="zero3", **TWO, **HALF_PRECISION)
    jobs["then-half"] = several.begun(job, one["half-zero2"], HALF)
    several.train_all(list(jobs.values()), runs.folder / "launch-two")
    return jobs


@pytest.fixture(scope="module")
def fewer(runs: Runs, two: dict[str, Job]) -> dict[str, Job]:
    """The ends, by one process, of runs that two began."""
    jobs = {zero: runs.job(f"fewer-{zero}", zero=zero) for zero in STAGES}
    for zero, job in jobs.items():
        several.begun(job, two[zero], HALF)
    several.train_all(list(jobs.values()), runs.folder / "launch-fewer")
    return jobs


@pytest.mark.slow
def test_every_stage_learns_the_same_in_one_process(one: dict[str, Job]) -> None:
    curve = several.losses(one["zero2"])
    assert len(curve) == STEPS
    assert sum(curve[-2:]) < 0.8 * sum(curve[:2])
    for zero in STAGES:
        assert several.losses(one[zero]) == pytest.approx(curve, rel=SAME), zero


@pytest.mark.slow
def test_two_processes_learn_what_one_does(one: dict[str, Job], two: dict[str, Job]) -> None:
    curve = several.losses(one["zero2"])
    for name in (*STAGES, "offload"):
        assert several.losses(two[name]) == pytest.approx(curve, rel=SAME), name


@pytest.mark.slow
def test_two_processes_go_on_from_what_one_began(one: dict[str, Job], two: dict[str, Job]) -> None:
    curve = several.losses(one["zero2"])
    for name in ("then-zero1", "then-zero3", "then-zero2_offload"):
        assert several.losses(two[name])[:HALF] == pytest.approx(curve[:HALF], rel=SAME)
        assert several.losses(two[name]) == pytest.approx(curve, rel=SAME), name


@pytest.mark.slow
def test_two_processes_go_on_in_bfloat16(one: dict[str, Job], two: dict[str, Job]) -> None:
    curve = several.losses(one["half-zero2"])
    assert several.losses(two["then-half"]) == pytest.approx(curve, rel=SAME_HALF)


@pytest.mark.slow
def test_one_process_goes_on_from_what_two_began(
    one: dict[str, Job], fewer: dict[str, Job]
) -> None:
    curve = several.losses(one["zero2"])
    for zero in STAGES:
        assert several.losses(fewer[zero]) == pytest.approx(curve, rel=SAME), zero


@pytest.mark.slow
def test_the_same_processes_go_on_to_the_same_bytes(
    one: dict[str, Job], two: dict[str, Job]
) -> None:
    for jobs in (one, two):
        again = [name for name in jobs if name.endswith(" again")]
        assert len(again) == (len(AGAIN) if jobs is one else 2)
        for name in again:
            before = jobs[name.removesuffix(" again")]
            assert several.result_bytes(jobs[name]) == several.result_bytes(before), name


@pytest.mark.slow
def test_full_finetuning_is_the_same_whoever_shares_it_out(
    runs: Runs, one: dict[str, Job], two: dict[str, Job]
) -> None:
    curve = several.losses(one["full-zero2"])
    assert sum(curve[-2:]) < 0.8 * sum(curve[:2])
    weights = weights_of(one["full-zero2"])
    moved = distance(weights, load_file(runs.base / "model.safetensors"))
    for job in (one["full-zero1"], one["full-zero3"], two["full-zero3"], two["then-full"]):
        assert several.losses(job) == pytest.approx(curve, rel=SAME), job.folder.name
        assert several.result_bytes(job).keys() == several.result_bytes(one["full-zero2"]).keys()
        assert distance(weights_of(job), weights) < 0.05 * moved, job.folder.name


def weights_of(job: Job) -> dict[str, torch.Tensor]:
    return load_file(job.result / "weights" / "model.safetensors")


def distance(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> float:
    """Root of the mean squared difference over all weights."""
    assert some.keys() == others.keys()
    squares = torch.cat([(some[name] - others[name]).flatten() ** 2 for name in some])
    return float(squares.mean().sqrt())


@pytest.mark.slow
def test_tower_and_projector_learn_too(one: dict[str, Job], two: dict[str, Job]) -> None:
    curve = several.losses(one["all"])
    assert several.losses(two["all"]) == pytest.approx(curve, rel=SAME)
    assert curve != pytest.approx(several.losses(one["full-zero2"]), rel=SAME)


@pytest.mark.slow
def test_processes_whose_clips_differ_in_length_learn_what_one_learns(
    one: dict[str, Job], two: dict[str, Job]
) -> None:
    """One pass a length, unequally many by process."""
    curve = several.losses(one["lengths"])
    for zero in ("zero2", "zero3"):
        assert several.losses(two[f"lengths-{zero}"]) == pytest.approx(curve, abs=1e-3), zero


@pytest.mark.slow
def test_zero3_loads_its_part_of_the_base_and_draws_the_same_adapter(two: dict[str, Job]) -> None:
    for rank in (0, 1):
        plain, shared = (several.loaded(two[zero], rank) for zero in ("zero2", "zero3"))
        assert plain["held"] == plain["whole"] == shared["whole"]
        assert shared["held"] < 0.52 * shared["whole"]
        assert shared["drawn"] == plain["drawn"]
