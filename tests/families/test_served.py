"""A family behind a server or package that is as strict as vLLM: the same answers, or a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest
import vllm_package
from family_params import model_params
from test_answers import REF, Asked, questions
from vllm_server import FakeVLLM, serving

from video_star.core.errors import UsageError
from video_star.core.params import VideoParams
from video_star.generation.openai import OpenAIEngine, read_address
from video_star.generation.transformers import Loaded
from video_star.generation.vllm import VLLMEngine, read_options
from video_star.models.table import FAMILIES


def served(url: str, base: Path, asked: Asked) -> OpenAIEngine:
    address = read_address(f"{url} model=served frames=video")
    return OpenAIEngine(address, REF, model_params(base), base, asked.frames, 4)


@pytest.mark.parametrize("policy", ["uniform"], indirect=True)
def test_a_server_gives_the_answers_of_transformers(
    base: Path, loaded: Loaded, footage: list[Path], policy: VideoParams, tmp_path: Path
) -> None:
    asked = Asked(loaded, tmp_path, footage, policy)
    here = {key: reply.text for key, reply in asked.answers(12, share=None).items()}
    with serving(FakeVLLM(loaded)) as server:
        batches = list(served(server.url, base, asked).answer(questions(footage, 8)))
    assert {reply.key: reply.text for batch in batches for reply in batch} == here  # type: ignore[union-attr]


@pytest.mark.parametrize("policy", ["uniform"], indirect=True)
def test_vllm_gives_the_answers_of_transformers(
    base: Path,
    loaded: Loaded,
    footage: list[Path],
    policy: VideoParams,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So the question's tokens become those of transformers when the video takes its place."""
    vllm_package.install(monkeypatch)
    asked = Asked(loaded, tmp_path, footage, policy)
    here = {key: reply.text for key, reply in asked.answers(12, share=None).items()}
    params = model_params(base)
    engine = VLLMEngine(REF, params, base, None, asked.frames, 4, read_options(""))
    batches = list(engine.answer(questions(footage, 8)))
    assert {reply.key: reply.text for batch in batches for reply in batch} == here  # type: ignore[union-attr]


@pytest.mark.parametrize("policy", ["uniform"], indirect=True)
def test_a_server_that_takes_no_times_is_refused_where_they_are_text(
    family: str,
    base: Path,
    loaded: Loaded,
    footage: list[Path],
    policy: VideoParams,
    tmp_path: Path,
) -> None:
    if not (FAMILIES[family].times or "").startswith("text"):
        pytest.skip("its prompt has as many tokens whatever the times")
    asked = Asked(loaded, tmp_path, footage, policy)
    with serving(FakeVLLM(loaded, reads_media_io=False)) as server:
        engine = served(server.url, base, asked)
        with pytest.raises(UsageError, match="tokens of a question about 4 frames"):
            list(engine.answer(questions(footage, 8)))
