"""Things and steps that an answer names although they are not there: wanted, written, cut off.

"His mother asks him to play the piano", "the sign says milk", "the video ends before he dives".
What an answer names this way once may still be told to happen elsewhere in it.
"""

from __future__ import annotations

from itertools import pairwise

from video_star.verifiers.text import Reading, word_set
from video_star.verifiers.undone import is_undone, may_be_undone
from video_star.verifiers.verbs import ARTICLES, is_run

_WANTING = word_set(
    "wants wanted want wanting plans planned plan planning intends intended intend intending hopes "
    "hoped hoping wishes wished wishing promises promised supposed expected ready prepares "
    "prepared preparing about asks asked asking tells told telling orders ordered urges urged "
    "invites invited instructs instructed reminds reminded begs begged encourages encouraged "
    "advises advised offers offered threatens threatened scheduled meant like love "
    "pretends pretended pretending pretend"
)
"""Before "to" these say that what follows is not done yet."""
_LIGHT = word_set("do go try start begin perform make have also then now be")
"""Words between that "to" and the action: "tells him to do push-ups"."""
_OBEYING = word_set("does did do complies complied obeys obeyed agrees agreed so")
"""Behind a wish these say that it comes true: "and he does"."""
_REFUSING = word_set("not never refuses refused declines but tired")
_TALKING = word_set(
    "announces announced announcing plans planned proposes proposed recommends recommended "
    "considers considered imagines imagined forgets forgot forgotten almost nearly "
    "refuses refused declines mentions mentioned mentioning"
)
"""Before a thing or a step these only speak of it, or leave it behind."""
_SEEKING = word_set("looks looking looked searches searching searched")
"""The same before "for", unless it is found."""
_MISTAKING = word_set("mistook mistake mistakes mistaken mistaking")
_FINDING = word_set("finds found find gets got picks grabs takes")
_TEXTS = word_set(
    "sign caption captions subtitle subtitles shirt t-shirt poster text title list banner label "
    "note logo headline board book packaging recipe comment instructions"
)
_READING = word_set("says say said saying reads read reading mentions lists")
_TITLED = word_set("titled entitled captioned")
_THAT = word_set("that which saying reading")
_WORN = word_set("in with wearing wears wear holding holds at by")
"""Before a text these make it no subject: "a man in a red shirt reads a newspaper"."""
_CLAUSES = word_set("and while as but so then when")
_ABOUT = word_set("talk talks talking speaks speaking dreams thinks thinking")
"""The same before "about"."""
_MADE = word_set("costume mask toy figurine statue poster sticker")
"""Behind a thing these say that it is none: "a cat costume"."""
_PICTURES = word_set("poster painting statue drawing logo tattoo sticker figurine")
_USUAL = word_set("typical typically usual usually common commonly general generally normally")
_UNABLE = word_set("unable cannot can't don't won't sorry apologize")
_FILM = word_set("video clip footage recording film segment scene")
_STOPS = word_set("ends ended stops stopped cuts cut finishes fades breaks")
_BEGINS = word_set("starts started begins began")
_PERFECT = word_set("been has have had")
_REMAINS = word_set("is are was were stays stay remains remain")
_OFF = {("off", "screen"), ("off", "camera"), ("off", "frame")}
_VIEWS = (["frame"], ["view"], ["sight"], ["shot"], ["picture"], ["video"])
_CAN = word_set("can could manages")
_NEEDS = word_set("has have had must needs needed first")
_RAN = word_set("run runs ran")
_ADVICE = word_set("should must could have need")
_TURNED = word_set("but however yet")
_REPORTS = word_set("says said explains explained tells told mentions mentioned according")
_MORE = word_set("off out before already words")
_CUES = _TALKING | _READING | _TITLED | _MADE | _USUAL | _STOPS | _MORE
"""Most answers have none of these, and are searched for nothing."""
_CUES_BEFORE = (
    ("to", _WANTING),
    ("for", _SEEKING | _MISTAKING),
    ("of", _PICTURES),
    ("about", _ABOUT),
    ("before", _CAN),
    ("you", _ADVICE),
    ("of", _RAN),
)
"""The same where the answer has the word in front, too."""
_ANY_CUE = _CUES.union(*(cues for _, cues in _CUES_BEFORE))
_OBJECT = 4
"""Words between a wish and its "to" at most: "asks her little brother to"."""
_NEAR = 8
"""Words over which a text, an end or an obedience is searched."""


def may_be_unreal(reading: Reading) -> bool:
    """Whether anything can be unreal: a quick look before the search."""
    return may_be_undone(reading) or _may_be_spoken_of(reading)


def _may_be_spoken_of(reading: Reading) -> bool:
    words = reading.words
    if _ANY_CUE.isdisjoint(words):
        return False
    return not _CUES.isdisjoint(words) or any(
        word in words and not cues.isdisjoint(words) for word, cues in _CUES_BEFORE
    )


def is_unreal(reading: Reading, first: int, last: int) -> bool:
    """Whether the words `first` to `last` name what is only wanted, written or not reached."""
    if may_be_undone(reading) and is_undone(reading, first, last):
        return True
    if not _may_be_spoken_of(reading):
        return False
    lead = _lead(reading, first)
    if _is_out_of_view(reading, last) or _is_earlier(reading, first, last):
        return True
    return bool(lead) and (
        (_is_wanted(lead) and not _comes_true(reading, last))
        or _is_spoken_of(reading, lead, last)
        or _is_written(reading, lead, first)
        or _is_cut_off(lead)
        or _is_advised(lead)
        or _is_typical(reading, lead, first)
    )


def _is_out_of_view(reading: Reading, last: int) -> bool:
    """ "Are out of frame", "stays off screen", "remains out of the picture"."""
    verb, *place = [w for w in reading.words[last + 1 : last + 6] if w not in ARTICLES] or [""]
    if verb not in _REMAINS or reading.mark(last + 1):
        return False
    return tuple(place[:2]) in _OFF or (place[:2] == ["out", "of"] and place[2:3] in _VIEWS)


def _is_earlier(reading: Reading, first: int, last: int) -> bool:
    """ "Has already been washed", "washed before the video starts", "before the clip begins"."""
    words = reading.words
    lead = words[max(0, first - 2) : first]
    if "already" in lead and not _PERFECT.isdisjoint(lead):
        return True
    for i in range(max(0, first - _NEAR), min(last + _NEAR, len(words) - 3)):
        if words[i] == "before" and words[i + 2] in _FILM and words[i + 3] in _BEGINS:
            return is_run(reading, *sorted((i, first)))
    return False


def _lead(reading: Reading, first: int) -> list[str]:
    """The words of the sentence before a place."""
    return list(reading.words[reading.sentence_start(first) : first])


def _is_wanted(lead: list[str]) -> bool:
    """ "Wants to", "asks him to", "is ready to" right before the action."""
    end = len(lead)
    while end and lead[end - 1] in _LIGHT | ARTICLES:
        end -= 1
    if not end or lead[end - 1] != "to":
        return False
    return not _WANTING.isdisjoint(lead[max(0, end - 1 - _OBJECT) : end - 1])


def _comes_true(reading: Reading, last: int) -> bool:
    following = reading.words[last + 1 : last + 1 + _NEAR]
    so_far = ("so", "far") in pairwise(following)
    return not so_far and not _OBEYING.isdisjoint(following) and _REFUSING.isdisjoint(following)


def _is_spoken_of(reading: Reading, lead: list[str], last: int) -> bool:
    """ "Forgot her gloves", "looks for the keys", "a poster of a cat"."""
    end = len(lead)
    while end and lead[end - 1] in ARTICLES:
        end -= 1
    one, other = ["", "", *lead[:end]][-2:]
    following = reading.words[last + 1 : last + 2]
    if other in _TALKING or (other == "of" and one in _PICTURES):
        return True
    if following and following[0] in _MADE and not reading.mark(last + 1):
        return True
    if other == "about" and not _ABOUT.isdisjoint(lead[max(0, end - _OBJECT - 2) : end]):
        return True
    if (one, other) == ("out", "of") and not _RAN.isdisjoint(lead[max(0, end - 3) : end]):
        return True
    if other == "for" and not _MISTAKING.isdisjoint(lead[-_NEAR:]):
        return True
    found = not _FINDING.isdisjoint(reading.words[last + 1 : last + 1 + _NEAR])
    return other == "for" and one in _SEEKING and not found


def _is_written(reading: Reading, lead: list[str], first: int) -> bool:
    """ "The sign above reads", "a shirt that says": what follows is only written."""
    quoted = lead[:-1] if lead[-1] == "i" else lead
    if lead[-1] in _TITLED or quoted[-2:] == ["the", "words"]:
        return True
    if _READING.isdisjoint(lead[-_NEAR:]):
        return False
    for i in range(len(lead) - 1, max(-1, len(lead) - 1 - _NEAR), -1):
        place = first - len(lead) + i
        if lead[i] in _CLAUSES or reading.mark(place + 1).strip(":"):
            return False
        if lead[i] in _READING:
            texts = [k for k in range(max(0, i - _NEAR), i) if lead[k] in _TEXTS]
            return any(
                lead[k + 1] in _THAT or _WORN.isdisjoint(lead[max(0, k - 3) : k]) for k in texts
            )
    return False


def _is_typical(reading: Reading, lead: list[str], first: int) -> bool:
    """ "I am unable to view videos, but typically": what usually happens is no answer."""
    return not _USUAL.isdisjoint(lead) and not _UNABLE.isdisjoint(reading.words[:first])


def _is_advised(lead: list[str]) -> bool:
    """ "A narrator explains that you have to", "she mentions that you could"."""
    reported = not _REPORTS.isdisjoint(lead) and _TURNED.isdisjoint(lead)
    return reported and any(one == "you" and other in _ADVICE for one, other in pairwise(lead))


def _is_cut_off(lead: list[str]) -> bool:
    """ "The video ends before", "before the dog can": what follows is not shown."""
    near = lead[-_NEAR:]
    if "before" not in near:
        return False
    unable = not _CAN.isdisjoint(near[-2:]) and near.index("before") >= len(near) - _OBJECT - 1
    if unable and _NEEDS.isdisjoint(lead):
        return True
    end = lead[: len(lead) - len(near) + near.index("before")][-_OBJECT:]
    return any(
        word in _FILM and not _STOPS.isdisjoint(end[i + 1 : i + 3]) for i, word in enumerate(end)
    )
