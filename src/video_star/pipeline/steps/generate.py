"""Step `generate`: the previous round's model answers the question of every training sample.

Reads the manifest and rounds/r(K-1)/model. Writes rounds/rK/answers: shards of Answer, sorted by
sample id and attempt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from video_star.core.context import StepContext, StepResult
from video_star.core.engine import Clip, Outcome, Request, Sampling, Unusable
from video_star.core.hashing import stable_hash, stable_seed
from video_star.core.jsonl import write_shards
from video_star.core.model_paths import read_ref
from video_star.core.params import SamplingParams
from video_star.core.prompts import direct, line_request
from video_star.core.records import Answer, Failure, Origin, StepReport, VideoSample
from video_star.core.urls import engine_shown
from video_star.data.manifest import training_samples
from video_star.generation.store import ask, open_store
from video_star.video.cache import open_frames


@dataclass(frozen=True)
class Questions:
    """The questions of a step: `sampling.samples` attempts per sample, with its prompt."""

    step: str
    origin: Origin
    sampling: SamplingParams
    samples: Sequence[VideoSample]
    prompt: Callable[[VideoSample], str]


def run_generate(context: StepContext) -> StepResult:
    """Answer all training samples; a sample whose video is unusable is a counted failure."""
    sampling = context.params.generate
    samples = training_samples(context.workspace) if sampling.enabled else []
    line = context.params.prompts.final_line
    questions = Questions(
        *("generate", "direct", sampling, samples),
        lambda sample: direct(sample.question, line_request(sample.labels, line)),
    )
    answers, failures = ask_questions(context, questions)
    report = build_report(context, questions, answers, failures)
    context.refuse_failures(report, failures)
    write_shards(context.paths.answers, answers, lambda answer: answer.sample_id)
    return StepResult(report, tuple(failures))


def ask_questions(context: StepContext, questions: Questions) -> tuple[list[Answer], list[Failure]]:
    """Answers of the previous round's model, sorted by sample id and attempt, and failures."""
    if not questions.samples:
        return [], []
    ref = read_ref(context.previous.model_json, context.workspace.root)
    engine = context.open_engine(ref)
    store = open_store(context.workspace, context.params, engine)
    attempts = range(questions.sampling.samples)
    requests = {
        (sample.id, attempt): _request(context, questions, sample, attempt)
        for sample in sorted(questions.samples, key=lambda sample: sample.id)
        for attempt in attempts
    }
    outcomes = ask(engine, store, list(requests.values()), context.progress)
    answers: list[Answer] = []
    failures: dict[str, Failure] = {}
    for (sample_id, attempt), request in requests.items():
        outcome = outcomes[request.key]
        if isinstance(outcome, Unusable):
            failures.setdefault(sample_id, _failure(questions.step, sample_id, outcome))
        else:
            answers.append(_answer(questions.origin, sample_id, attempt, request, outcome))
    return answers, list(failures.values())


def build_report(
    context: StepContext,
    questions: Questions,
    answers: Sequence[Answer],
    failures: Sequence[Failure],
) -> StepReport:
    """Counts of samples read, answers written and samples failed."""
    cut = sum(answer.finish_reason == "length" for answer in answers)
    metrics = {"cut_share": cut / len(answers)} if answers else {}
    return StepReport(
        step=questions.step,
        round=context.round,
        read=len(questions.samples),
        written=len(answers),
        failed=len(failures),
        reasons=dict(sorted(Counter(failure.error for failure in failures).items())),
        metrics=metrics,
        notes=open_frames(context.workspace, context.params).notes(
            (_clip(context, sample) for sample in questions.samples), context.workspace.data
        ),
        engine=engine_shown(context.params.settings.engine) if questions.samples else None,
    )


def _request(
    context: StepContext, questions: Questions, sample: VideoSample, attempt: int
) -> Request:
    sampling = questions.sampling
    return Request(
        key=f"{sample.id}#{attempt}",
        clip=_clip(context, sample),
        prompt=questions.prompt(sample),
        sampling=Sampling(sampling.temperature, sampling.top_p, sampling.max_new_tokens),
        seed=stable_seed(context.params.seed, context.round, sample.id, attempt, questions.origin),
    )


def _clip(context: StepContext, sample: VideoSample) -> Clip:
    return Clip(context.workspace.video(sample.video), sample.start_s, sample.end_s)


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


def _failure(step: str, sample_id: str, outcome: Unusable) -> Failure:
    return Failure(sample_id=sample_id, step=step, error=outcome.error, message=outcome.message)
