"""Choices that never depend on order, process or machine: everything is drawn from sha256."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def stable_hash(*parts: object) -> int:
    """A 64-bit integer from the parts' text; equal parts give equal numbers everywhere."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def stable_index(n: int, *parts: object) -> int:
    """An index in range(n) drawn from the parts."""
    return stable_hash(*parts) % n


def stable_seed(*parts: object) -> int:
    """A 31-bit seed, fit for torch and numpy."""
    return stable_hash(*parts) & 0x7FFFFFFF


def stable_shuffle(items: Sequence[T], *parts: object) -> list[T]:
    """The items in an order drawn from the parts."""
    shuffled = list(items)
    random.Random(stable_hash(*parts)).shuffle(shuffled)
    return shuffled
