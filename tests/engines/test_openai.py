"""The engine of OpenAI-compatible servers, against a strict stand-in for vLLM."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import answers, engine_for, generated_alike, requests_for
from chat_server import Answer, ChatServer
from PIL import Image
from test_contract import openai_engine
from vllm_server import FakeVLLM, completed, refused, serving

from video_star.core.engine import Outcome, Reply, Sampling
from video_star.core.errors import ServiceError, UsageError, VideoStarError
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.generation.openai import read_address
from video_star.generation.transformers import Loaded, load
from video_star.pipeline.runner import run_step


@pytest.fixture(scope="module")
def loaded(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    engine = engine_for(tiny_base, tmp_path_factory.mktemp("loaded"))
    return load(engine.model, tiny_base, None, "cpu")


@pytest.fixture
def fake(loaded: Loaded) -> FakeVLLM:
    return FakeVLLM(loaded)


@pytest.fixture
def server(fake: FakeVLLM) -> Iterator[ChatServer]:
    with serving(fake) as running:
        yield running


def after_probe(fake: FakeVLLM, answer: Any, n_probes: int = 2) -> Any:
    """A server that is itself for the requests of a probe, then answers by `answer`."""
    n_asked = 0

    def either(body: dict[str, Any]) -> Answer:
        nonlocal n_asked
        n_asked += 1
        made: Answer = fake.answer(body) if n_asked <= n_probes else answer(body)
        return made

    return either


def test_it_gives_the_answers_of_transformers(
    server: ChatServer, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    """So pixels, times, prompt, seed and sampling arrive as they are."""
    requests = requests_for(clips)
    assert answers(openai_engine(tiny_base, tmp_path, server.url), requests) == answers(
        engine_for(tiny_base, tmp_path), requests
    )


def test_frames_arrive_without_loss_with_their_times(
    server: ChatServer, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    engine = openai_engine(tiny_base, tmp_path, server.url)
    request = replace(requests_for(clips, n=1)[0], prompt="Is <video> here?")
    answers(engine, [request])
    body = server.bodies[-1]
    (message,) = body["messages"]
    video, text = message["content"]
    assert text == {"type": "text", "text": "Is < video> here?"}
    frames = engine.frames.get(request.clip)  # type: ignore[arg-type]
    assert frames.times is not None
    sent = video["video_url"]["url"].removeprefix("data:video/jpeg;base64,").split(",")
    for image, pixels in zip(sent, frames.pixels, strict=True):
        assert np.array_equal(np.asarray(Image.open(BytesIO(base64.b64decode(image)))), pixels)
    kept = body["media_io_kwargs"]["video"]
    assert kept["num_frames"] == -1
    times = [index / kept["fps"] for index in kept["frames_indices"]]
    assert times == pytest.approx(frames.times, abs=1e-6)
    assert kept["duration"] == frames.duration
    assert body["mm_processor_kwargs"] == {"do_sample_frames": False}


def test_requests_are_in_flight_up_to_the_batch_size(
    server: ChatServer, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    engine = openai_engine(tiny_base, tmp_path, server.url, 3)
    answers(engine, requests_for(clips, n=1))
    server.delay_s = 0.05
    answers(engine, requests_for(clips))
    assert server.busiest == 3


def test_a_step_writes_the_answers_that_it_writes_with_transformers(
    server: ChatServer, new_workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is one of the environment."""
    monkeypatch.setenv("SERVER", server.url)
    engine = "openai:$SERVER model=served frames=video"
    workspace = generated_alike(new_workspace, engine)
    n_asked = len(server.bodies)
    run_step("generate", "r1", workspace, Silent())
    assert len(server.bodies) == n_asked


@pytest.mark.parametrize("frames", [4, 40])
def test_a_server_that_loses_frames_or_times_is_refused(
    fake: FakeVLLM, tiny_base: Path, clips: Path, tmp_path: Path, frames: int
) -> None:
    """32 frames are what vLLM reads by itself; so few frames as 4 arrive all the same."""
    fake.reads_media_io = False
    with serving(fake) as server:
        engine = openai_engine(tiny_base, tmp_path, server.url)
        engine.frames.params = engine.frames.params.model_copy(update={"frames": frames})
        if frames == 4:
            answers(engine, requests_for(clips, n=1))
        else:
            with pytest.raises(UsageError, match=r"tokens of a question about 40 frames"):
                answers(engine, requests_for(clips, n=1))


def test_a_server_that_does_not_sample_is_refused(
    fake: FakeVLLM, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    fake.samples = False
    requests = requests_for(clips, n=1)
    greedy = [replace(r, sampling=Sampling(0.0, 1.0, 4)) for r in requests]
    with serving(fake) as server:
        answers(openai_engine(tiny_base, tmp_path, server.url), greedy)
        with pytest.raises(UsageError, match="does not sample"):
            answers(openai_engine(tiny_base, tmp_path, server.url), requests)


def test_frames_as_images_need_a_template_that_takes_images(
    fake: FakeVLLM, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    with serving(fake, lambda _: completed("So", "stop", 5, 1)) as server:
        plain = openai_engine(tiny_base, tmp_path, server.url)
        engine = replace(plain, address=replace(plain.address, frames="images"))
        with pytest.raises(UsageError, match="takes no frames as images"):
            answers(engine, requests_for(clips, n=1))


def test_a_tuned_round_is_asked_by_the_key_of_its_weights(
    fake: FakeVLLM, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    requests = requests_for(clips, n=1)
    plain = openai_engine(tiny_base, tmp_path, "http://127.0.0.1:9/v1")
    tuned = plain.base.model_copy(update={"adapter": "rounds/r1/model", "adapter_digest": "a" * 64})
    with serving(fake) as server:
        engine = replace(openai_engine(tiny_base, tmp_path, server.url), base=tuned)
        with pytest.raises(UsageError, match=f"rounds/r1/model under the name {tuned.key}"):
            answers(engine, requests)
        assert not server.bodies
    fake.names = ("served", tuned.key)
    with serving(fake) as server:
        answers(replace(openai_engine(tiny_base, tmp_path, server.url), base=tuned), requests)
        assert {body["model"] for body in server.bodies} == {tuned.key}
    assert engine.ref.key != plain.ref.key


def test_replies_before_an_error_are_kept(
    fake: FakeVLLM, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    requests = requests_for(clips)
    n_answered = 0

    def failing(body: dict[str, Any]) -> Answer:
        nonlocal n_answered
        n_answered += 1
        return fake.answer(body) if n_answered <= 6 else refused(500, "no memory left")

    kept: list[Outcome] = []

    def collect(batches: Iterator[Sequence[Outcome]]) -> None:
        for batch in batches:
            kept.extend(batch)

    with serving(fake, after_probe(fake, failing)) as server:
        running = openai_engine(tiny_base, tmp_path, server.url).answer(requests)
        with pytest.raises(ServiceError, match=r"status 500.*no memory left"):
            collect(running)
    assert len(kept) == 6


UNCOUNTED = '{"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}'


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (refused(400, "This model's maximum context length is 9"), VideoStarError, "max-model-len"),
        (completed("So", "content_filter", 9, 1), ServiceError, "content_filter"),
        ((200, {}, UNCOUNTED), UsageError, "does not say how many"),
    ],
)
def test_what_a_server_refuses_is_one_sentence(
    fake: FakeVLLM, tiny_base: Path, clips: Path, tmp_path: Path,
    answer: Answer, kind: type[Exception], says: str,
) -> None:  # fmt: skip
    with serving(fake, lambda _: answer) as server, pytest.raises(kind, match=says):
        answers(openai_engine(tiny_base, tmp_path, server.url), requests_for(clips, n=1))


def test_half_a_surrogate_pair_neither_stops_a_question_nor_an_answer(
    fake: FakeVLLM, tiny_base: Path, clips: Path, tmp_path: Path
) -> None:
    def broken(body: dict[str, Any]) -> Answer:
        return completed("So \ud800", "stop", 9, 1)

    request = replace(requests_for(clips, n=1)[0], prompt="What \ud83d?")
    with serving(fake, after_probe(fake, broken, 1)) as server:
        (reply,) = answers(openai_engine(tiny_base, tmp_path, server.url), [request]).values()
    assert isinstance(reply, Reply)
    assert reply.text == "So ?"
    assert server.bodies[-1]["messages"][0]["content"][-1]["text"] == "What ??"


@pytest.mark.parametrize(
    "text", ["", "http://h/v1", "http://h/v1 model=a", "http://h/v1 model=a frames=jpeg", "model=a"]
)
def test_an_engine_that_is_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"openai:URL model=NAME frames=video"):
        read_address(text)


def test_an_address_is_shown_without_its_credentials() -> None:
    address = read_address("https://me:secret@host:8000/v1?key=hidden model=a/b frames=images")
    assert str(address) == "openai:https://host:8000/v1 model=a/b frames=images"
    assert "secret" not in repr(address)


def test_images_are_sent_in_plain_fields(
    fake: FakeVLLM, tiny_base: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_star.generation.openai.tokens_of_images", lambda *_: 5)
    with serving(fake, lambda body: completed(str(body.get("seed")), "stop", 5, 1)) as server:
        plain = openai_engine(tiny_base, tmp_path, server.url)
        engine = replace(plain, address=replace(plain.address, frames="images"))
        answers(engine, requests_for(clips, n=1))
    fields = {"model", "messages", "temperature", "max_tokens"}
    assert {frozenset(body) - fields for body in server.bodies} == {
        frozenset(),
        frozenset({"top_p", "seed"}),
    }
    content = server.bodies[-1]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["image_url"] * 4 + ["text"]
    assert content[0]["image_url"]["url"].startswith("data:image/png;base64,")
