"""The training of one process: load the model, train it, write the result."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import torch
from transformers import PrinterCallback

from video_star.core.jsonl import dump_json, write_text
from video_star.core.params import VideoParams
from video_star.models.adapters import unwrapped
from video_star.models.batches import pad_id
from video_star.models.conversation import Conversations
from video_star.models.loading import load_processor, load_weights
from video_star.models.parts import lora_targets, unfreeze_parts
from video_star.training.checkpoints import latest_checkpoint, step_of
from video_star.training.clips import ClipInputs, clip_encoder
from video_star.training.examples import Examples
from video_star.training.feed import READERS, Feed, Reader
from video_star.training.job import Job
from video_star.training.lora import (
    adapter_weights,
    attach_adapter,
    quantised_loading,
    save_adapter,
    trainable_parameters,
)
from video_star.training.trainer import (
    AnswerTrainer,
    Collator,
    TrainingReporter,
    arguments,
    loss_curve,
)
from video_star.training.weights import full_state_dict, save_weights
from video_star.training.zero import gathered, partitioned_loading, stage_of
from video_star.video.cache import FrameCache
from video_star.video.decode import Frames

Send = Callable[..., None]
"""Sends a message to the step."""
ANY_SIDE = 224
"""Pixels of a side of frames whose size does not matter."""


def train(job: Job, rank: int, send: Send) -> None:
    """Train from the newest complete checkpoint or from the start; rank 0 writes `job.result`."""
    processor, model = load(job)
    checkpoint = latest_checkpoint(job)
    step = step_of(checkpoint) if checkpoint else 0
    with closing(make_feed(job, rank, processor, model, send, step)) as feed:
        trainer = make_trainer(job, rank, model, feed, send)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    weights = trained_weights(job, model, trainer.model_wrapped, rank)
    if rank == 0:
        write_result(job, model, weights, trainer.state.log_history)


def load(job: Job) -> tuple[Any, Any]:
    """The processor and the model ready for training, on the device of this process."""
    quantised = job.finetune.method == "qlora"
    options = quantised_loading(job.dtype) if quantised else {}
    processor = load_processor(job.base, job.trust_remote_code)
    with partitioned_loading(job):
        dtype = getattr(torch, job.dtype)
        base = load_weights(job.base, job.trust_remote_code, dtype=dtype, **options)
        base.config.use_cache = False
        if quantised:  # its layer norms in float32; Trainer enables gradient checkpointing
            from peft import prepare_model_for_kbit_training

            base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
        model = make_trainable(job, base)
    return processor, model if quantised else model.to(job.device)


def make_trainable(job: Job, base: Any) -> Any:
    """The base with its parts unfrozen, or frozen and with an adapter on them."""
    tune = job.finetune
    if tune.method == "full":
        unfreeze_parts(base, tune.parts)
        return base
    targets = lora_targets(base, tune.parts, tune.lora.layers)
    return attach_adapter(base, tune.lora, targets, job.start_adapter, job.seed)


def parameters_outside_decoder(inner: Any) -> list[torch.nn.Parameter]:
    """Parameters that process clips ahead of the language model: vision tower and projector."""
    language = [inner.get_decoder(), inner.get_output_embeddings()]
    behind = {id(p) for module in language if module is not None for p in module.parameters()}
    return [parameter for parameter in inner.parameters() if id(parameter) not in behind]


def make_feed(job: Job, rank: int, processor: Any, model: Any, send: Send, step: int = 0) -> Feed:
    """The examples of this process as micro batches, of which those after `step` are needed."""
    conversations, inner = Conversations(processor), unwrapped(model)
    clip = conversations.prepare(_some_frames(job.video)).inputs
    with gathered(parameters_outside_decoder(inner), job.zero):
        clips = ClipInputs(clip_encoder(inner, clip, copy_weights=stage_of(job.zero) == 3))
    reader = Reader(
        *(Examples(job.examples), conversations),
        *(FrameCache(job.frames, job.video, READERS, job.limits), clips),
        *(job.data, job.video_roots),
    )
    collate = Collator(pad_id(processor.tokenizer), inner.forward)
    return Feed(job, rank, reader, clips, collate, send, step)


def _some_frames(video: VideoParams) -> Frames:
    """Black frames that stand for a clip where only its path through the model matters."""
    side = video.short_side or ANY_SIDE
    pixels = np.zeros((video.frames, side, side, 3), np.uint8)
    return Frames(pixels, tuple(map(float, range(video.frames))), float(video.frames))


def make_trainer(job: Job, rank: int, model: Any, feed: Feed, send: Send) -> AnswerTrainer:
    """The trainer over the batches of `feed`."""
    trainer = AnswerTrainer(
        model=model,
        args=arguments(job, feed.order.steps),
        train_dataset=feed,
        callbacks=[TrainingReporter(job, rank, send)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def trained_weights(job: Job, model: Any, engine: Any, rank: int) -> dict[str, torch.Tensor]:
    """The adapter, or all weights after full finetuning; empty on all ranks but 0."""
    if job.finetune.method == "full":
        return full_state_dict(engine, rank)
    with gathered(trainable_parameters(model), job.zero):
        return adapter_weights(model) if rank == 0 else {}


def write_result(
    job: Job, model: Any, weights: dict[str, torch.Tensor], history: list[dict[str, Any]]
) -> None:
    """Write adapter or weights and the loss curve, then the marker that they are complete."""
    if job.finetune.method == "full":
        save_weights(model, weights, job.result / "weights", job.base)
    else:
        save_adapter(model, weights, job.result / "adapter", job.base_name)
    lines = loss_curve(history)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_text(job.result / "loss.jsonl", text)
    write_text(job.done, dump_json({"steps": len(lines)}))
