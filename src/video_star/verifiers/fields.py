"""What structured answers say beside a name: status fields, cells of tables, time stamps.

Works on the text as it was given; words are named by their place among its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from video_star.verifiers.text import spans_of, word_set

_NO = (
    r"(?:still |is )?"
    r"(?:false|n/a|no|none|null|skipped|absent|missing|omitted|failed|never|pending|not \w+)"
)
_FLAGS = re.IGNORECASE | re.MULTILINE
_STRUCK = re.compile(r"~~(.{1,200}?)~~|<(?:s|del)>(.{1,200}?)</|\b(\w+)(?=-free\b)", _FLAGS)
""" "~~paper~~", "sugar-free"."""
_NEGATIVE_KEY = re.compile(
    r'"(?:not?|non|absent|missing|skipped|excluded|unused|omitted)(?:[_ ]\w+)*"'
    r'\s*:\s*(\[[^\]]{0,500}\]|"[^"]{0,99}")',
    _FLAGS,
)
_NEGATIVE_VALUE = re.compile(
    rf'"([^"\n]{{1,80}})"\s*:\s*"?(?:{_NO}|0)\b(?!\.)'
    rf"|^[^\w\n]*(\w[^:|\n]{{0,80}}?)(?: ?:| [-\u2013\u2014]) ?(?:{_NO}|0)[^\w\n]*$"
    r"|\b(\w{1,40}): (?:0|n/a)(?=[,;]|\. |$| \()",
    _FLAGS,
)
_NEGATIVE_HEADING = re.compile(
    r"^[^\w\n]*(?:[^:\n]{0,60}\b)?(?:(?:not|never) (?:\w+ed|seen|shown|worn|there|visible|present)"
    r"|unused|untouched|unopened|absent|missing|excluded|idle)\b[^:\n]{0,40}:[^\w\n]*\n"
    r"((?:[ \t]*(?:[-*\u2022]|\d+[.)])[^\n]*(?:\n|$))+)",
    _FLAGS,
)
""" "Visible but not used:" above the lines of a list."""
_RECORD = re.compile(r"(\{[^{}]*\}|^[ \t]*- \w+:.*(?:\n[ \t]+\w+:.*)+)", _FLAGS)
_STATUS = re.compile(
    r"\b(?:is_)?(?:complete|done|visible|present|seen|shown|perform|detect|status|happen|occur"
    rf'|observe|execute|found|exist|added|used|worn)\w*"?\s*:\s*"?(?:{_NO}|0)\b',
    _FLAGS,
)
_ROW = re.compile(r"^.*\|.*$", _FLAGS)
_CELL = re.compile(rf"(?:{_NO}|off)(?:\W.*)?|(yes|true|done|[\u2713\u2714\u2705])", _FLAGS)

_TIME = re.compile(
    r"(?<![\d:.])(?<!for )(?:(?:(\d+):)?(\d+):([0-5]\d(?:\.\d+)?)(?!\d)"
    r'|(?:\bat|\bfrom|@|^[^\w\n]{0,20}|"(?:start|time|begin|from)\w*"\s*:)'
    r'[ \t"(\[]{0,8}(\d+(?:\.\d+)?)'
    r'(?:\s*(?:s|secs?|seconds?)\b|(?<=\d)(?="?\s*[,}])))',
    _FLAGS,
)
_BETWEEN = word_set("s sec secs second seconds to until till and end end_time end_sec")
"""What may stand between the two ends of one stretch."""
_BREAK = re.compile(r"\n|\}|(?<=[\w)])[.;]\s+(?=[A-Z])")


def unsaid_fields(text: str) -> frozenset[int]:
    """Words that a field, a cell or a stroke denies: "truck: 0", a row that says "skipped"."""
    if not any(sign in text for sign in '~<-":|'):
        return frozenset()
    found = [m.span(m.lastindex or 0) for m in _matches(text)]
    found += [m.span() for m in _RECORD.finditer(text) if _STATUS.search(m[0])]
    for row in _ROW.finditer(text):
        cells = (_CELL.fullmatch(cell.strip(" *")) for cell in row[0].split("|"))
        state = next((cell for cell in cells if cell), None)  # "visible" goes before "moving"
        if state and not state[1]:
            found.append(row.span())
    return _words_in(text, found)


def _matches(text: str) -> Iterator[re.Match[str]]:
    for pattern in (_STRUCK, _NEGATIVE_KEY, _NEGATIVE_VALUE, _NEGATIVE_HEADING):
        yield from pattern.finditer(text)


def _words_in(text: str, stretches: list[tuple[int, int]]) -> frozenset[int]:
    if not stretches:
        return frozenset()
    inside = bytearray(len(text))
    for first, last in stretches:
        inside[first:last] = b"\1" * (last - first)
    return frozenset(i for i, (start, _) in enumerate(spans_of(text)) if inside[start])


def stamps(text: str) -> dict[int, float]:
    """The time in seconds that belongs to each word: that of its line, field or clause."""
    if not _TIME.search(text):
        return {}
    pieces: list[tuple[int, float | None]] = []  # where each ends, and its time
    ends = [0, *(m.end() for m in _BREAK.finditer(text)), len(text)]
    for start, end in pairwise(ends):
        times: list[re.Match[str]] = []
        last = start
        for m in _TIME.finditer(text, start, end):
            if not times or not _BETWEEN.issuperset(re.findall(r"\w+", text[last : m.start()])):
                times.append(m)
            last = m.end()
        if not times:
            pieces.append((end, None))
            continue
        leads = not re.search(r"[a-z]{3}", text[start : times[0].start()], re.IGNORECASE)
        cuts = [m.start() for m in times[1:]] if leads else [m.end() for m in times[:-1]]
        pieces += zip([*cuts, end], map(_seconds, times), strict=True)
    found: dict[int, float] = {}
    rest = iter(pieces)
    end, time = next(rest)
    for i, (start, _) in enumerate(spans_of(text)):
        while start >= end:
            end, time = next(rest)
        if time is not None:
            found[i] = time
    return found


def _seconds(time: re.Match[str]) -> float:
    hours, minutes, seconds, plain = time.groups()
    return float(plain) if plain else 3600.0 * int(hours or 0) + 60 * int(minutes) + float(seconds)
