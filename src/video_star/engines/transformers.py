"""Any video-text model that transformers loads, with or without an adapter, answering in batches.

Nothing is loaded before the first question that has no stored answer. Decoding runs ahead of the
model; each clip is encoded once for all its questions where a check on the first batch shows that
this changes nothing; a batch that does not fit in memory is halved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig

from video_star.domain import ModelRef
from video_star.engines.base import Clip, Outcome, Reply, Request, Unusable
from video_star.engines.batching import clips_of, plan_batches
from video_star.engines.decoding import decode, greedy_config
from video_star.engines.inputs import plain_inputs, shared_inputs
from video_star.errors import DataError, UsageError, VideoStarError
from video_star.frames import FrameCache
from video_star.params import ModelParams
from video_star.progress import Progress
from video_star.video import Frames

SAME_LOGITS = {torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 2e-1}
"""How far first-token logits of the shared and the plain way may be apart: rounding only."""


@dataclass
class TransformersEngine:
    """Answers with the weights of `ref`, on one device."""

    ref: ModelRef
    model: ModelParams
    location: str
    """What from_pretrained gets: a folder or a hub name."""
    adapter: Path | None
    frames: FrameCache
    device: str
    batch_size: int
    progress: Progress
    share: bool = True
    """False: every question goes the plain way through the processor (for comparison)."""
    _loaded: tuple[Any, Any] | None = field(default=None, repr=False)
    _checked: bool = False

    def answer(
        self, requests: Sequence[Request], known: Collection[str] = ()
    ) -> Iterator[Sequence[Outcome]]:
        """Batches are planned over all requests; those in `known` are left out of theirs."""
        plan = plan_batches(requests, self.batch_size)
        batches = [todo for batch in plan if (todo := [r for r in batch if r.key not in known])]
        clips = [clip for batch in batches for clip in clips_of(batch)]
        with closing(self.frames.ahead(clips, depth=self.batch_size)) as decoded:
            for batch in batches:
                ready = {item.clip: item for item in (next(decoded) for _ in clips_of(batch))}
                bad = [
                    Unusable(r.key, type(error).__name__, str(error))
                    for r in batch
                    if (error := ready[r.clip].error) is not None
                ]
                if bad:
                    yield bad
                pixels = {c: i.frames for c, i in ready.items() if i.frames is not None}
                good = [request for request in batch if request.clip in pixels]
                yield from self._halving(good, pixels)

    def _halving(
        self, requests: Sequence[Request], frames: dict[Clip, Frames]
    ) -> Iterator[Sequence[Outcome]]:
        """One batch, or its halves when memory runs out."""
        for start in range(0, len(requests), self.batch_size):
            part = requests[start : start + self.batch_size]
            try:
                replies: Sequence[Outcome] | None = self._run(part, frames)
            except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                replies = None
            if replies is not None:
                yield replies
                continue
            self._shrink(len(part))
            yield from self._halving(requests[start:], frames)
            return

    def _shrink(self, size: int) -> None:
        if size == 1:
            raise VideoStarError(
                f"One answer about {self.frames.params.frames} frames does not fit in the memory "
                f"of {self.device}; lower video.frames or video.short_side in params.yaml."
            )
        self.batch_size = max(1, size // 2)
        if self.device != "cpu":
            torch.cuda.empty_cache()
        self.progress.note(f"Out of memory: from here on {self.batch_size} answers at a time.")

    @torch.inference_mode()
    def _run(self, requests: Sequence[Request], frames: dict[Clip, Frames]) -> list[Outcome]:
        processor, model = self._load()
        ends = end_tokens(model)
        rows = decode(model, self._inputs(requests, frames), requests, ends)
        return [
            _reply(processor.tokenizer, request, row, ends)
            for request, row in zip(requests, rows, strict=True)
        ]

    def _inputs(self, requests: Sequence[Request], frames: dict[Clip, Frames]) -> dict[str, Any]:
        processor, model = self._load()
        if self.share and not self._checked:
            self.share = self._sharing_changes_nothing(requests[-1:], frames)
            self._checked = True
        shared = shared_inputs(processor, model, requests, frames) if self.share else None
        return shared if shared is not None else self._plain(requests, frames)

    def _plain(self, requests: Sequence[Request], frames: dict[Clip, Frames]) -> dict[str, Any]:
        processor, model = self._load()
        made = plain_inputs(processor, requests, frames)
        return {
            name: value.to(model.device, model.dtype if value.is_floating_point() else None)
            if isinstance(value, torch.Tensor)
            else value
            for name, value in made.items()
        }

    def _sharing_changes_nothing(
        self, requests: Sequence[Request], frames: dict[Clip, Frames]
    ) -> bool:
        """Whether ids and first-token logits of one question are the same in both ways."""
        processor, model = self._load()
        shared = shared_inputs(processor, model, requests, frames)
        if shared is None:
            self.progress.note("This model encodes each clip once per question.")
            return False
        plain = self._plain(requests, frames)
        same = torch.equal(shared["input_ids"], plain["input_ids"]) and torch.allclose(
            _first_logits(model, shared), _first_logits(model, plain), atol=SAME_LOGITS[model.dtype]
        )
        if not same:
            self.progress.note("Sharing clips between questions changes this model's answers: off.")
        return same

    def use(self, processor: Any, model: Any) -> None:
        """Take a processor and model that are loaded already, as `load_model` returns them."""
        self._loaded = processor, model

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            self._loaded = load_model(self.model, self.location, self.adapter, self.device)
        return self._loaded


def load_model(
    params: ModelParams, location: str, adapter: Path | None, device: str
) -> tuple[Any, Any]:
    """Processor and model in evaluation mode on the device; DataError when files are missing.

    In float32 the adapter is merged into the weights: exact to rounding, and faster.
    """
    same: dict[str, Any] = {
        "revision": params.revision,
        "trust_remote_code": params.trust_remote_code,
        "local_files_only": Path(location).is_dir(),
    }
    dtype = getattr(torch, params.dtype)
    try:
        processor = AutoProcessor.from_pretrained(location, **same)
        model = AutoModelForImageTextToText.from_pretrained(
            location, dtype=dtype, use_safetensors=True, **same
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{params.base}: cannot be loaded as a video-text model ({reason}); check model.base."
        ) from error
    if adapter is not None:
        model = _with_adapter(model, adapter, params)
    model.generation_config = GenerationConfig(
        eos_token_id=sorted(end_tokens(model) or {processor.tokenizer.eos_token_id}),
        pad_token_id=_pad_token(processor.tokenizer),
    )
    return processor, model.to(device).eval()


def _with_adapter(model: Any, adapter: Path, params: ModelParams) -> Any:
    from peft import PeftModel

    tuned = PeftModel.from_pretrained(model, str(adapter))
    if params.dtype == "float32":
        return tuned.merge_and_unload(safe_merge=True)
    return tuned.get_base_model()


def pick_device(setting: str) -> str:
    """cpu or cuda; UsageError when cuda is asked for and absent."""
    if setting == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if setting.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError(
            f"settings.device is {setting} but no CUDA device is usable; set it to auto."
        )
    return setting


def end_tokens(model: Any) -> set[int]:
    ends = model.generation_config.eos_token_id
    if ends is None:
        return set()
    return set(ends) if isinstance(ends, list) else {ends}


def _pad_token(tokenizer: Any) -> int:
    pad = tokenizer.pad_token_id
    return int(pad if pad is not None else tokenizer.eos_token_id)


def _first_logits(model: Any, inputs: dict[str, Any]) -> torch.Tensor:
    config = greedy_config(model, 1)
    config.output_logits = True
    output = model.generate(**inputs, generation_config=config)
    logits: torch.Tensor = output.logits[0]
    return logits


def _reply(tokenizer: Any, request: Request, row: Sequence[int], ends: set[int]) -> Reply:
    ended = bool(row) and row[-1] in ends
    tokens = row[:-1] if ended else row
    finish: Literal["stop", "length"] = "stop" if ended else "length"
    text = tokenizer.decode(
        tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
    ).strip()
    return Reply(request.key, text, finish, len(tokens))


def _is_out_of_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        "allocate memory" in text or "out of memory" in text
    )
