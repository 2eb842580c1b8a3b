"""Verifier of `box` labels: the IoU of the box that an answer asserts, greater than `box_iou`.

A box is four numbers, always read as corners x1 y1 x2 y2, never as centre and size: in brackets or
parentheses, as a row of four after a colon or alone, as two points ("(0.1, 0.2) to (0.5, 0.9)"),
as two named corners, or number by number ("x1=0.1, y1=0.2 ...", "left 10%, top 20% ..."). They
are fractions of width and height, or percent where the answer says so. Anything above 1 without
percent may be pixels of an unknown frame and is refused ("no box"), as are centres and sizes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from video_star.domain import LabelVerdict
from video_star.labels import BoxLabel
from video_star.params import VerifyParams
from video_star.verifiers.base import Case, Known, verdict
from video_star.verifiers.mentions import asserted, original_place
from video_star.verifiers.standing import Mention
from video_star.verifiers.text import fold

BOX = ("box-iou", 1)
Box = tuple[float, ...]

_NUMBER = r"(-?(?:[0-9]{1,4}(?:\.[0-9]{0,12})?|\.[0-9]{1,12}))[ \t\n\r\f\v]{0,20}(%?)"
_S = r"\s{0,20}"
_SEP = rf"{_S}(?:[,;]{_S}|\s{_S})"
_POINT = rf"[\[(<{{]{_S}(?:x{_S}[:=]{_S})?{_NUMBER}{_SEP}(?:y{_S}[:=]{_S})?{_NUMBER}{_S}[\])>}}]"
_FREE = r"(?<![0-9.,%\w-])"
_ROW = re.compile(
    rf"{_FREE}{_NUMBER}{_SEP}{_NUMBER}{_SEP}{_NUMBER}{_SEP}{_NUMBER}(?!{_S}[,;]?{_S}[0-9.]*[0-9])"
)
_TWO_POINTS = re.compile(
    rf"{_POINT}(?:{_S}(?:,|;|-{{1,3}}>?|\u2013|\u2014|\u2192|to|and|through|until){_S}|{_S}){_POINT}"
)
_EDGES = rf"[\[(<{{]?{_S}(?:x{_S}[:=]{_S})?{_NUMBER}{_SEP}(?:y{_S}[:=]{_S})?{_NUMBER}"
_CORNER = r"\b(top|upper|bottom|lower)[\s-]{1,4}(left|right)\b[^()\[\]{}0-9.]{0,40}"
_NAMED_CORNER = re.compile(rf"{_CORNER}{_EDGES}")
_KEYS: dict[str, int] = {
    **dict.fromkeys(("x1", "xmin", "left", "x0"), 0),
    **dict.fromkeys(("y1", "ymin", "top", "y0"), 1),
    **dict.fromkeys(("x2", "xmax", "right"), 2),
    **dict.fromkeys(("y2", "ymax", "bottom"), 3),
}
_KEYED = re.compile(
    r"\b(x[012]|y[012]|[xy][_ ]?min|[xy][_ ]?max|min[_ ]?[xy]|max[_ ]?[xy]|left|top|right|bottom)\b"
    rf"[\"'`*]{{0,3}}{_S}(?:(?:edge|side|is|at|of|about|around|coordinate){_S}){{0,4}}[:=]?{_S}{_NUMBER}"
)
_AXIS = re.compile(
    rf"\b(x|y|horizontal|vertical)(?:ly)?\b[^0-9.\[(]{{0,30}}?[\[(]?{_S}{_NUMBER}{_S}(?:to|and|-|\u2013|,|until){_S}(?:[xy]{_S}[:=]{_S})?{_NUMBER}"
)
_OF_AXIS = re.compile(
    rf"{_FREE}{_NUMBER}{_S}(?:to|and|-|\u2013|until){_S}{_NUMBER}{_S}(?:of|in|along)\s+(?:the|its)\s+"
    r"(width|height)\b"
)
_SIZES = re.compile(
    r"\bcent(?:er|re)[\s_-]{0,4}[xy]\b|\b[xy][\s_-]{0,4}cent(?:er|re)\b|\bc[xy]\b|\bcxcywh\b|\bxywh\b"
    r"|\b[xy]\W{1,6}(?:and\W{1,4})?w(?:idth)?\W{1,6}(?:and\W{1,4})?h(?:eight)?\b"
    r"|\bcent(?:er|re)\b[^.]{0,60}[(\[][^,)\]]{1,20},[^,)\]]{1,20}[)\]]"
)
_PERCENT = re.compile(r"\b(?:percent|percentages?|per cent)\b|\bin %")
_UNIT = re.compile(r"(?:s|secs?|seconds?|min|minutes?|m|cm|meters?|metres?|px|pixels?)\b")
_KEY_GAP = 40
"""Characters between two numbers of one box that is given number by number."""


def box_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two corner boxes, 0..1; 0 for a box without an area."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0 or one[2] <= one[0] or one[3] <= one[1]:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def verify_box(label: BoxLabel, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
    """Judge the box that an answer asserts; of several that it leaves open each must pass."""
    folded, limit = fold(case.text)[0], params.limits.box_iou
    said = asserted(_boxes(folded), folded, fold(case.question)[0])
    if not said.mentions:
        return verdict(label, case, BOX, 0.0, limit, None, said.reason or "no box")
    place = said.mentions[0].place[0], said.mentions[-1].place[1]
    original = original_place(place, case.text)
    boxes = [_fractions(mention.value) for mention in said.mentions]
    scores = [0.0 if box is None else box_iou(label.xyxy, box) for box in boxes]
    passes = [score > limit for score in scores]
    if None in boxes:
        return verdict(label, case, BOX, 0.0, limit, original, "no box")
    reason = "match" if all(passes) else "several answers" if any(passes) else "no match"
    return verdict(label, case, BOX, min(scores), limit, original, reason)


Parts = tuple[tuple[float, bool], ...]
"""x1 y1 x2 y2 as written, each with whether it is in percent."""


def _fractions(parts: Parts) -> Box | None:
    """Corners as fractions; None for numbers that are no fractions."""
    percent = any(is_percent for _, is_percent in parts)
    if percent and not all(is_percent or value == 0 for value, is_percent in parts):
        percent = parts[-1][1] and not any(is_percent for _, is_percent in parts[:-1])
        if not percent:
            return None
    box = tuple(value / 100 if percent else value for value, _ in parts)
    return box if all(0 <= value <= 1 for value in box) else None


def _boxes(folded: str) -> list[Mention[Parts]]:
    in_percent = bool(_PERCENT.search(folded))
    refused = [match.span() for match in _SIZES.finditer(folded)]
    found: list[Mention[Parts]] = []
    taken = 0
    for mention in sorted(_all(folded), key=lambda m: (m.place[0], -m.rank)):
        start, end = mention.place
        if start < taken:
            continue
        taken = end
        if any(a - _KEY_GAP <= start <= b + _KEY_GAP or start <= a < end for a, b in refused):
            continue
        value = tuple((part, percent or in_percent) for part, percent in mention.value)
        found.append(Mention(value, mention.pieces))
    return found


def _all(folded: str) -> Iterator[Mention[Parts]]:
    for match in _ROW.finditer(folded):
        if _is_row_of_a_box(match, folded):
            yield Mention(_parts(match.groups()), (match.span(),), 1)
    for match in _TWO_POINTS.finditer(folded):
        yield Mention(_parts(match.groups()), (match.span(),), 2)
    yield from _corners(folded)
    yield from _keyed(folded)
    yield from _axes(folded)


def _parts(groups: Sequence[str]) -> Parts:
    return tuple(
        (float(groups[i]), groups[i + 1] == "%") for i in range(len(groups) - 8, len(groups), 2)
    )


def _is_row_of_a_box(match: re.Match[str], folded: str) -> bool:
    """In brackets or tags, after a colon, or with nothing else in the answer."""
    before = folded[max(0, match.start() - 12) : match.start()].rstrip(" \t\r\n\"'`*")
    after = folded[match.end() : match.end() + 12].lstrip(" \t\r\n\"'`*")
    if _UNIT.match(after):
        return False
    if before[-1:] in ("[", "(", "{", ">", "<"):
        return after[:1] in ("]", ")", "}", "<", ">") or after == ""
    if before == after == "" and folded.strip(" \t\r\n\"'`*.") == match[0].strip():
        return True
    commas = match[0].count(",") + match[0].count(";") == 3
    return commas and (before[-1:] in ("", ":", "=") or before.split()[-1:] in (["is"], ["at"]))


def _corners(folded: str) -> Iterator[Mention[Parts]]:
    """Two opposite corners by their names, in either order."""
    matches = list(_NAMED_CORNER.finditer(folded))
    i = 0
    while i + 1 < len(matches):
        one, other = matches[i], matches[i + 1]
        apart = other.start() - one.end()
        flipped = (_is_top(one) != _is_top(other)) and (one[2] != other[2])
        if not flipped or apart > _KEY_GAP:
            i += 1
            continue
        points = {m[2]: (float(m[3]), m[4] == "%") for m in (one, other)}
        heights = {_is_top(m): (float(m[5]), m[6] == "%") for m in (one, other)}
        parts = points["left"], heights[True], points["right"], heights[False]
        yield Mention(parts, ((one.start(), other.end()),), 3)
        i += 2


def _is_top(match: re.Match[str]) -> bool:
    return match[1] in ("top", "upper")


def _keyed(folded: str) -> Iterator[Mention[Parts]]:
    """All four edges by their names, in any order."""
    given: dict[int, tuple[float, bool]] = {}
    start = end = 0
    for match in _KEYED.finditer(folded):
        key = re.sub(r"[_ ]", "", match[1])
        key = key[-1] + key[:-1] if key.startswith(("min", "max")) else key
        index = _KEYS[key]
        if index in given or match.start() - end > _KEY_GAP:
            given = {}
        if not given:
            start = match.start()
        given[index] = (float(match[2]), match[3] == "%")
        end = match.end()
        if len(given) == 4:
            yield Mention(tuple(given[i] for i in range(4)), ((start, end),), 3)
            given = {}


def _axes(folded: str) -> Iterator[Mention[Parts]]:
    """ "x from 0.1 to 0.5 and y from 0.2 to 0.9", "10% to 50% of the width and ..."."""
    named = [(m, m[1][0] in "xh", m.groups()[1:]) for m in _AXIS.finditer(folded)]
    named_after = [(m, m[5] == "width", m.groups()[:4]) for m in _OF_AXIS.finditer(folded)]
    for found in (named, named_after):
        for one, other in pairwise(found):
            near = other[0].start() - one[0].end() < _KEY_GAP
            if near and one[1] and not other[1]:
                (x1, px1, x2, px2), (y1, py1, y2, py2) = one[2], other[2]
                parts = _parts((x1, px1, y1, py1, x2, px2, y2, py2))
                yield Mention(parts, ((one[0].start(), other[0].end()),), 3)
