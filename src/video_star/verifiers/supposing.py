"""Which words of an answer are only supposed: conditions, "would", beliefs that are taken back.

Works on folded words, the punctuation before each, and the number of each word's sentence, as
`verifiers.text.read` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import pairwise

from video_star.verifiers.denial import SCOPE_ENDS, SUBJECTS
from video_star.verifiers.wording import word_set

_CONDITIONS = frozenset({"if", "whether"})
_BELIEFS = word_set(
    "thought believed assumed guessed suspected expected mistook glance thinks believes might "
    "could may looks look looked seems seem seemed appears appear appeared"
)
"""What introduces a belief that a later "but" takes back."""
_TURNS = word_set("but however yet actually though instead closer reality")
_REVISIONS = word_set(
    "actually really instead rather fact not closer cannot no none nothing isn't wasn't turns"
)
_VIEWS = word_set("hard difficult unclear blurry too dark far partly not")
"""After "but it is": what only limits how well something is seen."""
_THOUGHTS = word_set("thought believed assumed guessed suspected mistook glance")
_IS = word_set("is it's he's she's they're are was were that's")
_NEEDING = word_set("take need require have")
"""After "would" these only suppose what follows."""
_CONTRACTED = word_set("i'd you'd he'd she'd it'd we'd they'd one'd")
_RESULT = 6
"""Words after a condition that may hold the "would" of what follows from it."""
_CONDITIONAL = 12
"""Words between a "would" and its "if" at most."""
_SPEAKER = word_set("i you we one me my")
_TRYING = word_set("tries try tried trying attempts attempt attempted attempting")
_FAILING = word_set("fails failed fail cannot can't couldn't unable unsuccessful never")
_WOULD = _CONDITIONS | _CONTRACTED | {"would"}
_MAYBE = _WOULD | _TRYING
SUPPOSING = _TURNS | _BELIEFS | _MAYBE
"""Words that may have to do with what is supposed."""
_ASSERTING = word_set("be say call choose pick go select describe name conclude guess answer fit")
"""After "would" these assert: "I would say", "the answer would be"."""


def may_suppose(cues: Set[str]) -> bool:
    """Whether any word can suppose something: a quick look before the search."""
    if not _TURNS.isdisjoint(cues) and not _BELIEFS.isdisjoint(cues):
        return True
    return not _MAYBE.isdisjoint(cues)


def suppositions(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int]
) -> frozenset[int]:
    """Words of conditions, of what "would" be, and of beliefs that are taken back."""
    found: set[int] = set()
    for i, word in enumerate(words):
        if word in _CONDITIONS:
            condition = _clause_after(words, breaks, i + 1)
            found.update(condition)
            found.update(_unreal(words, breaks, condition))
        elif word == "would":
            found |= _supposed_subject(words, breaks, i)
            found.update(_would_if(words, breaks, i))
            if words[i + 1 : i + 2] and words[i + 1] in _NEEDING:
                found.update(_clause_after(words, breaks, i + 2))
        elif word in _CONTRACTED and words[i + 1 : i + 2] and words[i + 1] in _NEEDING - {"have"}:
            found.update(_clause_after(words, breaks, i + 2))
        elif word in _TRYING and words[i + 1 : i + 2] == ["to"]:
            found.update(_failed(words, sentences, i + 2))
        elif word in _BELIEFS:
            turn = _turn(words, sentences, i)
            # "I thought there was only a dog, but a cat comes, too" takes back the "only".
            if turn is not None and "only" not in words[i + 1 : turn]:
                found.update(range(i + 1, turn))
    return frozenset(found)


def _failed(words: Sequence[str], sentences: Sequence[int], start: int) -> range:
    """What is tried where a "but fails" or "but cannot" follows in the sentence."""
    for i in range(start, len(words) - 1):
        if sentences[i] != sentences[start - 1]:
            break
        if words[i] == "but" and not _FAILING.isdisjoint(words[i + 1 : i + 4]):
            return range(start, i)
    return range(0)


def _clause_after(words: Sequence[str], breaks: Mapping[int, str], start: int) -> range:
    for i in range(start, len(words)):
        if (i > start and breaks.get(i) and not _is_listed(words, breaks, i)) or words[i] in (
            "then",
            "but",
            "so",
            "because",
        ):
            return range(start, i)
    return range(start, len(words))


def _unreal(words: Sequence[str], breaks: Mapping[int, str], condition: range) -> range:
    """What "would" follow from a condition, but not in "if I had to choose, I would say"."""
    result = range(condition.stop, min(condition.stop + _RESULT, len(words)))
    would = [i for i in result if words[i] == "would"]
    if not would or not _SPEAKER.isdisjoint(words[i] for i in (*condition, *result)):
        return range(0)
    return _clause_after(words, breaks, condition.stop + 1)


def _would_if(words: Sequence[str], breaks: Mapping[int, str], would: int) -> range:
    """ "Be running" in "he would be running if he were late", but nothing in "if I had to say"."""
    for i in range(would + 1, min(would + 1 + _CONDITIONAL, len(words))):
        if breaks.get(i):
            break
        if words[i] == "if":
            speaks = words[would + 1] in _ASSERTING - {"be"}
            mine = not _SPEAKER.isdisjoint(words[i : i + _RESULT])
            return range(0) if speaks or mine else range(would + 1, i)
    return range(0)


def _is_listed(words: Sequence[str], breaks: Mapping[int, str], i: int) -> bool:
    """Whether a comma only parts things of a list: "a pan, an egg and a spatula"."""
    return breaks[i] == "," and words[i] in ("a", "an") and "and" in words[i + 1 : i + 4]


def _supposed_subject(words: Sequence[str], breaks: Mapping[int, str], index: int) -> set[int]:
    """ "playing tennis" in "playing tennis would need a net", but nothing in "I would say"."""
    found: set[int] = set()
    following = words[index + 1] if index + 1 < len(words) else ""
    for i in range(index - 1, -1, -1):
        if words[i] in SUBJECTS or words[i] in SCOPE_ENDS:
            break
        found.add(i)
        if breaks.get(i):
            break
    return set() if following in _ASSERTING else found


def _turn(words: Sequence[str], sentences: Sequence[int], index: int) -> int | None:
    """Where a belief is taken back: the "but" of its sentence or of the start of the next one."""
    thought = words[index] in _THOUGHTS
    begin = index
    for i in range(index + 1, len(words)):
        later = sentences[i] - sentences[index]
        if later and sentences[i - 1] != sentences[i]:
            begin = i
        if later > 1 or (later and i > begin + 2):
            return None
        if words[i] not in _TURNS:
            continue
        if words[i] in ("closer", "reality"):
            return begin if later else i
        if later and not thought and _REVISIONS.isdisjoint(words[i + 1 : i + 7]):
            return None
        return i if thought or _revises(words, i) else None
    return None


def _revises(words: Sequence[str], turn: int) -> bool:
    """Whether what follows a "but" replaces what stood before it."""
    after = words[turn + 1 : turn + 7]
    if not _REVISIONS.isdisjoint(after[:5]) or words[turn] in ("actually", "instead"):
        return True
    return any(verb in _IS and following not in _VIEWS for verb, following in pairwise(after[:4]))
