"""Verifiers of `span` and `time` labels: stretches and instants of a clip, in seconds.

`span`: the score is the temporal IoU, which must be greater than `span_iou`. Where the answer
leaves open which of several ranges it is, each of them must pass.

`time`: the score is 1 - |difference| / scale (at least 0) and the threshold 1 - `time_tolerance`.
The scale is the clip's duration; without one it is the instant itself, but at least a second, so
that an instant near 0 can be hit at all. Of a range given for an instant both ends must pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from video_star.domain import LabelVerdict
from video_star.labels import SpanLabel, TimeLabel
from video_star.params import VerifyParams
from video_star.verifiers.base import Case, Known, verdict
from video_star.verifiers.instants import is_instant, named_moments
from video_star.verifiers.mentions import Asserted, asserted, original_place
from video_star.verifiers.numbers import tokens_of
from video_star.verifiers.quantities import is_count, quantities_of
from video_star.verifiers.ranges import (
    Clip,
    Range,
    Unresolved,
    pairs_of,
)
from video_star.verifiers.roles import ENDS, GOING, roles_of
from video_star.verifiers.standing import Mention, T
from video_star.verifiers.stretches import stretches_of
from video_star.verifiers.text import fold, words_of
from video_star.verifiers.tokens import Token, plain

SPAN, TIME = ("span-iou", 3), ("time-difference", 3)
ROUNDING = 1e-9
"""Slack of comparisons with a threshold that floats cannot hold exactly."""
MORE, NAMED, LESS = 3, 2, 1
"""Ranks of instants: told in numbers, named in words, told for the other end of an event."""
LEAST_SCALE = 1.0
"""Seconds; the least scale of an instant whose clip has no known duration."""


def temporal_iou(one: Range, other: Range) -> float:
    """Intersection over union of two stretches, 0..1."""
    inner = min(one[1], other[1]) - max(one[0], other[0])
    outer = max(one[1], other[1]) - min(one[0], other[0])
    return max(0.0, inner) / outer if 0 < outer < float("inf") else 0.0


def verify_span(label: SpanLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """Judge the range that an answer asserts."""
    folded, question = fold(plain(case.text))[0], fold(case.question)[0]
    tokens = tokens_of(folded)
    clip = Clip.of(label.duration, question, tokens)
    found = stretches_of(tokens, quantities_of(tokens), clip)
    said = asserted(found, folded, question, stretches=True)
    limit = params.limits.span_iou
    if not said.mentions:
        return verdict(label, case, SPAN, 0.0, limit, None, said.reason or "no range")
    place = _place(said, case.text)
    stretches = [m.value for m in said.mentions if not isinstance(m.value, Unresolved)]
    if len(stretches) < len(said.mentions):
        return verdict(label, case, SPAN, 0.0, limit, place, "no duration")
    scores = [temporal_iou((label.start, label.end), stretch) for stretch in stretches]
    reason = _reason([score > limit for score in scores])
    return verdict(label, case, SPAN, min(scores), limit, place, reason)


def _reason(passes: Sequence[bool]) -> str:
    if all(passes):
        return "match"
    return "several answers" if any(passes) else "no match"


def _place(said: Asserted[T], text: str) -> tuple[int, int]:
    last = said.mentions[-1].place
    return original_place((said.mentions[0].place[0], last[1]), text)


Instants = tuple[float, ...] | Unresolved
"""The instant, or both ends of a range that is given for it."""


def verify_time(label: TimeLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """Judge the instant that an answer asserts."""
    folded, question = fold(plain(case.text))[0], fold(case.question)[0]
    tokens = tokens_of(folded)
    clip = Clip.of(label.duration, question, tokens)
    said = asserted(_instants(tokens, clip, _asks_for_end(question)), folded, question)
    tolerance = params.limits.time_tolerance
    limit = 1 - tolerance
    if not said.mentions:
        return verdict(label, case, TIME, 0.0, limit, None, said.reason or "no time")
    place = _place(said, case.text)
    scale = label.duration or max(label.at, LEAST_SCALE)
    errors: list[float] = []
    for mention in said.mentions:
        if isinstance(mention.value, Unresolved):
            return verdict(label, case, TIME, 0.0, limit, place, "no duration")
        errors += [abs(at - label.at) / scale for at in mention.value]
    reason = _reason([error <= tolerance + ROUNDING for error in errors])
    return verdict(label, case, TIME, max(0.0, 1 - max(errors)), limit, place, reason)


def _instants(tokens: Sequence[Token], clip: Clip, wants_end: bool) -> list[Mention[Instants]]:
    """Instants; of a start and an end the one that is not asked for has the lower rank."""
    quantities = quantities_of(tokens)
    found: list[Mention[Instants]] = []
    used: set[int] = set()
    for one, other in pairs_of(tokens, quantities):
        if other.length or (other.unit == "none" and is_count(tokens, other)):
            continue
        values = clip.seconds(one, other)
        used |= {one.first, other.first}
        if values is None or values[0] <= values[1]:  # "21 to 18" is no time
            found.append(_instant(values, one.start, other.end, MORE))
    unwanted = "start" if wants_end else "end"
    for q, role in zip(quantities, roles_of(tokens, quantities), strict=True):
        if q.first not in used and is_instant(tokens, q):
            rank = LESS if role == unwanted else MORE
            found.append(_instant(clip.seconds(q), q.start, q.end, rank))
    for value, first, last in named_moments(tokens):
        at = None if value and clip.duration is None else (value * (clip.duration or 0.0),)
        found.append(_instant(at, tokens[first].start, tokens[last].end, NAMED))
    return found


def _instant(
    values: tuple[float, ...] | None, start: int, end: int, rank: int
) -> Mention[Instants]:
    return Mention(Unresolved() if values is None else values, ((start, end),), rank)


def _asks_for_end(question: str) -> bool:
    return not (ENDS | GOING).isdisjoint(words_of(question))
