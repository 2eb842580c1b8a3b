"""The demo's data: files in the layouts of real data sets, labels of all kinds."""

from __future__ import annotations

import csv
import json
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
from video_star_demo import lessons, supervision, tempcompass, world

SHIPPED = load_params(tiny.ROOT / "params.yaml")
UNKNOWN_WORDS = {word for action in world.UNKNOWN for word in action.name.split()}


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
    for number in range(400):
        clip = world.draw_clip(rng.choice(world.all_programs()), number)
        for name in (
            n for n in lessons.LESSONS if n.startswith(("told", "un", "st", "ch", "line"))
        ):
            asked = lessons.LESSONS[name](clip, rng)
            if asked is not None:
                text = f"{asked.question} {asked.answer}".lower()
                assert not [word for word in UNKNOWN_WORDS if word in text.split()], text


def _kinetics(root: Path, split: str) -> list[dict[str, str]]:
    with (root / "kinetics" / f"{split}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_kinetics_files_name_every_clip_and_split_by_source(data: Path) -> None:
    splits = {name: _kinetics(data, name) for name in ("train", "test")}
    assert {r["label"] for r in splits["train"]} == {a.name for a in world.ACTIONS}
    sources = {name: {r["youtube_id"] for r in rows} for name, rows in splits.items()}
    assert not sources["train"] & sources["test"]
    assert len(sources["train"]) < len(splits["train"])
    for row in (*splits["train"], *splits["test"]):
        start, end = int(row["time_start"]), int(row["time_end"])
        name = f"{row['youtube_id']}_{start:06d}_{end:06d}.mp4"
        assert len(row["youtube_id"]) == 11
        assert (data / "kinetics" / "videos" / name).stat().st_size > 1000


def test_no_two_clips_of_the_demo_are_the_same(data: Path) -> None:
    contents = [path.read_bytes() for path in data.rglob("*.mp4")]
    assert len(set(contents)) == len(contents)


def test_tempcompass_files_have_the_layout_of_the_benchmark(data: Path) -> None:
    root = data / "tempcompass"
    meta = json.loads((root / "meta_info.json").read_text())
    asked = {
        t: json.loads((root / "questions" / f"{t}.json").read_text()) for t in tempcompass.TASKS
    }
    assert all(set(content) == set(meta) for content in asked.values())
    for video, content in meta.items():
        assert (root / "videos" / f"{video}.mp4").exists()
        aspects = {name for name, known in content["eval_dim"].items() if known is not None}
        assert all(set(task[video]) == aspects for task in asked.values())
    for aspects in asked["multi-choice"].values():
        for questions in aspects.values():
            assert all(q["answer"] in q["question"].split("\n")[1:] for q in questions)
    polarity = [q["answer"] for v in asked["yes_no"].values() for a in v.values() for q in a]
    assert polarity.count("yes") == polarity.count("no")


def test_replay_conversations_hold_no_name_that_the_loop_must_teach(data: Path) -> None:
    records = json.loads((data / "replay" / "replay.json").read_text())
    text = json.dumps(records)
    assert not [word for word in UNKNOWN_WORDS if word in text]
    for record in records:
        assert (data / "replay" / record["video"]).exists()
        assert [turn["from"] for turn in record["conversations"]] == ["human", "gpt"]
        assert record["conversations"][0]["value"].startswith("<video>\n")
