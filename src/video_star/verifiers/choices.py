"""Verifier of `choice` labels: the right option alone is chosen, by its letter or its text.

What an answer says as its verdict ("the answer is B", a leading "B.", a final "B") or concludes
counts before what it only mentions. A verdict must not be contradicted: by the text of another
option right behind the letter, or by another verdict that does not revise it. Without a verdict
exactly one option may be named. Denied, asked and supposed options never count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from video_star.domain import LabelVerdict
from video_star.labels import ChoiceLabel
from video_star.params import VerifyParams
from video_star.verifiers.background import WRONG, is_background, is_called_wrong
from video_star.verifiers.base import Case, Known, verdict
from video_star.verifiers.claims import Claim, Speech, speech_of
from video_star.verifiers.conclusion import conclusion_of
from video_star.verifiers.inflection import root
from video_star.verifiers.pointing import asks_for_denied, at_asked_end, denied_in, pointed_out
from video_star.verifiers.text import Reading, content_words, without_options, word_set, words_of

VERIFIER = ("chosen-option", 3)

_EXPLAINING = word_set(
    "because since as while which where although though but after before when not rather unlike"
)
"""From these words on an answer gives reasons and names options that it does not choose."""
_CONCEDING = word_set("although though despite")
_REVISING = word_set("wait actually no however but correction sorry instead rather so therefore")
_CORRECTING = word_set("wait sorry correction actually oops")
_HEDGING = word_set("or and maybe perhaps possibly")
_WHY = word_set("why reason cause because explains makes made")
_GOING_ON = word_set("or but so therefore")
"""From these words on an answer no longer gives its reason."""
_BESIDE = 2
"""Words beside an option in a sentence that is nothing but its choice."""


@dataclass(frozen=True)
class Chosen:
    """What an answer chooses."""

    option: int | None
    """Index of the option; None when it chooses none, several, or one that does not exist."""
    place: tuple[int, int] | None
    """Where the answer names it."""
    reason: str
    """ "" where one is chosen, otherwise "no choice" or "several options"."""


def choose(text: str, options: Sequence[str], question: str = "") -> Chosen:
    """The one option that a text chooses as its answer to a question; never raises."""
    speech = speech_of(text, options)
    letters = {claim.last for claim in speech.claims if claim.lettered}
    claims = [
        claim
        for claim in speech.claims
        if claim.is_open
        and not _is_marked_wrong(speech, claim)
        and not is_called_wrong(
            speech.reading, claim.first, claim.last, claim.lettered or claim.first - 1 in letters
        )
        and (claim.lettered or not is_background(speech.reading, claim.first, claim.last, question))
    ]
    if not any(claim.lettered for claim in claims) and asks_for_denied(question):
        claims = denied_in(speech) or claims
    claims = at_asked_end(speech.reading, claims, question)
    claims = _beside_concessions(speech, claims, question)
    if not claims:
        return Chosen(None, None, "no choice")
    head = _verdict(speech, claims, question)
    named = {claim.option for claim in head}
    if len(named) != 1 or head[0].option >= len(options):
        return Chosen(None, None, "several options" if len(named) > 1 else "no choice")
    start, end = speech.spans[head[0].first][0], speech.spans[head[-1].last][1]
    return Chosen(head[0].option, (start, end), "")


def _is_marked_wrong(speech: Speech, claim: Claim) -> bool:
    """ "A: no", "B - incorrect" where several options are marked so."""
    following = claim.last + 1
    said = speech.reading.words[following : following + 1]
    if not claim.lettered or not said or any(c.first == following for c in speech.claims):
        return False
    several = len({c.option for c in speech.claims if c.lettered}) > 1
    marked = said[0] in WRONG or (said[0] == "no" and bool(speech.reading.mark(following)))
    return several and marked


def _beside_concessions(speech: Speech, claims: list[Claim], question: str) -> list[Claim]:
    """The claims without those of "although ..., B", "B, whereas ..." and, unless the question asks
    why, "B because ...", where others are left."""
    reading, conceded = speech.reading, set[int]()
    causes = _WHY.isdisjoint(words_of(question))
    for i, word in enumerate(reading.words):
        opens = i == 0 or reading.sentences[i - 1] != reading.sentences[i]
        ends = word == "whereas" or (word == "because" and causes and not opens)
        if ends or (opens and word in _CONCEDING):
            k = i + 1
            while k < len(reading.words) and reading.sentences[k] == reading.sentences[i]:
                if reading.words[k] in _GOING_ON if ends else reading.mark(k):
                    break
                k += 1
            conceded.update(_lesser(reading, range(i, k), question))
    rest = [claim for claim in claims if claim.first not in conceded]
    return rest or claims


def _lesser(reading: Reading, clause: range, question: str) -> range:
    """The conceded clause, or what its sentence says before it where only it is about what was
    asked: "a car slows down, whereas the train speeds up"."""
    asked = {root(word) for word in content_words(without_options(question))}
    before = range(reading.sentence_start(clause.start), clause.start)
    told, said = ({root(reading.words[i]) for i in part} for part in (clause, before))
    is_asked = before and not asked.isdisjoint(told) and asked.isdisjoint(said)
    return before if is_asked else clause


def verify_choice(
    label: ChoiceLabel, case: Case, params: VerifyParams, known: Known
) -> LabelVerdict:
    """Judge one answer by the option that it chooses."""
    chosen = choose(case.text, label.options, case.question)
    reason = chosen.reason
    if not reason:
        reason = "match" if chosen.option == label.answer else "other option"
    elif reason == "no choice" and any(
        claim.option == label.answer for claim in speech_of(case.text, label.options).claims
    ):
        reason = "negated"
    return verdict(label, case, VERIFIER, float(reason == "match"), 1.0, chosen.place, reason)


def _verdict(speech: Speech, claims: Sequence[Claim], question: str) -> Sequence[Claim]:
    """The claims that decide; they name several options where the answer is ambiguous."""
    claims = _since_correction(speech, claims)
    conclusion = conclusion_of(speech.reading)
    late = [claim for claim in claims if conclusion and claim.first >= conclusion.start]
    if late:
        head = _head(speech, late)
        return _supported(speech, _with_later(head, late), claims)
    strong = [c for c in claims if c.strong or _is_all_said(speech, c)]
    if not strong:
        return pointed_out(speech.reading, claims, question)
    last = strong[-1]
    for earlier in strong[:-1]:
        between = speech.reading.words[earlier.last + 1 : last.first]
        if earlier.option != last.option and _REVISING.isdisjoint(between):
            return claims
    head = _head(speech, [claim for claim in claims if claim.first >= last.first])
    return _supported(speech, _with_later(head, claims), claims)


def _since_correction(speech: Speech, claims: Sequence[Claim]) -> Sequence[Claim]:
    """The claims after the last "sorry, " or "wait, " between two of them."""
    words, mark = speech.reading.words, speech.reading.mark
    for n in range(len(claims) - 1, 0, -1):
        between = range(claims[n - 1].last + 1, claims[n].first)
        if any(words[i] in _CORRECTING and mark(i) for i in between):
            return claims[n:]
    return claims


def _is_all_said(speech: Speech, claim: Claim) -> bool:
    """Whether the answer opens with an option's text and little else: "A small dog. ..."."""
    words, sentences = speech.reading.words, speech.reading.sentences
    said = sentences.count(sentences[0])
    for i in range(said, len(words)):
        opens = sentences[i - 1] != sentences[i]
        doubts = words[i] in _REVISING or (i == said and words[i] in _HEDGING)
        if (opens and doubts) or (words[i] in _CORRECTING and speech.reading.mark(i)):
            return False
    return not claim.lettered and claim.last < said <= claim.last - claim.first + 1 + _BESIDE


def _supported(speech: Speech, head: Sequence[Claim], claims: Sequence[Claim]) -> Sequence[Claim]:
    """The verdict, unless what was said before speaks only of another option by its text."""
    paired = {(c.last + 1, c.option) for c in claims if c.lettered and c.last < head[0].first}
    texts = {
        c.option
        for c in claims
        if not c.lettered
        and c.first <= head[-1].last
        and paired.isdisjoint((k, c.option) for k in _leads(speech, c))
    }
    letters = all(claim.lettered for claim in head)
    return claims if letters and len(texts) == 1 and head[0].option not in texts else head


def _leads(speech: Speech, claim: Claim) -> range:
    """Places from which on only articles come before a text, its own first place included."""
    start = claim.first
    while start and speech.reading.words[start - 1] in ("a", "an", "the"):
        start -= 1
    return range(start, claim.first + 1)


def _is_told(speech: Speech, claims: Sequence[Claim], sentence: int) -> bool:
    """Whether the sentence behind a letter explains it: "C. First there are two, then four"."""
    texts = [c for c in claims[1:] if not c.lettered]
    texts = [c for c in texts if speech.reading.sentences[c.first] == sentence]
    if not claims[0].lettered or not any(c.option == claims[0].option for c in texts):
        return False
    return claims[0].last + 1 not in _leads(speech, texts[0])


def _with_later(head: Sequence[Claim], claims: Sequence[Claim]) -> Sequence[Claim]:
    """The verdict, with later letters that contradict it."""
    named = {claim.option for claim in head}
    later = [c for c in claims if c.first > head[-1].last and c.lettered and c.option not in named]
    return [*head, *later]


def _head(speech: Speech, claims: Sequence[Claim]) -> list[Claim]:
    """The first claim and those that belong to it: up to a reason or the end of the sentence.

    The text behind a letter belongs to it whatever mark stands between ("B. the box").
    """
    reading = speech.reading
    head = [claims[0]]
    limit = reading.sentences[claims[0].last] + (1 if claims[0].lettered else 0)
    told = _is_told(speech, claims, limit)
    for claim in claims[1:]:
        if told and not claim.lettered and claim.option != head[0].option:
            continue
        between = reading.words[head[-1].last + 1 : claim.first]
        if reading.sentences[claim.first] > limit or not _EXPLAINING.isdisjoint(between):
            break
        head.append(claim)
    return head
