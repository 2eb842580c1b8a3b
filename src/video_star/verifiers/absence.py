"""Things that an answer names and then says are not there: "Ball: no", "... but I don't see it".

Works on folded words, the punctuation before each, and the number of each word's sentence, as
`verifiers.text.read` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from video_star.verifiers.wording import word_set

PRESENT = word_set(
    "visible present seen shown there detected found appear appears identified included depicted "
    "observed identifiable in done worn used exist exists"
)
_ABSENT = word_set("no not none absent missing false")
"""Closing words of a line that say so: "ball: no"."""
_SEEING = word_set("see find spot detect notice observe identify")
_THINGS = word_set("it them one any either this that")
_SIGNS = word_set("any clear evidence sign signs trace of for")
"""Words between the two: "I could not find evidence of it"."""
_PRONOUNS = word_set("it they one")
_BE = word_set("is are was were does do did can")
_NEGATED = word_set("isn't aren't wasn't weren't doesn't don't didn't can't couldn't cannot not")
_PICTURE = word_set("the this that video clip scene image frame frames footage shot picture be")
"""Where a thing that is not there is missing from."""
CROSSES = frozenset("\u2716\u2717\u2718\u274c\u2715\u2612")
CHECKS = frozenset("\u2713\u2714\u2705\u2611")
"""Signs behind, or before, each thing of a list."""
_MARKS = frozenset(":-\u2013\u2014")
_THEM = word_set("them these those")
_REACH = 8
"""Words behind "none" that may say what it denies, at most."""
_ITEM = 5
"""Words of one line of a list at most."""


def absent_things(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int], i: int
) -> set[int]:
    """The words before a denying word that names nothing itself but says that they are absent."""
    if words[i] in _ABSENT and _is_item_end(words, breaks, i):
        return _item(words, breaks, sentences, i)
    if words[i] in CROSSES:
        return _crossed(words, breaks, i)
    if words[i] in _NEGATED and _is_unseen(words, breaks, i):
        begin = next((k for k in range(i, 0, -1) if sentences[k - 1] != sentences[i]), 0)
        opens = all(word in _PRONOUNS | _BE | {"i", "but", "however"} for word in words[begin:i])
        if opens and begin:
            begin = next((k for k in range(begin - 1, 0, -1) if _parts(sentences, k)), 0)
        return set(range(begin, i))
    return set()


def things_before(words: Sequence[str], sentences: Sequence[int], index: int) -> set[int]:
    """What "none of them is visible" denies: the things that were just named."""
    later = {
        words[i]
        for i in range(index, min(index + _REACH, len(words)))
        if sentences[i] == sentences[index]
    }
    if later.isdisjoint(_THEM) or later.isdisjoint(PRESENT):
        return set()
    starts = index == 0 or sentences[index - 1] != sentences[index]
    near = sentences[index] - (1 if starts else 0)
    return {i for i in range(index) if near <= sentences[i] <= sentences[index]}


def _crossed(words: Sequence[str], breaks: Mapping[int, str], i: int) -> set[int]:
    """The thing that a cross belongs to: the one before it unless the list starts with a sign."""
    leads = words[0] in CROSSES | CHECKS
    found: set[int] = set()
    k = i + 1 if leads else i - 1
    while 0 <= k < len(words) and words[k] not in CROSSES | CHECKS and len(found) < _ITEM:
        if leads and found and breaks.get(k):
            break
        found.add(k)
        if not leads and breaks.get(k):
            break
        k += 1 if leads else -1
    return found


def _parts(sentences: Sequence[int], k: int) -> bool:
    return sentences[k - 1] != sentences[k]


def _is_item_end(words: Sequence[str], breaks: Mapping[int, str], i: int) -> bool:
    """Whether a word closes a line: "ball: no", "ball - not visible", "ball: absent"."""
    if _MARKS.isdisjoint(breaks.get(i, "")):
        return False
    end = i + 1
    if words[i] == "not" and words[end : end + 1] and _is_state(words[end]):
        end += 1
    # The next line of a list may start without a mark, with its own colon.
    is_over = end >= len(words) or bool(breaks.get(end))
    ahead = any(":" in breaks.get(k, "") for k in range(end + 1, min(end + _ITEM, len(words))))
    return (is_over or ahead) and (words[i] != "not" or end > i + 1)


def _is_state(word: str) -> bool:
    """Whether it may follow "not" at the end of a line: "not visible", "not performed"."""
    return word in PRESENT or word.endswith(("ed", "en"))


def _item(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int], i: int
) -> set[int]:
    found: set[int] = set()
    for k in range(i - 1, max(i - 1 - _ITEM, -1), -1):
        if sentences[k] != sentences[i] or words[k] in ("yes", "no"):
            break
        found.add(k)
        # "{name: ball, present: false}": a field that says what is false of the thing before.
        if breaks.get(k) and words[k] not in PRESENT:
            break
    return found


def _is_unseen(words: Sequence[str], breaks: Mapping[int, str], i: int) -> bool:
    """Whether "I don't see it" or "it is not visible" ends here, about what stands before."""
    after = [*words[i + 1 : i + 3], "", ""][:2]
    if after[0] in _SEEING:
        k = i + 2
        while k < len(words) and words[k] in _SIGNS and not breaks.get(k):
            k += 1
        if k < len(words) and words[k] in _THINGS:
            return k + 1 >= len(words) or bool(breaks.get(k + 1))
    k = i - 1
    while k >= 0 and words[k] in _BE and not breaks.get(k + 1):
        k -= 1
    if k < 0 or words[k] not in _PRONOUNS | {"it's", "they're"}:
        return False
    k = i + 1
    if words[k : k + 1] == ["be"]:
        k += 1
    if not (words[k : k + 1] and words[k] in PRESENT):
        return False
    k += 1
    while k < len(words) and words[k] in _PICTURE | {"in", "anywhere"} and not breaks.get(k):
        k += 1
    return k >= len(words) or bool(breaks.get(k))
