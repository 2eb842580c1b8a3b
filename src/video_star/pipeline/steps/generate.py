"""Step `generate`: the previous round's model answers the question of every training sample.

Reads the manifest and rounds/r(K-1)/model. Writes rounds/rK/answers: shards of Answer, sorted by
sample id and attempt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from video_star.core.context import StepContext, StepResult
from video_star.core.engine import Clip, Outcome, Request, Sampling, Unusable
from video_star.core.hashing import stable_hash, stable_seed
from video_star.core.jsonl import to_line, write_shards
from video_star.core.model_paths import read_ref
from video_star.core.params import SamplingParams
from video_star.core.prompts import direct, line_request
from video_star.core.records import Answer, Failure, Origin, StepReport, VideoSample
from video_star.core.sorting import sorted_on_disk
from video_star.core.urls import engine_shown
from video_star.data.manifest import training_samples
from video_star.pipeline.asking import SHARD, ask_all
from video_star.pipeline.executor import cut
from video_star.video.cache import open_frames


@dataclass(frozen=True)
class Questions:
    """The questions of a step: `sampling.samples` attempts per sample, with its prompt."""

    step: str
    origin: Origin
    sampling: SamplingParams
    samples: Callable[[], Iterable[VideoSample]]
    """The samples in id order, read anew each time."""
    prompt: Callable[[VideoSample], str]


@dataclass
class Tally:
    """Counts of a step's answers, and the samples that could not be asked about."""

    read: int = 0
    written: int = 0
    cut: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)


def run_generate(context: StepContext) -> StepResult:
    """Answer all training samples; a sample whose video is unusable is a counted failure."""
    sampling = context.params.generate
    line = context.params.prompts.final_line
    questions = Questions(
        *("generate", "direct", sampling),
        lambda: training_samples(context.workspace) if sampling.enabled else (),
        lambda sample: direct(sample.question, line_request(sample.labels, line)),
    )
    return answer_questions(context, questions, context.paths.answers)


def answer_questions(context: StepContext, questions: Questions, folder: Path) -> StepResult:
    """Ask the previous round's model; write its answers, sorted by sample id and attempt."""
    tally = Tally()
    write_shards(folder, _answers(context, questions, tally), lambda answer: answer.sample_id)
    return StepResult(_report(context, questions, tally), tuple(tally.failures))


def _answers(context: StepContext, questions: Questions, tally: Tally) -> Iterator[Answer]:
    """All answers in order; TooManyFailures at the end, before the last ones are replaced.

    The model is asked clip by clip, so that each is read and encoded once.
    """
    attempts = questions.sampling.samples
    lines = ((_place(sample), to_line(sample)) for sample in questions.samples())
    with sorted_on_disk(lines, context.workspace.work) as by_clip:
        if not by_clip:
            return
        samples = (VideoSample.model_validate_json(line) for line in by_clip)
        shards = (
            [request for sample in part for request in _requests(context, questions, sample)]
            for part in cut(samples, max(1, SHARD // attempts))
        )
        ref = read_ref(context.previous.model_json, context.workspace.root)
        outcome_of = ask_all(context, questions.step, ref, shards, len(by_clip) * attempts)
    frames = open_frames(context.workspace, context.params)
    for sample in questions.samples():
        tally.read += 1
        unusable: Unusable | None = None
        requests = _requests(context, questions, sample)
        for attempt, request in enumerate(requests):
            outcome = outcome_of(request)
            if isinstance(outcome, Unusable):
                unusable = outcome
                continue
            tally.written += 1
            tally.cut += outcome.finish_reason == "length"
            yield _answer(questions.origin, sample.id, attempt, request, outcome)
        if unusable is not None:
            tally.failures.append(unusable.failure(questions.step, sample.id))
        clips = [request.clip for request in requests[:1] if request.clip is not None]
        tally.notes.update(frames.notes(clips, context.workspace.data))
    context.refuse_failures(_report(context, questions, tally), tally.failures)


def _report(context: StepContext, questions: Questions, tally: Tally) -> StepReport:
    """Counts of samples read, answers written and samples failed."""
    return StepReport(
        step=questions.step,
        round=context.round,
        read=tally.read,
        written=tally.written,
        failed=len(tally.failures),
        reasons=dict(sorted(Counter(failure.error for failure in tally.failures).items())),
        metrics={"cut_share": tally.cut / tally.written} if tally.written else {},
        notes=tuple(sorted(tally.notes)),
        engine=engine_shown(context.params.settings.engine) if tally.read else None,
    )


def _place(sample: VideoSample) -> str:
    """Equal for samples of one clip."""
    return f"{sample.video}\x1f{sample.start_s}\x1f{sample.end_s}"


def _requests(context: StepContext, questions: Questions, sample: VideoSample) -> list[Request]:
    """One for each attempt at a sample."""
    own = questions.sampling
    sampling = Sampling(own.temperature, own.top_p, own.max_new_tokens)
    clip = Clip(context.workspace.video(sample.video), sample.start_s, sample.end_s)
    prompt, seed = questions.prompt(sample), (context.params.seed, context.round, sample.id)
    return [
        Request(f"{sample.id}#{n}", clip, prompt, sampling, stable_seed(*seed, n, questions.origin))
        for n in range(own.samples)
    ]


def _answer(
    origin: Origin, sample_id: str, attempt: int, request: Request, outcome: Outcome
) -> Answer:
    assert not isinstance(outcome, Unusable)
    return Answer(
        sample_id=sample_id,
        attempt=attempt,
        origin=origin,
        prompt_hash=f"{stable_hash(request.prompt):016x}",
        text=outcome.text,
        finish_reason=outcome.finish_reason,
        n_tokens=outcome.n_tokens,
        seed=request.seed,
    )
