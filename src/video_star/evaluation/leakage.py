"""Leakage: no recording may be learned from and measured with.

Held out are the manifest's test samples and the videos of the benchmarks. A training video is
refused when one of them

- is the same recording by an id that is known anywhere: a YouTube id (with or without times, or
  "v_" before it), or a number of at least six digits, as stock footage has; shorter numbers only
  count files;
- is the same file, or another one with the same bytes.

Only files of equal size are hashed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from video_star.core.context import StepContext
from video_star.core.paths import Workspace
from video_star.core.progress import Progress, Silent
from video_star.core.records import VideoSample
from video_star.data.manifest import Leak, read_manifest
from video_star.data.readers.base import SUFFIXES
from video_star.evaluation.benchmarks import open_benchmark
from video_star.evaluation.benchmarks.base import HasVideos
from video_star.video.content import ContentHashes, files_of

_YOUTUBE = re.compile(r"(?:v_)?([\w-]{11})(?:_\d{1,6}_\d{1,6})?", re.ASCII)
_NUMBER = re.compile(r"\d{6,}", re.ASCII)


@dataclass(frozen=True)
class Used:
    """A video that is learned from or held out, and the ids that its recording is known by."""

    owner: str
    """The data set or the benchmark."""
    path: Path
    ids: frozenset[str]


def refuse_shared_videos(context: StepContext, samples: Iterable[VideoSample]) -> None:
    """Leak that lists the training videos which are held out too, by id or by content."""
    samples, workspace = list(samples), context.workspace
    train, test = (_of_samples(workspace, samples, split) for split in ("train", "test"))
    benchmarks = _of_benchmarks(context)
    pairs = _shared(train, test, benchmarks, workspace, context.progress)
    texts = sorted({f"{_shown(workspace, a)} is {_shown(workspace, b)}" for a, b in pairs})
    if texts:
        raise Leak(
            "training videos are held out for a test or a benchmark as well",
            texts,
            "so it would measure memory; remove them from the training annotations.",
        )


def held_out_as(
    context: StepContext, sample: VideoSample, others: Iterable[VideoSample]
) -> list[str]:
    """What a sample's video is as well, of the other split of `others` and of the benchmarks.

    A test sample may be in a benchmark. Of `others` those matter that are of the same source.
    """
    workspace, split = context.workspace, "test" if sample.split == "train" else "train"
    others = [other for other in others if other.split == split]
    own = _of_samples(workspace, [sample], sample.split)
    theirs = _of_samples(workspace, others, split)
    benchmarks = _of_benchmarks(context) if sample.split == "train" else []
    pairs = _shared(own, theirs, benchmarks, workspace, Silent())
    same = [other for other in others if other.source_id == sample.source_id]
    found = [*_of_samples(workspace, same, split), *(other for _, other in pairs)]
    return sorted({_shown(workspace, video) for video in found})


def held_out_among(context: StepContext, videos: Iterable[str]) -> dict[str, str]:
    """Of replayed videos (paths as examples have them) those that are held out too, and as what.

    They are known by the names of their files alone.
    """
    workspace = context.workspace
    videos = sorted(videos)
    replayed = [Used("replay", workspace.video(name), _known(name)) for name in videos]
    tests = _of_samples(workspace, read_manifest(workspace, "test"), "test")
    pairs = _shared(replayed, tests, _of_benchmarks(context), workspace, context.progress)
    names = {workspace.video(name): name for name in videos}
    return {names[ours.path]: _shown(workspace, other) for ours, other in pairs}


def recording_of(name: str) -> str | None:
    """The id in a source id or file name by which a recording is known anywhere, or None."""
    last = PurePosixPath(name)
    stem = last.stem if last.suffix.lower() in SUFFIXES else last.name
    match = _YOUTUBE.fullmatch(stem)
    if match:
        return match[1]
    return stem if _NUMBER.fullmatch(stem) else None


def _known(*names: str) -> frozenset[str]:
    return frozenset(found for name in names if (found := recording_of(name)))


def _of_samples(workspace: Workspace, samples: Iterable[VideoSample], split: str) -> list[Used]:
    """The distinct videos of the samples of one split."""
    sources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sample in samples:
        if sample.split == split:
            sources[sample.dataset, sample.video].add(sample.source_id)
    return [
        Used(dataset, workspace.video(video), _known(*names))
        for (dataset, video), names in sorted(sources.items())
    ]


def _of_benchmarks(context: StepContext) -> list[Used]:
    """The videos that the benchmarks of params.yaml bring along."""
    return [
        Used(name, path, _known(recording))
        for name, raw in context.params.evaluate.benchmarks.items()
        if isinstance(benchmark := open_benchmark(name, raw, context.workspace.root), HasVideos)
        for path, recording in sorted(benchmark.videos(context).items())
    ]


def _shared(
    ours: Sequence[Used],
    tests: Sequence[Used],
    benchmarks: Sequence[Used],
    workspace: Workspace,
    progress: Progress,
) -> list[tuple[Used, Used]]:
    """Pairs of one of our videos and one held out that are the same, by id or by content."""
    # A benchmark's files are named by their recordings, so the names of ours count too.
    named = [replace(video, ids=video.ids | _known(video.path.name)) for video in ours]
    hashes = ContentHashes(workspace.frames)
    return [
        *_same_ids(ours, tests),
        *_same_ids(named, benchmarks),
        *_same_content(ours, [*tests, *benchmarks], hashes, progress),
    ]


def _same_ids(ours: Iterable[Used], theirs: Iterable[Used]) -> Iterator[tuple[Used, Used]]:
    by_id = {name: video for video in theirs for name in video.ids}
    for video in ours:
        for name in sorted(video.ids & by_id.keys()):
            yield video, by_id[name]


def _same_content(
    ours: Sequence[Used], theirs: Sequence[Used], hashes: ContentHashes, progress: Progress
) -> Iterator[tuple[Used, Used]]:
    sizes = _by_size(theirs)
    candidates = [
        (video, sizes[size])
        for size, group in _by_size(ours).items()
        for video in group
        if size in sizes
    ]
    files = {video.path for video, others in candidates for video in (video, *others)}
    for done, path in enumerate(sorted(files), start=1):
        hashes.of(path)
        progress.update(done, len(files), "videos compared")
    for video, others in candidates:
        for other in others:
            if hashes.of(video.path) == hashes.of(other.path):
                yield video, other


def _by_size(videos: Iterable[Used]) -> dict[int, list[Used]]:
    """Videos by size in bytes; empty and missing files hold nothing to compare."""
    groups: dict[int, list[Used]] = defaultdict(list)
    for video in videos:
        size = sum(file.stat().st_size for file in files_of(video.path))
        if size:
            groups[size].append(video)
    return groups


def _shown(workspace: Workspace, video: Used) -> str:
    path = video.path
    inside = path.is_relative_to(workspace.data)
    return f"{path.relative_to(workspace.data) if inside else path} of {video.owner}"
