"""What a checkpoint can do, measured on clips that no lesson used.

The probes read greedy answers; they do not train. Only the probe of following a hint uses the
names that the base must not know, as a user's labels would.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import numpy as np
import torch

from video_star.core import prompts
from video_star.core.labels import ClassLabel, label_text
from video_star_demo import lines, packing, supervision, wording, world
from video_star_demo.packing import Pool
from video_star_demo.skeleton import VIDEO_TOKENS
from video_star_demo.wording import Asked, Facet
from video_star_demo.world import Clip


@torch.no_grad()
def answer(model: Any, tokenizer: Any, pool: Pool, asked: list[tuple[int, str]]) -> list[str]:
    """Greedy answers to (clip number, question) pairs, in their order."""
    order = sorted(range(len(asked)), key=lambda i: len(asked[i][1]))
    which = [round(i * 15 / 7) for i in range(8)]
    answers = [""] * len(asked)
    model.eval()
    for start in range(0, len(order), 64):
        part = order[start : start + 64]
        texts = [
            "<|user|>" + "<video>" * VIDEO_TOKENS + asked[i][1] + "<|end|><|assistant|>"
            for i in part
        ]
        inputs = tokenizer(texts, return_tensors="pt", padding=True)
        frames = np.stack([pool.frames[asked[i][0]][which] for i in part])
        videos = packing.pixels(frames, 0.0, torch.Generator())
        out = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            pixel_values_videos=videos,
            max_new_tokens=48,
            do_sample=False,
        )
        said = tokenizer.batch_decode(
            out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
        for i, text in zip(part, said, strict=True):
            answers[i] = text.strip()
    model.train()
    return answers


def _facets(clip: Clip, rng: random.Random) -> list[tuple[str, Facet]]:
    made = [(facet.aspect, facet) for facet in wording.motion_facets(clip, rng)]
    action = clip.action
    if action is not None:
        names = [a.name for a in world.ACTIONS]
        kind = "action known" if action.known else "action unknown"
        made.append((kind, wording.action_facet(action.name, names, kind)))
    return made


def _bench(clip: Clip, number: int, rng: random.Random) -> list[tuple[str, int, Asked]]:
    made = []
    for aspect, facet in _facets(clip, rng):
        mc = wording.multi_choice(facet, clip.subject, 3, rng)
        yn = wording.yes_no(facet, clip.subject, rng.random() < 0.5, rng)
        cm = wording.caption_matching(facet, clip.subject, rng)
        made += [
            (f"mc/{aspect}", number, Asked(f"{mc.question}\n{prompts.BEST_OPTION}", mc.answer)),
            (f"yn/{aspect}", number, Asked(f"{yn.question}\n{prompts.YES_OR_NO}", yn.answer)),
            (f"cm/{aspect}", number, Asked(f"{cm.question}\n{prompts.BEST_OPTION}", cm.answer)),
            (f"cp/{aspect}", number, wording.captioning(facet, clip.subject, 3, rng)),
        ]
    return made


def _asked(pool: Pool, rng: random.Random) -> list[tuple[str, int, Asked]]:
    made: list[tuple[str, int, Asked]] = []
    for number, clip in enumerate(pool.clips):
        program = clip.program
        made.append(
            ("say first", number, Asked("What does it do first?", wording.DOING[program[0].motion]))
        )
        made.append(
            ("say last", number, Asked("What does it do last?", wording.DOING[program[-1].motion]))
        )
        made.append(("say motion", number, Asked("How does it move?", wording.doing(program))))
        action, question = clip.action, rng.choice(prompts.CLASS_QUESTIONS)
        if action is None:
            continue
        for form, prompt in (("direct", prompts.direct(question)), ("bare", question)):
            wanted = f"This is {action.name if action.known else lines.NO_NAME}."
            made.append(
                (f"{form} {'known' if action.known else 'unknown'}", number, Asked(prompt, wanted))
            )
        label = ClassLabel(name=action.name if action.known else lines.NO_NAME)
        request, line = prompts.final_line_request((label,)), prompts.final_line((label,))
        known = "known" if action.known else "unknown"
        made.append(
            (f"direct line {known}", number, Asked(prompts.direct(question, request), line))
        )
        if not action.known:
            told = prompts.with_label(question, action.name)
            made.append(("told", number, Asked(told, f"This is {action.name}.")))
            told = prompts.with_label(question, action.name, request)
            line = prompts.final_line((ClassLabel(name=action.name),))
            made.append(("told line", number, Asked(told, line)))
        made += _bench(clip, number, rng)
    for number in range(len(pool.clips)):
        for kind in supervision.DRAWN:
            question, labels = supervision.drawn(kind, rng)
            told = prompts.with_label(question, label_text(labels))
            made.append((f"told {kind}", number, Asked(told, supervision.conclusion(labels))))
            request = prompts.final_line_request(labels)
            told = prompts.with_label(question, label_text(labels), request)
            made.append((f"told line {kind}", number, Asked(told, prompts.final_line(labels))))
    return made


def measure(model: Any, tokenizer: Any, pool: Pool, seed: int) -> dict[str, float]:
    """Share of right answers by probe; `told`: the label is repeated; `seen`: evidence is right."""
    asked = _asked(pool, random.Random(seed))
    answers = answer(model, tokenizer, pool, [(number, a.question) for _, number, a in asked])
    right: dict[str, list[bool]] = defaultdict(list)
    for (kind, number, wanted), said in zip(asked, answers, strict=True):
        if kind.split()[0] in ("direct", "bare", "told"):
            right[kind].append(said.endswith(wanted.answer))
            if kind.startswith("told") or kind == "direct unknown":
                clip = pool.clips[number]
                texts = {wording.describe(clip, random.Random(i)) for i in range(8)}
                right[f"seen in {kind}"].append(any(text in said for text in texts))
        else:
            right[kind].append(said == wanted.answer)
    return {kind: round(sum(values) / len(values), 3) for kind, values in sorted(right.items())}


def samples(model: Any, tokenizer: Any, pool: Pool, n: int) -> list[str]:
    """A few rationalizations in full, for the log."""
    asked: list[tuple[int, str]] = []
    for number, clip in enumerate(pool.clips):
        if clip.action is not None and not clip.action.known and len(asked) < n:
            asked.append((number, prompts.with_label(prompts.CLASS_QUESTIONS[0], clip.action.name)))
    said = answer(model, tokenizer, pool, asked)
    return [f"{pool.clips[i].action!r}: {text}" for (i, _), text in zip(asked, said, strict=True)]
