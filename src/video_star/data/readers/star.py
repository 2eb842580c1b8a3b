"""STAR benchmark: situated questions about segments of Charades' videos.

Question types (`questions`); the first four show the segment, the others a longer clip around it:

- choice: the benchmark's own question with its options.
- reverse: which question has this answer.
- in_box: which thing is in a box.
- same: whether two boxes at two times hold the same kind of thing; the seed decides which of the
  two is asked about, where both exist.
- between: what is done from the start to the end of the segment.
- span: when that is done.
- span_of_answer: when one sees the answer; only for question types whose answer can be seen in the
  segment.

The longer clip has two to four times the segment's length, as far as the recording goes, and lies
around it at random; seed and question id decide. Times are seconds of the clip that is shown, boxes
are fractions. The split is the source's: STAR_train.json and STAR_val.json are two sources.

A recording is {id}.mp4, in the folder or below it (Charades_v1_480). Toolkits for STAR name their
clips {id}_{start}_{end}.mp4 or {id}_T{start}_{end}.mp4, with times in seconds. A keyframe's id is
the number of its frame, counted from 1: id n is shown at (n - 1) / fps seconds, which is how the
owners' own tools choose the keyframes of a segment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import Field

from video_star.core.errors import DataError
from video_star.core.excerpt import cut, excerpt
from video_star.core.hashing import stable_hash, stable_index, stable_shuffle
from video_star.core.labels import (
    ChoiceLabel,
    ClassLabel,
    Label,
    SameLabel,
    SetLabel,
    SpanLabel,
    TextLabel,
    cells,
    say_box,
)
from video_star.core.labels.cells import BadRow, EmptyLabel, RowError
from video_star.core.prompts import with_options
from video_star.data.readers import base
from video_star.data.readers.base import Box, MissingVideo, Reader, Row, Segment
from video_star.data.readers.json_files import rows_of_items
from video_star.data.readers.pickles import load_dict

TYPES = ("Interaction", "Sequence", "Prediction", "Feasibility")
SEEN = frozenset({"Interaction", "Sequence"})
"""Types that are answered by what happens in the segment, not by what may come after it."""
OF_SITUATIONS = frozenset({"between", "span", "in_box", "same"})
"""Question types that need the class files."""
SHORTEST, LONGEST = 2, 4
"""Length of the clip around a segment, in lengths of the segment: from the first on, an answer that
names the whole clip is no match."""
CLASS_FILES = ("action_classes", "object_classes", "relationship_classes", "verb_classes")
"""Text files of lines of a code and its words: "a000 hold some clothes", "o000 person"."""
FPS_FILES = ("video_fps", "video_fps.pkl")
"""A pickle of video file names to frames per second."""
PERSON = "o000"
OUTSIDE = 0.05
"""How far a box may leave the picture, as a share of its side; further, and it was drawn on a video
of another size."""
_STEPS = 1000
_ID = re.compile(r"[A-Za-z]+_T\d+_\d+", re.ASCII)
_CUT = re.compile(r"(.+)_T?(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)", re.ASCII)
_SAME_TIME = 0.051
"""Clip names are rounded to a tenth of a second at the coarsest."""


class SegmentIsAll(RowError):
    """The segment fills the recording, so that asking for its place asks nothing."""


class StarSource(base.SourceOfOneSplit):
    """`annotations`: STAR_train.json or STAR_val.json; `videos`: those of Charades."""

    classes: str
    """The folder STAR_classes."""
    questions: tuple[
        Literal["choice", "reverse", "between", "span", "span_of_answer", "in_box", "same"], ...
    ] = Field(min_length=1)


@dataclass(frozen=True)
class Question:
    """An entry of the question files: a question about a segment (seconds) of a video."""

    id: str
    """{type}_T{template}_{number}"""
    video: str
    start: float
    end: float
    text: str
    answer: str | None
    """Without its full stop; None in STAR_test.json, whose answers are not public."""
    raw: Mapping[str, Any]

    @property
    def type(self) -> str:
        """Interaction, Sequence, Prediction or Feasibility."""
        return self.id.partition("_")[0]

    def known_answer(self) -> str:
        """The answer; EmptyLabel without one."""
        if self.answer is None:
            raise EmptyLabel(f"{self.id} has no answer; use STAR_train.json or STAR_val.json.")
        return self.answer

    def choice(self) -> ChoiceLabel:
        """The options by their ids, whatever the order of the list, and which one is right."""
        answer = self.known_answer()
        texts: dict[int, str] = {}
        for item in base.items_of(self.raw, "choices"):
            choice = base.mapping(item, "a choice")
            number = cells.number(choice.get("choice_id"), "choice_id")
            if number in texts:
                raise BadRow(f"{self.id} has two options {number:g}; correct choice_id.")
            texts[int(number)] = _without_stop(base.text_of(choice, "choice"))
        options = tuple(texts[number] for number in sorted(texts))
        right = [i for i, option in enumerate(options) if option.lower() == answer.lower()]
        if not 2 <= len(options) <= 26 or len(right) != 1:
            raise BadRow(
                f"{self.id} has {len(options)} options of which {len(right)} are the answer; "
                "correct its choices."
            )
        return ChoiceLabel(options=options, answer=right[0])

    def keyframes(self, fps: float) -> list[Keyframe]:
        """The situations in order of time; BadRow."""
        numbered = []
        for name, situation in base.mapping(self.raw.get("situations"), "situations").items():
            if not str(name).isdecimal():
                raise BadRow(f"{excerpt(name)} is no keyframe number; correct the situations.")
            numbered.append((int(name), base.mapping(situation, f"situation {name}")))
        numbered.sort(key=lambda item: item[0])
        return [((number - 1) / fps, situation) for number, situation in numbered]

    def shows(self, time: float) -> bool:
        """Whether a time of the recording is in the segment."""
        return self.start <= time < self.end


Keyframe: TypeAlias = tuple[float, Mapping[str, Any]]
"""Seconds of the recording, and the annotation of that frame."""


@dataclass(frozen=True)
class Thing:
    """A thing in a keyframe, at seconds of the recording."""

    at: float
    code: str
    box: Box
    """x1, y1, x2, y2, in pixels or as fractions of the picture."""


Draft: TypeAlias = tuple[Segment, tuple[str, str], Label]
"""What is shown, the question with its template, and the label."""


class Star(Reader[StarSource]):
    Section = StarSource

    def rows(self) -> Iterator[Row]:
        if OF_SITUATIONS.intersection(self.source.questions):
            _ = self.classes, self.rates  # a missing file is found before anything is read
        return rows_of_items(self, self._samples)

    def _samples(self, item: object, place: str) -> Iterator[Row]:
        question = question_of(item)
        for kind in self.source.questions:
            if kind != "span_of_answer" or question.type in SEEN:
                name = f"{question.id}/{kind}"
                sample_id = f"{self.source.dataset}/{name}"
                yield from base.counted(sample_id, self._sample(kind, name, question))

    def _sample(self, kind: str, name: str, question: Question) -> Iterator[Row]:
        shown, asked, label = getattr(self, f"_{kind}")(question, name)
        yield self.sample(name, question.video, self.source.split, shown, asked, label)

    def _choice(self, question: Question, name: str) -> Draft:
        label = question.choice()
        text = with_options(question.text, label.options)
        return self.segment(question), (text, base.GIVEN), label

    def _reverse(self, question: Question, name: str) -> Draft:
        shown, label = self.segment(question), TextLabel(text=question.text)
        return shown, self.ask("reverse", name, answer=question.known_answer()), label

    def _between(self, question: Question, name: str) -> Draft:
        shown, span = self._around(question)
        label = SetLabel(names=tuple(self._actions(question, shown)[0]))
        start, end = base.in_seconds(span.start), base.in_seconds(span.end)
        return shown, self.ask("between", name, start=start, end=end), label

    def _span(self, question: Question, name: str) -> Draft:
        shown, span = self._around(question)
        every, only = self._actions(question, shown)
        return shown, self.ask("span", name, event=" and ".join(only or every)), span

    def _span_of_answer(self, question: Question, name: str) -> Draft:
        shown, span = self._around(question)
        fields = {"question": question.text, "answer": question.known_answer()}
        return shown, self.ask("span_of_answer", name, **fields), span

    def _in_box(self, question: Question, name: str) -> Draft:
        shown, key = self.segment(question), f"{self.source.dataset}/{name}"
        things = self._things(question, shown)
        thing = things[stable_index(len(things), self.seed, "thing", key)]
        words, synonyms = alternatives(word_of(self.classes, thing.code))
        fields = {"box": say_box(thing.box), "time": base.in_seconds(thing.at - question.start)}
        label = ClassLabel(name=words, synonyms=synonyms)
        return shown, self.ask("in_box", name, **fields), label

    def _same(self, question: Question, name: str) -> Draft:
        shown, key = self.segment(question), f"{self.source.dataset}/{name}"
        things = stable_shuffle(self._things(question, shown), self.seed, "things", key)
        same = stable_index(2, self.seed, "same", key) == 1
        pair = _pair(things, same) or _pair(things, not same)
        if pair is None:
            raise EmptyLabel("the segment does not show things with boxes at two times.")
        first, second = sorted(pair, key=lambda thing: thing.at)
        fields = base.compared(
            *((thing.box, thing.at - question.start) for thing in (first, second))
        )
        return shown, self.ask("same_at", name, **fields), SameLabel(same=first.code == second.code)

    def _around(self, question: Question) -> tuple[Segment, SpanLabel]:
        """A clip around the segment, and where in it the segment is."""
        video = self.recording(question.video)
        duration = self.info(video).duration_s
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

    def _keyframes(self, question: Question, shown: Segment) -> list[Keyframe]:
        fps = self.rates.get(question.video) or self.info(shown.video).fps
        if not fps:
            raise BadRow(f"{shown.video} has no frame rate, so its keyframes have no time.")
        return question.keyframes(fps)

    def _actions(self, question: Question, shown: Segment) -> tuple[list[str], list[str]]:
        """Actions of the segment's keyframes in order of appearance; and of these the ones that no
        other keyframe of the recording shows."""
        inner: dict[str, None] = {}
        outer: set[str] = set()
        for at, situation in self._keyframes(question, shown):
            codes = base.items_of(situation, "actions")
            names = [plain_action(word_of(self.classes, code)) for code in codes]
            if question.shows(at):
                inner.update(dict.fromkeys(names))
            else:
                outer.update(names)
        if not inner:
            raise EmptyLabel("no keyframe of the segment names an action.")
        return list(inner), [name for name in inner if name not in outer]

    def _things(self, question: Question, shown: Segment) -> list[Thing]:
        """Things (not persons) in the segment's keyframes, with their boxes as fractions."""
        frames = [frame for frame in self._keyframes(question, shown) if question.shows(frame[0])]
        found = [thing for frame in frames for thing in _things_in(frame)]
        if not found:
            raise EmptyLabel("no keyframe of the segment has a box around a thing.")
        info = self.info(shown.video)
        boxes = [fractions(thing.box, info.width, info.height) for thing in found]
        fitting = [
            Thing(thing.at, thing.code, box)
            for thing, box in zip(found, boxes, strict=True)
            if box is not None
        ]
        if not fitting:
            raise BadRow(
                f"no box fits into the {info.width} x {info.height} pixels of {shown.video}; "
                "use the 480p videos, on which the boxes were drawn."
            )
        return fitting

    @cached_property
    def classes(self) -> dict[str, str]:
        return read_classes(self.inside(self.source.classes))

    @cached_property
    def rates(self) -> dict[str, float]:
        return _read_rates(self.inside(self.source.classes))

    @cached_property
    def _files(self) -> tuple[dict[str, str], dict[str, list[tuple[float, float, str]]]]:
        """Recordings by their id, and clips (start, end, path) by the id of their recording."""
        whole: dict[str, str] = {}
        cuts: dict[str, list[tuple[float, float, str]]] = {}
        for stem, path in self.video_files():
            if match := _CUT.fullmatch(stem):
                cuts.setdefault(match[1], []).append((float(match[2]), float(match[3]), path))
            whole.setdefault(stem, path)
        return whole, cuts

    def recording(self, video: str) -> str:
        """The whole recording; MissingVideo when it is not there, even if clips of it are."""
        whole, _ = self._files
        if video not in whole:
            raise MissingVideo(f"the recording {video} is not among the videos.")
        return whole[video]

    def segment(self, question: Question) -> Segment:
        """The segment of a question: a part of the recording, or the file of that clip.

        The recording has priority: clips cut without re-encoding begin at some earlier key frame.
        """
        whole, cuts = self._files
        video, start, end = question.video, question.start, question.end
        if video in whole:
            return Segment(whole[video], start, end)
        for first, last, path in cuts.get(video, ()):
            if abs(first - start) < _SAME_TIME and abs(last - end) < _SAME_TIME:
                return Segment(path)
        raise MissingVideo(f"{video} ({start:g} to {end:g} s) is not among the videos.")


def question_of(item: object) -> Question:
    """An entry with its fields checked; BadRow when one is missing or wrong."""
    raw = base.mapping(item, "the entry")
    name = base.text_of(raw, "question_id")
    if not _ID.fullmatch(name) or name.partition("_")[0] not in TYPES:
        raise BadRow(f"question_id is {excerpt(name)}, not one like Interaction_T1_13; correct it.")
    start, end = base.interval(name, raw, "start", "end")
    answered = raw.get("answer") not in (None, "")
    return Question(
        id=name,
        video=base.text_of(raw, "video_id"),
        start=start,
        end=end,
        text=base.text_of(raw, "question"),
        answer=_without_stop(base.text_of(raw, "answer")) if answered else None,
        raw=raw,
    )


def _without_stop(text: str) -> str:
    """The text without white space around it and without the full stop that ends all answers."""
    return text.strip().removesuffix(".").strip()


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


def read_classes(folder: Path) -> dict[str, str]:
    """Class codes to words; DataError when a file is missing or has a line without words."""
    words: dict[str, str] = {}
    for name in CLASS_FILES:
        path = folder / f"{name}.txt"
        if not path.is_file():
            raise DataError(f"{path}: there is no such file; correct `classes` under the source.")
        for number, line in enumerate(base.open_text(path), start=1):
            code, _, text = line.strip().partition(" ")
            if code and not text.strip():
                raise DataError(f"{path}:{number}: {cut(code)} has no words; restore that line.")
            if code:
                words[code] = text.strip()
    return words


def word_of(classes: Mapping[str, str], code: object) -> str:
    """The words of a code; BadRow for an unknown one, which never gets a made-up name."""
    if not isinstance(code, str) or code not in classes:
        raise BadRow(f"{excerpt(code)} is in none of the class files; correct the situation.")
    return classes[code]


def _read_rates(folder: Path) -> dict[str, float]:
    """Frames per second by video id, from the pickle in the classes folder; empty without it."""
    path = next((folder / name for name in FPS_FILES if (folder / name).is_file()), None)
    if path is None:
        return {}
    rates: dict[str, float] = {}
    for name, rate in load_dict(path).items():
        try:
            value = float(rate)
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(
                f"{path}: the rate of {excerpt(name)} is {excerpt(rate)}; correct it."
            ) from error
        # A file that its publisher's tool could not open has the rate 0 there.
        if value > 0:
            rates[str(name).removesuffix(".mp4")] = value
    return rates


def _things_in(frame: Keyframe) -> Iterator[Thing]:
    at, situation = frame
    codes, boxes = base.items_of(situation, "bbox_labels"), base.items_of(situation, "bbox")
    if len(codes) != len(boxes):
        raise BadRow(f"{len(boxes)} boxes have {len(codes)} labels; correct the situation.")
    for code, box in zip(codes, boxes, strict=True):
        if box is None or code == PERSON:
            continue
        if not isinstance(box, list) or len(box) != 4:
            raise BadRow(f"bbox {excerpt(box)} is not x1, y1, x2, y2; correct the situation.")
        x1, y1, x2, y2 = (cells.number(part, "bbox") for part in box)
        yield Thing(at, code, (x1, y1, x2, y2))


def _pair(things: Sequence[Thing], same: bool) -> tuple[Thing, Thing] | None:
    """The first two at different times of the same class, or of different classes.

    A class with two boxes in one keyframe is left out, as it is not known which of them it is.
    """
    seen = [(thing.at, thing.code) for thing in things]
    single = [thing for thing in things if seen.count((thing.at, thing.code)) == 1]
    for one in single:
        for other in single:
            if one.at != other.at and (one.code == other.code) == same:
                return one, other
    return None


def fractions(box: Box, width: int, height: int) -> Box | None:
    """The box as fractions of the picture, clipped to it; None when it does not belong to it."""
    sides = (width, height, width, height)
    parts = [part / side for part, side in zip(box, sides, strict=True)]
    if min(parts) < -OUTSIDE or max(parts) > 1 + OUTSIDE:
        return None
    x1, y1, x2, y2 = (min(max(part, 0.0), 1.0) for part in parts)
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def plain_action(words: str) -> str:
    """An action class as a plain phrase: "put a towel/s somewhere" is "put a towel".

    Of alternatives ("cup/glass/bottle") the first one is taken, of a verb's ("watch/read/look at")
    the last one, to which the rest of the phrase belongs; "some" and "somewhere" are dropped.
    """
    first, *rest = words.removesuffix(" from somewhere").removesuffix(" somewhere").split(" ")
    kept = [first.rpartition("/")[2], *(word.partition("/")[0] for word in rest)]
    return " ".join(word for word in kept if word != "some")


def alternatives(words: str) -> tuple[str, tuple[str, ...]]:
    """An object class as a name and its other names: "cup/glass/bottle"."""
    name, *others = [part.strip() for part in words.split("/") if part.strip()] or [words]
    return name, tuple(others)
