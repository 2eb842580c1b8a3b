"""HF Trainer with a fixed order of examples, loss on answer tokens and portable checkpoints.

TRL's collator for vision-language models is not used: it takes images only, preprocesses each clip
again for every example and epoch, and tokenizes prompt and completion apart, so that a question
would not be the tokens that generation asks with; nor does it take features in place of pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments

from video_star.models.batches import on_device, padded
from video_star.models.conversation import Tokens
from video_star.models.features import Features
from video_star.training.checkpoints import mark_complete
from video_star.training.clips import group_rows
from video_star.training.examples import IGNORED
from video_star.training.feed import Row
from video_star.training.job import Job
from video_star.training.portable import load_state, save_state
from video_star.training.zero import deepspeed_config

SCHEDULER = "scheduler.pt"
"""The name that Trainer gives the file."""


@dataclass(frozen=True)
class Part:
    """Rows that go through the model in one pass.

    Not a mapping, because Trainer casts tensors in mappings to the model's dtype, and times of
    frames are wrong in bfloat16.
    """

    inputs: dict[str, Any]
    """input_ids and attention_mask [B, L], and the inputs of the rows' clips."""
    labels: torch.Tensor
    """[B, K], for the last K positions."""
    features: Features | None


class Collator:
    """Makes right-padded batches; asks for logits from the first answer token on only."""

    def __init__(self, pad: int, forward: Callable[..., Any]) -> None:
        self._pad = pad
        self._cuts_logits = "logits_to_keep" in signature(forward).parameters

    def __call__(self, batch: Sequence[Row]) -> dict[str, Any]:
        """One part for each shape of clips; `labels` [N] of all parts, which Trainer counts."""
        parts = [
            self._part([batch[row][0] for row in rows], visual, features)
            for rows, visual, features in group_rows([clip for _, clip in batch])
        ]
        return {"parts": parts, "labels": torch.cat([part.labels.flatten() for part in parts])}

    def _part(
        self, rows: Sequence[Tokens], visual: dict[str, Any], features: Features | None
    ) -> Part:
        inputs = padded(rows, self._pad, "right") | visual
        ids = inputs["input_ids"]
        labels = torch.full_like(ids, IGNORED)
        for number, row in enumerate(rows):
            labels[number, row.answer : len(row)] = ids[number, row.answer : len(row)]
        keep = length = ids.shape[1]
        if self._cuts_logits:
            keep = inputs["logits_to_keep"] = length - min(row.answer for row in rows) + 1
        return Part(inputs, labels[:, length - keep :], features)


class AnswerTrainer(Trainer):
    """Trains on given batches; the loss is the mean over the answer tokens of a step."""

    def __init__(self, **kwargs: Any) -> None:
        """`train_dataset` holds the micro batches of this process, in order."""
        super().__init__(**kwargs)
        # With both, Trainer passes the answer tokens of the whole step and does not divide itself.
        self.model_accepts_loss_kwargs = True
        self.loss_is_scaled_for_ga = True

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The micro batches of this process, not to be split by accelerate once more."""
        return DataLoader(self.train_dataset, batch_size=1, collate_fn=itemgetter(0))

    def _prepare_for_training(
        self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None
    ) -> Any:
        """As Trainer, but resumes from the portable state instead of DeepSpeed's checkpoint."""
        prepared = super()._prepare_for_training(max_steps, train_dataloader, None)
        if resume_from_checkpoint is not None:
            load_state(self.model_wrapped, Path(resume_from_checkpoint))
            self._load_optimizer_and_scheduler(resume_from_checkpoint)  # the scheduler alone
            rates = self.lr_scheduler.get_last_lr()
            for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate
        return prepared

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Save the portable state, and the scheduler as Trainer does."""
        save_state(self.model_wrapped, Path(output_dir))
        if self.args.should_save:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Do nothing: a checkpoint is the portable state, and the session writes the result."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Cross entropy summed over this micro batch / answer tokens of the step * processes."""
        n = num_items_in_batch if num_items_in_batch is not None else count_answer_tokens(inputs)
        # DeepSpeed averages gradients over processes afterwards; the loss is scaled up for that.
        return summed_loss(model, inputs) / n * self.args.world_size


def count_answer_tokens(batch: dict[str, Any]) -> int:
    """Number of tokens of a batch that have a loss."""
    return int((batch["labels"] != IGNORED).sum())


def summed_loss(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    """Cross entropy of a collated batch, summed over its answer tokens."""
    parts = batch["parts"]
    # Under ZeRO 3 every forward pass gathers weights on all processes, so all need the same number
    # of passes: a process with fewer parts repeats one with weight zero.
    missing = _most_parts(model, len(parts)) - len(parts)
    losses = [_part_loss(model, part) for part in parts]
    losses += [0.0 * _part_loss(model, parts[0]) for _ in range(missing)]
    return torch.stack(losses).sum()


def _part_loss(model: Any, part: Part) -> torch.Tensor:
    inputs, labels = on_device(part.inputs, model), part.labels.to(model.device)
    if part.features is not None:
        inputs |= part.features.to(model.device).argument()
    logits = model(**inputs, use_cache=False).logits[:, :-1].float()
    return cross_entropy(
        logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
    )


def _most_parts(model: Any, own: int) -> int:
    """Under ZeRO 3 the largest number of parts of any process in this step, else `own`."""
    stage = getattr(model, "zero_optimization_partition_weights", None)
    if stage is None or not stage():
        return own
    most = torch.tensor(own, device=model.device)
    torch.distributed.all_reduce(most, torch.distributed.ReduceOp.MAX)
    return int(most)


class TrainingReporter(TrainerCallback):
    """Reports progress and loss, and marks checkpoints that all processes have written."""

    def __init__(self, job: Job, rank: int, send: Callable[..., None]) -> None:
        self._job, self._rank, self._send = job, rank, send

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """One message per step."""
        if logs and "loss" in logs:
            self._send(step=state.global_step, steps=state.max_steps, loss=logs["loss"])

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After the first barrier every process has written its part."""
        torch.distributed.barrier()
        if self._rank == 0:
            mark_complete(self._job.checkpoints / f"checkpoint-{state.global_step}")
        torch.distributed.barrier()


def arguments(job: Job, steps: int) -> TrainingArguments:
    """Trainer's arguments, DeepSpeed's configuration included."""
    tune = job.finetune
    return TrainingArguments(
        output_dir=str(job.checkpoints),
        max_steps=steps,
        per_device_train_batch_size=job.micro_batch_size,
        gradient_accumulation_steps=job.accumulation,
        learning_rate=tune.learning_rate,
        warmup_steps=int(steps * tune.warmup_ratio),
        weight_decay=tune.weight_decay,
        lr_scheduler_type=tune.scheduler,
        max_grad_norm=tune.max_grad_norm,
        optim="adamw_torch",
        logging_steps=1,
        save_strategy="steps",
        save_steps=job.checkpoint_steps,
        # The newest may be incomplete when the process is killed; the one before it is not.
        save_total_limit=2,
        seed=job.seed,
        data_seed=job.seed,
        use_cpu=job.device == "cpu",
        bf16=job.dtype == "bfloat16",
        fp16=job.dtype == "float16",
        report_to=[],
        disable_tqdm=True,
        log_level="error",
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        label_names=["labels"],
        activation_checkpointing=job.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        use_liger_kernel=job.liger,
        # compute_loss needs logits, so only the kernels of layers are used.
        liger_kernel_config={"fused_linear_cross_entropy": False} if job.liger else None,
        deepspeed=deepspeed_config(job),
    )


def loss_curve(history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The training log as {"step", "loss", "learning_rate"}, one per optimizer step."""
    return [
        {name: entry[name] for name in ("step", "loss", "learning_rate")}
        for entry in history
        if "loss" in entry
    ]
