"""What of a model's output is its answer: neither its thoughts nor the special tokens around it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from video_star.verification.final_answer import read

_BRACKETED: Final = re.compile(r"[<\[][^<>\[\]\n]{1,50}[>\]]")
"""What may be a special token, such as </s>, <|im_end|> or [/INST]."""
_WORD: Final = re.compile(r"\w")


def bare(text: str) -> str:
    """The answer in an output, stripped; markup and everything else stays as it is.

    What a thought or a token is verification knows, which judges the answers of the loop.
    """
    shown = read(text).visible
    before = text[: shown.start] if shown.text else text
    if _WORD.search(_without_tokens(before)):
        return shown.text  # only a thought is taken off before the first word
    return _without_tokens(text)


def _without_tokens(text: str) -> str:
    return _BRACKETED.sub(lambda match: match[0] if _is_text(match[0]) else "", text).strip()


@lru_cache(maxsize=1 << 10)
def _is_text(bracketed: str) -> bool:
    return bool(read(bracketed).visible.text)
