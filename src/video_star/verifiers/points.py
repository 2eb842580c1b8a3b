"""Points and parts of a clip that are named in words: "two thirds", "halfway", "the end"."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.text import STOP_WORDS
from video_star.verifiers.tokens import DASHES, UNITS, Token, skip_silent, word_at
from video_star.verifiers.wording import word_set

CLIP = word_set("clip video recording footage film sequence movie duration length segment excerpt")
FOLLOWERS = STOP_WORDS | word_set(
    "and or but when where while because since which who before after until till through thru "
    "than not out however although if there would could should will can may might has have had "
    "about around approximately roughly mark marks point in during within between per total "
    "overall only also too exactly respectively onward onwards on timestamp start end starts ends "
    "begin begins finish finishes up long later respectively seconds reason explanation answer"
)
"""Words after a bare number that leave it a plain number: any other noun makes it a count."""
PARTS = {
    **dict.fromkeys(("half", "halves"), 2),
    **dict.fromkeys(("third", "thirds"), 3),
    **dict.fromkeys(("quarter", "quarters", "fourth", "fourths"), 4),
    **dict.fromkeys(("fifth", "fifths"), 5),
    **dict.fromkeys(("sixth", "sixths"), 6),
    **dict.fromkeys(("eighth", "eighths"), 8),
    **dict.fromkeys(("tenth", "tenths"), 10),
}
"""Names of equal parts, with how many make a whole."""
POINTS = {
    **dict.fromkeys(("beginning", "start", "outset"), 0.0),
    **dict.fromkeys(("middle", "midpoint"), 0.5),
    **dict.fromkeys(("end", "finish", "close"), 1.0),
}
_POINT_LEADS = word_set("the very from until till to through at its")
_TELLS = word_set("is was at time times timestamp occurs comes happens point of second seconds")
"""After "the start" or "the end" these tell when it is: "the start is at 2 s"."""
_BEGINS = word_set("start starts started begin begins began beginning opens")
_FINISHES = word_set("end ends ended finish finishes finished stops cuts over concludes ending")


def ends_well(tokens: Sequence[Token], i: int) -> bool:
    """Whether a name of a point ends here: before a function word, a mark or "of the video"."""
    i = skip_silent(tokens, i)
    word = word_at(tokens, i)
    if word in ("of", "through", "into", "in"):
        j = i + 1
        while word_at(tokens, j) in ("the", "this", "entire", "whole", "its", "way", "a", "full"):
            if word_at(tokens, j) == "way":
                return True
            j += 1
        of_clip = word_at(tokens, j).removesuffix("'s") in CLIP
        return word != "of" or of_clip or (j + 1 < len(tokens) and (
            tokens[j].kind in ("number", "clock") and word_at(tokens, j + 1) in (*UNITS, *DASHES)
        ))  # fmt: skip
    if i >= len(tokens) or tokens[i].kind != "word":
        return True
    return word in FOLLOWERS or word in CLIP or word.endswith("ly")


def part_at(tokens: Sequence[Token], i: int) -> tuple[float, int] | None:
    """A share of the clip in words and the index of its last token."""
    word = tokens[i].text
    if word in ("halfway", "midway"):
        return 0.5, i + (word_at(tokens, i + 1) in ("point", "mark"))
    if word in ("half", "mid") and word_at(tokens, i + 1) in DASHES:
        if word_at(tokens, i + 2) in ("way", "point") or (
            word == "mid" and word_at(tokens, i + 2) in CLIP
        ):
            return 0.5, i + 2
        return None
    if word == "half" and word_at(tokens, i + 1) == "way":
        return 0.5, i + 1
    numerator = tokens[i].value if tokens[i].spelled else 1.0 if word == "a" else None
    if numerator is not None and numerator >= 1:
        j = i + 1 + (word_at(tokens, i + 1) in DASHES)
        whole = PARTS.get(word_at(tokens, j))
        plural = word_at(tokens, j).endswith("s")
        if whole and plural == (numerator > 1) and numerator < whole and ends_well(tokens, j + 1):
            return numerator / whole, j
        return None
    if word == "half" and word_at(tokens, i - 1) not in ("first", "second", "last", "other"):
        following = word_at(tokens, i + 1)
        if following in ("the", "this", "its") and word_at(tokens, i + 2) not in CLIP:
            return None
        if following == "a" or not ends_well(tokens, i + 1):
            return None
        return 0.5, i
    return _named_point(tokens, i) or _until_the_clip_ends(tokens, i)


def _named_point(tokens: Sequence[Token], i: int) -> tuple[float, int] | None:
    """ "the beginning", "the middle of the video", "until the very end", "from start"."""
    word, before = tokens[i].text, word_at(tokens, i - 1)
    if word not in POINTS or before not in _POINT_LEADS:
        return None
    if before == "the" and word_at(tokens, i - 2) in ("in", "by") and word == "end":
        return None
    following = skip_silent(tokens, i + 1)
    if word != "middle" and word_at(tokens, following) in (":", "="):
        return None
    if word != "middle" and word_at(tokens, following) in _TELLS - {"of"}:
        return None
    return (POINTS[word], i) if ends_well(tokens, following) else None


def clip_edge(tokens: Sequence[Token], i: int) -> tuple[float, int] | None:
    """ "the video starts", "the clip is over" from token i on: 0 or 1 and the last token."""
    while word_at(tokens, i) in ("the", "this", "whole", "entire"):
        i += 1
    if word_at(tokens, i) not in CLIP:
        return None
    i += 1
    while word_at(tokens, i) in ("itself", "is", "has", "was", "almost", "nearly"):
        i += 1
    word = word_at(tokens, i)
    if word not in _BEGINS | _FINISHES or not ends_well(tokens, i + 1):
        return None
    return (0.0 if word in _BEGINS else 1.0), i


def _until_the_clip_ends(tokens: Sequence[Token], i: int) -> tuple[float, int] | None:
    """ "video ends" in "until the video ends"."""
    j = i - 1
    while word_at(tokens, j) in ("the", "this", "very"):
        j -= 1
    edge = clip_edge(tokens, i) if word_at(tokens, j) in ("until", "till") else None
    return edge if edge and edge[0] == 1 and tokens[i].text in CLIP else None
