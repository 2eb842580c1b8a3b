"""A strict stand-in for the package `vllm`, that answers with a transformers model.

Classes and signatures are those of vLLM 0.33 as far as they are used here, and nothing else is
taken: EngineArgs (vllm/engine/arg_utils.py), LLM.generate (vllm/entrypoints/llm.py), TokensPrompt
(vllm/inputs/llm.py), SamplingParams, LoRARequest, RequestOutput. As there, an option of the
processor that a caller does not set is the processor's own: do_sample_frames is true by default.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Annotated, Any, Literal

import numpy as np
import pytest
import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from transformers.video_utils import VideoMetadata

from video_star.core.engine import Request, Sampling
from video_star.core.params import ModelParams
from video_star.generation.decoding import decode
from video_star.generation.transformers import Loaded, load
from video_star.models.batches import pad_id, padded
from video_star.models.conversation import CLOCK, Tokens
from video_star.video.decode import Frames


class Strict(BaseModel):
    """Takes no field that it does not know, and no text for a number."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)


class EngineArgs(Strict):
    model: str
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    trust_remote_code: bool = False
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    gpu_memory_utilization: float = Field(default=0.92, gt=0, le=1)
    max_model_len: int = 4096
    max_num_seqs: int | None = None
    enforce_eager: bool = False
    enable_prefix_caching: bool | None = None
    limit_mm_per_prompt: dict[str, int] = Field(default_factory=dict)
    enable_lora: bool = False
    max_loras: int = Field(default=1, ge=1)
    max_lora_rank: Literal[1, 8, 16, 32, 64, 128, 256, 320, 512] = 16


class SamplingParams(Strict):
    """Of an msgspec struct whose fields are positional too; only names are used here."""

    temperature: float = 1.0
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)
    stop_token_ids: list[int] | None = None
    max_tokens: int | None = Field(default=16, ge=1)


@dataclass(frozen=True)
class LoRARequest:
    lora_name: str
    lora_int_id: int
    lora_path: str

    def __post_init__(self) -> None:
        assert self.lora_int_id >= 1
        assert isinstance(self.lora_path, str)
        assert self.lora_path


def _video(item: Any) -> Any:
    """A VideoItem with metadata: frames [T, H, W, 3] and what VideoMetadata takes."""
    frames, metadata = item
    assert isinstance(frames, np.ndarray)
    assert frames.dtype == np.uint8
    assert frames.ndim == 4
    assert metadata["do_sample_frames"] is False
    known = VideoMetadata(**{k: v for k, v in metadata.items() if k != "do_sample_frames"})
    assert known.frames_indices is not None
    assert len(known.frames_indices) == len(frames) <= known.total_num_frames
    assert isinstance(known.video_backend, str)
    return frames, metadata


class VideoData(Strict):
    video: list[Annotated[Any, BeforeValidator(_video)]] = Field(min_length=1, max_length=1)


class Names(Strict):
    video: list[str] = Field(min_length=1, max_length=1)


class TokensPrompt(Strict):
    prompt_token_ids: list[int] = Field(min_length=1)
    multi_modal_data: VideoData | None = None
    mm_processor_kwargs: dict[str, Any] | None = None
    multi_modal_uuids: Names | None = None


class VLLMValidationError(Exception):
    """As there, no ValueError."""


@dataclass
class Recorded:
    """What a stand-in was told, and how it differs from a good one."""

    engines: list[EngineArgs] = field(default_factory=list)
    prompts: list[TokensPrompt] = field(default_factory=list)
    sampling: list[SamplingParams] = field(default_factory=list)
    adapters: list[LoRARequest | None] = field(default_factory=list)
    at_a_time: list[int] = field(default_factory=list)
    drops_frames: bool = False
    finish_reason: str | None = None
    refuses: str | None = None
    """Why it loads no model."""


def install(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Put the stand-in in the place of the package; it records what it is told."""
    recorded = Recorded()

    class LLM(StandIn):
        def __init__(self, model: str, **options: Any) -> None:
            super().__init__(recorded, EngineArgs(model=model, **options))

    package, lora, request = (ModuleType(n) for n in ("vllm", "vllm.lora", "vllm.lora.request"))
    vars(package).update(LLM=LLM, SamplingParams=SamplingParams)
    vars(request).update(LoRARequest=LoRARequest)
    for module in (package, lora, request):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return recorded


class StandIn:
    """`LLM`, which loads its model on the CPU."""

    def __init__(self, recorded: Recorded, args: EngineArgs) -> None:
        if recorded.refuses is not None:
            raise ValueError(recorded.refuses)
        recorded.engines.append(args)
        self.recorded, self.args = recorded, args
        self.clips: dict[str, tuple[bytes, str]] = {}
        """Pixels and metadata by uuid: one id never names two videos."""
        self.loaded: dict[str | None, Loaded] = {}

    def generate(
        self,
        prompts: list[dict[str, Any]],
        sampling_params: list[SamplingParams],
        *,
        use_tqdm: bool = True,
        lora_request: LoRARequest | None = None,
    ) -> list[Any]:
        assert len(prompts) == len(sampling_params) > 0
        assert lora_request is None or self.args.enable_lora
        self.recorded.adapters.append(lora_request)
        self.recorded.at_a_time.append(len(prompts))
        path = None if lora_request is None else lora_request.lora_path
        if path not in self.loaded:
            model = ModelParams(
                base=self.args.model, revision=None, dtype="float32", trust_remote_code=False
            )
            self.loaded[path] = load(model, Path(self.args.model), path and Path(path), "cpu")  # type: ignore[arg-type]
        return [
            self._complete(self.loaded[path], TokensPrompt.model_validate(prompt), sampling)
            for prompt, sampling in zip(prompts, sampling_params, strict=True)
        ]

    def _complete(self, loaded: Loaded, prompt: TokensPrompt, sampling: SamplingParams) -> Any:
        self.recorded.prompts.append(prompt)
        self.recorded.sampling.append(sampling)
        ids, inputs = prompt.prompt_token_ids, dict[str, torch.Tensor]()
        tokens = Tokens(np.asarray(ids, np.int32), None, len(ids))
        conversations = loaded.conversations
        if prompt.multi_modal_data is not None:
            clip = conversations.prepare(self._frames(prompt))
            ((filled, types),) = conversations._ids([clip], [conversations.tokenizer.decode(ids)])
            tokens, inputs = Tokens(filled, types, len(filled)), dict(clip.inputs)
        assert sampling.max_tokens is not None
        if len(tokens) + sampling.max_tokens > self.args.max_model_len:
            raise VLLMValidationError(
                f"The decoder prompt (length {len(tokens)}) is longer than the maximum model "
                f"length of {self.args.max_model_len}."
            )
        assert (sampling.top_k, sampling.min_p, sampling.repetition_penalty) == (0, 0, 1)
        drawn = Sampling(sampling.temperature, sampling.top_p, sampling.max_tokens)
        asked = Request("any", None, "", drawn, sampling.seed or 0)
        ends = {*loaded.ends, *(sampling.stop_token_ids or ())}
        batch = padded([tokens], pad_id(conversations.tokenizer), "left") | inputs
        with torch.inference_mode():
            (row,) = decode(loaded.model, batch, [asked], ends)
        reason = "stop" if row and row[-1] in ends else "length"
        made = SimpleNamespace(
            index=0, text="", token_ids=row, finish_reason=self.recorded.finish_reason or reason
        )
        return SimpleNamespace(prompt_token_ids=tokens.ids.tolist(), outputs=[made], finished=True)

    def _frames(self, prompt: TokensPrompt) -> Frames:
        """What the processor makes of a video: nothing is sampled where that is switched off."""
        assert prompt.multi_modal_data is not None
        assert prompt.multi_modal_uuids is not None
        assert (prompt.mm_processor_kwargs or {}).get("do_sample_frames") is False
        ((pixels, metadata),) = prompt.multi_modal_data.video
        (name,) = prompt.multi_modal_uuids.video
        content = pixels.tobytes(), repr(metadata)
        assert self.clips.setdefault(name, content) == content
        n = len(pixels) // 2 if self.recorded.drops_frames else len(pixels)
        times = None
        if metadata.get("fps") is not None:
            times = tuple(i / metadata["fps"] for i in metadata["frames_indices"][:n])
        assert times is None or metadata["fps"] == CLOCK
        return Frames(pixels[:n], times, metadata.get("duration"))
