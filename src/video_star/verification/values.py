"""Numbers, times, spans, scores, boxes, sameness and choices: which value an answer gives.

Rules of one shape: read every value that a part of an answer could mean, then compare. If all of
them are close to the label the answer passes, if none is it fails, otherwise it is doubtful.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from string import ascii_uppercase
from typing import Any, Final, NamedTuple

from video_star.core.labels import (
    BoxLabel,
    ChoiceLabel,
    SameLabel,
    ScoreLabel,
    SpanLabel,
    TimeLabel,
)
from video_star.data.questions import TEMPLATES
from video_star.verification.base import Asked, Case, Found, doubtful, fails, passes
from video_star.verification.final_answer import Said
from video_star.verification.words import (
    BOUND,
    CONTRAST,
    Words,
    all_words,
    content,
    is_function,
    is_negation,
    key_of,
    lemmas,
)

_NUMBER: Final = re.compile(
    r"(?<![\w.])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?"
    r"|(?<![\w.])[-+\u2212]?\.\d+"
)
_OUT_OF: Final = re.compile(r"\s*(?:/|out of|of)\s*(\d+(?:\.\d+)?)")
_CLOCK: Final = re.compile(r"(?<![\d:.])(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)(?![\d:])")
_UNIT: Final = re.compile(
    r"[\s-]{0,3}(?:(s|secs?|seconds?)|(m|mins?|minutes?)|(h|hours?)|(%|percent))(?![a-z])", re.I
)
_RANGE: Final = re.compile(r"\b(?:to|until|till|through|end\w*)\b|[-\u2013\u2014~,]", re.I)
_BETWEEN: Final = re.compile(r"\bbetween\W+(?:\w+\W+){0,3}\Z", re.I)
_WORDS: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|\d+(?:\.\d+)?|[^\w\s]")
_LETTER_IN: Final = re.compile(r"[^\W\d_]")
_TIMED: Final = re.compile(r"[:%.]|\d\s*[a-z]+\Z", re.I)
"""An instant that counts nothing: with a unit, or with a fraction."""
LONGEST_GAP: Final = 60
"""Characters between the start and the end of a span at most."""


class Value(NamedTuple):
    """A number, or several, and where they stand in the part of the answer."""

    numbers: tuple[float, ...]
    start: int
    end: int


class _Word:
    """A token for text2num."""

    def __init__(self, match: re.Match[str]) -> None:
        self.match = match

    def text(self) -> str:
        return self.match[0].lower()

    def nt_separated(self, previous: _Word) -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return False


def numbers_in(text: str) -> list[Value]:
    """All numbers in figures ("1,200.5") and in words ("twenty-five"), in order.

    Ordinals in words and "no one" are none.
    """
    found = [
        Value((float(m[0].replace(",", "").replace("\u2212", "-")),), m.start(), m.end())
        for m in _NUMBER.finditer(text)
    ]
    if _LETTER_IN.search(text):
        words = [_Word(match) for match in _WORDS.finditer(text)]
        from text_to_num import find_numbers

        for one in find_numbers(words, "en", 0):
            first, last = words[one.start].match, words[one.end - 1].match
            figures = text[first.start() : last.end()]
            before = words[one.start - 1].text() if one.start else ""
            if not one.is_ordinal and figures[:1].isalpha() and not is_negation(before):
                found.append(Value((float(one.value),), first.start(), last.end()))
    return sorted(found, key=lambda value: value.start)


def times_in(text: str, duration: float | None) -> list[Value]:
    """All instants in seconds, in order: 1:02.5, "2 minutes 5 seconds", "40 %" of the duration.

    A bare number is taken for seconds.
    """
    clocks = [
        Value((3600 * float(m[1] or 0) + 60 * float(m[2]) + float(m[3]),), m.start(), m.end())
        for m in _CLOCK.finditer(text)
    ]
    taken = [False] * (len(text) + 1)
    for clock in clocks:
        taken[clock.start : clock.end] = [True] * (clock.end - clock.start)
    found: list[tuple[Value, int]] = []
    for number in numbers_in(text):
        if taken[number.start]:
            continue
        unit = _UNIT.match(text, number.end)
        size, value = (unit.lastindex or 0) if unit else 0, number.numbers[0]
        if size == 4 and duration is not None:
            value *= duration / 100
        value *= {2: 60, 3: 3600}.get(size, 1)
        end = unit.end() if unit else number.end
        if found and found[-1][1] in (2, 3) and 1 <= size < found[-1][1]:
            last = found[-1][0]  # "2 minutes and 5 seconds" is one instant
            if len(text[last.end : number.start].strip(" ,and")) == 0:
                found[-1] = (Value((last.numbers[0] + value,), last.start, end), size)
                continue
        found.append((Value((value,), number.start, end), size))
    return sorted([*clocks, *(value for value, _ in found)], key=lambda value: value.start)


def spans_in(text: str, duration: float | None, final: bool) -> list[Value]:
    """All pairs of instants that read as a range; of a final answer else the last two instants."""
    times = times_in(text, duration)
    found = [
        Value((one.numbers[0], other.numbers[0]), one.start, other.end)
        for one, other in pairwise(times)
        if other.start - one.end <= LONGEST_GAP
        and one.numbers[0] < other.numbers[0]
        and (
            _RANGE.search(text, one.end, other.start)
            or _BETWEEN.search(text[max(0, one.start - LONGEST_GAP) : one.start])
        )
    ]
    if not found and final and len(times) > 1:
        one, other = times[-2:]
        found = [Value((one.numbers[0], other.numbers[0]), one.start, other.end)]
    return found


def _decide(
    label: SpanLabel | TimeLabel | ScoreLabel | BoxLabel,
    values: Sequence[Value],
    score: Callable[[Value], float],
    least: float,
    said: Said,
    asked: Asked,
) -> Found:
    """All close and nothing against them, none close, or some; overlaps must be more than least."""
    if not values:
        return fails("no value")
    scored = [(score(value), value) for value in values]
    strict = label.kind in ("span", "box")
    close = [one > least if strict else one >= least for one, _ in scored]
    best, value = max(scored, key=lambda one: one[0])
    place = said.place(value.start, value.end)
    if not any(close):
        return fails("other value", best, place if len({v.numbers for v in values}) == 1 else None)
    known = all_words(f"{asked.case.question} {said.text[value.start : value.end]}")
    ignored = CONTRAST.union(known) if label.kind == "score" else known
    against = "" if all(close) else "several values"
    against = against or _beside(label.kind, value, said, known)
    against = against or said.words.doubt(value.start, ignored)
    if not (against or asked.final or label.kind == "score"):  # the last number of a reasoning
        expected, allowed = [*known, *_question_words(label.kind)], 0 if label.kind == "time" else 1
        if said.words.others(expected, value.start, value.end) > allowed:
            against = "other words"
    return doubtful(against, best, place) if against else passes(best, place)


@cache
def _question_words(kind: str) -> tuple[str, ...]:
    """The words that questions for a kind are asked with."""
    asked = TEMPLATES[kind] if kind in ("span", "time") else ()
    return all_words(" ".join(asked).replace("{event}", ""))


_BEFORE: Final = re.compile(r"([^\W\d_]+)\s+\Z")
_BEHIND: Final = re.compile(r"[\s-]*([^\W\d_]{3,})")


def _beside(kind: str, value: Value, said: Said, known: Sequence[str]) -> str:
    """Why the words beside a value make it something else ("after 5 s", "5 people")."""
    behind = _BEHIND.match(said.text, value.end)
    text = said.text[max(0, value.start - LONGEST_GAP) : value.start]
    before = _BEFORE.search(text)
    beside = {match[1].lower() for match in (before, behind) if match}
    if beside & BOUND or (kind == "score" and _BETWEEN.search(text)):
        return "a bound"
    timed = {word for word in beside if _UNIT.fullmatch(word) or "second" in lemmas(word)}
    if kind == "score":
        return "other unit" if timed - {*known} else ""
    if kind == "box" or _TIMED.search(said.text, value.start, value.end):
        return ""
    counted = any(not is_function(word) for word in beside - timed - {*known})
    return "other unit" if counted else ""


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two stretches (start, end) of time."""
    both = min(one[1], other[1]) - max(one[0], other[0])
    return max(0.0, both) / max(max(one[1], other[1]) - min(one[0], other[0]), 1e-9)


def verify_span(label: SpanLabel, said: Said, asked: Asked) -> Found:
    """Which stretch of time an answer gives."""
    true = (label.start, label.end)
    values = spans_in(said.text, label.duration, asked.final)
    least = asked.params.limits.span_iou
    return _decide(label, values, lambda v: iou(v.numbers, true), least, said, asked)


def verify_time(label: TimeLabel, said: Said, asked: Asked) -> Found:
    """Which instant an answer gives."""
    width = asked.params.limits.time_tolerance * (label.duration or label.at)
    values = times_in(said.text, label.duration)
    return _decide(label, values, lambda v: _near(v.numbers[0], label.at, width), 0.5, said, asked)


def verify_score(label: ScoreLabel, said: Said, asked: Asked) -> Found:
    """Which number an answer gives, as this score if it names it."""
    width = asked.params.limits.score_tolerance * abs(label.value)
    values = scores_in(label, said, asked.case, asked.final)
    return _decide(
        label, values, lambda v: _near(v.numbers[0], label.value, width), 0.5, said, asked
    )


def _near(value: float, true: float, width: float) -> float:
    """1 where equal, 0.5 at the tolerance, and less beyond it."""
    off = abs(value - true)
    return 1.0 if off <= 1e-9 else max(0.0, 1 - off / (2 * width) + 1e-9) if width else 0.0


def scores_in(label: ScoreLabel, said: Said, case: Case, final: bool) -> list[Value]:
    """The numbers that a part of an answer gives as a score, in order.

    Of "8 out of 10" and "8/10" the first, brought to the label's scale where the scale is known.
    Where the answer names the score, the number that follows the name ("a difficulty of 3.2"); one
    that follows the name of another score of the sample is none of this one. A text that reasons
    gives the last of its numbers that the question does not have.
    """
    values, text, skip = [], said.text, -1
    for number in numbers_in(text):
        if number.start < skip:
            continue
        value = number.numbers[0]
        whole = _OUT_OF.match(text, number.end)
        if whole:
            skip = whole.end()
            if label.high is not None and float(whole[1]) > 0:
                value *= label.high / float(whole[1])
        values.append(Value((value,), number.start, number.end))
    scores = [other for other in case.labels if isinstance(other, ScoreLabel)]
    named = {other.name: _named(other.name, said.words, values) for other in scores}
    mine = named.pop(label.name, [])
    if mine or named:
        others = [value for own in named.values() for value in own]
        return mine or [value for value in values if final and value not in others]
    if final or label.low is not None or label.high is not None:
        return values
    known = {value.numbers for value in numbers_in(case.question)}
    new = [value for value in values if value.numbers not in known]
    figures = [value for value in new if text[value.start : value.end].lower() != "one"]
    return (figures or new or values)[-1:]


_OR: Final = re.compile(r"\s*(?:to|and|or|[-\u2013\u2014])\s*", re.I)


def _named(name: str, words: Words, values: Sequence[Value]) -> list[Value]:
    """The first number behind each mention of a score's name in its sentence, and "or" the next."""
    mentions = words.at(lemmas(content(name)[-1])) if content(name) else []
    starts = [value.start for value in values]
    named: list[Value] = []
    for number in mentions:
        at = bisect_right(starts, words.tokens[number].start)
        sentence = words.sentence_of(number)
        own = [value for value in values[at : at + 2] if words.sentence_at(value.start) == sentence]
        if len(own) == 2 and not _OR.fullmatch(words.text, own[0].end, own[1].start):
            own.pop()
        named += own
    return named


_GROUP: Final = re.compile(r"[\[(]([^\[\]()]{3,120})[\])]")


def verify_box(label: BoxLabel, said: Said, asked: Asked) -> Found:
    """Which box an answer gives: corners x1 y1 x2 y2 as fractions of width and height."""
    boxes = [
        Value(tuple(v.numbers[0] for v in inside), m.start(), m.end())
        for m in _GROUP.finditer(said.text)
        if len(inside := numbers_in(m[1])) == 4
    ]
    if not boxes and len(inside := numbers_in(said.text)) == 4:
        boxes = [Value(tuple(v.numbers[0] for v in inside), inside[0].start, inside[-1].end)]
    outside = [box for box in boxes if max(box.numbers) > 1 or min(box.numbers) < 0]
    if outside:
        return doubtful("no fractions", 0.0, said.place(outside[0].start, outside[0].end))
    least = asked.params.limits.box_iou
    return _decide(label, boxes, lambda v: box_iou(v.numbers, label.xyxy), least, said, asked)


def box_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes x1 y1 x2 y2; 0 where one has no area."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if min(wide, high) <= 0 or one[2] <= one[0] or one[3] <= one[1]:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (areas - wide * high)


_POLAR: Final = ("yes", "no")
_SAME: Final = {"same": True, "identical": True, "different": False, "distinct": False}


def verify_same(label: SameLabel, said: Said, asked: Asked) -> Found:
    """Whether an answer says that two things are the same, or yes or no to that question."""
    words, question = said.words, all_words(asked.case.question)
    asks = {_SAME[word] for word in question if word in _SAME}
    spoken = [token for token in words.tokens if token.word in _POLAR]
    opening = [one for one in words.tokens[:1] if one in spoken and len(asks) == 1]
    read = [((token.word == "yes") in asks, token) for token in opening]
    marks: dict[int, set[str]] = {}  # of each sentence
    for token in words.tokens:
        if token.word in _SAME:
            sentence = words.sentence_at(token.start)
            reasons = marks.get(sentence)
            if reasons is None:
                own = words.marks.get(sentence, ())
                reasons = {w for m, w in own if m != "no" and (w == "negated" or m not in question)}
                marks[sentence] = reasons
            if reasons - {"negated"}:
                return doubtful(min(reasons), 0.0, said.place(token.start, token.end))
            read.append((_SAME[token.word] != bool(reasons), token))
    if not read:
        return fails("no value")
    place = said.place(read[0][1].start, read[-1][1].end)
    if len({same for same, _ in read}) > 1 or len({token.word for token in spoken}) > 1:
        return doubtful("several values", 0.0, place)
    known = [*question, *_SAME, *_POLAR, *filter(is_negation, words.by_word)]
    if not asked.final and words.others(known):
        return doubtful("other words", 0.0, place)
    return passes(1.0, place) if read[0][0] == label.same else fails("other value", 0.0, place)


_LETTER: Final = re.compile(
    r"\W*(?:(?:option|choice|answer|caption|sentence|description|statement)\s*)?"
    r"[(\[]?([A-Za-z]|\d{1,2})(?:[)\].:,]|\s*(?:\n|$|\()"
    r"|\s+(?:because|is\s+(?:the\s+)?(?:correct|right|best))\b|\s+-)",
    re.I,
)
_LETTERED: Final = re.compile(r"\(([A-Z])\)|\b(?:[Oo]ption|[Cc]hoice)\s+\(?([A-Z])\b")
_CAPITAL: Final = re.compile(r"(?:[,;:.]\s+|\n|\()([A-Z])(?=[).,:;]|\s*\Z)")


@lru_cache(maxsize=1 << 10)
def _marks(question: str, options: tuple[str, ...]) -> tuple[str, ...]:
    """How a question marks its options ("1" of "Option 1: ..."), in order; letters where not so."""
    marks = []
    for number, option in enumerate(options):
        line = re.search(rf"(\w+)[).:]\s*{re.escape(option.strip())}\s*?(?:\n|\Z)", question)
        marks.append(line[1].upper() if line and len(line[1]) < 3 else ascii_uppercase[number])
    return tuple(marks)


def verify_choice(label: ChoiceLabel, said: Said, asked: Asked) -> Found:
    """Which option an answer chooses: by its mark, by its text, or by saying yes or no."""
    option, place, reason = choose(label.options, said, asked.case.question, asked.final)
    if option is None:
        return fails(reason) if reason == "no value" else doubtful(reason, 0.0, place)
    if option == label.answer:
        return passes(1.0, place)
    return fails("other option", 0.0, place)


def choose(
    options: tuple[str, ...], said: Said, question: str, final: bool
) -> tuple[int | None, tuple[int, int] | None, str]:
    """The option that an answer chooses with its place; or None and why there is none."""
    marks = _marks(question, options)
    key = key_of(said.text)
    equal = [n for n, option in enumerate(options) if key and key_of(option) == key]
    if len(equal) == 1 and key.upper() not in marks:
        return equal[0], said.place(0, len(said.text)), "match"
    mark = _LETTER.match(said.text)
    if mark and mark[1].upper() not in marks and mark[1].isupper() and mark[0][-1] in ").:":
        return None, said.place(mark.start(1), mark.end(1)), "no such option"
    if mark and mark[1].upper() in marks:
        chosen, rest = marks.index(mark[1].upper()), Words(said.text[mark.end(1) :])
        texts = {n for n, option in enumerate(options) if len(option) > 1 and _runs(option, rest)}
        letters = {m[1] for m in _CAPITAL.finditer(rest.text)} & {*marks} - {mark[1]}
        if letters or (texts and chosen not in texts):
            return None, None, "several options"
        return chosen, said.place(mark.start(1), mark.end(1)), "match"
    named = {m[1] or m[2]: m for m in _LETTERED.finditer(said.text) if (m[1] or m[2]) in marks}
    if len(named) == 1:
        ((letter, found),) = named.items()
        chosen, place = marks.index(letter), said.place(found.start(), found.end())
        known = _known(question, options[chosen])
        against = said.words.doubt(found.start(), known)
        return (None, place, against) if against else (chosen, place, "match")
    polar = [key_of(option) for option in options]
    if sorted(polar) == sorted(_POLAR):
        return _say_yes_or_no(polar, said, question, final)
    return _by_text(options, said, question, final)


def _known(question: str, option: str) -> tuple[str, ...]:
    """Words that speak against no choice; "would" is polite ("the best option would be (B)")."""
    return ("would", *all_words(f"{question} {option}"))


def _by_text(
    options: Sequence[str], said: Said, question: str, final: bool
) -> tuple[int | None, tuple[int, int] | None, str]:
    """The one option whose words a text gives.

    Options within others that it gives as well do not count.
    """
    words, runs = said.words, {}
    for number, option in enumerate(options):
        if (len(option) > 1 or option.isdigit()) and (found := _runs(option, words)):
            runs[number] = found[0]
    keys = {number: f" {key_of(options[number])} " for number in runs}
    wide = [n for n in runs if not any(keys[n] in keys[o] and keys[n] != keys[o] for o in runs)]
    if len(wide) != 1:
        return None, None, "several options" if wide else "no value"
    first, last = runs[wide[0]]
    known = _known(question, options[wide[0]])
    against = words.doubt(words.tokens[first].start, known)
    place = said.place(*words.place((first, last)))
    return (None, place, against) if against else (wide[0], place, "match")


def _runs(option: str, words: Words) -> list[tuple[int, int]]:
    """First and last token of each place where an option's words stand together, by lemma."""
    wanted = [lemmas(word) for word in all_words(option)]
    if not wanted:
        return []
    starts = words.at(wanted[0])
    n, tokens = len(wanted), words.tokens
    return [
        (start, start + n - 1)
        for start in starts
        if start + n <= len(tokens)
        and all(not own.isdisjoint(lemmas(tokens[start + i].word)) for i, own in enumerate(wanted))
    ]


def _say_yes_or_no(
    options: Sequence[str], said: Said, question: str, final: bool
) -> tuple[int | None, tuple[int, int] | None, str]:
    """A yes or no at the beginning; else whether a sentence affirms or denies the question."""
    words = said.words
    spoken = [token for token in words.tokens if token.word in _POLAR]
    if spoken and (spoken[0] is words.tokens[0] or (final and len({t.word for t in spoken}) == 1)):
        token, opens = spoken[0], spoken[0] is words.tokens[0]
        place = said.place(token.start, token.end)
        against = "" if opens else words.doubt(token.start, _POLAR)
        return (None, place, against) if against else (options.index(token.word), place, "match")
    asked = question.rpartition("?")[0] or question
    wanted = [lemmas(word) for word in dict.fromkeys(content(asked))]
    first = [n for n in range(len(words.tokens)) if words.sentence_of(n) == words.sentence_at(0)]
    there = {lemma for n in first for lemma in lemmas(words.tokens[n].word)}
    found = sum(not own.isdisjoint(there) for own in wanted)
    if not found or found < 0.6 * len(wanted):
        return None, None, "no value"
    place, marks = said.place(*words.place(first)), words.marks.get(words.sentence_at(0), ())
    open_ = [why for word, why in marks if why != "negated" and word not in all_words(question)]
    if open_:
        return None, place, open_[0]
    denied = any(why == "negated" for _, why in marks)
    return options.index("no" if denied else "yes"), place, "match"


RULES: dict[str, Any] = {
    "span": verify_span,
    "time": verify_time,
    "score": verify_score,
    "box": verify_box,
    "same": verify_same,
    "choice": verify_choice,
}
