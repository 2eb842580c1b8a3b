"""What a process reads, when, and what its batches are made of."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import finetuned
import pytest
import torch
from jobs import make_job
from transformers import AutoModelForImageTextToText, AutoProcessor

from video_star.core.engine import Clip
from video_star.core.errors import DataError, TooManyFailures
from video_star.core.jsonl import write_records
from video_star.models.conversation import Conversations
from video_star.training import clips as clips_module
from video_star.training import feed as feed_module
from video_star.training import session
from video_star.training.failures import read_failures
from video_star.training.feed import Feed
from video_star.training.job import Job
from video_star.video.cache import FrameCache

EPOCHS = 3


class Work:
    """A job of 24 examples about ten clips: 9 batches of 8, in windows of two."""

    def __init__(self, folder: Path, base: Path, clips: Path) -> None:
        shutil.copytree(clips, folder / "data" / "clips")
        self.base = base
        self.job = make_job(folder, base=base, micro_batch_size=4)
        tune = self.job.finetune.model_copy(update={"epochs": EPOCHS, "group_by_length": 2})
        self.job = self.job.model_copy(update={"finetune": tune})
        write_records(self.job.examples, finetuned.examples(24))

    def feed(self, rank: int = 0, step: int = 0, **changes: Any) -> Feed:
        model = AutoModelForImageTextToText.from_pretrained(self.base)
        model.requires_grad_(False)
        job = self.job.model_copy(update=changes)
        processor = AutoProcessor.from_pretrained(self.base)
        return session.make_feed(job, rank, processor, model, lambda **message: None, step)


@pytest.fixture
def work(tmp_path: Path, tiny_base: Path, clips: Path) -> Work:
    return Work(tmp_path, tiny_base, clips)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Clip]:
    """The clips that are read, in order."""
    seen: list[Clip] = []
    real = FrameCache.get

    def watched(self: FrameCache, clip: Clip) -> Any:
        seen.append(clip)
        return real(self, clip)

    monkeypatch.setattr(FrameCache, "get", watched)
    return seen


def same(some: dict[str, Any], others: dict[str, Any]) -> bool:
    """Whether two batches are equal bit by bit."""
    if not torch.equal(some["labels"], others["labels"]):
        return False
    for one, other in zip(some["parts"], others["parts"], strict=True):
        assert one.inputs.keys() == other.inputs.keys()
        tensors = [name for name, value in one.inputs.items() if isinstance(value, torch.Tensor)]
        if not all(torch.equal(one.inputs[name], other.inputs[name]) for name in tensors):
            return False
        if (one.features is None) != (other.features is None):
            return False
        if one.features is not None and not all(
            map(torch.equal, one.features.tensors, other.features.tensors)
        ):
            return False
    return True


def test_a_clip_is_read_once_for_all_epochs(work: Work, read: list[Clip]) -> None:
    feed = work.feed()
    batches = [feed[number] for number in range(len(feed))]
    assert len(batches) == EPOCHS * 24 / 4
    assert sorted(clip.path.name for clip in read) == [f"train-{i}.mp4" for i in range(10)]
    assert all(part.features is not None for batch in batches for part in batch["parts"])


def test_batches_are_the_same_from_any_beginning_and_with_no_room(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = work.feed()
    batches = [whole[number] for number in range(len(whole))]
    resumed = work.feed(step=3)
    assert all(same(resumed[number], batches[number]) for number in range(7, len(resumed)))
    monkeypatch.setattr(clips_module, "CLIPS_AT_MOST", 0)
    monkeypatch.setattr(feed_module, "TOKENS_AT_MOST", 0)
    narrow = work.feed()
    assert all(same(narrow[number], batches[number]) for number in range(len(narrow)))
    assert not same(batches[0], batches[1])


def test_before_the_first_step_the_first_window_is_read_and_nothing_else(
    work: Work, read: list[Clip]
) -> None:
    one_batch = work.job.finetune.model_copy(update={"group_by_length": 1, "batch_size": 2})
    feed = work.feed(finetune=one_batch, micro_batch_size=1)
    feed[0]
    feed.close()
    soon = {i for number in (0, 1) for i in feed.order.window(number)}
    assert {clip.path.name for clip in read} <= {f"train-{i % 10}.mp4" for i in soon}
    assert len(read) < 10


def test_two_processes_share_the_clips_and_see_the_batches_of_one(
    work: Work, read: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = work.feed()
    wanted = [alone[number] for number in range(len(alone))]
    read.clear()
    tokenized: list[int] = []
    encode = Conversations.encode_conversation

    def counted(self: Any, *args: Any) -> Any:
        tokenized.append(1)
        return encode(self, *args)

    monkeypatch.setattr(Conversations, "encode_conversation", counted)
    meeting, parts = threading.Barrier(2), []

    def exchange(own: dict[int, Any], world_size: int) -> dict[int, Any]:
        parts.append(own)
        meeting.wait()
        found = {index: item for part in parts for index, item in part.items()}
        if meeting.wait() == 0:
            parts.clear()
        meeting.wait()
        return found

    monkeypatch.setattr(feed_module, "_from_all", exchange)
    feeds = [work.feed(rank, world_size=2) for rank in (0, 1)]
    got: list[list[dict[str, Any]]] = [[], []]

    def run(rank: int) -> None:
        got[rank] = [feeds[rank][number] for number in range(len(feeds[rank]))]

    threads = [threading.Thread(target=run, args=(rank,)) for rank in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mixed = [batch for pair in zip(*got, strict=True) for batch in pair]
    assert len(mixed) == len(wanted)
    assert all(same(some, others) for some, others in zip(mixed, wanted, strict=True))
    assert len(tokenized) == 24


def spoil(job: Job, numbers: Sequence[int]) -> None:
    for number in numbers:
        (job.data / "clips" / f"train-{number}.mp4").write_bytes(b"no video")


def test_unreadable_clips_are_read_and_counted_once_and_left_out(
    work: Work, read: list[Clip]
) -> None:
    spoil(work.job, [3])
    feed = work.feed(max_failure_rate=0.2)
    first = [feed[number] for number in range(len(feed))]
    failures = read_failures(work.job)
    assert {index % 10 for index in failures} == {3}
    assert [clip.path.name for clip in read].count("train-3.mp4") == 1
    assert [failure.error for failure in failures.values()] == ["VideoError"] * 3
    resumed = work.feed(step=4, max_failure_rate=0.2)
    assert all(same(resumed[number], first[number]) for number in range(8, len(first)))
    assert read_failures(work.job) == failures


def test_a_training_that_ends_waits_for_no_video(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    monkeypatch.setattr(FrameCache, "get", lambda *_: hangs.wait(60))
    feed = work.feed()
    feed.close()
    assert not hangs.is_set()
    alive = [thread for thread in threading.enumerate() if thread.name.startswith("read")]
    hangs.set()
    assert alive


def test_repaired_videos_count_no_longer(work: Work) -> None:
    video = work.job.data / "clips" / "train-3.mp4"
    good = video.read_bytes()
    spoil(work.job, [3])
    with pytest.raises(TooManyFailures):
        work.feed()[0]
    assert read_failures(work.job)
    video.write_bytes(good)
    work.feed()[0]
    assert not read_failures(work.job)


def test_a_video_from_where_none_may_be_is_counted_too(work: Work) -> None:
    examples = finetuned.examples(24)
    examples[5] = examples[5].model_copy(update={"video": "../elsewhere.mp4"})
    write_records(work.job.examples, examples)
    feed = work.feed(max_failure_rate=0.2)
    for number in range(len(feed)):
        feed[number]
    assert list(read_failures(work.job)) == [5]


def test_too_many_end_the_training(work: Work) -> None:
    spoil(work.job, [3, 4])
    feed = work.feed(max_failure_rate=0.2)
    with pytest.raises(TooManyFailures, match=r"of 24 examples cannot be read, .* 0.2 allows"):
        [feed[number] for number in range(len(feed))]
    spoil(work.job, range(10))
    with pytest.raises(DataError, match=r"No clip of .* examples can be read; the first: .*train-"):
        work.feed(max_failure_rate=1.0)[0]
