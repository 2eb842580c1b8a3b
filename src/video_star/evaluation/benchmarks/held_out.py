"""Held-out samples as items of a benchmark, scored by the verifiers.

The benchmark `held_out` asks the question of every test sample, whatever the kind of its labels,
and counts how many answers pass: `accuracy`, with slices by label kind and data set. A doubtful
answer does not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from video_star.core import prompts
from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.errors import DataError
from video_star.core.params import VerifyParams
from video_star.core.paths import Workspace
from video_star.core.records import Score, VideoSample
from video_star.data.manifest import read_manifest
from video_star.evaluation.benchmarks.base import Benchmark, BenchmarkParams, Item
from video_star.verification import (
    Case,
    Judgement,
    Known,
    case_of,
    judge,
    known_of_samples,
)

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


class OfDataset(BenchmarkParams):
    """Parameters of a benchmark on one data set."""

    dataset: str
    """Its name in ingest.sources."""


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


def kinds_of(sample: VideoSample) -> tuple[str, ...]:
    """A slice for each kind among the labels of a sample."""
    return tuple(dict.fromkeys(f"kind={label.kind}" for label in sample.labels))


class HeldOutParams(BenchmarkParams):
    dataset: str | None
    """Name of the data set in ingest.sources; null takes all of them."""


class HeldOut(Benchmark[Verified]):
    """The benchmark `held_out`."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.params = HeldOutParams.model_validate(raw)

    def items(self, context: StepContext) -> list[Item[Verified]]:
        """An item for each test sample, by sample id; DataError when there is none."""
        wanted, workspace = self.params.dataset, context.workspace
        everything = read_manifest(workspace)
        test = [s for s in everything if s.split == "test" and wanted in (None, s.dataset)]
        if not test:
            raise DataError(
                f"{workspace.manifest}: benchmark held_out finds no test sample"
                f"{'' if wanted is None else f' of data set {wanted!r}'}; add such a source to "
                "ingest.sources in params.yaml, or remove the benchmark there."
            )
        verify, settings = context.params.verify, context.params.settings
        known = known_of_samples(everything, verify, workspace.root, settings.device)
        line = context.params.prompts.final_line
        return [
            item_of(
                sample,
                workspace,
                form="",
                prompt=prompts.held_out(sample.question, prompts.line_request(sample.labels, line)),
                metric="accuracy",
                slices=(*kinds_of(sample), f"dataset={sample.dataset}"),
                gold=Verified(case_of(sample, ""), verify, known),
            )
            for sample in test
        ]

    def score(self, item: Item[Verified], text: str) -> Score:
        """1 where every label passes, else 0."""
        judgement = item.gold.judgement(text)
        return item.scored(float(judgement.passed), judgement.reason)
