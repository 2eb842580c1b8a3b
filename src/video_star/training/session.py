"""One process' training from a job: model, what is trained of it, examples, Trainer, result."""

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
from video_star.models.parts import lora_targets, train_parts
from video_star.training.checkpoints import latest
from video_star.training.clips import ClipInputs
from video_star.training.examples import Encoded, encode_examples
from video_star.training.job import Job
from video_star.training.lora import adapter_weights, attach, save_adapter, trainable
from video_star.training.order import micro_batches, training_order
from video_star.training.quantised import how_to_load, ready_for_lora
from video_star.training.trainer import (
    AnswerTrainer,
    Collate,
    Watch,
    arguments,
    loss_lines,
)
from video_star.training.weights import save_weights, whole_weights
from video_star.training.zero import gathered, loading_in_parts
from video_star.video.cache import FrameCache

Tell = Callable[[dict[str, Any]], None]


def train(job: Job, rank: int, tell: Tell) -> None:
    """Train from the newest complete checkpoint or from the start; rank 0 writes `job.result`."""
    processor, model = load(job)
    with gathered(outside_of_decoder(unwrapped(model)), job.zero):
        encoded, clips = prepare(job, processor, model, rank, tell)
    trainer = make_trainer(job, rank, processor, model, encoded, clips, tell)
    checkpoint = latest(job)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    weights = learnt(job, model, trainer.model_wrapped, rank)
    if rank == 0:
        write_result(job, model, weights, trainer.state.log_history)


def load(job: Job) -> tuple[Any, Any]:
    """The processor and the base with what is trained of it, on the device of this process."""
    quantised = job.finetune.method == "qlora"
    how = how_to_load(job.dtype) if quantised else {}
    processor = load_processor(job.base, job.trust_remote_code)
    with loading_in_parts(job):
        base = load_weights(job.base, job.trust_remote_code, dtype=getattr(torch, job.dtype), **how)
        base.config.use_cache = False
        model = teachable(job, ready_for_lora(base) if quantised else base)
    return processor, model if quantised else model.to(_device(job))


def teachable(job: Job, base: Any) -> Any:
    """The base with its parts set to learn, or frozen and with an adapter on them."""
    tune = job.finetune
    if tune.method == "full":
        train_parts(base, tune.parts)
        return base
    targets = lora_targets(base, tune.parts, tune.lora.layers)
    return attach(base, tune.lora, targets, job.start_adapter, job.seed)


def outside_of_decoder(inner: Any) -> list[torch.nn.Parameter]:
    """What clips go through before the language model: tower, projector and what joins them."""
    language = [inner.get_decoder(), inner.get_output_embeddings()]
    behind = {id(p) for module in language if module is not None for p in module.parameters()}
    return [parameter for parameter in inner.parameters() if id(parameter) not in behind]


def _device(job: Job) -> torch.device:
    if job.device == "cpu":
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def prepare(
    job: Job, processor: Any, model: Any, rank: int, tell: Tell
) -> tuple[list[Encoded], ClipInputs]:
    """All examples as ids and all clips as the model takes them, each clip read once."""
    examples = list(read_records(job.examples, TrainingExample))
    n_clips = len({(item.video, item.start_s, item.end_s) for item in examples})
    clips = ClipInputs(model, n_clips, job.folder / f"pixels-{rank}")
    encoded: list[Encoded | None] = [None] * len(examples)
    frames = FrameCache(job.frames, job.video, 1)
    model.eval()
    works = encode_examples(examples, Conversations(processor), frames, job.data)
    for done, work in enumerate(works, start=1):
        clips.add(work.clip.inputs)
        for index, item in work.encoded:
            encoded[index] = item
        if done % 50 == 0 or done == n_clips:
            tell({"clips": done, "of": n_clips})
    clips.flush()
    return [item for item in encoded if item is not None], clips


def make_trainer(
    job: Job,
    rank: int,
    processor: Any,
    model: Any,
    encoded: list[Encoded],
    clips: ClipInputs,
    tell: Tell,
) -> AnswerTrainer:
    """Trainer over the one order of examples that the seed says."""
    tune = job.finetune
    lengths = [len(item) for item in encoded]
    batches = training_order(lengths, tune.epochs, tune.batch_size, job.seed, tune.group_by_length)
    trainer = AnswerTrainer(
        micro_batches(batches, job.micro_batch_size, job.world_size, rank),
        model=model,
        args=arguments(job, len(batches)),
        train_dataset=encoded,
        data_collator=Collate(clips, pad_id(processor.tokenizer), unwrapped(model).forward),
        callbacks=[Watch(job, rank, tell)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def learnt(job: Job, model: Any, engine: Any, rank: int) -> dict[str, torch.Tensor]:
    """The adapter, or all weights of a model that was trained itself; empty beside rank 0."""
    if job.finetune.method == "full":
        return whole_weights(engine, rank)
    with gathered(trainable(model), job.zero):
        return adapter_weights(model) if rank == 0 else {}


def write_result(
    job: Job, model: Any, weights: dict[str, torch.Tensor], history: list[dict[str, Any]]
) -> None:
    """Adapter or weights and the loss curve, then the mark that says that all is whole."""
    if job.finetune.method == "full":
        save_weights(model, weights, job.result / "weights", job.base)
    else:
        save_adapter(model, weights, job.result / "adapter", job.base_name)
    lines = loss_lines(history)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_text(job.result / "loss.jsonl", text)
    write_text(job.done, dump_json({"steps": len(lines)}))
