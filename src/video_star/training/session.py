"""One process' training from a job: model, adapter, encoded examples, Trainer, result."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch
from transformers import PrinterCallback

from video_star.domain import TrainingExample
from video_star.families.batches import pad_id
from video_star.families.conversation import Conversations
from video_star.families.loading import load_processor, load_weights
from video_star.frames import FrameCache
from video_star.records import dump_json, read_records, write_text
from video_star.training.checkpoints import latest
from video_star.training.clips import ClipInputs
from video_star.training.examples import Encoded, encode_examples
from video_star.training.job import Job
from video_star.training.lora import adapter_weights, attach, save_adapter, whole
from video_star.training.order import micro_batches, training_order
from video_star.training.trainer import (
    AnswerTrainer,
    Collate,
    Examples,
    Watch,
    arguments,
    loss_lines,
)

Tell = Callable[[dict[str, Any]], None]


def train(job: Job, rank: int, tell: Tell) -> None:
    """Train from the newest complete checkpoint or from the start; rank 0 writes `job.result`."""
    processor, model = load(job)
    encoded, clips = prepare(job, processor, model, rank, tell)
    trainer = make_trainer(job, rank, processor, model, encoded, clips, tell)
    checkpoint = latest(job)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    with whole(model, job.finetune.zero_stage):
        weights = adapter_weights(model) if rank == 0 else {}
    if rank == 0:
        write_result(job, model, weights, trainer.state.log_history)


def load(job: Job) -> tuple[Any, Any]:
    """The processor and the base with its adapter, on the device of this process."""
    processor = load_processor(job.base, job.trust_remote_code)
    base = load_weights(job.base, job.trust_remote_code, dtype=getattr(torch, job.dtype))
    base.config.use_cache = False
    model = attach(base, job.finetune.lora, job.start_adapter, job.seed)
    return processor, model.to(_device(job))


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
    batches = training_order(lengths, tune.epochs, tune.batch_size, job.seed)
    trainer = AnswerTrainer(
        micro_batches(batches, job.micro_batch_size, job.world_size, rank),
        model=model,
        args=arguments(job, len(batches)),
        train_dataset=Examples(encoded),
        data_collator=Collate(clips, pad_id(processor.tokenizer), model.get_base_model().forward),
        callbacks=[Watch(job, rank, tell)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def write_result(
    job: Job, model: Any, weights: dict[str, torch.Tensor], history: list[dict[str, Any]]
) -> None:
    """Adapter and loss curve, then the mark that says that both are whole."""
    save_adapter(model, weights, job.result / "adapter", job.base_name)
    lines = loss_lines(history)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_text(job.result / "loss.jsonl", text)
    write_text(job.done, dump_json({"steps": len(lines)}))
