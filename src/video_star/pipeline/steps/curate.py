"""Step `curate`: what passed verification becomes training conversations (paper 2.3 and 1.7).

Reads answers, rationales and their verdicts; writes rounds/rK/train: shards of TrainingExample. A
stored question never contains the hint: a rationalized answer is filed under the question alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import TypeAlias

from video_star.core import prompts
from video_star.core.context import StepContext, StepResult
from video_star.core.errors import VideoStarError
from video_star.core.hashing import sha256, stable_hash, stable_index, stable_shuffle
from video_star.core.jsonl import to_line, write_shards
from video_star.core.labels import Record, label_text, option_line
from video_star.core.labels.words import sentences
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
from video_star.core.sorting import sorted_on_disk
from video_star.data.by_sample import BySample
from video_star.data.manifest import samples_of, training_samples
from video_star.data.replay import Replay
from video_star.evaluation.leakage import held_out_among
from video_star.verification.final_answer import read

LETTERED = frozenset({"class", "sequence", "set"})
"""Kinds that make lettered options: names; a wrong span or score is no option that teaches."""
SHOWN = frozenset({"class", "set"})
"""Kinds that fit "Does the video show ...?"."""


POOL = 1000
"""Labels of a pool, from which wrong options are drawn: of more these many, chosen by a hash."""
Pool: TypeAlias = tuple[str, ...]
"""Name of a pool: labels that can stand in for each other, of one data set and the same kinds."""


class Kept(Record):
    """A sample's text to learn from: its first passing answer, or a template."""

    sample: VideoSample
    text: str
    short: str
    """What answers the bare question: the sentences that give the labels, without a final line."""
    origin: Origin | None


@dataclass
class Tally:
    """Counts of a round's samples, of those that pass and of the examples made of them."""

    samples: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Samples with a label of each kind."""
    found: Counter[tuple[Origin | None, str]] = field(default_factory=Counter)
    """Those of them that pass, by origin and kind; all under the kind ""."""
    kept: int = 0
    forms: Counter[str] = field(default_factory=Counter)


def run_curate(context: StepContext) -> StepResult:
    """Choose one passing answer per sample and write it in every form that `curate.forms` lists."""
    tally = Tally()
    pools = _pools(training_samples(context.workspace), context.params.seed, tally)
    replay = None
    if context.params.curate.replay is not None:
        replay = Replay(context.workspace, context.params.curate.replay)
    examples = _everything(context, pools, tally, replay)
    write_shards(context.paths.train, examples, lambda example: example.sample_id)
    left_out = () if replay is None else tuple(replay.left_out)
    return StepResult(_report(context, tally, replay), left_out)


def _everything(
    context: StepContext, pools: dict[Pool, list[str]], tally: Tally, replay: Replay | None
) -> Iterator[TrainingExample]:
    """All examples by sample id, counted; what stops the step is raised before it ends."""
    own = _own(context, pools, tally)
    if replay is None:
        yield from own
    else:  # how many are replayed depends on how many are our own
        both = chain(own, _replayed(context, replay, tally))
        keyed = ((example.sample_id, to_line(example)) for example in both)
        with sorted_on_disk(keyed, context.workspace.work) as lines:
            yield from map(TrainingExample.model_validate_json, lines)
    report = _report(context, tally, replay)
    context.refuse_failures(report, [] if replay is None else replay.left_out)


def _own(
    context: StepContext, pools: dict[Pool, list[str]], tally: Tally
) -> Iterator[TrainingExample]:
    """The examples of the samples that pass, by sample id."""
    params, seed = context.params.curate, context.params.seed
    line = context.params.prompts.final_line
    found = _from_labels(context) if params.source == "labels" else _passing(context)
    only_direct = context.round == context.params.last_round and params.final_round == "direct"
    counted = _counted_in(found, tally)
    if only_direct and params.source == "answers":
        counted = (item for item in counted if item.origin == "direct")
    for item in _capped(counted, params.cap_per_label, seed, context.workspace.work):
        tally.kept += 1
        pool = pools.get(_pool_of(item.sample), [])
        for example in sorted(_forms(item, params, pool, seed, line), key=attrgetter("id")):
            tally.forms[example.form] += 1
            yield example
    if not tally.kept:
        raise VideoStarError(
            f"curate {context.round}: no answer passed, so there is nothing to train on; look at "
            f"{context.paths.verdicts.parent} and at `verify` in params.yaml."
        )


def _passing(context: StepContext) -> Iterator[Kept]:
    """Per sample its first passing direct answer, else its first passing rationalized one."""
    paths = context.paths
    sources = [
        (BySample(answers, Answer), BySample(verdicts, Verdict))
        for answers, verdicts in (
            (paths.answers, paths.verdicts),
            (paths.rationales, paths.rationale_verdicts),
        )
    ]
    for sample in samples_of(context.workspace):
        chosen: Kept | None = None
        for answers, verdicts in sources:
            texts = {answer.attempt: answer.text.strip() for answer in answers.of(sample.id)}
            for verdict in verdicts.of(sample.id):
                if verdict.passed and chosen is None:
                    text = texts[verdict.attempt]
                    short = _short(text, verdict)
                    chosen = Kept(sample=sample, text=text, short=short, origin=verdict.origin)
        if chosen is not None:
            yield chosen


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


def _from_labels(context: StepContext) -> Iterator[Kept]:
    """Template answers, as the baseline that uses the labels alone."""
    for sample in training_samples(context.workspace):
        shown = all(label.kind == "class" for label in sample.labels)
        templates = prompts.LABEL_ANSWERS if shown else prompts.VALUE_ANSWERS
        index = stable_index(len(templates), context.params.seed, "label-answer", sample.id)
        text = templates[index].format(label=label_text(sample.labels))
        yield Kept(sample=sample, text=text, short=text, origin=None)


def _counted_in(found: Iterable[Kept], tally: Tally) -> Iterator[Kept]:
    for item in found:
        tally.found.update((item.origin, kind) for kind in ("", *_kinds(item.sample)))
        yield item


def _capped(kept: Iterator[Kept], cap: int | None, seed: int, work: Path) -> Iterator[Kept]:
    """At most `cap` samples per label: direct answers first, the rest drawn by a stable hash."""
    if cap is None:
        yield from kept
        return

    def rank(item: Kept) -> str:
        drawn = stable_hash(seed, "cap", item.sample.id)
        label = sha256(label_text(item.sample.labels))  # of one length: no label begins another's
        return f"{label}{item.origin != 'direct':d}{drawn:016x}"

    with sorted_on_disk(((rank(item), to_line(item)) for item in kept), work) as by_label:
        groups = groupby(
            map(Kept.model_validate_json, by_label), lambda k: label_text(k.sample.labels)
        )
        chosen = (item for _, group in groups for item in islice(group, cap))
        by_id = ((item.sample.id, to_line(item)) for item in chosen)
        with sorted_on_disk(by_id, work) as lines:
            yield from map(Kept.model_validate_json, lines)


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


def _pool_of(sample: VideoSample) -> Pool:
    return sample.dataset, *(label.kind for label in sample.labels)


def _pools(samples: Iterable[VideoSample], seed: int, tally: Tally) -> dict[Pool, list[str]]:
    """The distinct labels of each pool of lettered kinds, in words, sorted; counts the samples."""
    pools: dict[Pool, set[str]] = defaultdict(set)

    def some(texts: set[str]) -> set[str]:
        drawn = sorted(texts, key=lambda text: stable_hash(seed, "pool", text))
        return set(drawn[:POOL])

    for sample in samples:
        kinds = _kinds(sample)
        tally.samples += 1
        tally.kinds.update(kinds)
        if kinds <= LETTERED:
            pool = _pool_of(sample)
            pools[pool].add(label_text(sample.labels))
            if len(pools[pool]) >= 2 * POOL:
                pools[pool] = some(pools[pool])
    return {pool: sorted(some(texts)) for pool, texts in pools.items()}


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


def _replayed(context: StepContext, replay: Replay, tally: Tally) -> Iterator[TrainingExample]:
    """Replayed examples, so many that their share of the whole set is `replay.share`.

    Videos that are held out for a test or a benchmark are left out too.
    """
    share = replay.params.share
    wanted = round(tally.forms.total() * share / (1 - share))
    key = (context.params.seed, context.round, "replay")
    videos: set[str] = set()

    def drawn() -> Iterator[tuple[str, str]]:
        for example in replay.examples():
            videos.add(example.video)
            yield f"{stable_hash(*key, example.id):016x}", to_line(example)

    with sorted_on_disk(drawn(), context.workspace.work) as lines:
        held_out = held_out_among(context, videos)
        leaks: dict[str, str] = {}
        taken = 0
        for example in map(TrainingExample.model_validate_json, lines):
            if example.video in held_out:
                leaks[example.sample_id] = held_out[example.video]
            elif taken < wanted:
                taken += 1
                tally.forms[example.form] += 1
                yield example
    replay.left_out += [
        Failure(sample_id=name, step="curate", error="Leak", message=f"its video is {other}")
        for name, other in leaks.items()
    ]
    named = replay.params.annotations
    if replay.left_out:
        counts = ", ".join(f"{n:,} {reason}" for reason, n in _reasons(replay.left_out).items())
        context.progress.note(
            f"{len(replay.left_out):,} of {replay.entries:,} entries of {named} are left out "
            f"({counts}); see {context.paths.failures('curate')}"
        )
    if taken < wanted:
        context.progress.note(
            f"{named} has {taken:,} examples of the {wanted:,} that curate.replay.share asks for"
        )


def _reasons(failures: Iterable[Failure]) -> dict[str, int]:
    return dict(sorted(Counter(failure.error for failure in failures).items()))


def _kinds(sample: VideoSample) -> set[str]:
    return {label.kind for label in sample.labels}


def _report(context: StepContext, tally: Tally, replay: Replay | None) -> StepReport:
    """The counts; what replay leaves out is counted by reason, against its own entries.

    Yields are shares of the training samples that pass, by origin, before any are left out; by
    label kind too, as "direct_yield/span": a sample counts for each kind among its labels.
    """
    yields: dict[str, float] = {}
    for origin in ("direct", "rationalized"):
        yields[f"{origin}_yield"] = tally.found[origin, ""] / tally.samples
        for kind, total in sorted(tally.kinds.items()):
            yields[f"{origin}_yield/{kind}"] = tally.found[origin, kind] / total
    left_out: Sequence[Failure] = [] if replay is None else replay.left_out
    counts: dict[str, float] = {}
    if replay is not None and left_out:
        counts = {"replay_entries": replay.entries, "replay_left_out": len(left_out)}
    return StepReport(
        step="curate",
        round=context.round,
        read=tally.samples,
        written=tally.forms.total(),
        rejected=tally.samples - tally.kept,
        reasons=_reasons(left_out),
        metrics={**yields, "kept": tally.kept, **dict(sorted(tally.forms.items())), **counts},
    )
