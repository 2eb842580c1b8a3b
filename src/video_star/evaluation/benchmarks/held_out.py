"""Held-out samples as items of a benchmark, scored by the verifiers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.errors import DataError
from video_star.core.params import VerifyParams
from video_star.core.paths import Workspace
from video_star.core.records import VideoSample
from video_star.data.manifest import read_manifest
from video_star.evaluation.benchmarks.base import Item
from video_star.verification import Case, Judgement, Known, judge

G = TypeVar("G")


def held_out(
    context: StepContext,
    dataset: str,
    benchmark: str,
    labels: str,
    fits: Callable[[VideoSample], bool],
) -> list[VideoSample]:
    """The test samples of a data set that fit, by id; DataError when there is none.

    `labels` names the labels that fit, for the message.
    """
    test = read_manifest(context.workspace, "test")
    samples = [sample for sample in test if sample.dataset == dataset and fits(sample)]
    if not samples:
        known = ", ".join(sorted({sample.dataset for sample in test})) or "none"
        raise DataError(
            f"{context.workspace.manifest}: benchmark {benchmark} finds no test sample of data set "
            f"{dataset!r} with {labels} (data sets with test samples: {known}); add such a source "
            "to ingest.sources in params.yaml, correct the benchmark's `dataset` in "
            "evaluate.benchmarks, or remove the benchmark there."
        )
    return samples


@dataclass(frozen=True)
class Verified:
    """What the verifiers need to score an answer to the question of a sample."""

    case: Case
    """Of the sample, with an empty answer."""
    verify: VerifyParams
    known: Known

    def case_with(self, text: str) -> Case:
        """The case of an answer."""
        return replace(self.case, text=text)

    def judgement(self, text: str) -> Judgement:
        """What the rules make of an answer."""
        return judge(self.case_with(text), self.verify, self.known)


def item_of(
    sample: VideoSample,
    workspace: Workspace,
    form: str,
    prompt: str,
    metric: str,
    slices: tuple[str, ...],
    gold: G,
    truth: float | None = None,
) -> Item[G]:
    """An item about the video of a sample; `form` distinguishes several items of a sample."""
    return Item(
        id=f"{sample.id}/{form}" if form else sample.id,
        clip=Clip(workspace.video(sample.video), sample.start_s, sample.end_s),
        cluster=f"{sample.dataset}/{sample.source_id}",
        prompt=prompt,
        metric=metric,
        slices=slices,
        gold=gold,
        truth=truth,
    )
