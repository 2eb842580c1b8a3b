"""Which words of an answer are denied.

Works on folded words, the punctuation before each, and the number of each word's sentence, as
`verifiers.text.read` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import pairwise

from video_star.verifiers.absence import CROSSES, PRESENT, absent_things, things_before
from video_star.verifiers.wording import word_set

_DENIALS = word_set(
    "not no never cannot neither nor none nobody nothing nowhere without hardly non lack lacks "
    "lacking isnt arent wasnt werent doesnt dont didnt cant couldnt wouldnt impossible unlikely "
    "doubt doubtful"
)
_CONTRASTS = word_set(
    "unlike except excluding excludes exclude eliminate eliminates eliminating resembles resemble "
    "resembling avoids avoiding dismiss dismissing reject rejecting"
)
_CONTRAST_PAIRS = {
    "rather": "than",
    "instead": "of",
    "other": "than",
    "anything": "but",
    "far": "from",
    "opposed": "to",
    "mistaken": "for",
    "confused": "with",
    "similar": "to",
    "reminiscent": "of",
    "rule": "out",
    "rules": "out",
    "ruling": "out",
    "fails": "to",
    "failed": "to",
    "refuses": "to",
    "forgets": "to",
    "forgot": "to",
    "neglects": "to",
    "declines": "to",
    "unable": "to",
    "absence": "of",
    "yet": "to",
}
_ASSERTED_PAIRS = frozenset(
    {
        *(("not", word) for word in ("only", "just", "simply", "merely", "before")),
        *(("no", "other"), ("no", "wonder"), ("nothing", "but"), ("none", "other")),
        ("nothing", "other"),
    }
)
_ALL_BUT = word_set("no none nothing anything")
"""Before "other than" these assert: "none other than"."""
_SURE = word_set("doubt doubts question")
"""What "no" and "without" may deny and so assert the rest."""
SCOPE_ENDS = word_set(
    "but while when because since so thus therefore until however although whereas yet hence "
    "indicating suggesting showing"
)
SUBJECTS = word_set(
    "it it's its this that the he he's she she's they they're a an rather instead we i there "
    "finally eventually afterwards probably clearly actually these those both just only"
)
"""After a comma (or "and") these start a clause that the denial before no longer reaches."""
_VERBS = word_set("is are was were it's he's she's")
_ENDINGS = _VERBS | {"can", "could"}
_STILL = {("before", "it"), ("before", "they")}
"""Behind a state these assert its thing: "the eggs are not beaten before they"."""
_AUXILIARIES = _VERBS | word_set(
    "do does did can could would should has have will be been being may might must"
)
_FILLERS = _AUXILIARIES | word_set(
    "also clearly definitely obviously certainly therefore thus then both all simply just seems "
    "seem looks look completely entirely not"
)
_WRONG = word_set(
    "wrong incorrect false unlikely impossible excluded eliminated dismissed rejected missing "
    "absent implausible inaccurate nowhere skipped omitted"
)
_LISTED = 2
"""Words of one thing of a list at most."""
_RULED_OUT = word_set("excluded ruled dismissed eliminated rejected denied")
_MISSING = word_set("fail fails forget forgets")
"""After a denial these assert: "doesn't forget the salt"."""
_PARTLY = word_set("fully entirely completely totally always clearly")
"""Between a denial and "visible" these leave it there."""
_SIGNS = word_set("sign signs evidence indication indications trace hint suggestion reason way")
_STOPPED = word_set("stopped quit ceased skips skipped omits omitted")
"""Before an "-ing" these deny that it still happens: "stopped playing the guitar"."""
DENYING = _DENIALS | _CONTRASTS | _WRONG | _STOPPED | _CONTRAST_PAIRS.keys() | CROSSES
DENYING |= {"ruled", "about"}
_REACH = 8
"""How many words a denial reaches forward at most."""
_FAR = 16
"""How many it reaches through a subordinate clause ("no sign that ...")."""


def may_deny(cues: Set[str]) -> bool:
    """Whether any word can deny something: a quick look before the search."""
    return not DENYING.isdisjoint(cues)


def denials(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int]
) -> tuple[tuple[int, frozenset[int]], ...]:
    """Each denying word with the words that it reaches; words are named by their index."""
    found: list[tuple[int, frozenset[int]]] = []
    for i, word in enumerate(words):
        if word in DENYING or word.endswith("n't"):
            reached = _reached(words, breaks, sentences, i)
            if reached:
                found.append((i, frozenset(reached)))
    return tuple(found)


def _reached(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int], i: int
) -> set[int]:
    word, following = words[i], words[i + 1] if i + 1 < len(words) else ""
    reached: set[int] = set()
    if word in _DENIALS or word.endswith("n't"):
        if not _asserts(words, breaks, sentences, i):
            start = _past_aside(words, breaks, i + 1) if word == "not" else i + 1
            aside = start > i + 1
            inside = _is_in_aside(words, breaks, i)
            reached.update(_forward(words, breaks, start, contrast=inside, aside=aside))
            reached |= _backward(words, breaks, i)
            if following == "of" and word in ("none", "neither"):
                reached |= things_before(words, sentences, i)
    elif word in _CONTRASTS:
        reached.update(_forward(words, breaks, i + 1, contrast=True))
    elif ((word, following) == ("about", "to") and words[max(0, i - 1)] in ("was", "were")) or (
        _CONTRAST_PAIRS.get(word, "?") == following and not (i and words[i - 1] in _ALL_BUT)
    ):
        reached.update(_forward(words, breaks, i + 2, contrast=True))
    elif word in _STOPPED and following.endswith("ing"):
        reached.update(_forward(words, breaks, i + 1, contrast=True))
    if word in _WRONG or (word, following) == ("ruled", "out"):
        reached |= _whole_subject(words, breaks, sentences, i)
    return reached | absent_things(words, breaks, sentences, i)


def _is_in_aside(words: Sequence[str], breaks: Mapping[int, str], i: int) -> bool:
    """Whether the next comma or verb ends what is denied: ", which he never drops, and"."""
    relative = [k for k in range(max(0, i - 3), i) if words[k] in ("which", "who")]
    nested = [*words[max(0, i - 1) : i + 1]] == ["with", "no"]
    return nested or any(breaks.get(k) == "," for k in relative)


def _asserts(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int], i: int
) -> bool:
    """Whether a denying word denies nothing here: "not only", "no doubt", "No, it is"."""
    word = words[i]
    next_one, next_but_one = [*words[i + 1 : i + 3], "", ""][:2]
    if next_one == "be" and next_but_one in _RULED_OUT:
        return True  # "D cannot be excluded".
    goes_on = next_one == "stop" and (next_but_one == "for" or next_but_one.endswith("ing"))
    if goes_on or next_one in _MISSING or (next_one, next_but_one) == ("to", "miss"):
        return True
    plain = "not" if word.endswith("n't") else word
    partly = next_one in _PARTLY and next_but_one in PRESENT
    if partly or (plain, next_one) in _ASSERTED_PAIRS:
        return True
    if word in ("no", "without", "not") and (next_one in _SURE or next_but_one in _SURE):
        return next_one in _SURE or next_one in ("a", "any")
    if word == "doubt" and i and words[i - 1] in ("no", "without", "a", "any", "beyond", "not"):
        return True
    starts = i == 0 or sentences[i - 1] != sentences[i]
    return word == "no" and starts and next_one in SUBJECTS - {"a", "an"}


def _forward(
    words: Sequence[str],
    breaks: Mapping[int, str],
    start: int,
    contrast: bool,
    aside: bool = False,
) -> range:
    """Words after a denial up to the end of its clause.

    A comma ends a contrast ("instead of diving, surfing") and a bare "No,"; other denials go on
    over commas ("not diving, surfing or rowing") unless a new subject follows. `aside`: the comma
    at the start closes an aside.
    """
    end = min(start + _REACH, len(words))
    far = min(start + _FAR, len(words))
    i = start
    while i < end:
        mark = breaks.get(i, "")
        new_clause = words[i] in SUBJECTS and not (mark == "," and _is_listed(words, breaks, i))
        if mark.strip(",\u2013\u2014-") or (
            mark and (contrast or new_clause or (i == start and not aside))
        ):
            return range(start, i)
        not_yet = i == start and words[i] == "yet"
        if (words[i] in SCOPE_ENDS and not not_yet) or (contrast and words[i] in _ENDINGS):
            return range(start, i)
        then = words[i] == "then" and (mark or breaks.get(i - 1))
        if then or tuple(words[i : i + 2]) in _STILL or _goes_on(words, breaks, start, i):
            return range(start, i)
        joined = i > start and words[i - 1] == "and" and tuple(words[i : i + 2]) != ("the", "same")
        if joined and (new_clause or words[i] in _VERBS):
            return range(start, i)
        if not contrast and (words[i] == "that" or words[i] in _SIGNS):
            end = far
        i += 1
    return range(start, end)


def _goes_on(words: Sequence[str], breaks: Mapping[int, str], start: int, i: int) -> bool:
    """ "Without looking and then cuts", "takes the milk, not the cream, and pours"."""
    if words[i] != "and" or i + 2 >= len(words):
        return False
    if words[i + 1] == "then":
        return not words[i + 2].endswith("ing")
    first = not any(breaks.get(k) for k in range(start, i))
    return first and breaks.get(i) == breaks.get(start - 1) == ","


def _is_listed(words: Sequence[str], breaks: Mapping[int, str], i: int) -> bool:
    """Whether an article goes on with a list: "not a cat, a dog or a bird"."""
    ahead = range(i + 2, min(i + 4, len(words)))
    return words[i] in ("a", "an", "the") and any(
        words[k] in ("or", "nor") or breaks.get(k) == "," for k in ahead
    )


def _backward(words: Sequence[str], breaks: Mapping[int, str], index: int) -> set[int]:
    """The word right before "is not", "isn't" or "? No": the end of a denied subject.

    One word is enough: a name is only found where all of its words are free of denial, and "the
    diving person is not wet" denies "person", not "diving".
    """
    word, mark = words[index], breaks.get(index, "")
    if mark:
        return {index - 1} if index and "?" in mark and word in ("no", "not", "never") else set()
    last = index - 1
    if not _STILL.isdisjoint(pairwise(words[index : index + _REACH])):
        return set()
    if word in ("not", "never"):
        if last < 0 or words[last] not in _AUXILIARIES:
            return set()
        last -= 1
    elif not (word.endswith("n't") or word == "cannot"):
        return set()
    return {last} if last >= 0 and last + 1 not in breaks else set()


def _past_aside(words: Sequence[str], breaks: Mapping[int, str], start: int) -> int:
    """Where "not" goes on after an aside: "not, as one may think, diving"."""
    if breaks.get(start) != "," or words[start : start + 1] == [] or words[start] in SUBJECTS:
        return start
    for i in range(start + 1, min(start + _REACH, len(words))):
        if breaks.get(i):
            return i if breaks[i] == "," and words[i] not in SUBJECTS else start
    return start


def _whole_subject(
    words: Sequence[str], breaks: Mapping[int, str], sentences: Sequence[int], index: int
) -> set[int]:
    """All words before "is wrong", "can be ruled out" or "are missing", from their clause on."""
    last = index - 1
    while last >= 0 and words[last] in _FILLERS and last + 1 not in breaks:
        if words[last] in ("not", "never"):
            return set()
        last -= 1
    if last >= 0 and (words[last] == "cannot" or words[last].endswith("n't")):
        return set()
    if last == index - 1:
        return set()
    first = end = last + 1
    for i in range(last, -1, -1):
        part_starts = i == 0 or i in breaks or words[i - 1] in SCOPE_ENDS
        if part_starts:
            # Before a comma only the things of a list belong to the subject: "A, the cup and D".
            if end <= last and (breaks.get(end) != "," or end - i > _LISTED):
                break
            first = end = i
            if i == 0 or sentences[i - 1] != sentences[i] or words[i - 1] in SCOPE_ENDS:
                break
    return set(range(first, last + 1))
