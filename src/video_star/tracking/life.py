"""What the loop did with one sample: read from the files of all rounds, without a model.

Of a sharded folder only the sample's shard is read, and of all files only the lines with the
sample's id are parsed, so it takes a moment with any number of samples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from rapidfuzz import fuzz, process

from video_star.core import prompts
from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.errors import DataError, UsageError
from video_star.core.excerpt import cut, excerpt, visible
from video_star.core.hashing import stable_hash
from video_star.core.jsonl import has_field, read_record, read_records, shard_of
from video_star.core.labels import label_text
from video_star.core.paths import RoundPaths
from video_star.core.records import (
    Answer,
    Failure,
    ModelRef,
    Prediction,
    Score,
    TrainingExample,
    Verdict,
    VideoSample,
)
from video_star.evaluation.leakage import held_out_as, recording_of
from video_star.tracking.lives import (
    Attempt,
    Learner,
    Life,
    Prompt,
    RoundLife,
    Row,
    Taken,
    Watched,
    standing_of,
)
from video_star.video.cache import open_frames
from video_star.video.isolated import Limits, chosen_times_apart

R = TypeVar("R", Answer, Verdict, TrainingExample)

NEAREST = 3
"""Ids that are shown in place of an unknown one."""
ROWS = 5
"""Lines of annotation files that are shown."""
AROUND = 60
"""Characters of such a line before and behind the name."""
BY_LINE = (".csv", ".tsv", ".jsonl")
"""Annotation files of which ingest names the line that it left out; of others it names the item."""
_COUNT = re.compile(r"\d{0,5}|.")
"""Names that stand in many lines: the empty one, short numbers, which only count, a single sign."""
_ID = re.compile(rb'\{"id": ("(?:[^"\\]|\\.)*")')


def trace(context: StepContext, sample_id: str) -> Life:
    """The life of a sample, of one that ingest left out, or of a replayed entry.

    UsageError with the nearest ids when nothing knows it, DataError where a file is unreadable.
    """
    sample_id = sample_id.encode("utf-8", "backslashreplace").decode()  # of a foreign terminal
    manifest = context.workspace.manifest
    own = read_records(manifest, VideoSample, has_field("id", sample_id))
    sample = next((found for found in own if found.id == sample_id), None)
    related = () if sample is None else tuple(_related(context, sample))
    mine = _membership(sample_id, [other.id for other in related])
    rounds: list[RoundLife] = []
    for name in context.params.evaluated:
        if context.workspace.round(name).folder.is_dir():
            rounds.append(_round(context, name, sample_id, sample, rounds, mine))
    sources = _sources(context, sample_id, sample)
    rows = tuple(_rows(context, sources, _names(sample_id, sample)))
    if sample is None:
        lost = list(_left_out(context, sample_id, rows))
        if rounds and lost:  # by ingest, which is of r0
            failures = tuple(dict.fromkeys([*rounds[0].failures, *lost]))
            rounds[0] = rounds[0].model_copy(update={"failures": failures})
        if not any(round_.failures or round_.examples for round_ in rounds):
            raise UsageError(_unknown(context, sample_id))
    trains = sample is not None and sample.split == "train"
    question, hint = _asked(context, sample) if sample and trains else (None, None)
    return Life(
        id=sample_id,
        sample=sample,
        sources=sources,
        rows=rows,
        rounds=tuple(rounds),
        watched=_watched(context, sample) if sample else None,
        question=question,
        hint=hint,
        leaks=tuple(held_out_as(context, sample, related)) if sample else (),
    )


def lived(context: StepContext, round_name: str, sample: VideoSample) -> RoundLife:
    """What one round did with a sample of the manifest."""
    mine = _membership(sample.id, [])
    return _round(context, round_name, sample.id, sample, [], mine)


def _related(context: StepContext, sample: VideoSample) -> Iterator[VideoSample]:
    """Samples of the other split with the same source, video or recording, and samples whose ids
    begin with its id."""
    names = (sample.source_id, PurePosixPath(sample.video).name)
    shared = (
        has_field("source_id", sample.source_id),
        has_field("video", sample.video),
        *(re.escape(name.encode()) for text in names if (name := recording_of(text))),
    )
    other = rb"[^\n]*" + has_field("split", "test" if sample.split == "train" else "train")
    return read_records(
        context.workspace.manifest,
        VideoSample,
        has_field("id", f"{sample.id}/", whole=False),
        *(pattern + other for pattern in shared),
    )


def _membership(sample_id: str, others: Sequence[str]) -> Callable[[str], bool]:
    """Whether an item or example is made of the sample: it is named "<sample id>/<form>".

    It is not when another sample, whose id begins with this one, is nearer to its name.
    """
    longer = [other for other in others if other.startswith(f"{sample_id}/")]

    def within(name: str, whole: str) -> bool:
        return name == whole or name.startswith(f"{whole}/")

    return lambda name: within(name, sample_id) and not any(within(name, one) for one in longer)


def _round(
    context: StepContext,
    name: str,
    sample_id: str,
    sample: VideoSample | None,
    before: Sequence[RoundLife],
    mine: Callable[[str], bool],
) -> RoundLife:
    paths = context.workspace.round(name)
    answers = _attempts(paths.answers, paths.verdicts, sample_id)
    rationales = _attempts(paths.rationales, paths.rationale_verdicts, sample_id)
    examples = tuple(_of_shard(paths.train, TrainingExample, sample_id))
    verdicts = [[a.verdict for a in own if a.verdict] for own in (answers, rationales)]
    judged = paths.rationale_verdicts.is_dir() and sample is not None and sample.split == "train"
    return RoundLife(
        round=name,
        standing=standing_of(*verdicts) if judged else None,
        answers=answers,
        rationales=rationales,
        examples=examples,
        learner=_learner(context, paths, len(examples), before),
        predictions=tuple(_taken(paths, sample_id, mine)),
        failures=tuple(_failures(paths, sample_id, mine)),
    )


def _of_shard(folder: Path, kind: type[R], sample_id: str) -> Iterator[R]:
    """The sample's records in a sharded folder; nothing before the folder is written."""
    if folder.is_dir():
        path = folder / f"{shard_of(sample_id)}.jsonl"
        for record in read_records(path, kind, has_field("sample_id", sample_id)):
            if record.sample_id == sample_id:
                yield record


def _attempts(answers: Path, verdicts: Path, sample_id: str) -> tuple[Attempt, ...]:
    judged = {own.attempt: own for own in _of_shard(verdicts, Verdict, sample_id)}
    return tuple(
        Attempt(answer=answer, verdict=judged.get(answer.attempt))
        for answer in _of_shard(answers, Answer, sample_id)
    )


def _learner(
    context: StepContext, paths: RoundPaths, examples: int, before: Sequence[RoundLife]
) -> Learner | None:
    onward = context.params.finetune.start_from == "previous"
    earlier = before[-1] if before and onward and before[-1].learner else None
    if not paths.model_json.is_file() or not (examples or earlier):
        return None
    return Learner(
        model=read_record(paths.model_json, ModelRef),
        examples=examples,
        goes_on_from=earlier.round if earlier else None,
    )


def _taken(paths: RoundPaths, sample_id: str, mine: Callable[[str], bool]) -> Iterator[Taken]:
    """The items of benchmarks that are made of the sample."""
    needle = has_field("item_id", sample_id, whole=False)
    for folder in sorted(paths.predictions.glob("*/")):
        given, scores = folder / "predictions.jsonl", folder / "scores.jsonl"
        predictions = {
            own.item_id: own
            for own in (read_records(given, Prediction, needle) if given.exists() else ())
            if mine(own.item_id)
        }
        scored: dict[str, list[Score]] = {name: [] for name in predictions}
        for score in read_records(scores, Score, needle) if scores.exists() else ():
            if mine(score.item_id):
                scored.setdefault(score.item_id, []).append(score)
        for name, own in scored.items():
            yield Taken(
                benchmark=folder.name,
                item_id=name,
                prediction=predictions.get(name),
                scores=tuple(own),
            )


def _failures(paths: RoundPaths, sample_id: str, mine: Callable[[str], bool]) -> Iterator[Failure]:
    """Those of the sample, of the examples and of the items that are made of it."""
    needle = re.escape(json.dumps(sample_id, ensure_ascii=False)[1:-1].encode())
    for path in sorted(paths.failures("any").parent.glob("*.jsonl")):
        for failure in read_records(path, Failure, needle):
            name = failure.sample_id
            if mine(name) or (failure.step == "evaluate" and mine(name.partition("/")[2])):
                yield failure


def _left_out(context: StepContext, sample_id: str, rows: Sequence[Row]) -> Iterator[Failure]:
    """The failures of ingest that are about the rows of a sample that it left out.

    They name the place of a row, as no sample came of it, or in their message the recording.
    """
    path = context.workspace.round("r0").failures("ingest")
    if not path.exists():
        return
    places = [f"{row.file}:{row.line}" for row in rows if row.file.endswith(BY_LINE)]
    names = (name for name in _names(sample_id, None) if re.search(r"\d", name))  # no mere words
    words = [_word(name) for name in names]
    for failure in read_records(path, Failure):
        where = failure.sample_id
        if (
            where == sample_id
            or any(where == place or where.startswith(f"{place}:") for place in places)
            or any(word.search(failure.message.encode()) for word in words)
        ):
            yield failure


def _sources(context: StepContext, sample_id: str, sample: VideoSample | None) -> tuple[str, ...]:
    """The annotation files of the sample's data set, less those of the other split."""
    dataset, other = sample_id.partition("/")[0], ""
    if sample is not None:
        dataset, other = sample.dataset, "test" if sample.split == "train" else "train"
    return tuple(
        str(source.get("annotations"))
        for source in context.params.ingest.sources
        if source.get("dataset") == dataset and source.get("split") != other
    )


def _names(sample_id: str, sample: VideoSample | None) -> list[str]:
    """What an annotation file may call the sample or its recording, the most telling first."""
    parts = (sample_id.partition("/")[2] or sample_id).split("/")
    names = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    if sample is None:
        names += [found for part in parts if (found := recording_of(part))]
    else:
        video = PurePosixPath(sample.video)
        recording = sample.source_id.removeprefix(f"{sample.dataset}/")
        names += [recording, video.name, video.stem]
    return [name for name in dict.fromkeys(names) if not _COUNT.fullmatch(name)]


def _word(name: str) -> re.Pattern[bytes]:
    """Finds a name that is no part of a longer one."""
    escaped = re.escape(name.encode())
    return re.compile(rb"(?<![\w-])" + escaped + rb"(?![\w/-])")


def _rows(context: StepContext, sources: Sequence[str], names: Sequence[str]) -> Iterator[Row]:
    """The first lines of the annotation files that have the most telling name which is in them."""
    for source in sources:
        path = context.workspace.data / source
        if not path.is_file():
            continue
        for name in names:
            found = list(_lines(path, source, name))
            yield from found
            if found:
                break


def _lines(path: Path, source: str, name: str) -> Iterator[Row]:
    word, needle, shown = _word(name), name.encode(), 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1 and b"\0" in line:  # no text in UTF-8
                return
            if needle in line and (match := word.search(line)):
                start, end = max(match.start() - AROUND, 0), match.end() + AROUND
                text = line[start:end].decode(errors="replace").strip()
                yield Row(file=source, line=number, text=text)
                shown += 1
                if shown == ROWS:
                    return


def _watched(context: StepContext, sample: VideoSample) -> Watched:
    digest = None
    try:
        path = context.workspace.video(sample.video)
        clip, params = Clip(path, sample.start_s, sample.end_s), context.params
        frames = open_frames(context.workspace, params)
        digest = frames.sha256(clip)
        kept = frames.kept(clip)
        if kept is not None:
            return Watched(sha256=digest, times=kept.times, source="frame cache")
        times = chosen_times_apart(clip, params.video, Limits.of(params.settings))
        return Watched(sha256=digest, times=times, source="packets")
    except (DataError, OSError) as error:
        return Watched(sha256=digest, times=None, source="none", problem=str(error))


def _asked(context: StepContext, sample: VideoSample) -> tuple[Prompt, Prompt]:
    """What generate and rationalize ask with the parameters of now."""
    line = prompts.line_request(sample.labels, context.params.prompts.final_line)
    question = prompts.direct(sample.question, line)
    hint = prompts.with_label(sample.question, label_text(sample.labels), line)
    first, second = (
        Prompt(text=text, prompt_hash=f"{stable_hash(text):016x}") for text in (question, hint)
    )
    return first, second


def _unknown(context: StepContext, sample_id: str) -> str:
    """The sentence for an id that nothing knows."""
    manifest = context.workspace.manifest
    with manifest.open("rb") as lines:
        ids = [json.loads(match[1]) for line in lines if (match := _ID.match(line))]
    near = process.extract(sample_id, ids, scorer=fuzz.WRatio, limit=NEAREST)
    shown = ", ".join(visible(cut(name)) for name, *_ in near)
    known = f"; the nearest ids are {shown}" if near else ""
    return f"{manifest} has no sample {excerpt(sample_id)}, and ingest left out none{known}."
