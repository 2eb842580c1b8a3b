"""The demo's other label kinds: real layouts, read by the readers of such data sets."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
import tiny

from video_star.core.context import StepContext
from video_star.core.labels import KINDS, BoxLabel, SequenceLabel, SpanLabel, label_text
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.prompts import final_line
from video_star.core.records import Failure, VideoSample
from video_star.data.manifest import read_manifest
from video_star.pipeline.steps.ingest import run_ingest
from video_star.verification import case_of, judge_all, known_of_samples
from video_star.video.decode import probe
from video_star_demo import lessons, supervision, world

SHIPPED = load_params(tiny.ROOT / "params.yaml")


@pytest.fixture(scope="session")
def ingested(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the demo's data and the sources of the shipped params.yaml, ingested."""
    workspace = Workspace(tmp_path_factory.mktemp("ingested"))
    (workspace.root / "data").symlink_to(data)
    shutil.copy(tiny.ROOT / "params.yaml", workspace.params)

    def no_engine(ref: object) -> object:
        raise AssertionError(f"ingest asks no model, not even {ref}")

    result = run_ingest(StepContext(workspace, SHIPPED, "r0", no_engine))  # type: ignore[arg-type]
    assert [f for f in result.failures if isinstance(f, Failure)] == []
    return workspace


@pytest.fixture(scope="session")
def samples(ingested: Workspace) -> list[VideoSample]:
    return read_manifest(ingested)


def test_every_label_kind_occurs_in_both_splits(samples: list[VideoSample]) -> None:
    for split in ("train", "test"):
        found = {label.kind for s in samples if s.split == split for label in s.labels}
        assert found == set(KINDS)


def test_labels_lie_within_their_clips(samples: list[VideoSample], ingested: Workspace) -> None:
    for sample in samples:
        length = probe(ingested.video(sample.video)).duration_s
        start, end = sample.start_s or 0.0, sample.end_s or length
        assert 0 <= start < end <= length + 1e-6
        for label in sample.labels:
            if isinstance(label, SpanLabel):
                assert label.end <= end - start + 0.01
            if isinstance(label, BoxLabel) and label.at is not None:
                assert label.at <= end - start


def test_what_a_label_says_passes_for_every_sample(samples: list[VideoSample]) -> None:
    known = known_of_samples(samples, SHIPPED.verify)
    for say in (lambda labels: f"The answer is {label_text(labels)}.", final_line):
        cases = [case_of(sample, say(sample.labels)) for sample in samples]
        judged = judge_all(cases, SHIPPED.verify, known)
        failed = [(c.text, j.reason) for c, j in zip(cases, judged, strict=True) if not j.passed]
        assert not failed


def test_steps_of_a_dive_are_in_time_order(samples: list[VideoSample]) -> None:
    dives = [s for s in samples if s.dataset == "finediving" and s.id.endswith("/sequence")]
    found = {label.names for s in dives for label in s.labels if isinstance(label, SequenceLabel)}
    assert ("moving up", "moving left") in found
    assert ("moving left", "moving up") in found


@pytest.mark.parametrize("kind", supervision.DRAWN)
def test_a_told_label_ends_the_lesson_as_the_loop_tells_it(kind: str) -> None:
    rng = random.Random(kind)
    for _ in range(50):
        question, labels = supervision.drawn(kind, rng)
        assert question
        assert supervision.conclusion(labels) == f"The answer is {label_text(labels)}."


def test_no_lesson_of_other_kinds_holds_a_name_that_the_loop_must_teach() -> None:
    rng = random.Random(4)
    words = {word for action in world.UNKNOWN for word in action.name.split()}
    for number in range(400):
        clip = world.draw_clip(rng.choice(world.all_programs()), number)
        for name in (
            n for n in lessons.LESSONS if n.startswith(("told", "un", "st", "ch", "line"))
        ):
            asked = lessons.LESSONS[name](clip, rng)
            if asked is not None:
                text = f"{asked.question} {asked.answer}".lower()
                assert not [word for word in words if word in text.split()], text
