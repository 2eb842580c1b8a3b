"""STAR benchmark: situated questions about segments of Charades' videos.

Question types (`questions`); the first four show the segment, the others a longer clip around it:

- choice: the benchmark's own question with its options.
- reverse: which question has this answer.
- in_box: which thing is in a box.
- same: whether two boxes at two times hold the same kind of thing; the seed decides which of the
  two is asked about, where both exist.
- between: what is done from the start to the end of the segment.
- span: when that is done. - span_of_answer: when one sees the answer; only for question types whose
  answer can be seen in the segment.

The longer clip has two to four times the segment's length, as far as the recording goes, and lies
around it at random; seed and question id decide. Times are seconds of the clip that is shown, boxes
are fractions. The split is the source's: STAR_train.json and STAR_val.json are two sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_star.core.errors import VideoError
from video_star.core.hashing import stable_hash, stable_index, stable_shuffle
from video_star.core.labels import (
    ClassLabel,
    Label,
    SameLabel,
    SetLabel,
    SpanLabel,
    TextLabel,
    say_box,
    say_seconds,
)
from video_star.core.paths import inside
from video_star.core.prompts import with_options
from video_star.core.sources import StarSource
from video_star.data.questions import ask
from video_star.data.readers import rows
from video_star.data.readers import star_situations as situations
from video_star.data.readers.charades import Charades, Segment, index_charades
from video_star.data.readers.json_files import json_items
from video_star.data.readers.rows import BadRow, EmptyLabel, Row, RowError
from video_star.data.readers.star_questions import SEEN, Question, question_of
from video_star.data.readers.star_situations import Classes, Sighting

OF_SITUATIONS = frozenset({"between", "span", "in_box", "same"})
"""Question types that need the class files."""
SHORTEST, LONGEST = 2, 4
"""Length of the clip around a segment, in lengths of the segment: from the first on, an answer that
names the whole clip is no match."""
_STEPS = 1000


class SegmentIsAll(RowError):
    """The segment fills the recording, so that asking for its place asks nothing."""


@dataclass(frozen=True)
class Draft:
    """What is shown, asked and labelled."""

    shown: Segment
    question: str
    template: str
    label: Label


def read_star(source: StarSource, data: Path, seed: int) -> Iterator[Row]:
    """Samples of one question file in its order; a sample that cannot be made becomes a Failure.

    DataError when a file is missing, unreadable or holds something else than it should.
    """
    path = rows.annotation_path(data, source.annotations)
    reader = _Reader(source, data, seed)
    for number, item in json_items(path):
        try:
            question = question_of(item)
        except RowError as error:
            yield rows.failure(f"{source.annotations}:{number}", error)
            continue
        for kind in source.questions:
            if kind != "span_of_answer" or question.type in SEEN:
                yield reader.row(kind, question)


class _Reader:
    """One source with what its samples are made from."""

    def __init__(self, source: StarSource, data: Path, seed: int) -> None:
        self.source, self.seed = source, seed
        self.videos: Charades = index_charades(data, source.videos)
        self.classes = Classes({})
        self.rates: Mapping[str, float] = {}
        if OF_SITUATIONS.intersection(source.questions):
            folder = inside(data, source.classes)
            self.classes = situations.read_classes(folder)
            self.rates = situations.read_rates(folder)

    def row(self, kind: str, question: Question) -> Row:
        """The sample of one question type, or the reason why there is none."""
        sample_id = f"{self.source.dataset}/{question.id}/{kind}"
        try:
            draft: Draft = getattr(self, f"_{kind}")(question, sample_id)
            return rows.sample_of(
                id=sample_id,
                dataset=self.source.dataset,
                video=draft.shown.video,
                start_s=draft.shown.start_s,
                end_s=draft.shown.end_s,
                source_id=f"{self.source.dataset}/{question.video}",
                split=self.source.split,
                question=draft.question,
                question_template=draft.template,
                labels=(draft.label,),
            )
        except (RowError, VideoError) as error:
            return rows.failure(sample_id, error)

    def _draft(
        self, shown: Segment, label: Label, kind: str, sample_id: str, **fields: str
    ) -> Draft:
        return Draft(shown, *ask(kind, sample_id, self.seed, **fields), label)

    def _segment(self, question: Question) -> Segment:
        return self.videos.segment(question.video, question.start, question.end)

    def _choice(self, question: Question, sample_id: str) -> Draft:
        label = question.choice()
        text = with_options(question.text, label.options)
        return Draft(self._segment(question), text, "given", label)

    def _reverse(self, question: Question, sample_id: str) -> Draft:
        shown, label = self._segment(question), TextLabel(text=question.text)
        return self._draft(shown, label, "reverse", sample_id, answer=question.said())

    def _between(self, question: Question, sample_id: str) -> Draft:
        shown, span = self._around(question)
        label = SetLabel(names=tuple(self._actions(question, shown)[0]))
        times = {"start": _seconds(span.start), "end": _seconds(span.end)}
        return self._draft(shown, label, "between", sample_id, **times)

    def _span(self, question: Question, sample_id: str) -> Draft:
        shown, span = self._around(question)
        every, only = self._actions(question, shown)
        return self._draft(shown, span, "span", sample_id, event=" and ".join(only or every))

    def _span_of_answer(self, question: Question, sample_id: str) -> Draft:
        shown, span = self._around(question)
        fields = {"question": question.text, "answer": question.said()}
        return self._draft(shown, span, "span_of_answer", sample_id, **fields)

    def _in_box(self, question: Question, sample_id: str) -> Draft:
        shown = self._segment(question)
        things = self._things(question, shown)
        thing = things[stable_index(len(things), self.seed, "thing", sample_id)]
        name, synonyms = situations.alternatives(self.classes.name(thing.code))
        fields = {"box": say_box(thing.box), "time": _seconds(thing.at - question.start)}
        label = ClassLabel(name=name, synonyms=synonyms)
        return self._draft(shown, label, "in_box", sample_id, **fields)

    def _same(self, question: Question, sample_id: str) -> Draft:
        shown = self._segment(question)
        things = stable_shuffle(self._things(question, shown), self.seed, "things", sample_id)
        same = stable_index(2, self.seed, "same", sample_id) == 1
        pair = _pair(things, same) or _pair(things, not same)
        if pair is None:
            raise EmptyLabel("the segment does not show things with boxes at two times.")
        first, second = sorted(pair, key=lambda thing: thing.at)
        fields = {
            "first": say_box(first.box),
            "first_time": _seconds(first.at - question.start),
            "second": say_box(second.box),
            "second_time": _seconds(second.at - question.start),
        }
        label = SameLabel(same=first.code == second.code)
        return self._draft(shown, label, "same_at", sample_id, **fields)

    def _around(self, question: Question) -> tuple[Segment, SpanLabel]:
        """A clip around the segment, and where in it the segment is."""
        video = self.videos.recording(question.video)
        duration = self.videos.info(video).duration_s
        if question.start >= duration:
            raise BadRow(f"the segment starts at {question.start:g} of {duration:.3g} s.")
        start, end = question.start, min(question.end, duration)
        first, last = clip_around(start, end, duration, self.seed, question.id)
        label = SpanLabel(
            start=round(start - first, 2),
            end=round(end - first, 2),
            duration=round(last - first, 2),
        )
        return Segment(video, first, last), label

    def _frames(self, question: Question, shown: Segment) -> list[tuple[float, Any]]:
        fps = self.rates.get(question.video) or self.videos.info(shown.video).fps
        if not fps:
            raise BadRow(f"{shown.video} has no frame rate, so its keyframes have no time.")
        return situations.frames_by_time(question.situations, fps)

    def _actions(self, question: Question, shown: Segment) -> tuple[list[str], list[str]]:
        frames = self._frames(question, shown)
        every, only = situations.actions_in(frames, question.start, question.end, self.classes)
        if not every:
            raise EmptyLabel("no keyframe of the segment names an action.")
        return every, only

    def _things(self, question: Question, shown: Segment) -> list[Sighting]:
        """Things in the segment's keyframes, with their boxes as fractions."""
        frames = self._frames(question, shown)
        found = situations.things_in(frames, question.start, question.end)
        if not found:
            raise EmptyLabel("no keyframe of the segment has a box around a thing.")
        info = self.videos.info(shown.video)
        fitting = []
        for thing in found:
            box = situations.fractions(thing.box, info.width, info.height)
            if box is not None:
                fitting.append(Sighting(thing.at, thing.code, box))
        if not fitting:
            raise BadRow(
                f"no box fits into the {info.width} x {info.height} pixels of {shown.video}; "
                "use the 480p videos, on which the boxes were drawn."
            )
        return fitting


def clip_around(
    start: float, end: float, duration: float, seed: int, question_id: str
) -> tuple[float, float]:
    """Start and end, in seconds with two decimals, of the clip around a segment of a recording.

    SegmentIsAll when the recording has nothing else.
    """
    if end - start >= round(duration, 2) - 0.01:
        raise SegmentIsAll(f"the segment fills all {duration:.3g} s of the recording.")
    share, place = (
        stable_hash(seed, part, question_id) % (_STEPS + 1) / _STEPS for part in ("share", "place")
    )
    length = min((end - start) * (SHORTEST + (LONGEST - SHORTEST) * share), duration)
    earliest, latest = max(end - length, 0.0), min(start, duration - length)
    first = round(earliest + (latest - earliest) * place, 2)
    return min(first, start), max(round(first + length, 2), end)


def _pair(things: list[Sighting], same: bool) -> tuple[Sighting, Sighting] | None:
    """The first two at different times of the same class, or of different classes.

    A class with two boxes in one keyframe is left out: which of them it is cannot be told.
    """
    seen = [(thing.at, thing.code) for thing in things]
    single = [thing for thing in things if seen.count((thing.at, thing.code)) == 1]
    for one in single:
        for other in single:
            if one.at != other.at and (one.code == other.code) == same:
                return one, other
    return None


def _seconds(time: float) -> str:
    return f"{say_seconds(time)} seconds"
