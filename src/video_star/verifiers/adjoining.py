"""Whether two neighbouring words of a name belong together, by what stands between them."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.inflection import similarity
from video_star.verifiers.text import STOP_WORDS, Reading, word_set
from video_star.verifiers.verbs import ARTICLES, BE, OBJECTLESS, is_alone, shares_thing
from video_star.verifiers.wanted import Wanted

_GAP = 6
"""Content words that may stand between an action and its thing."""
_SHORT_GAP = 3
"""The same between the words of another name ("red ball"), and where a subject or a relative
clause turns them round."""
_BACK_GAP = 1
"""The same where the words come the other way round."""
_PARTING = word_set(
    "then before after while as but or next near beside behind past alongside followed besides "
    "whereas nor instead because since so when where until who whose which without unlike than"
)
"""Words that start something else."""
_LIGHT = STOP_WORDS | word_set(
    "what looks look like seems appears all very each both has have had get gets"
)
"""Words that may stand between the words of a name in any number."""
_PASSIVE = BE | word_set("then finally later and")
"""Words around the verbs of "the batter is mixed and then poured"."""
_RELATIVE = word_set("which that whom")
_DOERS = ARTICLES | BE | word_set("he she they we i you it people someone has have")
"""What may follow the relative word of a thing that something is done to."""
_OF = ARTICLES | {"of"}
_AT = word_set("in on with at of")
"""Before more words about a subject: "a baby in a striped romper crawls"."""
_PAIRS = frozenset(
    {("up", "down"), ("back", "forth"), ("round", "round"), ("over", "over"), ("again", "again")}
    | {("side", "side"), ("in", "out"), ("left", "right"), ("around", "around")}
)
"""Between these "and" parts nothing: "bounces up and down on"."""
_STARTING = word_set("start starts started begin begins began to then just and busy")
"""Words before the verb of "takes a guitar and starts to play"."""
_HOLDERS = word_set("board table bench shelf case bag box stand seat rack bed store shop")
"""Behind a thing these say that it is only what they are for, or made of."""
_ENDING = word_set("and to into onto as by together too very well")
_ONE_AFTER = word_set("another the each")


def adjoin(
    words: Sequence[str], reading: Reading, wanted: Wanted, one: int, other: int, forward: bool
) -> bool:
    """Whether the words at `one` and `other` of an answer say two words of a name together.

    `words` are those of `reading` in their dictionary form; `forward`: they come in the order of
    the name.
    """
    gap = words[one + 1 : other]
    if not gap and forward and not reading.mark(other):
        return True
    cut = _cut(words, reading, wanted, one, other)
    marks = [i for i in range(one + 1, other + 1) if reading.mark(i)]
    if marks == [one + 1, cut] and cut and words[cut] in ARTICLES | OBJECTLESS | {"up"}:
        gap, cut = words[cut:other], None  # "Plays, with closed eyes, the violin".
    foreign = [word for word in _without_asides(gap) if word not in wanted.own]
    content = sum(word not in _LIGHT for word in foreign)
    if words[one][0].isdigit() or words[other][0].isdigit():
        # "tucks into 2.5 somersaults": what the number counts stands behind it.
        counts = not wanted.own.isdisjoint(words[other + 1 : other + 2])
        near = forward or (counts and not cut)
        return near and content <= 1 and _PARTING.isdisjoint(foreign)
    if forward and shares_thing(words, reading, one, other):
        return True
    is_verb = cut is not None and _is_verb(wanted, reading.words[other])
    if is_verb and cut and _goes_on_alone(words, reading, one, cut, other):
        return True
    if not forward and _is_turned(words, reading, one, other, cut):
        return True
    if not _PARTING.isdisjoint(foreign) or any(word[0].isdigit() for word in foreign):
        return False
    if not forward and gap and reading.words[other].endswith("ing") and gap[-1] in _OF:
        return False  # "a line of waiting cars" does not say "waiting in line".
    if forward and (_has_own_thing(gap, wanted) or _is_holder(words, other, gap)):
        return False
    most = _most(words, reading, wanted, one, other, forward)
    if ("front" in foreign and "of" in foreign) or content > most:
        return False
    return cut is None or (forward and _goes_on(words, reading, wanted, one, cut, other))


def _has_own_thing(gap: Sequence[str], wanted: Wanted) -> bool:
    """ "Holds the phone with both hands", unless the name says "with"."""
    if "with" not in gap[1:] or "with" in wanted.own or gap[0] not in ARTICLES:
        return False
    return OBJECTLESS.isdisjoint(gap[gap.index("with") + 1 :])


def _is_holder(words: Sequence[str], other: int, gap: Sequence[str]) -> bool:
    """ "Chops onions on a wood (cutting) board", "plays cards on the piano bench"."""
    i = other + 1 + (words[other + 1 : other + 2] == ("cutting",))
    return not OBJECTLESS.isdisjoint(gap) and not _HOLDERS.isdisjoint(words[i : i + 1])


def _without_asides(gap: Sequence[str]) -> list[str]:
    """The words without "(one) after another" and "not a bike but", which start nothing else."""
    for start, end in (("after", "after"), ("not", "but")):
        if start in gap[:-1] and end in gap:
            i, j = gap.index(start), gap.index(end)
            if start == "not" and i < j:
                return [*gap[:i], *gap[j + 1 :]]
            if start == end and gap[i + 1] in _ONE_AFTER:
                return [*gap[:i], *gap[i + 2 :]]
    return list(gap)


def _most(
    words: Sequence[str], reading: Reading, wanted: Wanted, one: int, other: int, forward: bool
) -> int:
    """Content words that may stand in a gap.

    More where a verb follows its subject: "a baby in a striped romper crawls".
    """
    gap = words[one + 1 : other]
    if forward or not gap:
        return _GAP if any(word.endswith("ing") for word in wanted.words) else _SHORT_GAP
    if gap[-1] in BE and _is_done(reading, other):
        return _GAP  # "The cat that lies on his lap is being petted".
    finite = not reading.words[other].endswith("ing") or gap[-1] in BE
    subject = gap[0] in _AT and finite and _is_verb(wanted, reading.words[other])
    compound = wanted.words[-1].endswith("ing") and similarity(words[one], wanted.words[-1]) == 1
    return _SHORT_GAP if subject or compound else _BACK_GAP


def _is_verb(wanted: Wanted, word: str) -> bool:
    return any(w.endswith("ing") and similarity(word, w) == 1 for w in wanted.words)


def _is_turned(
    words: Sequence[str], reading: Reading, one: int, other: int, cut: int | None
) -> bool:
    """Whether a verb behind its thing is about it: in the passive, or in a relative clause."""
    gap = words[one + 1 : other]
    if gap and (cut or "then" in gap):
        verbs = words[cut or one + 1 : other]
        content = sum(word not in _LIGHT for word in gap)
        passive = gap[0] in BE or (not BE.isdisjoint(verbs) and _is_done(reading, other))
        if passive and all(word in _PASSIVE for word in verbs) and content <= _SHORT_GAP:
            return _PARTING.isdisjoint(gap) or gap[0] in BE
    if cut == other and _is_done(reading, other) and words[other + 1 : other + 2] == ("by",):
        return len(gap) <= _SHORT_GAP  # "Five balls, juggled by a boy".
    return _is_relative(words, reading, one, other)


def _goes_on_alone(words: Sequence[str], reading: Reading, one: int, cut: int, other: int) -> bool:
    """ "Picks up his guitar and plays in the street": a verb without a thing of its own."""
    if not is_alone(words, reading, other):
        return False
    joined = words[cut - 1] == "and" or (
        reading.mark(cut) == "," and "and" in words[other + 1 : other + 1 + _GAP]
    )
    verbs = {word for word in words[cut:other] if not word.endswith("ly")}
    if not joined or not verbs <= _STARTING | BE or not _PARTING.isdisjoint(words[one + 1 : cut]):
        return False
    finite = not reading.words[other].endswith("ing") or bool(verbs)
    marks = [i for i in range(one + 1, cut) if reading.mark(i)]
    return finite and all(
        reading.mark(i) == "," and words[i + (words[i] == "and")] not in _DOERS for i in marks
    )


def _is_done(reading: Reading, i: int) -> bool:
    return not reading.words[i].endswith(("ing", "s"))


def _is_relative(words: Sequence[str], reading: Reading, one: int, other: int) -> bool:
    """ "A cow, which she milks", "it is the oil of the car that the mechanic has changed"."""
    links = [i for i in range(one + 1, other) if words[i] in _RELATIVE]
    if not links or words[links[0] + 1] not in _DOERS:
        return False
    link = links[0]
    before, clause = words[one + 1 : link], words[link + 1 : other]
    if before and before[0] not in _AT:
        return False
    marks = [i for i in range(one + 1, other + 1) if reading.mark(i) and i != link]
    if marks or not _PARTING.isdisjoint((*before, *clause)) or "and" in clause:
        return False
    return sum(word not in _LIGHT for word in clause) <= _SHORT_GAP


def _goes_on(
    words: Sequence[str], reading: Reading, wanted: Wanted, one: int, cut: int, other: int
) -> bool:
    """Whether a word behind a comma or "and" still belongs to a verb before it.

    A further thing of a list ("plates, cups and forks", "tea and milk"), or a record's next field.
    """
    key = reading.mark(other) == ":" and reading.mark(one) == ":"
    if key and other - one == 2:
        return True
    said = reading.words[other]
    if said.endswith("ing") or any(word not in ARTICLES for word in words[cut:other]):
        return False
    if words[cut - 1] == "and":
        if _is_verb(wanted, said) and len(set(wanted.words)) > 1:
            return True  # "Lies down on the bench and presses a barbell".
        # "Shaves his beard and his head moves" starts something else.
        last = is_alone(words, reading, other) or words[other + 1].endswith("ly")
        return last or words[other + 1] in _PARTING | _ENDING
    ahead = range(other + 1, min(other + 3, len(words)))
    return any(words[i] == "and" or reading.mark(i) == "," for i in ahead)


def _cut(
    words: Sequence[str], reading: Reading, wanted: Wanted, one: int, other: int
) -> int | None:
    """Where the last comma or "and" between two words is; None where there is none."""
    for i in range(other, one, -1):
        if reading.mark(i):
            return i
        joins = words[i] == "and" and i < other and "and" not in wanted.own
        if joins and (words[i - 1], words[i + 1]) not in _PAIRS:
            return i + 1
    return None
