"""Verifier of `text` labels: some sentence of the answer means each sentence of the label.

Meaning is the cosine of sentence embeddings (text_similarity), taken with each sentence of the
answer and with each two neighbours together. Embeddings hardly see a "not", so a sentence that
contradicts the label's never counts, however close it is (see `polarity`); questions assert nothing
and never count either.

Contradictions are found by words alone, so a lower threshold can only let more answers pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from video_star.domain import LabelVerdict
from video_star.errors import UsageError
from video_star.labels import TextLabel
from video_star.params import VerifyParams
from video_star.verifiers.base import Case, Known, verdict
from video_star.verifiers.polarity import Saying, contradicts, saying, takes_back

VERIFIER = "text-meaning", 1
_DIGITS = 4
"""Cosines are rounded to so many: the last ones depend on what is embedded in the same batch."""
_END = re.compile(
    r"[.!?;\u3002\uff01\uff1f]+(?=[\s\"')\]]|$)|[\u3002\uff01\uff1f]|(?:^|(?<=\s))[-*\u2022](?=\s)"
)
"""Where a sentence ends, or an item of a list begins; a dot in "3.5" ends none. Line breaks do not
count: they are white space."""
_LETTER = re.compile(r"[^\W\d_]")

Place = tuple[int, int]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Unit:
    """A sentence of an answer, or two neighbours."""

    place: Place
    text: str
    says: tuple[Saying, ...]
    last: int
    """Number of its last sentence."""


def sentences_of(text: str) -> list[Place]:
    """Start and end of each sentence, end mark included; bare numbers of a list are none."""
    found: list[Place] = []
    begin = 0
    for end in [*(match.end() for match in _END.finditer(text)), len(text)]:
        piece = text[begin:end]
        if _LETTER.search(piece) and piece.strip(" -*\u2022"):
            start = begin + len(piece) - len(piece.lstrip())
            found.append((start, begin + len(piece.rstrip())))
        begin = end
    whole = text.strip()
    if not found and any(char.isalnum() for char in whole):
        start = len(text) - len(text.lstrip())
        return [(start, start + len(whole))]
    return found


@lru_cache(maxsize=1 << 12)
def units_of(text: str) -> tuple[Unit, ...]:
    """The sentences of a text in order, each followed by the pair that begins with it."""
    places = sentences_of(text)
    says = [saying(text[start:end]) for start, end in places]
    units: list[Unit] = []
    for i, (start, end) in enumerate(places):
        units.append(Unit((start, end), text[start:end], (says[i],), i))
        if i + 1 < len(places):
            both = start, places[i + 1][1]
            units.append(Unit(both, text[both[0] : both[1]], (says[i], says[i + 1]), i + 1))
    return tuple(units)


def texts_of(label: TextLabel, text: str) -> Iterator[str]:
    """All texts whose embeddings a judgement needs, so that they can be made in one batch."""
    yield from _wanted(label)
    yield from (unit.text for unit in units_of(text))


def _wanted(label: TextLabel) -> list[str]:
    places = sentences_of(label.text)
    return [label.text[start:end] for start, end in places] or [label.text]


@dataclass(frozen=True)
class Nearest:
    """What an answer has for one sentence of the label."""

    score: float
    """Best cosine of a unit that counts, 0..1."""
    denied: float
    """Best cosine of a sentence that contradicts, 0..1."""
    place: Place | None
    denied_place: Place | None
    taken_back: bool
    """Whether a later sentence denies the label's, word by word."""


def verify_text(label: TextLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """Judge by meaning; the place is that of the label's sentence that is met least."""
    limit = params.limits.text_similarity
    units = units_of(case.text)
    if not units:
        return verdict(label, case, VERIFIER, 0.0, limit, None, "no match")
    if known.embed is None:
        raise UsageError("Text labels need an embedding model; prepare `Known` with Known.of.")
    wanted = _wanted(label)
    cosines = known.embed(wanted) @ known.embed([unit.text for unit in units]).T
    found = [_nearest(saying(text), units, row) for text, row in zip(wanted, cosines, strict=True)]
    worst = min(found, key=lambda nearest: nearest.score)
    back = next((nearest for nearest in found if nearest.taken_back), None)
    if worst.score < limit or worst.score <= 0:
        denied = worst.denied >= limit and worst.denied > 0
        place = worst.denied_place if denied else worst.place
        reason = "negated" if denied else "no match"
    else:
        place, reason = (worst.place, "match") if back is None else (back.denied_place, "negated")
    return verdict(label, case, VERIFIER, worst.score, limit, place, reason)


def _nearest(label: Saying, units: Sequence[Unit], cosines: Vectors) -> Nearest:
    """The best unit that counts and the best that contradicts, the first of equals."""
    rounded = [round(min(max(float(cosine), 0.0), 1.0), _DIGITS) for cosine in cosines]
    against = [any(contradicts(label, says) for says in unit.says) for unit in units]
    asked = [any(says.asked for says in unit.says) for unit in units]
    counting = [i for i in range(len(units)) if not against[i] and not asked[i]]
    denying = [i for i in range(len(units)) if against[i] and len(units[i].says) == 1]
    best = max(counting, key=lambda i: (rounded[i], -i), default=None)
    worst = max(denying, key=lambda i: (rounded[i], -i), default=None)
    later = [] if best is None else [i for i in denying if units[i].last > units[best].last]
    back = next((i for i in later if takes_back(label, units[i].says[0])), None)
    shown = worst if back is None else back
    return Nearest(
        0.0 if best is None else rounded[best],
        0.0 if worst is None else rounded[worst],
        None if best is None else units[best].place,
        None if shown is None else units[shown].place,
        back is not None,
    )
