"""Where an answer says its final answer, and what of it is reasoning.

Found are the forms that models are trained to write: a last line "Answer: X" (the one that
`prompts` asks for), "the answer is X", <answer>X</answer>, \\boxed{X}, the boxes of GLM-4.1V
(<|begin_of_box|>), and the field "answer" of a JSON object. What a model only thought
(<think>...</think>) and the special tokens of tokenizers are blanked, so that places in the text
stay what they are. All patterns are linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Final

from video_star.verification.words import Words, key_of

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
"""Half characters, which no tokenizer takes."""
_THOUGHT: Final = re.compile(
    r"[<\[\u25c1](?:seed:)?(think|thinking|thought)[>\]\u25b7].*?"
    r"(?:[<\[\u25c1]/(?:seed:)?\1[>\]\u25b7]|\Z)",
    re.S | re.I,
)
_THOUGHT_END: Final = re.compile(
    r"[<\[\u25c1]/(?:seed:)?(?:think|thinking|thought)[>\]\u25b7]", re.I
)
_BOXES: Final = re.compile(r"<\|begin_of_box\|>(.*?)(?:<\|end_of_box\|>|\Z)", re.S)
_SPECIAL: Final = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|<\uff5c[^\uff5c<>\n]{1,40}\uff5c>|</?s>"
    r"|<(?:pad|bos|eos|unk|mask|cls|sep|image|video)>|<[a-z]{1,12}(?:_[a-z0-9]{1,12}){1,4}>"
    r"|\[/?INST\]"
)
"""Special tokens of Qwen, Llama 3, Phi, GLM and SmolVLM (<|x|>), DeepSeek (fullwidth bars), Llama 2
and Mistral (<s>, [INST]), Gemma and Idefics (<end_of_turn>)."""
_MARKS: Final = re.compile(
    r"\*\*|__|`+|^[ \t]*(?:#{1,6}|[*\-\u2022])(?=[ \t])|\\(?:text|mathrm|mathbf|textbf)(?=\{)"
    r"|</?answer>",
    re.M,
)
"""Bold, code, headings and list marks of Markdown, text commands of LaTeX, and lone tags."""
_SIGN: Final = re.compile(r"[*_`#\u2022\\]|- |-\t|answer>")
"""One of them is in every text that has such a mark."""
_BOLD: Final = re.compile(r"\*\*([^*\n:]{1,60})\*\*(?!:)")
_TAGGED: Final = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.S | re.I)
_BOXED: Final = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_JSON: Final = re.compile(
    r'"(?:final[_ ]?)?answer"\s*:\s*("(?:[^"\\\n]|\\.)*"|\[[^\]\n]*\]|[^\s,}\]"][^,}\n]*)', re.I
)
_SAID: Final = re.compile(
    r"\b(?:answer(?![ \t]+(?:option|choice))|(?:correct|right|best|final)[ \t]+(?:option|choice)"
    r"|(?<![a-z][ \t])(?:option|choice)(?=[ \t]*:))"
    r"(?:[ \t][^\n.:;,?!(]{0,60}?)?"
    r"(?:[ \t]*[:\uff1a]|(?<=final answer)(?=[ \t]*\n)|[ \t]+(?:is|would be|should be|must be)"
    r"(?![ \t]+(?:not|that|to|in|based)\b)[ \t]*:?)"
    r"[ \t]*\n{0,2}[ \t]*(?=[^\n])",
    re.I,
)
_TRIM: Final = " \t\r\n\"'\u201c\u201d*`_$<>{}!;"
MOST: Final = 8
"""An answer with more different final answers has none."""


@dataclass(frozen=True)
class Said:
    """A part of an answer: its text and where that starts."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)

    @cached_property
    def key(self) -> str:
        """`key_of` this part."""
        return key_of(self.text)

    @cached_property
    def words(self) -> Words:
        """The words of this part."""
        return Words(self.text)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of this part stands in the answer."""
        return self.start + start, self.start + end

    def split(self, separator: str) -> list[Said]:
        """The pieces between separators."""
        pieces, at = [], self.start
        for piece in self.text.split(separator):
            pieces.append(_trimmed(piece, at))
            at += len(piece) + len(separator)
        return pieces


@dataclass(frozen=True)
class Reading:
    """What an answer says, without what was only thought."""

    visible: Said
    """Everything, blank where something was taken off."""
    finals: tuple[Said, ...]
    """The different final answers in their order; the last one decides."""
    reasoning: Said
    """What stands before the first of them; everything where there is none."""


def read(text: str) -> Reading:
    """Take an answer apart."""
    visible = _visible(text)
    found = _marked(_BOXES, visible, "<|")
    if "<" in visible or "[" in visible:
        visible = _blanked(_SPECIAL, visible)
    for pattern, sign in ((_TAGGED, "<"), (_BOXED, "\\boxed"), (_JSON, "{")):
        found += _marked(pattern, visible, sign)
    bold = _marked(_BOLD, visible, "**")
    if _SIGN.search(visible):
        visible = _blanked(_MARKS, visible)
    found += _said(visible)
    if not found and len({visible[start:end] for start, end, _ in bold}) == 1:
        found = bold
    parts = [(_trimmed(visible[start:end], start), begun) for start, end, begun in found]
    parts = [part for part in parts if part[0].text]
    parts = _innermost(parts) if len(parts) > 1 else parts
    finals: dict[str, Said] = {}
    for said, _ in parts:
        finals.pop(said.key or said.text, None)  # the last place of equal ones counts
        finals[said.key or said.text] = said
    cut = min((begun for _, begun in parts), default=len(visible))
    return Reading(_stripped(visible), tuple(finals.values()), Said(visible[:cut], 0))


def _marked(pattern: re.Pattern[str], text: str, sign: str) -> list[tuple[int, int, int]]:
    """Start and end of what a pattern marks and where the mark begins; `sign` is in all of them."""
    return [(*m.span(1), m.start()) for m in pattern.finditer(text)] if sign in text else []


def _said(text: str) -> Iterator[tuple[int, int, int]]:
    """What is said to be the answer, up to the next such words: the rest of its line.

    Where that is empty it is what follows, up to an empty line.
    """
    begun = list(_SAID.finditer(text))
    for match, following in zip_longest(begun, begun[1:]):
        after = following.start() if following else len(text)
        end = text.find("\n\n" if "\n" in match[0] else "\n", match.end(), after)
        yield match.end(), end if end >= 0 else after, match.start()


def _innermost(parts: list[tuple[Said, int]]) -> list[tuple[Said, int]]:
    """In order those that hold no other one: of "<answer>The answer is B</answer>" the B."""
    parts = sorted(parts, key=lambda part: (part[0].start, -part[0].end))
    return [
        one
        for one, after in zip_longest(parts, parts[1:])
        if not after or after[0].end > one[0].end
    ]


def _visible(text: str) -> str:
    """The text with its thoughts blanked; a thought may lack its beginning or its end."""
    text = text if text.isascii() else _SURROGATE.sub("\ufffd", text)
    if "<" not in text and "[" not in text and "\u25c1" not in text:
        return text
    text = _blanked(_THOUGHT, text)
    ends = [match.end() for match in _THOUGHT_END.finditer(text)]
    return " " * ends[-1] + text[ends[-1] :] if ends else text


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _stripped(text: str) -> Said:
    left = text.lstrip()
    return Said(left.rstrip(), len(text) - len(left))


def _trimmed(text: str, start: int) -> Said:
    left = text.lstrip(_TRIM)
    return Said(left.rstrip(_TRIM), start + len(text) - len(left))
