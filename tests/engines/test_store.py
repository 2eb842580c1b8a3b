"""The answer store: nothing is asked twice, a batch is kept whole, processes can share."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from asking import requests_for

from video_star.core.engine import Outcome, Reply, Request, Unusable
from video_star.core.errors import DataError
from video_star.core.params import VideoParams
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import ModelRef
from video_star.generation.store import AnswerStore, ask
from video_star.pipeline.runner import run_step
from video_star.video.cache import FrameCache

REF = ModelRef(base="b", revision=None, base_digest="0" * 64, adapter=None, adapter_digest=None)


@dataclass
class Counting:
    """Answers with the prompt and remembers what it was asked."""

    batch: int = 2
    asked: list[str] = field(default_factory=list)
    ref: ModelRef = REF

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        todo = [request for request in requests if request.key not in known]
        self.asked += [request.key for request in todo]
        for start in range(0, len(todo), self.batch):
            yield [
                Reply(r.key, f"{r.clip.path.stem} {r.prompt} {r.seed}", "stop", 3)
                for r in todo[start : start + self.batch]
            ]


@pytest.fixture
def store(tmp_path: Path) -> AnswerStore:
    return open_at(tmp_path)


def open_at(folder: Path, frames: int = 4, salt: str = "model") -> AnswerStore:
    video = VideoParams(frames=frames, sampling="uniform", fps=None, short_side=None)
    cache = FrameCache(folder / "frames", video, 1)
    return AnswerStore(folder / "answers" / "m.sqlite", cache, (salt,))


def test_what_was_asked_once_is_not_asked_again(
    store: AnswerStore, clips: Path, tmp_path: Path
) -> None:
    requests = requests_for(clips)
    first = ask(Counting(), store, requests, Silent())
    engine = Counting()
    assert ask(engine, open_at(tmp_path), requests, Silent()) == first
    assert engine.asked == []


@pytest.mark.parametrize(
    ("change", "asked"),
    [({"prompt": "Else?"}, True), ({"seed": 9}, True), ({"key": "other name"}, False)],
)
def test_content_decides_what_is_new(
    store: AnswerStore, clips: Path, change: dict[str, object], asked: bool
) -> None:
    sampled = requests_for(clips)[1]
    ask(Counting(), store, [sampled], Silent())
    engine = Counting()
    ask(engine, store, [replace(sampled, **change)], Silent())  # type: ignore[arg-type]
    assert bool(engine.asked) == asked


def test_the_seed_of_a_greedy_request_does_not_matter(store: AnswerStore, clips: Path) -> None:
    greedy = requests_for(clips)[0]
    engine = Counting()
    both = [greedy, replace(greedy, key="again", seed=77)]
    found = ask(engine, store, both, Silent())
    assert engine.asked == [greedy.key]
    assert found["again"].key == "again"


def test_other_frames_or_another_model_are_another_question(tmp_path: Path, clips: Path) -> None:
    requests = requests_for(clips, n=1)
    for other in (open_at(tmp_path), open_at(tmp_path, frames=2), open_at(tmp_path, salt="x")):
        engine = Counting()
        ask(engine, other, requests, Silent())
        assert len(engine.asked) == 3


def test_a_renamed_video_keeps_its_answers_and_a_changed_one_loses_them(
    store: AnswerStore, clips: Path, tmp_path: Path
) -> None:
    request = requests_for(clips, n=1)[0]
    ask(Counting(), store, [request], Silent())
    copy = tmp_path / "renamed.mp4"
    copy.write_bytes(request.clip.path.read_bytes())
    moved = replace(request, clip=replace(request.clip, path=copy))
    engine = Counting()
    ask(engine, store, [moved], Silent())
    assert engine.asked == []
    copy.write_bytes((clips / "test-0.mp4").read_bytes())
    ask(engine, store, [moved], Silent())
    assert engine.asked == [moved.key]


def ask_and_die(folder: Path, clips: Path) -> None:
    """Ask in two batches of four; kill this process when half of the second is written."""
    store, batches = open_at(folder), []
    add = store.add

    def cut_short(replies: Iterator[Reply]) -> Iterator[Reply]:
        batches.append(1)
        for place, reply in enumerate(replies):
            if (len(batches), place) == (2, 2):
                os.kill(os.getpid(), signal.SIGKILL)
            yield reply

    store.add = lambda replies: add(cut_short(iter(replies)))  # type: ignore[method-assign]
    ask(Counting(batch=4), store, requests_for(clips)[:8], Silent())


def test_a_batch_that_a_kill_interrupts_is_dropped_as_a_whole(
    store: AnswerStore, clips: Path, tmp_path: Path
) -> None:
    requests = requests_for(clips)[:8]
    whole = ask(Counting(batch=4), open_at(tmp_path / "calm"), requests, Silent())
    child = multiprocessing.get_context("spawn").Process(target=ask_and_die, args=(tmp_path, clips))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    engine = Counting(batch=4)
    assert ask(engine, open_at(tmp_path), requests, Silent()) == whole
    assert engine.asked == [r.key for r in requests[4:]]


def test_two_processes_may_add_to_one_store(tmp_path: Path, clips: Path) -> None:
    requests = requests_for(clips)
    one, two = open_at(tmp_path), open_at(tmp_path)
    ask(Counting(), one, requests[:8], Silent())
    ask(Counting(), two, requests[4:], Silent())
    engine = Counting()
    ask(engine, open_at(tmp_path), requests, Silent())
    assert engine.asked == []


def test_the_first_of_two_replies_is_kept(store: AnswerStore) -> None:
    for text in ("first", "second"):
        store.add([Reply("k", text, "stop", 1)])
    assert store.find("k") == Reply("k", "first", "stop", 1)


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "m.sqlite").write_text("no database, but text of some length")
    with pytest.raises(DataError, match=r"m\.sqlite: cannot be used .* delete it"):
        open_at(tmp_path)


def test_a_missing_file_is_unusable_and_asked_again_when_it_appears(
    store: AnswerStore, clips: Path, tmp_path: Path
) -> None:
    request = requests_for(clips, n=1)[0]
    late = replace(request, clip=replace(request.clip, path=tmp_path / "late.mp4"))
    found = ask(Counting(), store, [late], Silent())[late.key]
    assert isinstance(found, Unusable)
    assert found.error == "VideoError"
    late.clip.path.write_bytes(request.clip.path.read_bytes())
    assert isinstance(ask(Counting(), store, [late], Silent())[late.key], Reply)


def test_the_store_is_its_owners_alone(workspace: Workspace) -> None:
    for step, name in (("base", "r0"), ("generate", "r1")):
        run_step(step, name, workspace, Silent())
    (path,) = workspace.answer_store.glob("*.sqlite")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
