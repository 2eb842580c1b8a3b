"""The engine of servers against a real one: `transformers serve` with the demo's model."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from asking import answers, engine_for, requests_for
from PIL import Image
from tiny import ROOT
from transformers import AutoModelForImageTextToText, AutoProcessor

from video_star.core.engine import Reply, Request, Sampling, Unusable
from video_star.core.errors import UsageError
from video_star.generation.openai import OpenAIEngine, read_address
from video_star.video.decode import Frames

pytestmark = pytest.mark.slow
DEMO = ROOT / "src" / "video_star_demo" / "base"
START_S = 120


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on loopback, which loads the models that it is asked for."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    program = Path(sys.executable).parent / "transformers"
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with log.open("w") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, "HF_HUB_OFFLINE": "1"}
        )
    try:
        deadline = time.monotonic() + START_S
        while "running on" not in log.read_text():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def sampling_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's model, with a generation_config by which the server samples."""
    folder = Path(shutil.copytree(DEMO, tmp_path_factory.mktemp("sampling") / "base"))
    config = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**config, "do_sample": True}))
    return folder


def engine(url: str, base: Path, scratch: Path, frames: str = "images") -> OpenAIEngine:
    like = engine_for(base, scratch, frames=8)
    address = read_address(f"{url} model={base} frames={frames}")
    return OpenAIEngine(address, like.ref, like.model, base, like.frames, 4)


def greedy(requests: list[Request]) -> list[Request]:
    return [replace(request, sampling=Sampling(0.0, 1.0, 12)) for request in requests]


def said_here(frames: Frames, prompt: str) -> str:
    """What the model says about the frames as images, asked in this process."""
    processor: Any = AutoProcessor.from_pretrained(DEMO)
    model: Any = AutoModelForImageTextToText.from_pretrained(DEMO).eval()
    content = [{"type": "image", "image": Image.fromarray(pixels)} for pixels in frames.pixels]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": [*content, {"type": "text", "text": prompt}]}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    with torch.inference_mode():
        made = model.generate(**inputs, max_new_tokens=12, do_sample=False)
    new = made[0, inputs["input_ids"].shape[1] :]
    text: str = processor.decode(new, skip_special_tokens=True)
    return text.strip()


def test_greedy_answers_are_those_of_the_model_in_this_process(
    url: str, clips: Path, tmp_path: Path
) -> None:
    requests = greedy(requests_for(clips, n=4))
    asking = engine(url, DEMO, tmp_path)
    found = answers(asking, requests)
    for request in requests[::2]:
        reply = found[request.key]
        assert isinstance(reply, Reply)
        assert request.clip is not None
        assert reply.text == said_here(asking.frames.get(request.clip), request.prompt)
        assert 0 < reply.n_tokens <= 12
    texts = {reply.text for reply in found.values() if isinstance(reply, Reply)}
    assert len(found) == len(requests)
    assert len(texts) > 1


def test_a_broken_clip_and_a_text_are_answered_for_too(
    url: str, clips: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    first, second = greedy(requests_for(clips, n=1))[:2]
    assert first.clip is not None
    bad = replace(first, clip=replace(first.clip, path=broken))
    found = answers(engine(url, DEMO, tmp_path), [bad, replace(second, clip=None)])
    assert isinstance(found[bad.key], Unusable)
    assert isinstance(found[second.key], Reply)


def test_sampled_answers_need_a_model_that_is_configured_to_sample(
    url: str, sampling_base: Path, clips: Path, tmp_path: Path
) -> None:
    requests = requests_for(clips, n=2)
    with pytest.raises(UsageError, match=r'"do_sample": true'):
        answers(engine(url, DEMO, tmp_path), requests)
    found = answers(engine(url, sampling_base, tmp_path), requests)
    assert all(isinstance(outcome, Reply) for outcome in found.values())


def test_frames_of_a_video_cannot_be_sent_to_it(url: str, clips: Path, tmp_path: Path) -> None:
    """It takes no video but from an address or a file of its own, and no field of vLLM's."""
    with pytest.raises(UsageError, match="use frames=images"):
        answers(engine(url, DEMO, tmp_path, "video"), greedy(requests_for(clips, n=1)))
