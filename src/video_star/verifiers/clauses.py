"""The clause that a mention stands in, and how much of a question it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from video_star.verifiers.inflection import root
from video_star.verifiers.standing import REACH, Mention, T, View
from video_star.verifiers.standing_words import FRAME, INTENDS
from video_star.verifiers.wording import POINTERS, word_set

_ROW, _LINE = "||", "\n"
"""Between two rows of a table, two lines of a list."""
_CUTS = word_set("and but while then before after until")
_PRONOUNS = word_set("he she it they him her them hers theirs")
_SO = word_set("so it same too likewise")
_PREDICATES = word_set("is was happens happened occurs occurred takes starts begins lasts")
_APPOSED = 6
"""Words that a name between commas may have."""
_SHARED = 0.9
"""Weight of what a clause shares with the one before it."""


def about(view: View, mention: Mention[T], content: Mapping[str, float]) -> float:
    """Weight of what the clause of a mention shares with the question; inf if it is empty.

    In "the cat jumps at 5 s and the dog at 8 s" the second clause jumps, too, and in "she takes the
    bag at 5 s and drops it at 8 s" it is about the bag.
    """
    own = _roots(view, clause(view, mention))
    if not own:
        return float("inf")
    weight = sum(content.get(word, 0.0) for word in own)
    weight -= _misdone(view, sorted(clause(view, mention)), content)
    shared = _roots(view, _before(view, mention)) - own
    return weight + _SHARED * sum(content.get(word, 0.0) for word in shared)


def _misdone(view: View, own: Sequence[int], content: Mapping[str, float]) -> float:
    """What a clause shares with the question that it does not mean.

    "The boy thanks the girl" when the girl thanks the boy, "the boy thanks him" when the girl does,
    "gets ready to run" when one runs.
    """
    named = [i for i in own if i not in view.holders and root(view.words[i]) in content]
    stems = [root(view.words[i]) for i in named]
    subject = next(iter(content), "")
    if subject in stems[1:] and subject != stems[0]:
        return content[subject]
    for i, stem in zip(named, stems, strict=True):
        before = view.words[max(0, i - 3) : i]
        if content[stem] <= 1 or len(before) < 2:
            continue
        if before[-1] == "to" and not INTENDS.isdisjoint(before):
            return content[stem]
        if i == named[0] and before[-2] in POINTERS and before[-1] not in FRAME:
            return 1.0
    return 0.0


def _roots(view: View, places: Sequence[int]) -> set[str]:
    free = (view.words[i] for i in places if i not in view.holders)
    return {root(word) for word in free if word not in FRAME}


def _before(view: View, mention: Mention[T]) -> list[int]:
    """What a clause leaves unsaid since the clause of the mention before it says so.

    All of that one where it is only an article and a noun, the nouns where it has a pronoun.
    """
    first = view.first(mention)
    near = range(first - 1, max(-1, first - 2 * REACH), -1)
    earlier = next((i for i in near if i in view.holders), None)
    if earlier is None:
        return []
    own = clause(view, mention)
    if _is_elliptic(view, first, own) or _does_so(view, own):
        return _clause(view, earlier, earlier)
    if _PRONOUNS.isdisjoint(view.words[i] for i in own):
        return []
    before = _clause(view, earlier, earlier)
    return [i for i in before if i and view.words[i - 1] in POINTERS]


def _is_elliptic(view: View, first: int, own: Sequence[int]) -> bool:
    """Whether a clause is only an article and a noun: "..., and the dog at 8 s"."""
    said = [i for i in own if view.words[i] not in FRAME]
    if len(said) != 1 or said[0] >= first:
        return False
    at = said[0] - 1
    if at < 1 or view.words[at] not in POINTERS:
        return False
    joined = view.words[at - 1] in ("and", "while", "but") or view.gaps[at] in (",", ";")
    return joined and at - 1 - (view.words[at - 1] in ("and", "while", "but")) in view.holders


def _does_so(view: View, own: Sequence[int]) -> bool:
    """ "..., and the man in the hat does so at 8 s"."""
    return any(
        view.words[i] in ("do", "does", "did") and not _SO.isdisjoint(view.words[i + 1 : i + 3])
        for i in own
    )


def clause(view: View, mention: Mention[T]) -> list[int]:
    """Words around a mention up to the next one, the sentence's end, or a new clause.

    Its line, where that says anything beside the value.
    """
    return _clause(view, view.first(mention), view.last(mention))


def _clause(view: View, first: int, last: int) -> list[int]:
    line = _around(view, first, last, (_ROW, _LINE))
    if any(view.words[i] not in FRAME and i not in view.holders for i in line):
        return line
    return _around(view, first, last, (_ROW,))


def _around(view: View, first: int, last: int, borders: Sequence[str]) -> list[int]:
    before: list[int] = []
    for i in range(-1 if view.leads else first - 1, max(-1, first - 2 * REACH), -1):
        ended = i in view.holders or view.sentences[i] != view.sentences[first]
        cut = _cut(view, i + 1, first) and not _is_apposed(view, i + 1, first)
        if ended or cut or any(b in view.gaps[i + 1] for b in borders):
            break
        before.append(i)
    after: list[int] = []
    crossed = any(view.words[i] not in FRAME for i in before)
    for i in range(last + 1, min(last + 2 * REACH, len(view.words))):
        ended = i in view.holders or view.sentences[i] != view.sentences[last]
        if ended or any(border in view.gaps[i] for border in borders):
            break
        if _cut(view, i, last):
            if crossed or any(view.words[j] not in FRAME for j in after):
                break
            crossed = True
        after.append(i)
    inside = [i for i in range(first + 1, last) if i not in view.holders]
    # Of lists: "0-5 s: walking" and "walking: 0-5 s".
    if ":" in view.gaps[last + 1]:
        return inside + after
    if ":" in view.gaps[first]:
        return before + inside
    return before + inside + after


def _is_apposed(view: View, i: int, at: int) -> bool:
    """Whether commas before word i only set off a name: 'the event before, "sit", is at 5 s'."""
    closing = [j for j in range(i, at) if "," in view.gaps[j] and view.words[j] in _PREDICATES]
    return bool(closing) and "," in view.gaps[i] and closing[0] - i <= _APPOSED


def _cut(view: View, i: int, at: int) -> bool:
    apart = view.sentences[i] != view.sentences[at] or any(c in ",;" for c in view.gaps[i])
    return apart or view.words[i] in _CUTS
