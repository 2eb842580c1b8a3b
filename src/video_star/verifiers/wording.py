"""Lists of words, written as one text."""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(words.split())


IS = word_set("is are was were")
POINTERS = word_set("a an the his her their its")
"""What stands right before a noun that is named."""
