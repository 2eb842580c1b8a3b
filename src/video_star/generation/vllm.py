"""Answers by vLLM in this process, offline, about our frames.

    settings.engine: vllm
    settings.engine: vllm:tensor_parallel_size=2 max_model_len=16384

vLLM gets the question as tokens with one placeholder for the video, and the clip as its frames and
their times; `do_sample_frames` is off for the processor and in the times, as some models read only
the latter. The clip's name is its key in the frame cache, which covers content, cut and sampling:
so the KV cache of its prefix serves all questions about it, and no other clip. The tokens that
vLLM says it read of the first question must be those of the model's own processor.

Written after vLLM 0.33. It forms its own batches; settings.batch_size is how many questions it gets
at a time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from video_star.core.engine import Clip, Outcome, Request, Unusable
from video_star.core.errors import UsageError, VideoError, VideoStarError
from video_star.core.hashing import sha256
from video_star.core.params import ModelParams, Section, explain
from video_star.core.records import ModelRef
from video_star.generation.batching import ready_batches
from video_star.generation.openai import TOO_LONG
from video_star.generation.transformers import reply
from video_star.models.adapters import adapted_layers
from video_star.models.conversation import Conversations
from video_star.models.loading import load_processor
from video_star.models.table import family_of
from video_star.video.cache import FrameCache
from video_star.video.decode import Frames

FORM = "vllm, or vllm:NAME=VALUE ... with options of vLLM"
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM's `max_lora_rank` takes."""


class Options(Section):
    """Options of vLLM's engine: where and how fast, so they name no other answers."""

    tensor_parallel_size: int | None = Field(None, ge=1)
    pipeline_parallel_size: int | None = Field(None, ge=1)
    gpu_memory_utilization: float | None = Field(None, gt=0, le=1)
    max_model_len: int | None = Field(None, ge=1)
    max_num_seqs: int | None = Field(None, ge=1)
    enforce_eager: bool | None = None


def read_options(text: str) -> Options:
    """The options after `vllm:`; UsageError when they are none of vLLM's that may be set."""
    try:
        return Options.model_validate(dict(part.split("=", 1) for part in text.split()))
    except ValidationError as error:
        reason = explain(error.errors()[0], "settings.engine")
    except ValueError:
        reason = f"settings.engine: {text!r} is no list of NAME=VALUE"
    names = ", ".join(Options.model_fields)
    raise UsageError(f"{reason}; write {FORM} ({names}).")


@dataclass(frozen=True)
class Loaded:
    """vLLM with a model, and what goes along with each question."""

    llm: Any
    sampling: Any
    """vLLM's class SamplingParams."""
    adapter: Any
    """Its LoRARequest, or None for the bare model."""
    conversations: Conversations


@dataclass
class VLLMEngine:
    """Answers of vLLM with the weights of `base`, on the GPUs of this machine."""

    base: ModelRef
    """The weights that are asked for."""
    model: ModelParams
    location: Path
    """Folder of the model."""
    adapter: Path | None
    frames: FrameCache
    batch_size: int
    options: Options
    _checked: bool = field(default=False, repr=False)

    @property
    def ref(self) -> ModelRef:
        """Has a store of its own: vLLM's kernels round otherwise than those of transformers."""
        digest = sha256(f"{self.base.base_digest} vllm")
        return self.base.model_copy(update={"base_digest": digest})

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        """As many requests at a time as `batch_size`, with the frames of the next ones decoded."""
        with closing(ready_batches(requests, known, self.frames, self.batch_size)) as batches:
            for batch in batches:
                yield [*batch.unusable, *self._run(batch.requests, batch.frames)]

    def _run(self, requests: Sequence[Request], frames: dict[Clip, Frames]) -> list[Outcome]:
        loaded, videos = self.loaded, dict[Clip | None, dict[str, Any]]({None: {}})
        outcomes: list[Outcome] = []
        for clip, shown in frames.items():
            try:
                videos[clip] = self._video(clip, shown)
            except VideoError as error:
                outcomes += [Unusable.by_model(r, error) for r in requests if r.clip == clip]
        asked = [request for request in requests if request.clip in videos]
        if not asked:
            return outcomes
        prompts = [
            {
                "prompt_token_ids": loaded.conversations.encode_unfilled(
                    request.prompt, video=request.clip is not None
                ),
                **videos[request.clip],
            }
            for request in asked
        ]
        made = self._generate(prompts, [self._sampling(request) for request in asked])
        for request, output in zip(asked, made, strict=True):
            if request.clip is not None and not self._checked:
                self._check(request, frames[request.clip], output.prompt_token_ids)
            (answer,) = output.outputs
            if answer.finish_reason not in ("stop", "length"):
                raise VideoStarError(
                    f"vllm: an answer ended by {answer.finish_reason!r}, neither by itself nor at "
                    "its limit; see its log above."
                )
            row = list(answer.token_ids)
            ends = set(row[-1:]) if answer.finish_reason == "stop" else set()
            outcomes.append(reply(loaded.conversations.tokenizer, request, row, ends))
        return outcomes

    def _video(self, clip: Clip, frames: Frames) -> dict[str, Any]:
        """A clip as part of a prompt; VideoError when the model uses times and it has none."""
        conversations = self.loaded.conversations
        metadata = {
            **conversations.metadata(frames),
            "video_backend": "video-star",
            "do_sample_frames": False,
        }
        return {
            "multi_modal_data": {"video": [(frames.pixels, metadata)]},
            "mm_processor_kwargs": conversations.processor_options,
            "multi_modal_uuids": {"video": [self.frames.key(clip)]},
        }

    def _sampling(self, request: Request) -> Any:
        """Temperature and nucleus alone, without what the model's generation_config adds."""
        loaded, sampling = self.loaded, request.sampling
        drawn = {"top_p": sampling.top_p, "seed": request.seed} if sampling.temperature else {}
        return loaded.sampling(
            temperature=sampling.temperature,
            max_tokens=sampling.max_new_tokens,
            stop_token_ids=[loaded.conversations.end_id],
            **drawn,
        )

    def _generate(self, prompts: list[dict[str, Any]], sampling: list[Any]) -> list[Any]:
        loaded = self.loaded
        try:
            made: list[Any] = loaded.llm.generate(
                prompts, sampling, use_tqdm=False, lora_request=loaded.adapter
            )
        except Exception as error:
            if TOO_LONG.search(str(error)):
                raise VideoStarError(
                    f"vllm: a question about {self.frames.params.frames} frames is longer than it "
                    "takes; say vllm:max_model_len=... in settings.engine, or lower video.frames "
                    "or video.short_side in params.yaml."
                ) from error
            raise
        return made

    def _check(self, request: Request, frames: Frames, read: Sequence[int] | None) -> None:
        """UsageError unless vLLM read the tokens that a finetune writes for this question."""
        conversations = self.loaded.conversations
        wanted = conversations.encode_question(conversations.prepare(frames), request.prompt)
        if list(read or ()) != wanted.ids.tolist():
            raise UsageError(
                f"settings.engine: vllm reads {len(read or ())} tokens of a question about "
                f"{len(frames.pixels)} frames, which are not the {len(wanted)} of the processor of "
                f"{self.location.name}; use another version of vllm, or the engine transformers."
            )
        self._checked = True

    @cached_property
    def loaded(self) -> Loaded:
        """The model, loaded for the first request."""
        try:
            from vllm import LLM, SamplingParams
            from vllm.lora.request import LoRARequest
        except ImportError as error:
            raise UsageError(
                f"settings.engine is vllm, which cannot be imported ({error}); install it in this "
                "environment, or serve it from its own (openai:URL, docs/models.md)."
            ) from error
        lora, adapter = {}, None
        if self.adapter is not None:
            lora = {"enable_lora": True, "max_loras": 1, "max_lora_rank": self._rank(self.adapter)}
            adapter = LoRARequest(self.base.key, 1, str(self.adapter))
        conversations = Conversations(load_processor(self.location, self.model.trust_remote_code))
        try:
            llm = LLM(
                model=str(self.location),
                dtype=self.model.dtype,
                trust_remote_code=self.model.trust_remote_code,
                enable_prefix_caching=True,
                limit_mm_per_prompt={"video": 1},
                **lora,
                **self.options.model_dump(exclude_none=True),
            )
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:150]
            raise UsageError(
                f"settings.engine: vllm cannot load {self.location.name} ({reason}); see its log "
                "above, or use the engine transformers."
            ) from error
        return Loaded(llm, SamplingParams, adapter, conversations)

    def _rank(self, adapter: Path) -> int:
        """The smallest of RANKS that holds the adapter; UsageError when vLLM would lose some of it.

        vLLM leaves out what an adapter changes outside of the language model, without an error.
        """
        config = json.loads((self.location / "config.json").read_text(encoding="utf-8"))
        family = family_of(config["model_type"])
        inside = () if family is None else tuple(f"{n}." for n in family.language_model)
        lost = [n for n in adapted_layers(adapter) if inside and not n.startswith(inside)]
        if lost:
            raise UsageError(
                f"settings.engine: vllm serves LoRA of the language model only, and {adapter.name} "
                f"has {len(lost)} other layers ({min(lost)}); use the engine transformers."
            )
        saved = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        return min(rank for rank in RANKS if rank >= saved["r"])
