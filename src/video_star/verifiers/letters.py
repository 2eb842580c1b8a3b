"""Options that an answer names by their letter or by an ordinal.

A lone letter is a claim only in safe company ("(B)", "B.", "option B", "the answer is B"): "a" is
mostly an article, and case tells nothing in answers written in capitals or without any.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from video_star.verifiers.text import Reading, word_set

DROPPED = word_set(
    "a an the his her their its this that these those some is are was were be been being"
)
"""Words that an option and its mention may differ in."""
_END = (
    r"(?=\s*(?:$|[.,;:!?)\]\"'/]"
    r"|(?:because|since|as|and|or|but|not|rather|nor|instead|which|that|is|are)\b))"
)
_OPEN = r"[\s(\[\"':=]*"
_NOUN = r"(?:option|choice|caption|statement|sentence|description)"
"""What an answer calls an option."""
_OF_SEVERAL = r"(?:are|both|could|can|might|may|seem|look|would)\b"
"""What follows letters that stand together: "A and B are both plausible"."""
_CLAUSE = r"(?:^|[.!?:;,]|\b(?:and|but|so|that|think|because|while|then))\s*"
"""Where a clause starts."""
_JUDGED = (
    r"\s+(?:is|seems|must be|would be)\s+(?:(?:clearly|definitely|therefore|thus|probably)\s+)?"
    r"(?:the |my )?(?:right|correct|true|best|one|answer|choice|pick|what)\b"
)
"""What makes an option the verdict: "B is correct", "B is what I would choose"."""
_STRONG = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:answer|{_NOUN})\b(?:\s+(?:is|was|must be|would be|should be|to this is))?"
        rf"\s*(?:[:=]|is|{_NOUN}|letter)*{_OPEN}\b([a-z])\b{_END}",
        rf"\b(?:choose|chose|pick|picked|select|selected|go with|going with|opt for|say|guess"
        rf"|mean|meant|is|be|it's|was|to|with|so|therefore|thus|hence|think|probably|maybe|perhaps"
        rf"|likely|definitely|clearly|surely|leaves|leaving|remains)"
        rf"\s+(?:us with |only )?(?:the )?(?:{_NOUN} |letter )?"
        rf"{_OPEN}\b([a-z])\b{_END}",
        r"\banswer\s*[:=]\s*[(\[]*([b-hj-z])\b(?!')",
        r"\b(?:makes|making)\s+(?:option )?([a-z])\b(?=\s+(?:the|my|correct|right|true)\b)",
        r"\\boxed\s*(?:\\text)?[\s(]*([a-z])\b",
        r"(?:^|[.!?:;,\u2014-])[\s(\[\"']*([a-z])[\s)\]\"']*(?=$|[.!?]\s*$)",
        r"^[\s(\[\"']*([a-z])\s*(?:[).:\],]|-(?=\s))(?=\s|$)",
        r"\b(?:answer|final answer|conclusion)\s*:?\s*[(\[]?([a-z])[)\].:](?=\s|$)",
        rf"{_CLAUSE}[(\[\"']*([a-z])[)\]\"']*{_JUDGED}",
    )
)
"""Where a letter is the verdict."""
_MENTIONING = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:{_NOUN}|letter|alternative)s?\s+[(\"']*([a-z])\b",
        r"(?<!\w)[(\[]\s*([a-z])\s*[)\]]",
        r"(?:[.!?:;,]\s+|\s[-\u2022]\s+)([a-z])\s*[-).:](?=\s)",
        rf"\b(?:either|neither|both|not|than|of|or|and|nor|between|for|but|rather|over)\s+"
        rf"(?:option )?([a-z])\b(?:{_END}|(?=\s+than\b))",
        r"(?:^|[.!?])\s*([a-z])\s*\?",
        r"[\"']([a-z])[\"']\s*:",
        r"\b([a-z])\s+(?:rather than|over|instead of|because|since)\b",
        rf"\b([a-z])\s+(?:or|nor|and)\s+(?:option )?[a-z]\b(?=\s*(?:$|[.,;:!?)]|{_OF_SEVERAL}))",
        rf"\b[a-z]\s+(?:or|nor|and)\s+(?:option )?([a-z])\s+{_OF_SEVERAL}",
        r"\b([a-z])\s*,\s*(?=(?:(?:or|and)\s+)?[b-z]\b(?!'))",
        r"\b([a-z])\s+(?:is|seems|looks|can be|cannot|can't|isn't|must be|would be)\s+"
        r"(?:\w+\s+){0,2}?(?:wrong|incorrect|right|correct|not|out|excluded|ruled|eliminated|false|true|best|my"
        r"|impossible|possible|answer)\b",
    )
)
"""Where a letter stands for an option, chosen or not."""
_NUMBERS = {
    **{"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5, "last": -1},
    **{"1st": 0, "2nd": 1, "3rd": 2, "4th": 3, "5th": 4, "6th": 5, "former": 0, "latter": 1},
    **{"one": 0, "two": 1, "three": 2, "four": 3},
    **{str(i + 1): i for i in range(26)},
}
"""Index of the option that an ordinal or a number names."""
_ANNOUNCED = re.compile(
    rf"\b(?:(?:answer|{_NOUN}) (?:is|must be|would be)|choose|pick|select|go with|going with)"
    r"\s*:?\s*(?:the )?$"
)
_SETTLED = re.compile(_JUDGED)
"""Before and behind an ordinal these make it the verdict."""
_ORDINALS = (
    re.compile(
        r"\b(first|second|third|fourth|fifth|sixth|[1-6](?:st|nd|rd|th)|last|former|latter)"
        rf"\s+(?:{_NOUN}|answer|alternative|one)\b"
    ),
    re.compile(r"\bthe\s+(former|latter)\b"),
    re.compile(rf"\b{_NOUN}\s+(?:number\s+|no\.?\s*|#\s*)?(\d{{1,2}}|one|two|three|four)\b"),
)


def letter_before(reading: Reading, first: int, n: int) -> tuple[int, int] | None:
    """Place and option of a letter that stands before an option's text ("C. the cup")."""
    place = first - 1
    while place > 0 and reading.words[place] in DROPPED and len(reading.words[place]) > 1:
        place -= 1
    word = reading.words[place] if place >= 0 else ""
    if len(word) != 1 or not "a" <= word <= "z" or ord(word) - ord("a") >= n:
        return None
    is_word = word in "ai" and not reading.mark(place + 1)
    return None if is_word else (place, ord(word) - ord("a"))


def letters(
    text: str, spans: Sequence[tuple[int, int]], n: int
) -> Iterator[tuple[int, int, int, bool]]:
    """First and last word, option and strength of each letter and ordinal.

    Letters beyond the options count where they are the verdict: as an option that does not exist.
    """
    lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    starts = [start for start, _ in spans]
    for strong, patterns in ((True, _STRONG), (False, _MENTIONING)):
        for pattern in patterns:
            for match in pattern.finditer(lowered):
                option = ord(match[1]) - ord("a")
                place = bisect_left(starts, match.start(1))
                if (option < n or strong) and starts[place : place + 1] == [match.start(1)]:
                    yield place, place, option, strong
    for pattern in _ORDINALS:
        for match in pattern.finditer(lowered):
            option = _NUMBERS[match[1]] % n if match[1] == "last" else _NUMBERS[match[1]]
            first = bisect_left(starts, match.start())
            last = bisect_left(starts, match.end()) - 1
            if match[1] in ("former", "latter") and n != 2:
                continue
            if option < n and starts[first : first + 1] == [match.start()]:
                told = _ANNOUNCED.search(lowered, 0, match.start())
                yield first, last, option, bool(told or _SETTLED.match(lowered, match.end()))
