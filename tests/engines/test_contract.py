"""What holds for every engine, whatever answers behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import vllm_package
from asking import answers, engine_for, requests_for
from vllm_server import FakeVLLM, serving

from video_star.core.engine import Engine, Outcome, Reply, Request, Unusable
from video_star.core.errors import VideoError
from video_star.core.progress import Silent
from video_star.core.records import ModelRef
from video_star.generation.openai import OpenAIEngine, read_address
from video_star.generation.scripted import read_script
from video_star.generation.store import AnswerStore, ask
from video_star.generation.transformers import load
from video_star.generation.vllm import VLLMEngine, read_options

MakeEngine = Callable[[int], Engine]


@pytest.fixture(params=["transformers", "scripted", "openai", "vllm"])
def make(
    request: pytest.FixtureRequest,
    tiny_base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MakeEngine]:
    """Makes the engine with a batch size; frames lie in `tmp_path`/frames."""

    def plain(batch_size: int) -> Engine:
        return engine_for(tiny_base, tmp_path, batch_size)

    def scripted(batch_size: int) -> Engine:
        engine = engine_for(tiny_base, tmp_path, batch_size)
        script = tmp_path / "script.json"
        script.write_text(json.dumps([{"video": "-1", "text": "one two"}, {"text": "w " * 50}]))
        return read_script(script, engine.ref, engine.frames, batch_size)

    def vllm(batch_size: int) -> Engine:
        vllm_package.install(monkeypatch)
        like = engine_for(tiny_base, tmp_path, batch_size)
        return VLLMEngine(
            like.ref, like.model, tiny_base, None, like.frames, batch_size, read_options("")
        )

    if request.param == "openai":
        fake = FakeVLLM(load(engine_for(tiny_base, tmp_path).model, tiny_base, None, "cpu"))
        with serving(fake) as server:
            yield lambda size: openai_engine(tiny_base, tmp_path, server.url, size)
    else:
        yield {"transformers": plain, "scripted": scripted, "vllm": vllm}[request.param]


def openai_engine(base: Path, scratch: Path, url: str, batch_size: int = 4) -> OpenAIEngine:
    """The engine of a server that calls the base `served`."""
    like = engine_for(base, scratch, batch_size)
    address = read_address(f"{url} model=served frames=video")
    return OpenAIEngine(address, like.ref, like.model, base, like.frames, batch_size)


def test_neither_batches_nor_order_change_an_answer(make: MakeEngine, clips: Path) -> None:
    requests = requests_for(clips)
    alone = answers(make(1), requests)
    assert alone.keys() == {request.key for request in requests}
    assert answers(make(7), requests[::-1]) == alone


def test_each_request_is_answered_once_within_its_limit(make: MakeEngine, clips: Path) -> None:
    requests = requests_for(clips, tokens=9)
    outcomes = [outcome for batch in make(4).answer(requests) for outcome in batch]
    assert sorted(o.key for o in outcomes) == sorted(r.key for r in requests)
    for outcome in outcomes:
        assert isinstance(outcome, Reply)
        assert 0 <= outcome.n_tokens <= 9
        assert outcome.finish_reason in ("stop", "length")
        assert outcome.finish_reason == "stop" or outcome.n_tokens == 9


def test_known_requests_change_no_other_answer(make: MakeEngine, clips: Path) -> None:
    requests = requests_for(clips)
    known = {request.key for request in requests[1:9]}
    rest = [o for batch in make(4).answer(requests, known) for o in batch]
    every = answers(make(4), requests)
    assert {o.key: o for o in rest} == {k: o for k, o in every.items() if k not in known}
    assert not list(make(4).answer(requests, {request.key for request in requests}))
    assert not list(make(4).answer([]))


def test_questions_without_a_clip_are_answered(make: MakeEngine, clips: Path) -> None:
    shown = requests_for(clips, n=2)
    texts = [replace(r, key=f"text {r.key}", clip=None) for r in shown]
    mixed = answers(make(4), [*shown, *texts])
    assert {r.key: mixed[r.key] for r in texts} == answers(make(1), texts)
    assert all(isinstance(outcome, Reply) for outcome in mixed.values())


def test_a_clip_that_cannot_be_read_takes_no_other_with_it(
    make: MakeEngine, clips: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    requests = requests_for(clips, n=3)
    bad = [replace(r, key=f"bad {r.key}", clip=replace(r.clip, path=broken)) for r in requests[:2]]  # type: ignore[type-var]
    found = answers(make(4), [requests[0], *bad, *requests[1:]])
    for request in bad:
        outcome = found.pop(request.key)
        assert isinstance(outcome, Unusable)
        assert outcome.error == VideoError.__name__
        assert "broken.mp4" in outcome.message
    assert found == answers(make(4), requests)


def test_an_interrupted_run_keeps_what_it_has_and_asks_only_the_rest(
    make: MakeEngine, clips: Path, tiny_base: Path, tmp_path: Path
) -> None:
    requests = requests_for(clips)
    engine = make(4)
    store = AnswerStore(tmp_path / "answers.sqlite", engine_for(tiny_base, tmp_path).frames, ())
    running = engine.answer(requests)
    first = next(running)
    running.close()  # type: ignore[attr-defined]
    by_key = {request.key: request for request in requests}
    store.add(replace(o, key=store.key(by_key[o.key])) for o in first if isinstance(o, Reply))
    again = Counting(make(4))
    found = ask(again, store, requests, Silent())
    assert again.asked == {request.key for request in requests} - {o.key for o in first}
    assert found == answers(make(1), requests)


class Counting:
    """An engine that keeps which requests it was not told to know."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.asked: set[str] = set()

    @property
    def ref(self) -> ModelRef:
        return self._engine.ref

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        self.asked = {request.key for request in requests} - set(known)
        return self._engine.answer(requests, known)
