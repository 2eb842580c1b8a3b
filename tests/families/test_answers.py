"""Neither batch, padding, dropped rows nor shared clips change an answer, in any family."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from asking import Notes
from family_params import model_params
from transformers import GenerationConfig

from video_star.core.engine import Clip, Reply, Request, Sampling
from video_star.core.params import VideoParams
from video_star.core.records import ModelRef
from video_star.generation import decoding
from video_star.generation.kv_cache import rows_can_be_selected
from video_star.generation.prefix import continue_from
from video_star.generation.transformers import Loaded, TransformersEngine
from video_star.video.cache import FrameCache

REF = ModelRef(base="tiny", revision=None, base_digest="0", adapter=None, adapter_digest=None)


def questions(
    footage: list[Path], tokens: int, samples: int = 1, prompts: int = 3
) -> list[Request]:
    """Prompts of different lengths about each clip; one sample is greedy."""
    return [
        Request(
            f"{path.stem}#{k}#{sample}",
            Clip(path, None, None),
            "What?" + " And what comes after that?" * k,
            Sampling(0.0 if samples == 1 else 1.0, 1.0, tokens),
            seed=sample,
        )
        for path in footage
        for k in range(prompts)
        for sample in range(samples)
    ]


class Asked:
    """Engines over one loaded model that differ in how they go about it."""

    def __init__(
        self, loaded: Loaded, scratch: Path, footage: list[Path], policy: VideoParams
    ) -> None:
        self.loaded, self.footage = loaded, footage
        self.frames = FrameCache(scratch / "frames", policy, 1)
        self.notes = Notes()

    def answers(
        self,
        batch_size: int,
        share: bool | None,
        tokens: int = 8,
        samples: int = 1,
        prompts: int = 3,
        reuse: bool | None = None,
    ) -> dict[str, Reply]:
        engine = TransformersEngine(
            ref=REF,
            model=model_params(Path("tiny")),
            location=Path("tiny"),
            adapter=None,
            frames=self.frames,
            device="cpu",
            batch_size=batch_size,
            progress=self.notes,
            share=share,
            reuse=reuse,
        )
        engine.loaded = self.loaded
        batches = engine.answer(questions(self.footage, tokens, samples, prompts))
        found = [outcome for batch in batches for outcome in batch]
        assert all(isinstance(outcome, Reply) for outcome in found), found
        return {outcome.key: outcome for outcome in found if isinstance(outcome, Reply)}


@pytest.fixture
def asked(loaded: Loaded, tmp_path: Path, footage: list[Path], policy: VideoParams) -> Asked:
    return Asked(loaded, tmp_path, footage, policy)


def test_a_batch_gives_the_answers_of_one_by_one(asked: Asked) -> None:
    alone = asked.answers(1, share=False)
    assert asked.answers(12, share=False) == alone
    assert asked.answers(12, share=None) == alone
    assert not asked.notes.notes  # each clip was encoded and read once for its three questions
    assert len({reply.text for reply in alone.values()}) > 5


@pytest.mark.parametrize(("policy", "prompts"), [("uniform", 1), ("fps", 3)], indirect=["policy"])
def test_reading_a_clip_once_for_all_samples_changes_no_answer(
    asked: Asked, prompts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    monkeypatch.setattr(
        "video_star.generation.transformers.continue_from",
        lambda *a: read.append(len(a[2].rests)) or continue_from(*a),  # type: ignore[func-returns-value]
    )
    alone = asked.answers(1, share=False, samples=2, prompts=prompts)
    assert asked.answers(24, share=False, samples=2, prompts=prompts, reuse=False) == alone
    assert not read
    assert asked.answers(24, share=None, samples=2, prompts=prompts) == alone
    assert not asked.notes.notes
    assert len({reply.text for reply in alone.values()}) > 6
    if prompts == 1 or rows_can_be_selected(asked.loaded.model, 1000):
        assert read[0] == 2  # it was tried, and then done for all
        assert sum(read[1:]) == len(alone)


def test_dropping_finished_rows_changes_no_answer(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Many end tokens make answers end early and at different lengths.
    loaded = asked.loaded
    size = len(loaded.conversations.tokenizer)
    ends = loaded.ends | set(range(size - 60, size))
    pad = loaded.model.generation_config.pad_token_id
    loaded.model.generation_config = GenerationConfig(eos_token_id=sorted(ends), pad_token_id=pad)
    asked.loaded = replace(loaded, ends=ends)
    whole = asked.answers(1, share=False, tokens=24)
    went_on = []
    real = decoding._continue
    monkeypatch.setattr(
        decoding,
        "_continue",
        lambda *a: went_on.append(len(a[3])) or real(*a),  # type: ignore[func-returns-value]
    )
    monkeypatch.setattr(decoding, "FEWEST_ROWS", 2)
    assert asked.answers(12, share=None, tokens=24) == whole
    assert went_on, "no row was dropped"
    assert len({reply.n_tokens for reply in whole.values()}) > 1
