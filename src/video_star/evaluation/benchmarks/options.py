"""Which options of a question a text names."""

from __future__ import annotations

import re
from collections.abc import Sequence


def named_options(text: str, options: Sequence[str]) -> set[int]:
    """Indices of the options whose text stands in `text`, in whole words, whatever the case.

    A longer option hides a shorter one inside of it, so "moving left and then growing" does not
    also name "moving left".
    """
    rest, found = _plain(text), set()
    for index in sorted(range(len(options)), key=lambda i: -len(options[i])):
        option = re.escape(_plain(options[index]).rstrip("."))
        rest, times = re.subn(rf"(?<!\w){option}(?!\w)", "\n", rest)
        if times:
            found.add(index)
    return found


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
