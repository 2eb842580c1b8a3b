"""In which order an answer says that things happen, which is not always the order of its words.

"B after A", "before B, A", "B is preceded by A" and "B. Before that, A" all mean A, then B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from video_star.verifiers.phrases import Window
from video_star.verifiers.text import Reading, word_set
from video_star.verifiers.wording import POINTERS

_BACK_REFERENCES = word_set("that this which these those it then")
_JOINS = word_set("then and but next")
_TURNING = word_set("after following having once follows")
"""Between two mentions these say that the second one came first."""
_NEXT = word_set(
    "then next afterwards afterward after finally subsequently later lastly second third fourth "
    "fifth last following followed and"
)
"""At the start of a sentence these go on with the steps of the sentence before."""
_ASIDE = word_set("so because since which as where making indicating therefore thus hence meaning")
"""These start a remark about a step rather than the next step."""
_FIRST = word_set("starts start starting started begins begin beginning began")
_LAST = word_set("ends end ending ended finishes finish finishing finished concludes concluding")
_ORDINALS = {
    **{word: i for i, word in enumerate(("first", "second", "third", "fourth", "fifth", "sixth"))},
    **{word: i for i, word in enumerate(("1st", "2nd", "3rd", "4th", "5th", "6th"))},
    **{str(i + 1): i for i in range(9)},
    **dict.fromkeys(("last", "lastly", "finally"), 9),
}
_TAGS = _FIRST | _LAST | (_ORDINALS.keys() - set("123456789")) | {"outset", "step"}
_COMES = word_set("comes come came happens happen happened occurs occur occurred is are was were")
_BY = word_set("with by in off from")
_EARLIER = word_set("before beforehand earlier previously already")
_HAD = word_set("has have had having")
"""With one of these: "B by a man who has done A before"."""
_STATES = _HAD | {"is", "was"}
"""After "it" with one of these: "dried after it was washed"."""
_FILLING = POINTERS | {"it", "them"}
"""Words of a list of steps that tell nothing of their order."""
_OUTSET = word_set("start beginning outset")
_LEAD = 5
"""Words before a mention that may say which step it is."""


@dataclass(frozen=True)
class Mention:
    """One step, said once."""

    step: int
    """Which of the distinct names it is."""
    window: Window

    @property
    def first(self) -> int:
        return self.window[0]

    @property
    def last(self) -> int:
        return self.window[-1]

    def begins_after(self, other: Mention) -> int:
        """Its first word behind another mention, which may share a thing with it ("it")."""
        return next((i for i in self.window if i > other.last), self.first)


def timeline(mentions: Sequence[Mention], reading: Reading) -> list[Mention]:
    """The mentions, given in the order of the text, in the order in which they happen."""
    ordered: list[Mention] = []
    turned: set[Mention] = set()
    for k, mention in enumerate(mentions):
        before = mentions[k - 1] if k else None
        after = mentions[k + 1] if k + 1 < len(mentions) else None
        if before is None:
            ordered.append(mention)
        elif _refers_back(before, mention, reading):
            group = [m for m in ordered if _together(m, before, reading)]
            ordered.insert(ordered.index(group[0] if group else before), mention)
        elif mention.step == before.step:
            ordered.insert(ordered.index(before) + 1, mention)
        elif _is_turned(before, mention, after, reading):
            # "C after B, and B after A" names B twice at one place.
            place = ordered.index(before)
            while place and ordered[place - 1].step == before.step:
                place -= 1
            ordered.insert(place, mention)
            turned.add(before)
        elif (awaited := _awaited(mentions, k, reading)) is not None:
            ordered.insert(ordered.index(awaited), mention)
        elif ordered[-1] is not before and _is_listed(before, mention, reading):
            ordered.insert(ordered.index(before) + 1, mention)
        else:
            ordered.append(mention)
    if (counted := _counted(mentions, reading)) is not None:
        return counted
    for tag, end in ((_is_first, 0), (_is_last, len(ordered))):
        # "First, B after A" tells of both that they come first.
        tagged = [m for m in ordered if m not in turned and tag(m, mentions, reading)]
        if len(tagged) == 1:
            ordered.remove(tagged[0])
            ordered.insert(min(end, len(ordered)), tagged[0])
    return ordered


def chains(mentions: Sequence[Mention], reading: Reading) -> list[list[Mention]]:
    """Runs of mentions (in the order of the text) that tell one course of events."""
    found: list[list[Mention]] = []
    for k, mention in enumerate(mentions):
        if k and _goes_on(mentions[k - 1], mention, reading):
            found[-1].append(mention)
        else:
            found.append([mention])
    return found


def _together(one: Mention, other: Mention, reading: Reading) -> bool:
    return reading.sentences[one.last] == reading.sentences[other.last]


def _goes_on(one: Mention, other: Mention, reading: Reading) -> bool:
    gap = reading.words[one.last + 1 : other.begins_after(one)]
    if _together(one, other, reading):
        return _ASIDE.isdisjoint(gap)
    sentence = reading.sentences[other.first]
    lead = [
        word
        for word, number in zip(reading.words, reading.sentences, strict=True)
        if number == sentence
    ][:2]
    return not _NEXT.isdisjoint(lead) or all(word.isdigit() for word in gap)


def _is_listed(one: Mention, other: Mention, reading: Reading) -> bool:
    """Whether two mentions share what stands before them: "after kneeling and praying"."""
    gap = [word for word in reading.words[one.last + 1 : other.first] if word not in _FILLING]
    return gap == ["and"] and not any(reading.mark(i) for i in range(one.last + 1, other.first + 1))


def _refers_back(one: Mention, other: Mention, reading: Reading) -> bool:
    """ "B. Before that, A", "B, but prior to this A", "B; earlier, A"."""
    gap = reading.words[one.last + 1 : other.begins_after(one)]
    if not _together(one, other, reading) and _is_said_earlier(one, other, reading):
        return True
    pairs = set(pairwise(gap))
    if ("preceded", "by") in pairs and not _together(one, other, reading):
        return True
    if any(
        (word, that) in pairs for word in ("before", "to") for that in ("that", "this", "which")
    ):
        return "before" in gap or "prior" in gap
    if any(word == "before" and gap[i + 1 : i + 2] == ("it",) for i, word in enumerate(gap)):
        return gap[-1] != "it" and not _together(one, other, reading)
    start = one.last + 1
    # "A moment earlier, and" behind a step speaks of that step.
    own = next((k for k in range(len(gap)) if reading.mark(start + k)), len(gap))
    own = own if reading.mark(start + own) else 0
    return not {"earlier", "previously", "beforehand"}.isdisjoint(gap[own:])


def _is_said_earlier(one: Mention, other: Mention, reading: Reading) -> bool:
    """ "B by a man who has done A before", "B. A had been done beforehand"."""
    end = other.last + 1
    return (
        not _EARLIER.isdisjoint(reading.words[end : end + 1])
        and not _HAD.isdisjoint(reading.words[one.last + 1 : end])
        and (end + 1 == len(reading.words) or bool(reading.mark(end + 1)))
    )


def _is_turned(one: Mention, other: Mention, later: Mention | None, reading: Reading) -> bool:
    """ "B after A", "B is preceded by A", "B follows A", "B, having done A"."""
    if not _together(one, other, reading):
        return False
    start = other.begins_after(one)
    late = ("not", "before") in pairwise(reading.words[one.last + 1 : start])
    if late or _is_said_earlier(one, other, reading):
        return True
    for i in range(one.last + 1, start):
        word, following = reading.words[i], reading.words[i + 1]
        if (word, following) == ("preceded", "by"):
            return True
        if word in _JOINS:
            return False
        told = following == "it" and not _STATES.isdisjoint(reading.words[i + 2 : i + 3])
        if word in _TURNING and (i + 1 == start or told or following not in _BACK_REFERENCES):
            # In "A, after B, C" the comma after B gives "after" to C.
            hung = later is not None and _together(other, later, reading)
            taken = hung and reading.mark(i) and "," in reading.mark(other.last + 1)
            return not taken or reading.words[other.last + 1] == "and"
    return False


def _awaited(mentions: Sequence[Mention], k: int, reading: Reading) -> Mention | None:
    """The mention in "before B," or "prior to B," that opens the sentence of mention k."""
    opening = next(m for m in mentions if _together(m, mentions[k], reading))
    if opening is mentions[k]:
        return None
    for i in range(opening.first - 1, -1, -1):
        if reading.sentences[i] != reading.sentences[opening.last]:
            return None
        word, after = reading.words[i], reading.words[i + 1]
        if (word, after) == ("prior", "to"):
            word, after = "before", reading.words[i + 2]
        if word == "before":
            return opening if after not in _BACK_REFERENCES or after == "it" else None
    return None


def _lead(mention: Mention, mentions: Sequence[Mention], reading: Reading) -> list[str]:
    """Words right before a mention in its sentence, back to the mention before."""
    if _TAGS.isdisjoint(reading.words[max(0, mention.first - _LEAD) : mention.first]):
        return []
    stop = max((m.last for m in mentions if m.last < mention.first), default=-1)
    start = max(stop + 1, mention.first - _LEAD)
    places = [
        i
        for i in range(start, mention.first)
        if reading.sentences[i] == reading.sentences[mention.first]
    ]
    if places and places[0] == stop + 1 and stop >= 0:
        # What stands right behind a mention speaks of that one: "a jump first, next a split".
        marks = [i for i in range(stop + 1, mention.first + 1) if reading.mark(i).strip(":")]
        if marks:
            places = [i for i in places if i >= marks[-1]]
        elif reading.words[places[0]] in ("first", "last"):
            places = []
    return [reading.words[i] for i in places]


def _counted(mentions: Sequence[Mention], reading: Reading) -> list[Mention] | None:
    """The mentions by their numbers where each has one: "squats are first, planks are third"."""
    numbers = {mention: _number(mention, mentions, reading) for mention in mentions}
    found = {number for number in numbers.values() if number is not None}
    if len(found) < max(2, len(numbers)):
        return None
    return sorted(mentions, key=lambda mention: numbers[mention] or 0)


def _number(mention: Mention, mentions: Sequence[Mention], reading: Reading) -> int | None:
    """Which step the words beside a mention say that it is: "comes second", "(2)", "third, A"."""
    k = mention.last + 1
    while k < len(reading.words) and reading.words[k] in _COMES | {"the", "in"}:
        k += 1
    word = reading.words[k] if k < len(reading.words) and not reading.mark(mention.last + 1) else ""
    ends = k + 1 >= len(reading.words) or reading.mark(k + 1) or reading.words[k + 1] == "and"
    if word in _ORDINALS and (ends or k > mention.last + 1):
        return _ORDINALS[word]
    lead = _lead(mention, mentions, reading)
    said = [
        _ORDINALS[word]
        for before, word in pairwise(["", *lead])
        if word in _ORDINALS and (before == "step" or not word.isdigit())
    ]
    return said[-1] if said else None


def _tagged(lead: Sequence[str], verbs: frozenset[str]) -> bool:
    return any(word in verbs and after in _BY for word, after in pairwise(lead))


def _is_called(mention: Mention, place: str, reading: Reading) -> bool:
    """ "A first, ...", "A comes first", "A is the first step"."""
    end = mention.last + 1
    after = reading.words[end : end + 3]
    if after[:1] == (place,) and not reading.mark(end):
        return end + 1 == len(reading.words) or bool(reading.mark(end + 1))
    if not after or after[0] not in _COMES:
        return False
    return place in (after[2:3] if after[1:2] == ("the",) else after[1:2])


def _is_first(mention: Mention, mentions: Sequence[Mention], reading: Reading) -> bool:
    if _is_called(mention, "first", reading):
        return True
    lead = _lead(mention, mentions, reading)
    if "at" in lead and any(a in _OUTSET and b != "of" for a, b in pairwise([*lead, ""])):
        return True
    return "then" not in lead and ("first" in lead or _tagged(lead, _FIRST))


def _is_last(mention: Mention, mentions: Sequence[Mention], reading: Reading) -> bool:
    if _is_called(mention, "last", reading):
        return True
    lead = _lead(mention, mentions, reading)
    rest = [m for m in mentions if m.first > mention.last and _together(m, mention, reading)]
    if rest and "and" in reading.words[mention.last + 1 : rest[0].first]:
        return False  # "Finally picks up the keys and leaves"
    named = "finally" in lead or "lastly" in lead or ("last" in lead and "at" not in lead)
    return named or _tagged(lead, _LAST)
