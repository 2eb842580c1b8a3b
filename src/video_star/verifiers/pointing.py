"""The option that an answer without a verdict points out by how it puts it.

"It is the boy who breaks it", "what he pulls out is a dove", "and in the last scene it is snowy"
for a question about the last scene, and what is denied for "which tool is not used?".
"""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.claims import Claim, Speech
from video_star.verifiers.inflection import similarity
from video_star.verifiers.text import STOP_WORDS, Reading, without_options, word_set, words_of
from video_star.verifiers.wording import IS, POINTERS

_IT = word_set("it's it that's")
_WHO = word_set("who that which")
_ENDS = (
    word_set("first beginning start starts started begins began initially"),
    word_set("last end ends ended final finally lastly"),
)
"""Words for the two ends of a video."""
_ASKED_ENDS = word_set("first beginning initially"), word_set("last end final finally")
"""Those by which a question asks for one; a question with both asks for none."""
_CUTS = word_set("but while then before after until")
_PLACING = word_set("at in by on first initially finally lastly")
"""Words that open a clause before its comma: "At the end, it is green"."""
_PLACE = 5
"""Words of such an opening at most."""
_LATER = word_set("then after afterwards later next")
_ORDERING = _ENDS[0] | _ENDS[1] | word_set("second third later finally")
_ASKING = word_set("which what who")
_EARLY = 10
"""Words of a question within which its denial stands."""


def pointed_out(reading: Reading, claims: Sequence[Claim], question: str) -> Sequence[Claim]:
    """The one option of "it's the child who opens it", "what he pulls out is a dove"; else all."""
    asked = set(words_of(without_options(question))) - STOP_WORDS - _ASKING
    found = [
        claim
        for claim in claims
        if not claim.lettered
        and any(similarity(word, own) == 1 for word in _cleft_off(reading, claim) for own in asked)
    ]
    return found if len({claim.option for claim in found}) == 1 else claims


def _cleft_off(reading: Reading, claim: Claim) -> Sequence[str]:
    """What an answer says of an option in such a sentence; nothing in other sentences."""
    words, mark, start = reading.words, reading.mark, _start(reading, claim)
    begin, end = start, claim.last + 1
    while begin and not mark(begin):
        begin -= 1
    while end < len(words) and not mark(end):
        end += 1
    begin += words[begin] in ("and", "but", "so")
    lead, follows = words[begin:start], words[claim.last + 1 : end]
    is_it = lead[-1:] in (("it's",), ("that's",)) or (lead[-1:] and lead[-1] in IS and "it" in lead)
    if is_it and follows and follows[0] in _WHO:
        return follows[1:]
    is_what = lead[:1] == ("what",) or (lead[:1] == ("the",) and lead[2:3] == ("thing",))
    return lead if is_what and lead[-1] in IS else ()


def _start(reading: Reading, claim: Claim) -> int:
    start = claim.first
    while start and reading.words[start - 1] in POINTERS and not reading.mark(start):
        start -= 1
    return start


def at_asked_end(reading: Reading, claims: list[Claim], question: str) -> list[Claim]:
    """The claims that are of the end that a question asks for; letters always are.

    "And in the last scene it is snowy" for the last scene; without such a clause those that are
    not of the other end, and for the first those before "and then".
    """
    asked = words_of(without_options(question))
    first, last = (not end.isdisjoint(asked) for end in _ASKED_ENDS)
    if first == last:
        return claims
    named = {place for claim in claims for place in range(claim.first, claim.last + 1)}
    found: list[Claim] = []
    left: list[Claim] = []
    for clause in _clauses(reading):
        said = {reading.words[i] for i in clause if i not in named}
        own = [claim for claim in claims if claim.first in clause]
        here, there = (not end.isdisjoint(said) for end in (_ENDS if first else _ENDS[::-1]))
        if here and not there:
            found += own
        elif here == there and not (first and left and not _LATER.isdisjoint(said)):
            left += own
    kept = found or left
    return [c for c in claims if c in kept or c.strong or (c.lettered and c.first == c.last)]


def _clauses(reading: Reading) -> list[range]:
    """The clauses of an answer; "at the end," belongs to what follows."""
    words, cuts = reading.words, [0]
    for i in range(1, len(words)):
        ordered = words[i] == "and" and not _ORDERING.isdisjoint(words[i + 1 : i + _PLACE])
        if not (reading.mark(i) or words[i] in _CUTS or ordered):
            continue
        opening = words[cuts[-1] : i]
        placing = opening[opening[0] in ("and", "then", "but") :][:1]
        same = reading.mark(i) == "," and len(opening) <= _PLACE
        if not same or _PLACING.isdisjoint(placing):
            cuts.append(i)
    return [range(a, b) for a, b in zip(cuts, [*cuts[1:], len(words)], strict=True)]


def asks_for_denied(question: str) -> bool:
    """Whether a question asks for what is not so: "which tool is not used?"."""
    asked = words_of(without_options(question))
    denies = any(word in ("not", "never") or word.endswith("n't") for word in asked[:_EARLY])
    return denies and asked[0] in _ASKING


def denied_in(speech: Speech) -> list[Claim]:
    """Options that an answer denies by their text, but for "not the apple" and "it isn't"."""
    return [
        claim
        for claim in speech.claims
        if not claim.lettered
        and any(
            not reached.isdisjoint(range(claim.first, claim.last + 1))
            and _is_of_deed(speech.reading, cue, claim)
            for cue, reached in speech.reading.denials
        )
    ]


def _is_of_deed(reading: Reading, cue: int, claim: Claim) -> bool:
    """Whether a denial is of what happens, not of the option alone."""
    before = reading.words[max(0, cue - 2) : cue]
    if cue >= claim.first:
        return cue > claim.last
    return bool(before) and not reading.mark(cue) and _IT.isdisjoint(before)
