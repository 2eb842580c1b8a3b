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
from video_star.verifiers.mentions import Asserted, asserted, original_place
from video_star.verifiers.numbers import tokens_of
from video_star.verifiers.quantities import Quantity, is_alone, is_count, quantities_of
from video_star.verifiers.ranges import (
    ENDS,
    Clip,
    Range,
    Unresolved,
    is_of_clip,
    pairs_of,
    roles_of,
)
from video_star.verifiers.standing import Mention, T
from video_star.verifiers.stretches import stretches_of
from video_star.verifiers.text import fold, words_of
from video_star.verifiers.tokens import Token, skip_approximate, word_at
from video_star.verifiers.wording import word_set

SPAN, TIME = ("span-iou", 1), ("time-difference", 1)
ROUNDING = 1e-9
"""Slack of comparisons with a threshold that floats cannot hold exactly."""
MORE, LESS = 2, 1
"""Ranks of instants."""
LEAST_SCALE = 1.0
"""Seconds; the least scale of an instant whose clip has no known duration."""
_LEADS = word_set("at around about near after is was time timestamp second = : @ approximately t")
"""Before a bare number these make it an instant."""
_BOUNDS = word_set(
    "least most before until till within under than over to through every from since by"
)
"""Before a quantity these make it the bound of something, not an instant."""


def temporal_iou(one: Range, other: Range) -> float:
    """Intersection over union of two stretches, 0..1."""
    inner = min(one[1], other[1]) - max(one[0], other[0])
    outer = max(one[1], other[1]) - min(one[0], other[0])
    return max(0.0, inner) / outer if 0 < outer < float("inf") else 0.0


def verify_span(label: SpanLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """Judge the range that an answer asserts."""
    folded, question = fold(case.text)[0], fold(case.question)[0]
    tokens = tokens_of(folded)
    clip = Clip.of(label.duration, question, tokens)
    said = asserted(stretches_of(tokens, quantities_of(tokens), clip), folded, question)
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
    folded, question = fold(case.text)[0], fold(case.question)[0]
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
        found.append(_instant(values, one.start, other.end, MORE))
    unwanted = "start" if wants_end else "end"
    for q, role in zip(quantities, roles_of(tokens, quantities), strict=True):
        if q.first not in used and _is_instant(tokens, q):
            rank = LESS if role == unwanted else MORE
            found.append(_instant(clip.seconds(q), q.start, q.end, rank))
    return found


def _instant(
    values: tuple[float, ...] | None, start: int, end: int, rank: int
) -> Mention[Instants]:
    return Mention(Unresolved() if values is None else values, ((start, end),), rank)


def _asks_for_end(question: str) -> bool:
    return not ENDS.isdisjoint(words_of(question))


def _is_instant(tokens: Sequence[Token], q: Quantity) -> bool:
    if q.length or q.unit == "other" or q.value < 0 or is_of_clip(tokens, q):
        return False
    lead = word_at(tokens, skip_approximate(tokens, q.first - 1, -1))
    if lead in _BOUNDS or lead in ("first", "last"):
        return False
    if q.unit != "none":
        return True
    nearest = word_at(tokens, q.first - 1)
    alone = is_alone(tokens, q.first, q.last)
    return (alone or lead in _LEADS or nearest in _LEADS) and not is_count(tokens, q)
