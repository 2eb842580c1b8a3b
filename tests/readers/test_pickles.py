"""The restricted unpickler: everything annotations hold, and nothing that acts."""

from __future__ import annotations

import collections
import os
import pickle
import subprocess
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from video_star.core.errors import DataError
from video_star.data.readers.pickles import load_pickle

PLAIN: dict[str, Any] = {
    "numbers": np.arange(6, dtype=np.int64),
    "matrix": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(12).reshape(3, 4)[:, ::2],
    "text": np.array(["ab", "ü"]),
    "bytes": np.array([b"ab", b"c"]),
    "swapped": np.array([1, 2, 300], dtype=">i4"),
    "none": np.array([], dtype=np.float32),
    "single": np.array(2.5),
}


def dumped(tmp_path: Path, content: Any, protocol: int = 4) -> Path:
    path = tmp_path / "a.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_are_read_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    loaded = load_pickle(dumped(tmp_path, PLAIN, protocol))
    for name, array in PLAIN.items():
        assert isinstance(loaded[name], np.ndarray)
        # Like numpy itself, most protocols give the byte order of the machine.
        assert loaded[name].dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
        assert loaded[name].tolist() == array.tolist(), name


@pytest.mark.parametrize("protocol", range(6))
def test_containers_and_scalars_are_read_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    content = {
        ("01", 3): [1, 2.5, None, True, "ü", b"\xff", b""],
        np.int64(7): (np.float64(1.5), np.float32(0.5), np.bool_(True), np.str_("x")),
        "sets": [{1, 2}, frozenset({"a"}), 1 + 2j, 2**80],
    }
    loaded = load_pickle(dumped(tmp_path, content, protocol))
    assert loaded == content
    assert loaded[7][0] == 1.5


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_the_module_names_of_numpy_1_and_2_are_known(
    tmp_path: Path, core: str, protocol: int
) -> None:
    raw = pickle.dumps([np.arange(3), np.float64(2.0)], protocol)
    old = b"numpy._core" if b"numpy._core" in raw else b"numpy.core"
    new = core.encode()
    for tail in (b".multiarray", b".numeric"):
        was, now = old + tail, new + tail
        # From protocol 4 on a name's length stands before it.
        for before, after in (
            (b"c", b"c"),
            (b"\x8c" + bytes([len(was)]), b"\x8c" + bytes([len(now)])),
        ):
            raw = raw.replace(before + was, after + now)
    if protocol == 5:
        # The length of the frame is another one now; without a frame none is needed.
        raw = raw[:2] + raw[11:]
    array, scalar = load_pickle(dumped(tmp_path, raw))
    assert array.tolist() == [0, 1, 2]
    assert scalar == 2.0


def test_pickles_of_python_2_are_read_as_latin_1(tmp_path: Path) -> None:
    raw = (
        b"\x80\x02}q\x00(U\x02\xfcbq\x01"
        b"cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02i2K\x00K\x01\x87R"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04\x01\x00\xff\xfftb"
        b"U\x01sc__builtin__\nset\n]K\x05a\x85Ru."
    )
    loaded = load_pickle(dumped(tmp_path, raw))
    assert loaded["üb"].tolist() == [1, -1]
    assert loaded["s"] == {5}


class Acts:
    """Is pickled as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (Acts(os.system, "touch {mark}"), "system"),
        (Acts(eval, "1"), r"(builtins|__builtin__)\.eval"),
        (Acts(getattr, "x", "upper"), "getattr"),
        (Acts(subprocess.call, "true"), r"(subprocess|commands)\.call"),
        (Acts(np.load, "x"), "load"),
        (Path("x"), "pathlib"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        (collections.Counter(a=1), "collections.Counter"),
        (Fraction(1, 2), "fractions.Fraction"),
        (partial(abs), "functools.partial"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_any_other_name_is_refused_and_told(
    tmp_path: Path, content: Any, name: str, protocol: int
) -> None:
    path = dumped(tmp_path, {"a": [content]}, protocol)
    with pytest.raises(DataError, match=name) as caught:
        load_pickle(path)
    assert str(path) in str(caught.value)


def test_nothing_runs_before_the_refusal(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = dumped(tmp_path, Acts(os.system, f"touch {mark}"))
    with pytest.raises(DataError):
        load_pickle(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": 1}, None], dtype=object),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_arrays_of_anything_but_numbers_and_text_are_refused(
    tmp_path: Path, array: Any, protocol: int
) -> None:
    with pytest.raises(DataError, match=r"numpy\.dtype"):
        load_pickle(dumped(tmp_path, array, protocol))


def test_a_crafted_dtype_or_shape_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    head = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
    )
    dtype = b"cnumpy\ndtype\nU\x02i8K\x00K\x01\x87R"
    flags = b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb"
    fields = b"(K\x03U\x01<N(U\x01at}U\x01aK\x08K\x08K\x3ftb"
    data = b"\x89U\x08AAAAAAAAtb."
    whole = load_pickle(dumped(tmp_path, head + b"K\x01\x85" + dtype + flags + data))
    assert not whole.dtype.hasobject
    for raw in (
        head + b"K\x01\x85" + dtype + fields + data,
        head + b"J\x00\x00\x00\x7f\x85" + dtype + flags + data,
        head + b"K\x01\x85N" + data,
        head + b"K\x01\x85" + dtype + b"\x89]tb.",
    ):
        with pytest.raises(DataError):
            load_pickle(dumped(tmp_path, raw))


def test_bytes_come_from_latin_1_and_no_other_codec(tmp_path: Path) -> None:
    raw = b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aU\x05rot13\x86R."
    with pytest.raises(DataError, match=r"_codecs\.encode to rot13"):
        load_pickle(dumped(tmp_path, raw))


def test_a_pickle_cannot_change_the_functions_it_may_call(tmp_path: Path) -> None:
    raw = b"\x80\x02c_codecs\nencode\nN}U\x09_functionK\x01s\x86b."
    with pytest.raises(DataError):
        load_pickle(dumped(tmp_path, raw))
    assert load_pickle(dumped(tmp_path, [b"\xff"], 2)) == [b"\xff"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        b"<!DOCTYPE html><html></html>",
        pickle.dumps(PLAIN)[:-30],
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x80\x02c__builtin__\nbytes\nJ\xff\xff\xff\x7f\x85R.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02U\x01aQ.",
        b"(" * 100_000,
        b"]" + b"]a" * 10,
    ],
)
def test_a_file_that_is_no_whole_pickle_is_a_data_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.pkl"):
        load_pickle(dumped(tmp_path, content))


def test_a_missing_file_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.pkl: there is no such file"):
        load_pickle(tmp_path / "none.pkl")
