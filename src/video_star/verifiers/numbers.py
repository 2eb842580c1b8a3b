"""Tokens of an answer, with numbers in digits and in words as single tokens with their values.

Works on folded text (`text.fold`); places are character positions in it. Every expression here is
linear in the length of the text, and nothing raises on any text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from video_star.verifiers.inflection import similarity
from video_star.verifiers.ordinals import TENS, ordinal_at
from video_star.verifiers.text import STOP_WORDS
from video_star.verifiers.tokens import DASHES, SILENT, UNITS, Token, word_at

_TOKEN = re.compile(
    r"(?P<clock>(?<![0-9])(?<![0-9][.,:])[0-9]{1,3}(?::[0-5][0-9]){1,2}(?:[.,][0-9]{1,3})?"
    r"(?![0-9]|:[0-9]))"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)*|(?<![0-9.])\.[0-9]+)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<mark>-{1,3}>|[^\w\s]|_)"
)
_MOST_DIGITS = 15
"""Longer digit strings are identifiers, and no float holds them exactly."""
_OPEN, _CLOSE = "([{<", ")]}>"
_UNDER_TWENTY = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_SMALL = {word: float(value) for value, word in enumerate(_UNDER_TWENTY)}
_POINTING = frozenset({"this", "that", "the", "which", "another", "no", "every", "any", "each"})
"""Before "one" these point at something."""
_LONG_UNITS = ("seconds", "minutes", "second", "minute")
_LEAST_UNIT, _NEAR_UNIT = 5, 0.83
"""Letters of a mistyped unit and how similar it must be to the unit."""
_PARTS = {"half": 0.5, "quarter": 0.25, "third": 1 / 3}


def tokens_of(folded: str) -> list[Token]:
    """Tokens in order; list numbers ("1." at the start of an item) are left out."""
    raw = [_token(match) for match in _TOKEN.finditer(folded)]
    spelled = _spelled(_signed(_with_commas(_joined_fractions(raw))))
    return _without_list_numbers(_with_units(spelled))


def _token(match: re.Match[str]) -> Token:
    kind, text = match.lastgroup, match[0]
    start, end = match.span()
    if kind == "clock":
        parts = text.replace(",", ".").split(":")
        value = sum(float(part) * 60**power for power, part in enumerate(reversed(parts)))
        return Token("clock", text, start, end, value, "." in parts[-1])
    if kind == "number":
        if text.count(".") > 1 or len(text) > _MOST_DIGITS:
            return Token("word", text, start, end)
        return Token("number", text, start, end, float(text), "." in text)
    return Token("word" if kind == "word" else "mark", text, start, end)


def _joined_fractions(tokens: Sequence[Token]) -> list[Token]:
    """One-character fractions: folding writes "5\u00bd" as 51, fraction slash, 2."""
    found: list[Token] = []
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if (
            i + 2 < len(tokens)
            and tokens[i + 1].text == "\u2044"
            and token.kind == tokens[i + 2].kind == "number"
            and token.text.isdigit()
            and tokens[i + 2].value
        ):
            whole, start = float(token.text[:-1] or 0), token.start
            if not whole and found and found[-1].text.isdigit() and start - found[-1].end <= 1:
                apart = found.pop()
                whole, start = apart.value, apart.start
            value = whole + float(token.text[-1]) / tokens[i + 2].value
            text = f"{token.text}/{tokens[i + 2].text}"
            found.append(Token("number", text, start, tokens[i + 2].end, value, True))
            i += 3
            continue
        found.append(token)
        i += 1
    return found


def _with_commas(tokens: Sequence[Token]) -> list[Token]:
    """ "1,250" is a thousand and more, "65,6" outside of brackets has a decimal comma."""
    found: list[Token] = []
    depth = i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.kind == "mark":
            depth = max(0, depth + (token.text in _OPEN) - (token.text in _CLOSE))
        merged = None if depth else _comma_number(tokens, i)
        found.append(merged or token)
        i += 3 if merged else 1
    return found


def _comma_number(tokens: Sequence[Token], i: int) -> Token | None:
    run = tokens[i : i + 3]
    if len(run) < 3 or run[1].text != "," or not run[0].kind == run[2].kind == "number":
        return None
    whole, comma, rest = run
    if whole.end != comma.start or comma.end != rest.start or whole.decimal:
        return None
    before = tokens[i - 1] if i else None
    after = tokens[i + 3] if i + 3 < len(tokens) else None
    if (before and before.text == "," and before.end == whole.start) or (
        after and after.text == "," and after.start == rest.end and _next_is_number(tokens, i + 3)
    ):
        return None
    digits = rest.text.split(".")[0]
    if len(digits) == 3 and whole.text[0] != "0" and len(whole.text) <= 3:
        value = whole.value * 1000 + rest.value
        return replace(whole, text=f"{whole.text},{rest.text}", end=rest.end, value=value)
    if len(digits) <= 2 and not rest.decimal:
        value = float(f"{whole.text}.{rest.text}")
        return replace(whole, text=f"{whole.text},{rest.text}", end=rest.end, value=value,
                       decimal=True)  # fmt: skip
    return None


def _next_is_number(tokens: Sequence[Token], i: int) -> bool:
    following = tokens[i + 1] if i + 1 < len(tokens) else None
    return following is not None and following.kind == "number" and following.start == tokens[i].end


def _signed(tokens: Sequence[Token]) -> list[Token]:
    """A minus that is glued to a number and not to anything before it is its sign."""
    found: list[Token] = []
    for i, token in enumerate(tokens):
        if token.kind == "number" and found and found[-1].text in ("-", "\u2212"):
            minus = found[-1]
            before = tokens[i - 2] if i >= 2 else None
            free = before is None or (
                before.kind not in ("number", "clock")
                and before.text not in UNITS
                and (before.end < minus.start or before.text in ("(", "[", "=", ":"))
            )
            if free and minus.end == token.start:
                found[-1] = replace(
                    token, text=f"-{token.text}", start=minus.start, value=-token.value
                )
                continue
        found.append(token)
    return found


def _spelled(tokens: Sequence[Token]) -> list[Token]:
    found: list[Token] = []
    i = 0
    while i < len(tokens):
        value, used = _spelled_at(tokens, i)
        if used:
            text = " ".join(token.text for token in tokens[i : i + used])
            end = tokens[i + used - 1].end
            found.append(
                Token("number", text, tokens[i].start, end, value, value % 1 != 0, spelled=True)
            )
        elif tokens[i].kind == "number":
            # "5 and a half"
            part, more = _and_a_part(tokens, i + 1)
            end = tokens[i + more].end
            found.append(replace(tokens[i], end=end, value=tokens[i].value + part))
            used = 1 + more
        else:
            found.append(tokens[i])
            used = 1
        i += used
    return found


def _spelled_at(tokens: Sequence[Token], i: int) -> tuple[float, int]:
    """Value and number of tokens of a number in words, (0, 0) where there is none."""
    ordinal = ordinal_at(tokens, i)
    if ordinal[1]:
        return ordinal
    if word_at(tokens, i) == "one" and word_at(tokens, i - 1) in _POINTING:
        hyphen = word_at(tokens, i + 1) in DASHES
        if word_at(tokens, i + 1 + hyphen) not in UNITS:
            return 0.0, 0
    start, value, used = i, 0.0, 0
    if word_at(tokens, i) == "a" and word_at(tokens, i + 1) == "hundred":
        value, used = 100.0, 2
    else:
        value, used = _below_hundred(tokens, i)
        if used and word_at(tokens, i + used) == "hundred":
            value, used = value * 100, used + 1
    if not used:
        return 0.0, 0
    if value >= 100:
        skip = word_at(tokens, i + used) == "and"
        more, words = _below_hundred(tokens, i + used + skip)
        value, used = value + more, used + (words + skip if words else 0)
    i = start + used
    if word_at(tokens, i) == "point":
        digits = ""
        while (word := word_at(tokens, i + 1 + len(digits))) in _SMALL and _SMALL[word] < 10:
            digits += f"{_SMALL[word]:.0f}"
        if digits and len(digits) <= _MOST_DIGITS:
            return value + float(f"0.{digits}"), used + 1 + len(digits)
    part, more_words = _and_a_part(tokens, i)
    return value + part, used + more_words


def _below_hundred(tokens: Sequence[Token], i: int) -> tuple[float, int]:
    word = word_at(tokens, i)
    if word in _SMALL:
        return _SMALL[word], 1
    if word not in TENS:
        return 0.0, 0
    hyphen = word_at(tokens, i + 1) in DASHES and word_at(tokens, i + 1) != ""
    ones = _SMALL.get(word_at(tokens, i + 1 + hyphen), 0.0)
    return (TENS[word] + ones, 2 + hyphen) if 0 < ones < 10 else (TENS[word], 1)


def _and_a_part(tokens: Sequence[Token], i: int) -> tuple[float, int]:
    """ "and a half", "and a quarter" after a number; "and a third person" is none."""
    if word_at(tokens, i) == "and" and word_at(tokens, i + 1) == "a":
        part = _PARTS.get(word_at(tokens, i + 2), 0.0)
        if (
            part
            and (word_at(tokens, i + 3) != "of" or word_at(tokens, i + 4) in _SMALL)
            and (part == 0.5 or word_at(tokens, i + 3) in UNITS)
        ):
            return part, 3
    return 0.0, 0


def _with_units(tokens: Sequence[Token]) -> list[Token]:
    """Mistyped units after numbers, and "between" before one, as they are meant: "12 secnds"."""
    found: list[Token] = []
    for i, token in enumerate(tokens):
        if token.text[:1] == "b" and len(token.text) >= _LEAST_UNIT and i + 1 < len(tokens):
            near_between = similarity(token.text, "between") >= _NEAR_UNIT
            if near_between and tokens[i + 1].kind in ("number", "clock"):
                token = replace(token, text="between")
        counted = found and found[-1].kind == "number" and token.kind == "word"
        if counted and token.text not in UNITS and len(token.text) >= _LEAST_UNIT:
            near = [u for u in _LONG_UNITS if similarity(token.text, u) >= _NEAR_UNIT]
            token = replace(token, text=near[0]) if near else token
        found.append(token)
    return found


def _may_end_an_item(token: Token, expected: int) -> bool:
    if token.kind == "word":
        return expected > 1 and token.text not in STOP_WORDS
    return token.text in (".", "!", "?", ";", ":")


def _without_list_numbers(tokens: Sequence[Token]) -> list[Token]:
    """Drop 1, 2, 3 ... where each starts a sentence and "." or ")" and a word follow."""
    found: list[Token] = []
    expected = 1
    for i, token in enumerate(tokens):
        after, then = tokens[i + 1 : i + 2], tokens[i + 2 : i + 3]
        if (
            token.kind == "number"
            and token.text == str(expected)
            and (i == 0 or _may_end_an_item(tokens[i - 1], expected))
            and after
            and after[0].text in (".", ")")
            and after[0].start == token.end
            and then
            and then[0].start > after[0].end
            and (then[0].kind == "word" or then[0].text in SILENT)
        ):
            expected += 1
            continue
        found.append(token)
    return found
