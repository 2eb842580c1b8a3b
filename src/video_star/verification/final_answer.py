"""Where an answer says its final answer, and what of it is reasoning.

Found are the forms that models are trained to write: a last line "Answer: X" (the one that
`prompts` asks for), "the answer is X", <answer>X</answer>, \\boxed{X}, the boxes of GLM-4.1V
(<|begin_of_box|>), the field "answer" of a JSON object, and a single bold phrase. What a model only
thought (<think>...</think>) and the special tokens of tokenizers are blanked, so that places in the
text stay what they are. All patterns are linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Final

from video_star.core.labels.words import Said

_TAG: Final = r"[<\[\u25c1]{}(?:seed:)?(?:think|thinking|thought)[>\]\u25b7]"
_THOUGHT: Final = re.compile(rf"{_TAG.format('')}.*?(?:{_TAG.format('/')}|\Z)", re.S | re.I)
_THOUGHT_END: Final = re.compile(_TAG.format("/"), re.I)
_MARKED: Final = {
    "<|": re.compile(r"<\|begin_of_box\|>(.*?)(?:<\|end_of_box\|>|\Z)", re.S),
    "<": re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.S | re.I),
    "\\boxed": re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}"),
    "{": re.compile(
        r'"(?:final[_ ]?)?answer"\s*:\s*("(?:[^"\\\n]|\\.)*"|\[[^\]\n]*\]|[^\s,}\]"][^,}\n]*)', re.I
    ),
}
"""What marks a final answer, by a sign that is in every text with such a mark."""
_BOLD: Final = re.compile(r"\*\*([^*\n:]{1,60})\*\*(?!:)")
_MARKS: Final = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|<\uff5c[^\uff5c<>\n]{1,40}\uff5c>|</?s>|</?answer>"
    r"|<(?:pad|bos|eos|unk|mask|cls|sep|image|video)>|<[a-z]{1,12}(?:_[a-z0-9]{1,12}){1,4}>"
    r"|\[/?INST\]|\*\*|__|`+|^[ \t]*(?:#{1,6}|[*\-\u2022])(?=[ \t])"
    r"|\\(?:text|mathrm|mathbf|textbf)(?=\{)",
    re.M | re.I,
)
"""Special tokens of Qwen, Llama 3, Phi, GLM and SmolVLM (<|x|>), DeepSeek (fullwidth bars), Llama 2
and Mistral (<s>, [INST]), Gemma and Idefics (<end_of_turn>); bold, code, headings and list marks of
Markdown, text commands of LaTeX."""
_SIGN: Final = re.compile(r"[<\[*_`#\u2022\\]|- |-\t")
"""One of them is in every text that has such a mark."""
_SAID: Final = re.compile(
    r"\b(?:answer(?![ \t]+(?:option|choice))|(?:correct|right|best|final)[ \t]+(?:option|choice)"
    r"|(?<![a-z][ \t])(?:option|choice)(?=[ \t]*:))"
    r"(?:[ \t][^\n.:;,?!(]{0,60}?)?"
    r"(?:[ \t]*[:\uff1a]|(?<=final answer)(?=[ \t]*\n)|[ \t]+(?:is|would be|should be|must be)"
    r"(?![ \t]+(?:not|that|to|in|based)\b)[ \t]*:?)"
    r"[ \t]*\n{0,2}[ \t]*(?=[^\n])",
    re.I,
)
_WORDS: Final = ("answer", "option", "choice")
"""One of them is in all that `_SAID` finds."""
_AROUND: Final = " \t\r\n\"'\u201c\u201d*`_$<>{}!;"
MOST: Final = 8
"""An answer with more different final answers has none."""


@dataclass(frozen=True)
class Reading:
    """What an answer says, without what was only thought."""

    text: str
    """Everything, blank where something was taken off."""
    finals: tuple[Said, ...]
    """The different final answers in their order; the last one decides."""
    begun: int
    """Where the first of them is said; the end where there is none."""

    @cached_property
    def visible(self) -> Said:
        """Everything that was not taken off."""
        return Said(self.text).stripped()

    @cached_property
    def reasoning(self) -> Said:
        """What stands before the first final answer."""
        return Said(self.text[: self.begun])


def read(text: str) -> Reading:
    """Take an answer apart."""
    text = _without_thoughts(text)
    visible = _blanked(_MARKS, text) if _SIGN.search(text) else text
    matches = [m for sign, mark in _MARKED.items() if sign in text for m in mark.finditer(text)]
    found = [*((*match.span(1), match.start()) for match in matches), *_said(visible)]
    if not found and len({match[1] for match in _BOLD.finditer(text)}) == 1:
        found = [(*match.span(1), match.start()) for match in _BOLD.finditer(text)]
    parts = [Said(visible[start:end], start).stripped(_AROUND) for start, end, _ in found]
    parts.sort(key=lambda part: (part.start, -part.end))
    finals: dict[str, Said] = {}
    for part, after in zip_longest(parts, parts[1:]):
        # Of one within the other ("<answer>The answer is B</answer>") the inner one counts.
        if part.text and not (after and after.text and after.end <= part.end):
            finals.pop(part.key, None)  # the last place of equal ones counts
            finals[part.key] = part
    begun = min(at for *_, at in found) if finals else len(visible)
    return Reading(visible, tuple(finals.values()), begun)


def _said(text: str) -> Iterator[tuple[int, int, int]]:
    """Start and end of what is said to be the answer, and where that is said.

    It is the rest of the line or, where that is empty, what follows up to an empty line; it ends
    where the next one is said.
    """
    begun = list(_SAID.finditer(text, first_line(text)))
    for match, following in zip_longest(begun, begun[1:]):
        after = following.start() if following else len(text)
        end = text.find("\n\n" if "\n" in match[0] else "\n", match.end(), after)
        yield match.end(), end if end >= 0 else after, match.start()


def first_line(text: str) -> int:
    """Where the first line begins that may say an answer; the end of the text if none may."""
    if not text.isascii():  # folding might change its length
        return 0
    folded = text.lower()
    places = [at for word in _WORDS if (at := folded.find(word)) >= 0]
    return text.rfind("\n", 0, min(places)) + 1 if places else len(text)


def _without_thoughts(text: str) -> str:
    """The text with its thoughts blanked; a thought may lack its beginning or its end."""
    text = text.encode("utf-8", "replace").decode() if not text.isascii() else text
    if "<" not in text and "[" not in text and "\u25c1" not in text:
        return text
    text = _blanked(_THOUGHT, text)
    ends = [match.end() for match in _THOUGHT_END.finditer(text)]
    return " " * ends[-1] + text[ends[-1] :] if ends else text


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: " " * len(match[0]), text)
