"""Step `curate`: what passed verification becomes training conversations (paper 2.3 and 1.7).

Reads answers, rationales and their verdicts; writes rounds/rK/train: shards of TrainingExample. A
stored question never contains the hint: a rationalized answer is filed under the question alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from video_star.core import prompts
from video_star.core.context import StepContext, StepResult
from video_star.core.errors import VideoStarError
from video_star.core.hashing import stable_hash, stable_index, stable_shuffle
from video_star.core.jsonl import read_shards, write_shards
from video_star.core.labels import label_text, option_line
from video_star.core.params import CurateParams
from video_star.core.records import (
    Answer,
    Failure,
    Form,
    Origin,
    StepReport,
    TrainingExample,
    Verdict,
    VideoSample,
)
from video_star.data.manifest import training_samples
from video_star.data.replay import Replay, read_replay
from video_star.evaluation.leakage import held_out_among
from video_star.verification.final_answer import read
from video_star.verification.words import sentences

LETTERED = frozenset({"class", "sequence", "set"})
"""Kinds that make lettered options: names; a wrong span or score is no option that teaches."""
SHOWN = frozenset({"class", "set"})
"""Kinds that fit "Does the video show ...?"."""


@dataclass(frozen=True)
class Kept:
    """A sample's text to learn from: its first passing answer, or a template."""

    sample: VideoSample
    text: str
    short: str
    """What answers the bare question: the sentences that give the labels, without a final line."""
    origin: Origin | None


def run_curate(context: StepContext) -> StepResult:
    """Choose one passing answer per sample and write it in every form that `curate.forms` lists."""
    params, seed = context.params.curate, context.params.seed
    samples = training_samples(context.workspace)
    found = _from_labels(samples, seed) if params.source == "labels" else _passing(context, samples)
    only_direct = context.round == context.params.last_round and params.final_round == "direct"
    yields = _yields(found, samples)
    if only_direct and params.source == "answers":
        found = [item for item in found if item.origin == "direct"]
    kept = _capped(found, params.cap_per_label, seed)
    if not kept:
        raise VideoStarError(
            f"curate {context.round}: no answer passed, so there is nothing to train on; look at "
            f"{context.paths.verdicts.parent} and at `verify` in params.yaml."
        )
    pools = _pools(samples)
    line = context.params.prompts.final_line
    examples = [
        e for item in kept for e in _forms(item, params, pools[_pool_of(item.sample)], seed, line)
    ]
    replay = _replayed(context, len(examples))
    everything = sorted([*examples, *replay.examples], key=lambda example: example.id)
    report = _report(context, len(samples), kept, everything, replay, yields)
    context.refuse_failures(report, replay.left_out)
    write_shards(context.paths.train, everything, lambda example: example.sample_id)
    return StepResult(report, tuple(replay.left_out))


def _passing(context: StepContext, samples: Sequence[VideoSample]) -> list[Kept]:
    """Per sample its first passing direct answer, else its first passing rationalized one."""
    paths = context.paths
    chosen: dict[str, Kept] = {}
    by_id = {sample.id: sample for sample in samples}
    for answers, verdicts in (
        (paths.answers, paths.verdicts),
        (paths.rationales, paths.rationale_verdicts),
    ):
        texts = {(a.sample_id, a.attempt): a.text.strip() for a in read_shards(answers, Answer)}
        for verdict in read_shards(verdicts, Verdict):
            sample = by_id.get(verdict.sample_id)
            if verdict.passed and sample is not None and sample.id not in chosen:
                text = texts[(verdict.sample_id, verdict.attempt)]
                chosen[sample.id] = Kept(sample, text, _short(text, verdict), verdict.origin)
    return [chosen[name] for name in sorted(chosen)]


_NAMES = frozenset({"class", "set", "sequence", "text"})
"""Kinds whose values are words; a letter or a figure elsewhere in an answer is something else."""


def _short(text: str, verdict: Verdict) -> str:
    """The sentences of the answer that hold the labels; all of it when a place is not known.

    Of a final answer the sentence before it that holds the same value, else the value alone.
    """
    reading = read(text)
    text, start = reading.visible.text, reading.visible.start
    places = [p and (p[0] - start, p[1] - start) for p in (one.place for one in verdict.labels)]
    if reading.finals:
        values = [label.extracted for label in verdict.labels]
        if not all(values):
            return reading.finals[-1].text
        text = reading.reasoning.text
        names = [one.extracted for one in verdict.labels if one.extracted and one.kind in _NAMES]
        found = [re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names]
        places = [match and match.span() for match in found]
        if len(names) < len(values) or not all(places):
            return prompts.BETWEEN_LABELS.join(value for value in values if value)
    held = [
        text[start:end]
        for start, end in sentences(text)
        if any(place and place[0] < end and place[1] > start for place in places)
    ]
    return " ".join(held) if held and all(places) else text


def _from_labels(samples: Iterable[VideoSample], seed: int) -> list[Kept]:
    """Template answers, as the baseline that uses the labels alone."""
    kept = []
    for sample in samples:
        shown = all(label.kind == "class" for label in sample.labels)
        templates = prompts.LABEL_ANSWERS if shown else prompts.VALUE_ANSWERS
        index = stable_index(len(templates), seed, "label-answer", sample.id)
        text = templates[index].format(label=label_text(sample.labels))
        kept.append(Kept(sample, text, text, None))
    return kept


def _capped(kept: list[Kept], cap: int | None, seed: int) -> list[Kept]:
    """At most `cap` samples per label: direct answers first, the rest drawn by a stable hash."""
    if cap is None:
        return kept
    counts: Counter[str] = Counter()
    chosen = []
    order = sorted(
        kept, key=lambda k: (k.origin != "direct", stable_hash(seed, "cap", k.sample.id))
    )
    for item in order:
        name = label_text(item.sample.labels)
        if counts[name] < cap:
            counts[name] += 1
            chosen.append(item)
    return sorted(chosen, key=lambda item: item.sample.id)


def _forms(
    item: Kept, params: CurateParams, pool: Sequence[str], seed: int, line: bool
) -> list[TrainingExample]:
    """The examples of one sample, in every form that is asked for and possible.

    With `line` the question of a chain of thought asks for the final line, as generation does.
    """
    question = item.sample.question
    kinds = {label.kind for label in item.sample.labels}
    pairs: list[tuple[Form, str, str]] = []
    if "direct" in params.forms:
        pairs.append(("direct", question, item.short))
    if "chain_of_thought" in params.forms and params.source == "answers":
        prompt = prompts.direct(question, prompts.line_request(item.sample.labels, line))
        pairs.append(("chain_of_thought", prompt, item.text))
    if "multiple_choice" in params.forms and len(pool) > 1 and kinds <= LETTERED:
        pairs += [_choice(item.sample, params, pool, seed, k) for k in range(params.choices)]
    if "yes_no" in params.forms and len(pool) > 1 and kinds <= SHOWN:
        pairs += _yes_no(item.sample, params, pool, seed)
    numbers: Counter[str] = Counter()
    examples = []
    for form, prompt, completion in pairs:
        examples.append(_example(item, form, numbers[form], prompt, completion))
        numbers[form] += 1
    return examples


def _pool_of(sample: VideoSample) -> tuple[str, ...]:
    """Samples whose labels can stand in for each other: one data set, the same kinds."""
    return sample.dataset, *(label.kind for label in sample.labels)


def _pools(samples: Iterable[VideoSample]) -> dict[tuple[str, ...], list[str]]:
    """The distinct labels of each pool, in words, sorted."""
    pools: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for sample in samples:
        pools[_pool_of(sample)].add(label_text(sample.labels))
    return {pool: sorted(texts) for pool, texts in pools.items()}


def _choice(
    sample: VideoSample, params: CurateParams, pool: Sequence[str], seed: int, number: int
) -> tuple[Form, str, str]:
    right = label_text(sample.labels)
    key = (seed, "choice", sample.id, number)
    wrong = stable_shuffle([text for text in pool if text != right], *key, "wrong")
    options = stable_shuffle([right, *wrong[: params.options - 1]], *key, "order")
    line = option_line(options, options.index(right))
    return "multiple_choice", prompts.multiple_choice(sample.question, options), line


def _yes_no(
    sample: VideoSample, params: CurateParams, pool: Sequence[str], seed: int
) -> list[tuple[Form, str, str]]:
    """The right label as often as wrong ones, all different, so that neither answer is the rule."""
    right = label_text(sample.labels)
    others = stable_shuffle([text for text in pool if text != right], seed, "yes-no", sample.id)
    wrong = others[: params.choices]
    return [
        *[("yes_no", prompts.yes_no(right), "yes") for _ in wrong],
        *[("yes_no", prompts.yes_no(text), "no") for text in wrong],
    ]


def _example(item: Kept, form: Form, number: int, prompt: str, completion: str) -> TrainingExample:
    sample = item.sample
    return TrainingExample(
        id=f"{sample.id}/{form}/{number}",
        sample_id=sample.id,
        video=sample.video,
        start_s=sample.start_s,
        end_s=sample.end_s,
        prompt=prompt,
        completion=completion,
        form=form,
        origin=item.origin,
    )


def _replayed(context: StepContext, own: int) -> Replay:
    """Replayed examples, so many that their share of the whole set is `replay.share`.

    Videos that are held out for a test or a benchmark are left out too.
    """
    replay = context.params.curate.replay
    if replay is None:
        return Replay([], [], 0)
    found = read_replay(context.workspace, replay)
    held_out = held_out_among(context, {example.video for example in found.examples})
    leaks = {e.sample_id: held_out[e.video] for e in found.examples if e.video in held_out}
    left_out = [
        *found.left_out,
        *(
            Failure(sample_id=name, step="curate", error="Leak", message=f"its video is {other}")
            for name, other in leaks.items()
        ),
    ]
    examples = [example for example in found.examples if example.sample_id not in leaks]
    wanted = round(own * replay.share / (1 - replay.share))
    key = (context.params.seed, context.round, "replay")
    examples.sort(key=lambda example: stable_hash(*key, example.id))
    if left_out:
        context.progress.note(
            f"{len(left_out):,} of {found.entries:,} entries of {replay.annotations} are left out "
            f"({_counted(left_out)}); see {context.paths.failures('curate')}"
        )
    if len(examples) < wanted:
        context.progress.note(
            f"{replay.annotations} has {len(examples):,} examples of the {wanted:,} that "
            "curate.replay.share asks for"
        )
    return Replay(examples[:wanted], left_out, found.entries)


def _counted(failures: Iterable[Failure]) -> str:
    counts = sorted(Counter(failure.error for failure in failures).items())
    return ", ".join(f"{n:,} {reason}" for reason, n in counts)


def _yields(found: Sequence[Kept], samples: Sequence[VideoSample]) -> dict[str, float]:
    """Shares of the training samples that pass, by origin, before any are left out.

    Also by label kind, as "direct_yield/span": a sample counts for each kind among its labels.
    """
    totals = Counter(kind for sample in samples for kind in _kinds(sample))
    counts = Counter(item.origin for item in found)
    by_kind = Counter((item.origin, kind) for item in found for kind in _kinds(item.sample))
    shares: dict[str, float] = {}
    for origin in ("direct", "rationalized"):
        shares[f"{origin}_yield"] = counts[origin] / len(samples)
        for kind, total in sorted(totals.items()):
            shares[f"{origin}_yield/{kind}"] = by_kind[(origin, kind)] / total
    return shares


def _kinds(sample: VideoSample) -> set[str]:
    return {label.kind for label in sample.labels}


def _report(
    context: StepContext,
    total: int,
    kept: Sequence[Kept],
    examples: Sequence[TrainingExample],
    replay: Replay,
    yields: dict[str, float],
) -> StepReport:
    """The counts; what replay leaves out is counted by reason, against its own entries."""
    forms: dict[str, float] = defaultdict(float)
    for example in examples:
        forms[example.form] += 1
    left_out: dict[str, float] = {}
    if replay.left_out:
        left_out = {
            "replay_entries": replay.entries,
            "replay_left_out": len(replay.left_out),
        }
    return StepReport(
        step="curate",
        round=context.round,
        read=total,
        written=len(examples),
        rejected=total - len(kept),
        reasons=dict(sorted(Counter(failure.error for failure in replay.left_out).items())),
        metrics={**yields, "kept": len(kept), **dict(sorted(forms.items())), **left_out},
    )
