"""Annotation pickles from strangers: numpy arrays and builtin containers, and nothing else.

A pickle may name any function of any module and have it called. This unpickler knows the few names
that arrays, numpy scalars, bytes and sets need, under the module names of Python 2 and 3 and of
numpy 1 and 2, in all pickle protocols; any other name is refused before it is imported.
"""

from __future__ import annotations

import io
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from video_star.core.errors import DataError
from video_star.core.excerpt import cut, excerpt
from video_star.data.readers.pickle_size import TooLarge, refuse_large

_PLAIN_DTYPE = re.compile(r"[<>|=]?[biufSU]\d*")
_BROKEN = (
    *(pickle.UnpicklingError, EOFError, ArithmeticError, AttributeError, ImportError, LookupError),
    *(MemoryError, RecursionError, TypeError, ValueError, AssertionError, struct.error),
)
"""What a torn or foreign file makes the unpickler raise."""


class _Refused(Exception):
    """The pickle names something that is not on the list."""


def load_pickle(path: Path) -> Any:
    """The object in a pickle; text of Python 2 is read as latin-1.

    DataError when the file cannot be read, is no pickle, is too large once its references are
    followed, or names anything but plain numpy arrays and scalars and builtin containers; the
    message has the name.
    """
    try:
        content = path.read_bytes()
        refuse_large(content)
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
    except TooLarge as error:
        raise DataError(
            f"{path}: {error}, so it is not loaded; get the file from its publisher."
        ) from error
    except _BROKEN as error:
        problem = cut(str(error))
        raise DataError(f"{path}: is not a whole pickle ({problem}); replace the file.") from error


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
