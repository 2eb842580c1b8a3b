"""The training of one process: load the model, encode the examples, train, write the result."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch
from transformers import PrinterCallback

from video_star.core.jsonl import dump_json, read_records, write_text
from video_star.core.records import TrainingExample
from video_star.models.adapters import unwrapped
from video_star.models.batches import pad_id
from video_star.models.conversation import Conversations
from video_star.models.loading import load_processor, load_weights
from video_star.models.parts import lora_targets, unfreeze_parts
from video_star.training.checkpoints import latest_checkpoint
from video_star.training.clips import ClipInputs
from video_star.training.examples import EncodedExample, encode_examples
from video_star.training.job import Job
from video_star.training.lora import (
    adapter_weights,
    attach_adapter,
    save_adapter,
    trainable_parameters,
)
from video_star.training.order import micro_batches, training_order
from video_star.training.quantised import load_arguments, prepare_for_lora
from video_star.training.trainer import (
    AnswerTrainer,
    Collator,
    TrainingReporter,
    arguments,
    loss_curve,
)
from video_star.training.weights import full_state_dict, save_weights
from video_star.training.zero import gathered, partitioned_loading
from video_star.video.cache import FrameCache

Send = Callable[..., None]
"""Sends a message to the step."""


def train(job: Job, rank: int, send: Send) -> None:
    """Train from the newest complete checkpoint or from the start; rank 0 writes `job.result`."""
    processor, model = load(job)
    with gathered(parameters_outside_decoder(unwrapped(model)), job.zero):
        encoded, clips = encode(job, processor, model, rank, send)
    trainer = make_trainer(job, rank, processor, model, encoded, clips, send)
    checkpoint = latest_checkpoint(job)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    weights = trained_weights(job, model, trainer.model_wrapped, rank)
    if rank == 0:
        write_result(job, model, weights, trainer.state.log_history)


def load(job: Job) -> tuple[Any, Any]:
    """The processor and the model ready for training, on the device of this process."""
    quantised = job.finetune.method == "qlora"
    options = load_arguments(job.dtype) if quantised else {}
    processor = load_processor(job.base, job.trust_remote_code)
    with partitioned_loading(job):
        dtype = getattr(torch, job.dtype)
        base = load_weights(job.base, job.trust_remote_code, dtype=dtype, **options)
        base.config.use_cache = False
        model = make_trainable(job, prepare_for_lora(base) if quantised else base)
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


def encode(
    job: Job, processor: Any, model: Any, rank: int, send: Send
) -> tuple[list[EncodedExample], ClipInputs]:
    """All examples as token ids and all clips as model inputs; each clip is read once."""
    examples = list(read_records(job.examples, TrainingExample))
    n_clips = len({(item.video, item.start_s, item.end_s) for item in examples})
    clips = ClipInputs(model, n_clips, job.folder / f"pixels-{rank}")
    encoded: dict[int, EncodedExample] = {}
    frames = FrameCache(job.frames, job.video, 1, job.limits)
    model.eval()
    groups = encode_examples(
        *(examples, Conversations(processor), frames, job.data, job.video_roots)
    )
    for done, group in enumerate(groups, start=1):
        clips.add(group.clip.inputs)
        encoded |= group.examples
        if done % 50 == 0 or done == n_clips:
            send(clips=done, of=n_clips)
    clips.flush()
    return [encoded[index] for index in range(len(examples))], clips


def make_trainer(
    job: Job,
    rank: int,
    processor: Any,
    model: Any,
    encoded: list[EncodedExample],
    clips: ClipInputs,
    send: Send,
) -> AnswerTrainer:
    """The trainer, over the examples in the order that the seed determines."""
    tune = job.finetune
    lengths = [len(item) for item in encoded]
    batches = training_order(lengths, tune.epochs, tune.batch_size, job.seed, tune.group_by_length)
    trainer = AnswerTrainer(
        micro_batches(batches, job.micro_batch_size, job.world_size, rank),
        model=model,
        args=arguments(job, len(batches)),
        train_dataset=encoded,
        data_collator=Collator(clips, pad_id(processor.tokenizer), unwrapped(model).forward),
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
