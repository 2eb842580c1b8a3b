"""Annotation pickles from strangers: numpy arrays and builtin containers, and nothing else.

A pickle may name any function of any module and have it called. This unpickler knows the few names
that arrays, numpy scalars, bytes and sets need, under the module names of Python 2 and 3 and of
numpy 1 and 2, in all pickle protocols; any other name is refused before it is imported.

A pickle may also refer to an object again and again: nine lists of ten references each take a
kilobyte, and whoever writes that value out writes 10**9 texts. As tuples they are as long hashed,
while the pickle is being loaded. So its opcodes are read first, which tells how large it becomes.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from video_star.core.errors import DataError
from video_star.core.excerpt import cut, excerpt

LIMIT = 50_000_000
"""Objects, and characters of texts; FineDiving's largest file has 4 million."""
BITS = 14_000
"""Of a whole number; Python writes out none of more than 4,300 digits, 14,284 bits."""
_PLAIN_DTYPE = re.compile(r"[<>|=]?[biufSU]\d*")
_BROKEN = (
    *(pickle.UnpicklingError, EOFError, ArithmeticError, AttributeError, ImportError, LookupError),
    *(MemoryError, RecursionError, TypeError, ValueError, AssertionError, struct.error),
)
"""What a torn or foreign file makes the unpickler raise."""


class _Refused(Exception):
    """The pickle names something that is not on the list."""


class _TooLarge(Exception):
    """The value is larger than any annotation."""


def load_pickle(path: Path) -> Any:
    """The object in a pickle; text of Python 2 is read as latin-1.

    DataError when the file cannot be read, is no pickle, is too large once its references are
    followed, or names anything but plain numpy arrays and scalars and builtin containers; the
    message has the name.
    """
    try:
        content = path.read_bytes()
        _refuse_large(content)
        return _Unpickler(io.BytesIO(content), encoding="latin-1").load()
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; add it to the annotations.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); replace the file.") from error
    except _Refused as error:
        raise DataError(
            f"{path}: names {error}, which is neither a plain numpy array nor a builtin container, "
            "so it is not loaded; get the file from its publisher."
        ) from error
    except _TooLarge as error:
        raise DataError(
            f"{path}: {error}, so it is not loaded; get the file from its publisher."
        ) from error
    except _BROKEN as error:
        problem = cut(str(error))
        raise DataError(f"{path}: is not a whole pickle ({problem}); replace the file.") from error


def load_dict(path: Path) -> dict[Any, Any]:
    """As `load_pickle`; DataError for what is no dict."""
    content = load_pickle(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no dict; get the file from its publisher.")
    return content


class _Unpickler(pickle.Unpickler):
    """Finds the names on the list only."""

    def find_class(self, module: str, name: str, /) -> Any:
        found = _ALLOWED.get((module, name))
        if found is None:
            raise _Refused(cut(f"{module}.{name}"))
        return found


class _Dtype:
    """A dtype as a pickle describes it: plain numbers or text, in either byte order.

    A real dtype takes flags and fields from its pickled state unchecked, which an attacker can turn
    into pointers; of the state this one takes the byte order alone.
    """

    __slots__ = ("dtype",)

    def __init__(self, spec: object, *flags: object) -> None:
        text = spec.decode("latin-1") if isinstance(spec, bytes) else spec
        if not isinstance(text, str) or not _PLAIN_DTYPE.fullmatch(text):
            raise _Refused(f"numpy.dtype({excerpt(text)})")
        self.dtype: np.dtype[Any] = np.dtype(text)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *structure = state
        if any(part is not None for part in structure[:3]):
            raise _Refused("numpy.dtype with fields")
        if order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray[Any, Any]):
    """An array that checks its pickled state before it takes it on."""

    def __setstate__(self, state: tuple[Any, ...], /) -> None:
        *_, shape, plain, fortran, raw = state
        flat = np.frombuffer(_bytes(raw), dtype=_plain(plain))
        kept = flat.reshape(shape, order="F" if fortran else "C")
        plain_state: Any = (1, kept.shape, kept.dtype, bool(fortran), _bytes(raw))
        super().__setstate__(plain_state)


def _plain(plain: object) -> np.dtype[Any]:
    if not isinstance(plain, _Dtype):
        raise TypeError("a dtype is missing")
    return plain.dtype


def _bytes(raw: object) -> bytes:
    """Bytes as they are; Python 2 wrote them as text."""
    if isinstance(raw, str):
        return raw.encode("latin-1")
    if not isinstance(raw, bytes | bytearray):
        raise TypeError("an array holds no bytes")
    return bytes(raw)


def _reconstruct(kind: object, shape: object, code: object) -> _Array:
    """The empty array that then takes on the pickled state."""
    return _Array((0,), dtype="b1")


def _scalar(plain: object, raw: object = b"") -> Any:
    """A numpy scalar from its bytes."""
    return np.frombuffer(_bytes(raw), dtype=_plain(plain), count=1)[0]


def _frombuffer(raw: object, plain: object, shape: Any, order: object) -> NDArray[Any]:
    """An array from its bytes, as protocol 5 writes it."""
    flat = np.frombuffer(_bytes(raw), dtype=_plain(plain))
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """`_codecs.encode`, by which old protocols write bytes, for that purpose only."""
    if encoding not in ("latin1", "latin-1"):
        raise _Refused(f"_codecs.encode to {cut(encoding)}")
    return text.encode("latin-1")


class _Call:
    """A function that a pickle may call but not change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)  # type: ignore[attr-defined]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a pickle may not change functions")


def _allowed() -> dict[tuple[str, str], Any]:
    """(module, name) to what a pickle gets for it."""
    table: dict[tuple[str, str], Any] = {
        # Only ever the first argument of `_reconstruct`, which does not look at it.
        ("numpy", "ndarray"): "numpy.ndarray",
        ("numpy", "dtype"): _Call(_Dtype),
        ("_codecs", "encode"): _Call(_encode),
    }
    for core in ("numpy.core", "numpy._core"):
        table[(f"{core}.multiarray", "_reconstruct")] = _Call(_reconstruct)
        table[(f"{core}.multiarray", "scalar")] = _Call(_scalar)
        table[(f"{core}.numeric", "_frombuffer")] = _Call(_frombuffer)
    for module in ("builtins", "__builtin__"):
        for kind in (set, frozenset, list, dict, tuple, complex):
            table[(module, kind.__name__)] = _Call(kind)
        # Old protocols write empty bytes as a call; with a number it would fill the memory.
        table[(module, "bytes")] = _Call(lambda: b"")
    return table


_ALLOWED = _allowed()


_OPCODES = {op.code.encode("latin-1"): op for op in pickletools.opcodes}
_ONTO = ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD")
"""What puts objects into one that is there already."""


class _Object:
    """How large an object is with all that it holds, and whether another one holds it."""

    __slots__ = ("held", "size")

    def __init__(self, size: int) -> None:
        self.size, self.held = size, False

    def take(self, parts: list[_Object]) -> None:
        """Put objects into this one."""
        for part in parts:
            part.held = True
            self.size += part.size
        # Whoever writes a pickle puts an object into others when it is whole, unless it is a part
        # of itself; so all sizes are known.
        if self.held and parts:
            raise _TooLarge("an object of it holds itself")
        if self.size > LIMIT:
            raise _TooLarge(f"its references make more than {LIMIT} objects of it")


def _refuse_large(content: bytes) -> None:
    """_TooLarge for a value beyond LIMIT or one that holds itself, a number beyond BITS, or a memo
    beyond the file.

    Also ValueError, LookupError and TypeError for what is no pickle.
    """
    stack: list[_Object] = []
    marks: list[int] = []
    memo: dict[int, _Object] = {}
    for op, arg in _opcodes(content):
        name = op.name
        if name == "MARK":
            marks.append(len(stack))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            if arg > len(content):
                raise _TooLarge(f"it numbers an object {arg} in a file of {len(content)} bytes")
            memo[arg] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[arg])
        elif name == "DUP":
            stack.append(stack[-1])
        elif name == "POP" and marks and marks[-1] == len(stack):
            marks.pop()
        elif isinstance(arg, int) and arg.bit_length() > BITS:
            raise _TooLarge(f"it holds a number of {arg.bit_length()} bits")
        else:
            parts = _taken(op, stack, marks)
            for _ in op.stack_after:
                text = len(arg) if isinstance(arg, str | bytes) else 0
                made = parts.pop(0) if name in _ONTO else _Object(1 + text)
                made.take(parts)
                stack.append(made)


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


def _taken(op: pickletools.OpcodeInfo, stack: list[_Object], marks: list[int]) -> list[_Object]:
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
