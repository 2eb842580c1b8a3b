"""Numbers, times, spans, scores, boxes, sameness and choices: which value an answer gives.

Rules of one shape: read every value that a part of an answer could mean, then compare. If all of
them are close to the label the answer passes, if none is it fails, otherwise it is doubtful.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from string import ascii_uppercase
from typing import Any, Final, NamedTuple

from video_star.labels import (
    BoxLabel,
    ChoiceLabel,
    SameLabel,
    ScoreLabel,
    SpanLabel,
    TimeLabel,
)
from video_star.verification.base import Asked, Case, Found, doubtful, fails, passes
from video_star.verification.final_answer import Said
from video_star.verification.words import (
    BOUND,
    CONTRAST,
    HEDGING,
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
_JOINED: Final = re.compile(r"\s*(?:to|and|or|[-\u2013\u2014])\s*", re.I)
_TIMED: Final = re.compile(
    r"[:%]|(?<![a-z])(?:s|secs?|seconds?|m|mins?|minutes?|h|hours?|percent)\Z", re.I
)
"""An instant with a unit."""
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
    if all(close):
        against = _against(label.kind, value, said.words, asked)
        return doubtful(against, best, place) if against else passes(best, place)
    if any(close):
        return doubtful("several values", best, place)
    return fails("other value", best, place if len({v.numbers for v in values}) == 1 else None)


def _against(kind: str, value: Value, words: Words, asked: Asked) -> str:
    """What speaks against a value: a denial, a hedge, or a word that makes it something else.

    A score is the last number of a reasoning, so what is told around it does not matter.
    """
    before, behind = words.beside(value.start, value.end)
    if {before, behind} & BOUND:
        return "a bound"
    text, question = words.text[value.start : value.end], all_words(asked.case.question)
    if kind == "score" and len(behind) > 2 and _UNIT.fullmatch(behind) and behind not in question:
        return "other unit"
    if kind == "time" or (kind == "span" and "." not in text):
        named = (word for word in (before, behind) if word and not is_function(word))
        if not _TIMED.search(text) and any("second" not in lemmas(word) for word in named):
            return "other unit"
    known = f"{asked.case.question} {text}"
    if not (asked.final or kind == "score" or words.is_alone(value.start, value.end, known)):
        return "other words"
    ignored = CONTRAST.union(question) if kind == "score" else question
    sentence, last = words.sentence_at(value.start), words.token_at(value.end)
    return words.against(sentence, last, not asked.final, ignored)


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
    that follows the name of another score of the sample is none of this one. A
    text that reasons gives the last of its numbers that the question does not have; "one" counts
    where there is no other.
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
    others = [o.name for o in case.labels if isinstance(o, ScoreLabel) and o.name != label.name]
    taken = {value for other in others for value in _named(other, said, values)}
    values = [value for value in values if value not in taken]
    named = _with_ranges(list(_named(label.name, said, values)), values, text)
    if named or final:
        return named or values
    if others:
        return []
    known = {value.numbers for value in numbers_in(case.question)}
    new = [value for value in values if value.numbers not in known] or values
    if label.low is not None or label.high is not None:
        return values
    last = [
        value
        for value in new
        if not text[value.start : value.end].isalpha() or value.numbers != (1.0,)
    ][-1:] or new[-1:]
    return _with_ranges(last, values, text)


def _with_ranges(named: list[Value], values: list[Value], text: str) -> list[Value]:
    """Named values with the other end where one is an end of a range ("between 60 and 70")."""
    ends = [
        two[1 - own]
        for two in pairwise(values)
        for own in (0, 1)
        if two[own] in named and _JOINED.fullmatch(text, two[0].end, two[1].start)
    ]
    return named + ends


def _named(name: str, said: Said, values: Sequence[Value]) -> Iterator[Value]:
    """The first number behind each mention of a score's name, within its sentence."""
    wanted, words = content(name), said.words
    if not wanted or not values:
        return
    for number in words.at(lemmas(wanted[-1])):
        sentence = words.sentence_numbers[number]
        behind = next((v for v in values if v.start >= words.tokens[number].end), None)
        if behind is not None and words.sentence_at(behind.start) == sentence:
            yield behind


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
    """Whether an answer says that two things are the same."""
    words, read = said.words, []
    asks = {lemma for word in content(asked.case.question) for lemma in lemmas(word)}
    for number, token in enumerate(words.tokens):
        polarity = next((_SAME[lemma] for lemma in lemmas(token.word) if lemma in _SAME), None)
        if polarity is None:
            continue
        place = said.place(token.start, token.end)
        against = _denied(number, words, asked)
        if against not in ("", "negated"):
            return doubtful(against, 0.0, place)
        behind = words.beside(token.start, token.end)[1]
        if polarity and not (asked.final or is_function(behind or "a") or lemmas(behind) & asks):
            return doubtful("same in part", 0.0, place)
        if not (asked.final or words.is_alone(token.start, token.end, asked.case.question)):
            return doubtful("other words", 0.0, place)
        read.append((polarity != bool(against), token))
    opening = words.tokens[0] if words.tokens else None
    polar = {token.word for token in words.tokens} & set(_POLAR)
    if opening is not None and opening.word == "no":
        behind = words.beside(opening.start, opening.end)[1]
        polar -= set() if is_function(behind or "a") else {"no"}  # "no difference"
    if opening is not None and polar == {opening.word} and len(asks & set(_SAME)) == 1:
        wanted = _SAME[(asks & set(_SAME)).pop()]
        read.append(((opening.word == "yes") == wanted, opening))
    if not read:
        return fails("no value")
    token = read[0][1]
    place = said.place(token.start, token.end)
    if len({polarity for polarity, _ in read}) > 1 or len(polar) > 1:
        return doubtful("several values", 0.0, place)
    return passes(1.0, place) if read[0][0] == label.same else fails("other value", 0.0, place)


def _denied(number: int, words: Words, asked: Asked) -> str:
    """ "negated" of "not the same", another reason where a sentence speaks against it otherwise."""
    near = range(max(0, number - 3), number)
    denied = [n for n in near if is_negation(words.tokens[n].word) and words.tokens[n].word != "no"]
    for mark, reason in words.marks.get(words.sentence_numbers[number], ()):
        if reason == "negated" and mark not in denied and mark:  # a first "no" answers
            return "negated elsewhere"
        if reason in ("asked", "hedged"):
            return reason
    return "negated" if denied else ""


_LETTER: Final = re.compile(
    r"\W*(?:(?:option|choice|answer|caption|sentence|description|statement)\s*)?"
    r"[(\[]?([A-Za-z]|\d{1,2})(?:[)\].:,]|\s*$"
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
    named = {m[1] or m[2]: m for m in _LETTERED.finditer(said.text)}
    named = {letter: m for letter, m in named.items() if letter in marks}
    if len(named) == 1:
        ((letter, found),) = named.items()
        chosen, place = marks.index(letter), said.place(found.start(), found.end())
        if not final and _is_denied(said.words, found.start(), f"{question} {options[chosen]}"):
            return None, place, "negated"
        return chosen, place, "match"
    polar = [key_of(option) for option in options]
    if sorted(polar) == sorted(_POLAR):
        return _say_yes_or_no(polar, said, question, final)
    return _by_text(options, said, question, final)


def _is_denied(words: Words, place: int, known: str) -> bool:
    """Whether a sentence denies by more than the words of a known text."""
    marks = words.marks.get(words.sentence_at(place), ())
    denials = {words.tokens[number].word for number, reason in marks if reason == "negated"}
    return not denials <= {*all_words(known)}


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
    place = said.place(*words.place((first, last)))
    if not final and words.beside(words.tokens[first].start, words.tokens[last].end)[0] in BOUND:
        return None, place, "a bound"
    ignored = {"would", *all_words(question), *all_words(options[wide[0]])}
    sentence = words.sentence_numbers[last]
    against = words.against(sentence, last, not final, ignored, beside=False)
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
    if not words.tokens:
        return None, None, "no value"
    spoken = [token for token in words.tokens if token.word in _POLAR]
    opening = words.tokens[0]
    if opening.word in _POLAR:
        return options.index(opening.word), said.place(opening.start, opening.end), "match"
    if len({token.word for token in spoken}) == 1 and final:
        return options.index(spoken[0].word), said.place(spoken[0].start, spoken[0].end), "match"
    asked = question[: question.rfind("?")] if "?" in question else question
    wanted = [lemmas(word) for word in dict.fromkeys(content(asked))]
    first = [
        n
        for n, sentence in enumerate(words.sentence_numbers)
        if sentence == words.sentence_numbers[0]
    ]
    said_there = set().union(*(lemmas(words.tokens[n].word) for n in first))
    if not wanted or sum(bool(own & said_there) for own in wanted) < 0.6 * len(wanted):
        return None, None, "no value"
    sentence = words.sentence_numbers[0]
    place = said.place(*words.place(first))
    hedges = {words.tokens[n].word for n in first} & HEDGING
    if hedges - {word for word in all_words(question)}:
        return None, place, "hedged"
    return options.index("no" if sentence in words.negated else "yes"), place, "match"


RULES: dict[str, Any] = {
    "span": verify_span,
    "time": verify_time,
    "score": verify_score,
    "box": verify_box,
    "same": verify_same,
    "choice": verify_choice,
}
