"""How large the value in a pickle is once its references are followed, read without loading it.

A pickle may refer to an object again and again: nine lists of ten references each take a kilobyte,
and whoever writes that value out writes 10**9 texts. As tuples they are as long hashed, while the
pickle is being loaded.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Iterator
from typing import Any

LIMIT = 50_000_000
"""Objects, and characters of texts; FineDiving's largest file has 4 million."""

BITS = 14_000
"""Of a whole number; Python writes out none of more than 4,300 digits, 14,284 bits."""

_OPCODES = {op.code.encode("latin-1"): op for op in pickletools.opcodes}
_ONTO = ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD")
"""What puts objects into one that is there already."""


class TooLarge(ValueError):
    """The value is larger than any annotation."""


def refuse_large(content: bytes) -> None:
    """TooLarge for a value beyond LIMIT or one that holds itself, a number beyond BITS, or a memo
    beyond the file.

    Also ValueError, LookupError and TypeError for what is no pickle.
    """
    sizes, parts = _objects(content)
    if _expanded(sizes, parts) > LIMIT:
        raise TooLarge(f"its references make more than {LIMIT} objects of it")


def _objects(content: bytes) -> tuple[list[int], dict[int, list[int]]]:
    """The size of each object by itself, and the numbers of the objects in it."""
    sizes: list[int] = []
    parts: dict[int, list[int]] = {}
    stack: list[int] = []
    marks: list[int] = []
    memo: dict[int, int] = {}
    for op, arg in _opcodes(content):
        name = op.name
        if name == "MARK":
            marks.append(len(stack))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            if arg > len(content):
                raise TooLarge(f"it numbers an object {arg} in a file of {len(content)} bytes")
            memo[arg] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[arg])
        elif name == "DUP":
            stack.append(stack[-1])
        elif name == "POP" and marks and marks[-1] == len(stack):
            marks.pop()
        else:
            taken = _taken(op, stack, marks)
            for _ in op.stack_after:
                if name in _ONTO:
                    number, *taken = taken
                else:
                    number = len(sizes)
                    sizes.append(1 + (len(arg) if isinstance(arg, str | bytes) else 0))
                    if isinstance(arg, int) and arg.bit_length() > BITS:
                        raise TooLarge(f"it holds a number of {arg.bit_length()} bits")
                stack.append(number)
                if taken:
                    parts.setdefault(number, []).extend(taken)
    return sizes, parts


def _opcodes(content: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, Any]]:
    file = io.BytesIO(content)
    while code := file.read(1):
        op = _OPCODES[code]
        if op.name == "STRING":  # pickletools takes it for ASCII, Python 2 wrote any bytes
            yield op, file.readline()
        else:
            yield op, op.arg.reader(file) if op.arg else None
        if op.name == "STOP":
            return


def _taken(op: pickletools.OpcodeInfo, stack: list[int], marks: list[int]) -> list[int]:
    """What an opcode takes from the stack, in order."""
    before = op.stack_before
    if pickletools.markobject in before:
        first = marks.pop() - before.index(pickletools.markobject)
    else:
        first = len(stack) - len(before)
    if first < 0:
        raise IndexError("the stack is empty")
    taken = stack[first:]
    del stack[first:]
    return taken


def _expanded(sizes: list[int], parts: dict[int, list[int]]) -> int:
    """The size of all objects that are in no other; TooLarge where one is in itself."""
    inner = {part for held in parts.values() for part in held}
    whole = list(sizes)
    done: set[int] = set()
    for root in parts:
        path = [(root, iter(parts[root]))] if root not in done else []
        entered = {root}
        while path:
            number, rest = path[-1]
            part = next((p for p in rest if p in parts and p not in done), None)
            if part is None:
                inside = sum(whole[p] for p in parts[number])
                whole[number] = min(whole[number] + inside, LIMIT + 1)
                done.add(number)
                entered.discard(number)
                path.pop()
            elif part in entered:
                raise TooLarge("an object of it holds itself")
            else:
                entered.add(part)
                path.append((part, iter(parts[part])))
    return sum(size for number, size in enumerate(whole) if number not in inner)
