"""Held-out samples of one data set as the ground of a benchmark."""

from __future__ import annotations

from collections.abc import Callable

from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.errors import DataError
from video_star.core.paths import Workspace
from video_star.core.records import VideoSample
from video_star.data.manifest import read_manifest


def held_out(
    context: StepContext,
    dataset: str,
    benchmark: str,
    labels: str,
    fits: Callable[[VideoSample], bool],
) -> list[VideoSample]:
    """The test samples of a data set that fit, by id; DataError when there is none.

    `labels` says in words which labels fit.
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


def clip_of(sample: VideoSample, workspace: Workspace) -> Clip:
    """The part of the video file that the sample is about."""
    return Clip(workspace.video(sample.video), sample.start_s, sample.end_s)


def cluster_of(sample: VideoSample) -> str:
    """The recording the sample was made from."""
    return f"{sample.dataset}/{sample.source_id}"
