"""Trains the small base model: `video-star demo base DIR`.

Seven stages, each from the checkpoint of the one before and with its own seed and optimizer, so a
run that is stopped goes on from its last stage and ends with the same weights. About 50 minutes on
2 cores. The committed weights in `base/` are the outcome of this command.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from video_star_demo import packing, skeleton
from video_star_demo.heads import FrameHeads, MotionHeads
from video_star_demo.packing import Batch, Packer, Pool

log = logging.getLogger("video_star_demo.pretrain")

SEED: Final = 20261124
THREADS: Final = 2
"""Sums are split among threads: another number gives another last digit."""
VOCABULARY: Final = 800
SIZES: Final = {
    "width": 112,
    "layers": 4,
    "heads": 4,
    "mlp": 320,
    "tower_width": 96,
    "tower_layers": 2,
    "tower_mlp": 256,
}
DENSE: Final = {
    "colour": 1.0, "shape": 1.0, "first": 2.0, "last": 2.0, "place": 1.0, "motion": 2.0,
    "describe": 1.0,
}  # fmt: skip
FULL: Final = {
    "colour": 0.3, "shape": 0.3, "first": 1.0, "last": 1.0, "place": 0.3, "motion": 1.0,
    "describe": 2.0, "caption": 1.0, "named": 3.0, "told": 2.0,
    "multi_choice": 2.0, "yes_no": 2.5, "caption_matching": 1.5, "captioning": 1.0,
}  # fmt: skip
OPTIONS: Final = {
    "first": 0.3, "last": 0.3, "motion": 0.5, "describe": 1.0, "named": 2.0, "told": 3.0,
    "multi_choice": 5.0, "five_options": 1.5, "yes_no": 2.0, "caption_matching": 4.0,
    "captioning": 1.0,
}  # fmt: skip
NAMES: Final = {
    "colour": 0.2, "shape": 0.2, "place": 0.2, "first": 0.3, "last": 0.3, "motion": 0.5,
    "describe": 1.0, "named": 2.0, "told": 2.5, "multi_choice": 2.5, "yes_no": 2.0,
    "caption_matching": 1.5, "captioning": 1.0, "made_up_matching": 2.0,
    "made_up_captioning": 2.0, "made_up_choice": 1.0,
}  # fmt: skip

KINDS: Final = NAMES | {
    "describe": 0.7, "made_up_matching": 1.5, "made_up_captioning": 1.5,
    "told_any": 6.0, "untold": 1.0, "steps": 1.0, "choose": 1.5,
}  # fmt: skip
LINES: Final = KINDS | {
    "colour": 0.1, "shape": 0.1, "place": 0.1, "first": 0.2, "last": 0.2, "motion": 0.4,
    "named": 0.7, "told": 0.8, "told_any": 1.0, "untold": 0.3, "steps": 0.3, "choose": 0.5,
    "line_named": 2.0, "line_told": 2.5, "line_told_any": 6.0, "line_untold": 1.0,
    "line_steps": 1.0, "line_choose": 1.5,
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One stage: what is taught, how long, how fast."""

    name: str
    steps: int
    batch: int
    rate: float
    """Peak learning rate; 5 % warm-up, then a cosine down to `floor` of it."""
    floor: float
    clips: int
    named_share: float
    mix: dict[str, float] = field(default_factory=dict)
    text: Fraction = Fraction(0)
    """Share of the steps that repeat text without a video, so that labels can be copied."""
    text_lessons: tuple[str, ...] = ("repeat", "told_only")
    choice: float = 1.0
    """Weight of the tokens that pick an option."""
    heads: float = 1.0
    """Weight of the throw-away heads."""
    budget: int = 220
    """Tokens in a row."""
    decay: float = 0.02
    """Weight decay of the matrices."""
    noise: float = 2.5
    """Grain and brightness shift, in grey levels."""


SCHEDULE: Final = (
    Stage("frames", 2400, 256, 3e-3, 0.05, 6000, 0.3, decay=0.0),
    Stage("dense", 900, 32, 2e-3, 0.4, 10000, 0.3, DENSE, text=Fraction(1, 6), budget=160),
    Stage("full", 2600, 32, 1.5e-3, 0.02, 14000, 0.4, FULL, text=Fraction(1, 10), heads=0.3),
    Stage(
        *("options", 2000, 32, 1.2e-3, 0.02, 14000, 0.4, OPTIONS, Fraction(1, 4)),
        text_lessons=("repeat", "told_only", "choose_only"),
        choice=5.0,
        heads=0.3,
    ),
    Stage(
        *("names", 600, 32, 8e-4, 0.02, 9000, 0.4, NAMES, Fraction(1, 6)),
        text_lessons=("repeat", "told_only", "choose_only"),
        choice=3.0,
        heads=0.3,
    ),
    Stage(
        *("kinds", 700, 32, 8e-4, 0.02, 9000, 0.4, KINDS, Fraction(1, 4)),
        text_lessons=("repeat", "told_only", "choose_only", "told_any_only", "told_any_only"),
        choice=3.0,
        heads=0.3,
        budget=300,
    ),
    Stage(
        *("lines", 800, 32, 8e-4, 0.02, 9000, 0.4, LINES, Fraction(1, 4)),
        text_lessons=(
            *("repeat", "told_only", "choose_only", "told_any_only"),
            *("line_told_only", "line_told_any_only", "line_told_any_only", "line_told_any_only"),
        ),
        choice=3.0,
        heads=0.0,
        budget=340,
    ),
)


class Learner(nn.Module):
    """The model with its throw-away heads."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.frames = FrameHeads(SIZES["width"])
        self.motions = nn.ModuleList([MotionHeads(SIZES["width"]) for _ in range(3)])

    def see(self, videos: Tensor) -> Tensor:
        """Visual tokens [b, 33, width] of float videos [b, 8, 3, 56, 56]."""
        out = self.model.model.get_video_features(
            videos, vision_feature_layer=-1, vision_feature_select_strategy="full"
        )
        tokens: Tensor = out.pooler_output
        return tokens

    def frame_loss(self, batch: Batch) -> Tensor:
        """Loss of the heads on the tower's tokens."""
        tokens = self.see(batch.videos)[:, :-1]
        loss: Tensor = self.frames(tokens.unflatten(1, (-1, 4)), batch.states, batch.clips)  # type: ignore[no-untyped-call]
        return loss

    def forward(self, batch: Batch, weight: float) -> tuple[Tensor, Tensor]:
        """Loss of the answers, and weighted loss of the heads (0 without videos)."""
        embedded = self.model.get_input_embeddings()(batch.ids)
        tokens = self.see(batch.videos) if batch.clips else None
        if tokens is not None:
            embedded = torch.cat([embedded[:, :1], tokens, embedded[:, packing.PREFIX :]], dim=1)
        out = self.model.model.language_model(
            inputs_embeds=embedded,
            attention_mask=batch.mask,
            position_ids=batch.positions,
            output_hidden_states=True,
            use_cache=False,
        )
        said = batch.targets != -100
        logits = self.model.lm_head(out.last_hidden_state[said])
        errors = F.cross_entropy(logits, batch.targets[said], reduction="none")
        loss = (errors * batch.weights[said]).sum() / batch.weights[said].sum()
        extra = torch.zeros(())
        if tokens is not None and weight > 0:
            frames = tokens[:, :-1].unflatten(1, (skeleton.N_FRAMES, 4))  # type: ignore[no-untyped-call]
            extra = 0.3 * self.frames(frames, batch.states, batch.clips)
            for layer, heads in enumerate(self.motions, start=1):
                extra = extra + heads(out.hidden_states[layer], batch) / 3
        return loss, extra * weight


def _batches(stage: Stage, tokenizer: Any, pool: Pool, seed: int) -> Iterator[Batch]:
    rng = random.Random(seed)
    packer = Packer(tokenizer, stage.budget, stage.choice)
    for step in range(stage.steps):
        if not stage.mix:
            yield packer.of_frames(pool, stage.batch, stage.noise, rng)
        elif (step + 1) * stage.text // 1 > step * stage.text // 1:
            yield packer.of_text(stage.batch, stage.text_lessons, rng)
        else:
            yield packer.of_clips(pool, stage.batch, stage.mix, stage.noise, rng)


def _rate(stage: Stage, step: int) -> float:
    warm = max(1, stage.steps // 20)
    if step < warm:
        return stage.rate * (step + 1) / warm
    share = (step - warm) / max(1, stage.steps - warm)
    return stage.rate * (stage.floor + (1 - stage.floor) * (1 + math.cos(math.pi * share)) / 2)


def _groups(learner: Learner, decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices only."""
    matrices = [p for p in learner.parameters() if p.dim() > 1]
    others = [p for p in learner.parameters() if p.dim() <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def train_stage(learner: Learner, stage: Stage, tokenizer: Any, seed: int) -> None:
    """Train one stage in place."""
    pool = packing.draw_pool(stage.clips, stage.named_share, seed)
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(_groups(learner, stage.decay), lr=stage.rate, betas=(0.9, 0.98))
    learner.train()
    begun, sums, counts = time.monotonic(), {"loss": 0.0, "heads": 0.0}, 0
    for step, batch in enumerate(_batches(stage, tokenizer, pool, seed + 1)):
        for group in optimizer.param_groups:
            group["lr"] = _rate(stage, step)
        if stage.name == "frames":
            loss, extra = torch.zeros(()), learner.frame_loss(batch)
        else:
            loss, extra = learner(batch, stage.heads)
        optimizer.zero_grad(set_to_none=True)
        (loss + extra).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.step()
        if batch.clips:
            sums["loss"], sums["heads"] = sums["loss"] + loss.item(), sums["heads"] + extra.item()
            counts += 1
        if (step + 1) % 50 == 0:
            means = {k: round(v / counts, 4) for k, v in sums.items()}
            log.info("%s %d %s %.0f s", stage.name, step + 1, means, time.monotonic() - begun)
            sums, counts = {"loss": 0.0, "heads": 0.0}, 0


def run(out: Path, work: Path, threads: int) -> None:
    """All stages that `work` has no checkpoint of, then the model into `out`."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = skeleton.make_tokenizer(VOCABULARY, SEED)
    learner = Learner(skeleton.make_model(tokenizer, SIZES, SEED))
    for number, stage in enumerate(SCHEDULE, start=1):
        done = work / f"{number}-{stage.name}.pt"
        if done.exists():
            learner.load_state_dict(torch.load(done, weights_only=True))
            continue
        log.info("stage %s", stage)
        train_stage(learner, stage, tokenizer, SEED + 10 * number)
        part = done.with_suffix(".part")
        torch.save(learner.state_dict(), part)
        part.replace(done)
    learner.model.save_pretrained(out)
    skeleton.make_processor(tokenizer).save_pretrained(out)
