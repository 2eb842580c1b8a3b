"""Verifier of `score` labels: the number that an answer gives as this score, and no other.

The score is 1 - |difference| / scale (at least 0) and the threshold 1 - `score_tolerance`. The
scale is the label's value; for values near 0 at least a hundredth of the scale's width (high - low)
where that is known, else 1 for a value of exactly 0, so that the tolerance is in points then. Of a
range ("60 to 70") both ends must pass. A number is given as the score when

- the label's name (for "score" also points, rating, mark, total) stands before it with nothing but
  linking words between, or right after it;
- a verb of scoring stands before it ("receives 65.6", "rate this dive 92");
- it is out of something, or the answer is that number alone.

Counts ("3.5 somersaults"), times, bounds ("at least 60"), scores of something else ("execution
score", "judge 1", "the difficulty" when the score is asked) never count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from video_star.domain import LabelVerdict
from video_star.labels import ScoreLabel, SequenceLabel
from video_star.params import VerifyParams
from video_star.verifiers.base import Case, Known, verdict
from video_star.verifiers.inflection import stem
from video_star.verifiers.mentions import Asserted, asserted, original_place
from video_star.verifiers.numbers import tokens_of
from video_star.verifiers.quantities import Quantity, is_alone, is_count, quantities_of
from video_star.verifiers.ranges import pairs_of
from video_star.verifiers.score_phrases import is_called, is_suited, rated_at
from video_star.verifiers.score_words import (
    MEASURES,
    NOT_GIVEN,
    SCORE_NAMES,
    is_bounded,
    is_name,
    is_named_after,
    is_of_another,
    is_operand,
    is_scale,
    owner_of,
    subject_of,
)
from video_star.verifiers.standing import Mention
from video_star.verifiers.text import STOP_WORDS, fold, words_of
from video_star.verifiers.tokens import SILENT, Token, plain, skip_silent, word_at

SCORE = ("score-difference", 2)
ROUNDING = 1e-9
HUNDREDTH = 0.01
"""Least scale of a value, as a share of the width of the scale it stands on."""
_MOST_OPENING = 4
"""Tokens, such as "an" and marks, that may stand before a number that opens an answer."""
_LONGEST_KEY = 4
"""Tokens that a key of the next line may have: "final score:"."""
_NO_DETERMINER = r"(?<!\bthe )(?<!\ban )(?<!\ba )(?<!\bhis )(?<!\bher )(?<!\bits )(?<!\bfor )"
_AFTER_A_LEAD = frozenset({",", "(", ".", "-", "\u2013", "\u2014", ";", "because", "since"})
GIVEN, BOUND, ONLY = 3, 2, 1
"""Ranks: named as the score, given by a verb or out of something, the only number."""


def verify_score(label: ScoreLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """Judge the number that an answer gives as this score."""
    tolerance = params.limits.score_tolerance
    limit = 1 - tolerance
    said = scores_said(label, _without_steps(case))
    if not said.mentions:
        return verdict(label, case, SCORE, 0.0, limit, None, said.reason or "no number")
    place = said.mentions[0].place[0], said.mentions[-1].place[1]
    scale = _scale(label)
    errors = [abs(v - label.value) / scale for m in said.mentions for v in m.value]
    passes = [error <= tolerance + ROUNDING for error in errors]
    reason = "match" if all(passes) else "several answers" if any(passes) else "no match"
    score = max(0.0, 1 - max(errors))
    return verdict(label, case, SCORE, score, limit, original_place(place, case.text), reason)


def _without_steps(case: Case) -> str:
    """The answer without the names of the sample's own steps, which may be words of scoring too.

    In "2.5 Soms.Pike, Entry. Score: 65.6" the entry qualifies nothing; in "the entry score" it
    does. Each name becomes a mark and spaces, so that all places stay.
    """
    steps = {
        name for label in case.labels if isinstance(label, SequenceLabel) for name in label.names
    }
    text = case.text
    for name in sorted(steps, key=lambda name: (-len(name), name)):
        pattern = rf"(?i){_NO_DETERMINER}(?<!\w){re.escape(name)}(?!\w)"
        text = re.sub(pattern, lambda found: ";" + " " * (len(found[0]) - 1), text)
    return text


def scores_said(label: ScoreLabel, text: str) -> Asserted[tuple[float, ...]]:
    """What a text gives as this score: one number or the ends of a range, several where it is
    left open which."""
    folded = fold(plain(text))[0]
    return asserted(list(_mentions(tokens_of(folded), label)), folded, "")


def _scale(label: ScoreLabel) -> float:
    if label.low is not None and label.high is not None and label.high > label.low:
        return max(abs(label.value), HUNDREDTH * (label.high - label.low))
    return abs(label.value) or 1.0


def _mentions(tokens: Sequence[Token], label: ScoreLabel) -> Iterator[Mention[tuple[float, ...]]]:
    quantities = quantities_of(tokens)
    names = frozenset(stem(word) for word in _names(label))
    used: set[int] = set()
    for one, other in pairs_of(tokens, quantities):
        used.add(other.first)
        values = _value(one, label), _value(other, label)
        if is_scale(tokens, one, other):
            used.add(one.first)
            continue
        rank = _rank(tokens, one, other, names, label)
        if rank and values[0] is not None and values[1] is not None:
            used.add(one.first)
            yield Mention((values[0], values[1]), ((one.start, other.end),), rank)
    for q in quantities:
        value = _value(q, label)
        rank = 0 if q.first in used or value is None else _rank(tokens, q, q, names, label)
        if rank and value is not None:
            yield Mention((value,), ((q.start, q.end),), rank)


def _names(label: ScoreLabel) -> frozenset[str]:
    words = frozenset(words_of(label.name))
    own = frozenset(word for word in words if word not in STOP_WORDS) or words
    generic = own & (SCORE_NAMES | {"overall", "final"})
    return own | SCORE_NAMES if generic else own | ({"dd"} if "difficulty" in own else set())


def _value(q: Quantity, label: ScoreLabel) -> float | None:
    """The number as a score; percent only on scales where a hundred percent are 100 or 1."""
    if q.unit == "percent" and not label.low and label.high in (1, 100):
        return q.value * label.high / 100
    if q.unit != "none":
        return None
    if q.out_of is None or label.high is None:
        return q.value
    # The same number out of another whole is another score; 114.8 and 100 are close enough.
    return q.value if 0.5 * label.high <= q.out_of <= 2 * label.high else None


def _rank(
    tokens: Sequence[Token], q: Quantity, last: Quantity, names: frozenset[str], label: ScoreLabel
) -> int:
    if is_bounded(tokens, q) or is_operand(tokens, last):
        return 0
    after = skip_silent(tokens, last.last + 1)
    named_after = is_named_after(tokens, after, names)
    counts = is_count(tokens, last) and not is_suited(tokens, last, names)
    counts = counts and word_at(tokens, after) not in ("star", "stars")
    counts = counts and not _is_key(tokens, after) and not _is_pair(tokens, after)
    if counts and not named_after and not is_name(word_at(tokens, after), names):
        return 0
    owner, at = owner_of(tokens, q, names)
    # In "1.9 difficulty and 50 points" the difficulty has its number.
    if owner == "other" and not (named_after and word_at(tokens, at + 1) in ("and", ",")):
        return 0
    if owner == "own":
        return 0 if is_of_another(tokens, at, names) else GIVEN
    if named_after:
        lead = {t.text for t in tokens[max(0, q.first - 4) : q.first]}
        another = owner != "other" and is_of_another(tokens, q.first, names)
        taken = another or not lead.isdisjoint(NOT_GIVEN)
        # A total beside the score is told like this: "scores 84 and has 320 points".
        return 0 if taken else GIVEN if owner == "verb" else BOUND
    if not owner and (subject := subject_of(tokens, q, names)) is not None:
        return 0 if is_of_another(tokens, subject, names) else GIVEN
    is_score = stem("score") in names
    if owner == "verb" and is_score:
        if is_of_another(tokens, at, names):
            return 0
        # What several judges give may be each one's mark.
        return BOUND if "judges" in (word_at(tokens, at - 1), word_at(tokens, at - 2)) else GIVEN
    if last.out_of is not None and is_score and not is_of_another(tokens, q.first, names):
        return BOUND
    rated = rated_at(tokens, q) if is_score else None
    if rated is not None:
        return 0 if is_of_another(tokens, rated, names) else GIVEN
    if is_score and is_called(tokens, q) and not is_of_another(tokens, q.first, names):
        return ONLY
    leads = is_score and (_leads(tokens, q, last) or _closes(tokens, q, last))
    return ONLY if leads or is_alone(tokens, q.first, last.last) else 0


def _is_pair(tokens: Sequence[Token], i: int) -> bool:
    """Whether a measure with a number of its own begins at token i: "2.8 score 67"."""
    following = tokens[i + 1 : i + 2]
    return word_at(tokens, i) in MEASURES and bool(following) and following[0].kind == "number"


def _is_key(tokens: Sequence[Token], i: int) -> bool:
    """Whether the words from token i are a key with its own value: "2.8 | overall score: 67"."""
    for j in range(i, min(i + _LONGEST_KEY, len(tokens))):
        if tokens[j].text in (":", "="):
            return j > i
        if tokens[j].kind != "word":
            return False
    return False


def _closes(tokens: Sequence[Token], q: Quantity, last: Quantity) -> bool:
    """Whether the number is all that the last sentence says: "Great but not perfect. [8]"."""
    i = skip_silent(tokens, q.first - 1, -1)
    i = skip_silent(tokens, i - 1, -1) if word_at(tokens, i) in ("[", "(") else i
    if len(tokens) - last.last > _MOST_OPENING or word_at(tokens, i) not in (".", "!", "?"):
        return False
    return all(token.kind == "mark" for token in tokens[last.last + 1 :])


def _leads(tokens: Sequence[Token], q: Quantity, last: Quantity) -> bool:
    """Whether the answer opens with the number: "78 (very good)", "An 85, since it is clean"."""
    if q.first > _MOST_OPENING:
        return False
    opening = all(t.text in ("a", "an") or t.text in SILENT for t in tokens[: q.first])
    following = word_at(tokens, skip_silent(tokens, last.last + 1))
    told = following == "is" and word_at(tokens, last.last + 2) in ("what", "my", "how")
    return opening and (told or following in _AFTER_A_LEAD)
