"""HF Trainer with our order of examples, loss on answer tokens, marks on complete checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
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
from video_star.training.clips import ClipInputs, together
from video_star.training.examples import IGNORED, Encoded
from video_star.training.job import Job
from video_star.training.portable import load_state, save_state
from video_star.training.zero import deepspeed_config

SCHEDULER = "scheduler.pt"
"""Trainer's name for the file."""


@dataclass(frozen=True)
class Part:
    """Rows that go through the model together.

    No mapping, so that Trainer does not put times in the model's dtype: in bfloat16 they are wrong.
    """

    inputs: dict[str, Any]
    """input_ids and attention_mask [B, L], and the inputs of the rows' clips."""
    labels: torch.Tensor
    """[B, K], of the last K positions."""
    features: Features | None


class Collate:
    """Right-padded batches; logits only from the first answer token of a part on."""

    def __init__(self, clips: ClipInputs, pad: int, forward: Callable[..., Any]) -> None:
        self._clips = clips
        self._pad = pad
        self._cuts_logits = "logits_to_keep" in signature(forward).parameters

    def __call__(self, batch: Sequence[Encoded]) -> dict[str, Any]:
        """Parts, one for each shape of clips, and the labels of all in one row, for counting."""
        clips = [self._clips[example.clip] for example in batch]
        parts = [
            self._part([batch[row].tokens for row in rows], visual, features)
            for rows, visual, features in together(clips)
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
    """Trains on given micro batches; the loss is the mean over all answer tokens of a step."""

    def __init__(self, micro: Sequence[Sequence[int]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._micro = micro
        # Trainer reads both: it counts the answer tokens of a whole step and leaves dividing to us.
        self.model_accepts_loss_kwargs = True
        self.loss_is_scaled_for_ga = True

    def get_train_dataloader(self) -> DataLoader[Any]:
        """This process' micro batches; already shared out, so nothing for accelerate to do."""
        return DataLoader(
            self.train_dataset,
            batch_sampler=[list(batch) for batch in self._micro],
            collate_fn=self.data_collator,
        )

    def _prepare_for_training(
        self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None
    ) -> Any:
        """The wrapped model, with the portable state in place of DeepSpeed's own checkpoint."""
        made = super()._prepare_for_training(max_steps, train_dataloader, None)
        if resume_from_checkpoint is not None:
            load_state(self.model_wrapped, Path(resume_from_checkpoint))
            self._load_optimizer_and_scheduler(resume_from_checkpoint)  # the scheduler alone
            rates = self.lr_scheduler.get_last_lr()
            for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate
        return made

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """The portable state, and the scheduler as Trainer keeps it."""
        save_state(self.model_wrapped, Path(output_dir))
        if self.args.should_save:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Nothing: a checkpoint is the trained state, and the session writes the result."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Cross entropy summed over this micro batch / answer tokens of the step * processes."""
        n = num_items_in_batch if num_items_in_batch is not None else answer_tokens(inputs)
        # Gradients are averaged over processes afterwards, so each one's share is scaled up.
        return summed_loss(model, inputs) / n * self.args.world_size


def answer_tokens(batch: dict[str, Any]) -> int:
    """How many tokens of a batch carry loss."""
    return int((batch["labels"] != IGNORED).sum())


def summed_loss(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    """Cross entropy of a collated batch, summed over its answer tokens."""
    parts = batch["parts"]
    # ZeRO 3 collects each layer's weights on all processes at once: all must go through the model
    # equally often, so one with fewer parts goes once more, for nothing.
    more = _most_parts(model, len(parts)) - len(parts)
    losses = [_part_loss(model, part) for part in parts]
    losses += [0.0 * _part_loss(model, parts[0]) for _ in range(more)]
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
    """The largest number of parts that any process has in this step, under ZeRO 3."""
    stage = getattr(model, "zero_optimization_partition_weights", None)
    if stage is None or not stage():
        return own
    most = torch.tensor(own, device=model.device)
    torch.distributed.all_reduce(most, torch.distributed.ReduceOp.MAX)
    return int(most)


class Watch(TrainerCallback):
    """Tells progress and loss, and marks checkpoints that every process has finished."""

    def __init__(self, job: Job, rank: int, tell: Callable[[dict[str, Any]], None]) -> None:
        self._job, self._rank, self._tell = job, rank, tell

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """One line per step."""
        if logs and "loss" in logs:
            self._tell({"step": state.global_step, "steps": state.max_steps, "loss": logs["loss"]})

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Every process has written its part once all have passed the barrier."""
        torch.distributed.barrier()
        if self._rank == 0:
            mark_complete(self._job.checkpoints / f"checkpoint-{state.global_step}")
        torch.distributed.barrier()


def arguments(job: Job, steps: int) -> TrainingArguments:
    """Everything that Trainer is told, DeepSpeed's configuration included."""
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
        # The newest may be half-written when the process is killed; the one before it is whole.
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
        # The loss is ours, from logits; only the layers' kernels are wanted.
        liger_kernel_config={"fused_linear_cross_entropy": False} if job.liger else None,
        deepspeed=deepspeed_config(job),
    )


def loss_lines(history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The training log as {"step", "loss", "learning_rate"}, one per optimizer step."""
    return [
        {name: entry[name] for name in ("step", "loss", "learning_rate")}
        for entry in history
        if "loss" in entry
    ]
