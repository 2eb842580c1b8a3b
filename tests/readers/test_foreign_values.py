"""What enemies and data frames put into tables: refused in a short sentence."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from outcomes import error, failure, one, samples, touch
from pyarrow import parquet
from tables import read, rows_of

from video_star.core.errors import DataError
from video_star.core.excerpt import LENGTH, cut, excerpt
from video_star.core.labels import ChoiceLabel, ClassLabel
from video_star.core.labels.base import NAME_LENGTH, NAMES, TEXT_LENGTH
from video_star.core.records import Failure
from video_star.data.readers import table_files
from video_star.data.readers.base import Row
from video_star.data.readers.pickles import load_pickle


def nested(kind: Any) -> Any:
    """10**10 texts in the references of a hundred objects."""
    value = kind(["x"] * 10)
    for _ in range(9):
        value = kind([value] * 10)
    return value


@pytest.mark.parametrize(
    "value",
    [nested(list), nested(tuple), {"a": nested(list)}, "x" * 10**7, b"x" * 10**6, 10**5000, [[]]],
    ids=["lists", "tuples", "object", "text", "bytes", "number", "empty"],
)
def test_an_excerpt_is_short_whatever_it_shows(value: object) -> None:
    assert len(excerpt(value)) <= LENGTH


def test_an_excerpt_of_a_short_value_is_the_value() -> None:
    for value in ("a b", 1.5, None, ["a", 1], {"a": 1}, ("x",)):
        assert excerpt(value) == repr(value)
    assert cut("abcdef", 5) == "ab..."


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("kind", [list, tuple])
def test_a_pickle_of_nested_references_is_refused_before_it_is_written_out(
    tmp_path: Path, kind: Any, protocol: int
) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"a": nested(kind)}, protocol))
    with pytest.raises(DataError, match="references make more than"):
        load_pickle(path)


TUPLES = pickle.dumps(nested(tuple), 2)[2:-1]
"""Hashed, as a key or in a set, they take as long as written out, inside of the unpickler."""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x80\x02}" + TUPLES + b"K\x01s.", "references make more than"),
        (b"\x80\x02}(" + TUPLES + b"K\x01u.", "references make more than"),
        (b"\x80\x04\x8f(" + TUPLES + b"\x90.", "references make more than"),
        (b"\x80\x04(" + TUPLES + b"\x91.", "references make more than"),
        (b"\x80\x02c__builtin__\nset\n]" + TUPLES + b"a\x85R.", "references make more than"),
        (b"\x80\x02}" + TUPLES + b"K\x01s0].", "references make more than"),
        (pickle.dumps(["x" * 10**6] * 1000), "references make more than"),
        (pickle.dumps([(10**20_000, 1)]), "it holds a number of 66439 bits"),
        (b"\x80\x02]q\x00h\x00a.", "holds itself"),
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "numbers an object 2147483647"),
    ],
    ids=["key", "keys", "set", "frozenset", "call", "popped", "text", "number", "itself", "memo"],
)
def test_a_pickle_that_would_take_all_time_or_memory_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=problem) as caught:
        load_pickle(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_with_many_shared_texts_is_read(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "a.pkl"
    content = [{"name": "Entry", "at": ("01", n), "text": "ü"} for n in range(5000)]
    path.write_bytes(pickle.dumps(content, protocol))
    assert load_pickle(path) == content


LONG = "word " * 200_000


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("class", {"label": LONG}),
        ("class", {"label": "x", "synonyms": [LONG]}),
        ("class", {"label": "x", "synonyms": ["y"] * (NAMES + 1)}),
        ("set", {"label": ["cup", LONG]}),
        ("sequence", {"label": ["step"] * (NAMES + 1)}),
        ("text", {"label": LONG}),
        ("choice", {"options": ["a", LONG], "answer": 0}),
        ("choice", {"options": ["a", "b"], "answer": LONG}),
        ("score", {"label": LONG}),
        ("score", {"label": 1, "name": LONG}),
        ("box", {"object": "x", "label": LONG}),
        ("same", {"label": LONG}),
        ("span", {"event": "x", "label_start": LONG, "label_end": 1}),
        ("span", {"event": LONG, "label_start": 0.1, "label_end": 1}),
        ("span", {"event": "x", "windows": LONG}),
        ("class", {"label": "x", "question": LONG}),
        ("class", {"label": "x", "id": LONG}),
        ("class", {"label": "x", "source_id": LONG}),
        ("class", {"label": "x", "video": LONG}),
        ("labels", {"question": "?", "labels": [{"kind": "class", "name": LONG}]}),
        ("labels", {"question": "?", "labels": LONG}),
    ],
)
def test_a_megabyte_in_a_field_is_a_bad_row_with_a_short_message(
    tmp_path: Path, clips: Path, kind: str, row: dict[str, Any]
) -> None:
    found = failure(read(tmp_path, clips, kind, row))
    assert found.error == "BadRow"
    assert len(found.message) <= 500


def test_the_longest_labels_are_read(tmp_path: Path, clips: Path) -> None:
    longest = [
        ("class", {"label": "x" * NAME_LENGTH}),
        ("text", {"label": "x" * TEXT_LENGTH}),
        ("set", {"label": [f"thing {n}" for n in range(NAMES)]}),
    ]
    for kind, row in longest:
        one(read(tmp_path, clips, kind, row))


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (["push", "pull"], "BadRow"),
        (["push"], "BadRow"),
        ("['push', 'pull']", "BadRow"),
        ('["push", "pull"]', "BadRow"),
        ("['push' 'pull']", "BadRow"),
        ({"name": "push"}, "BadRow"),
        (-1, "EmptyLabel"),
        ("-1", "EmptyLabel"),
        (float("nan"), "EmptyLabel"),
    ],
)
def test_a_list_or_minus_one_is_no_class_name(
    tmp_path: Path, clips: Path, label: Any, reason: str
) -> None:
    assert error(read(tmp_path, clips, "class", {"label": label})) == reason


def test_a_class_name_may_stand_in_brackets(tmp_path: Path, clips: Path) -> None:
    for name in ("[Something] falling like a [feather]", "[part]", "3"):
        assert one(read(tmp_path, clips, "class", {"label": name})).labels[0].name == name


def test_texts_that_numpy_printed_side_by_side_are_not_joined(tmp_path: Path, clips: Path) -> None:
    """Python reads "['a' 'b']" as one text."""
    for printed in ("['A. cup' 'B. box']", "['cup'\n 'box']"):
        assert error(read(tmp_path, clips, "set", {"label": printed})) == "BadRow"


def parquet_rows(data: Path, table: Any, kind: str = "class", **options: Any) -> list[Row]:
    touch(data / "v", "a.mp4", "b.mp4", "c.mp4")
    parquet.write_table(table, data / "t.parquet", **options)
    return rows_of(data, "t.parquet", kind=kind, columns={"video": "video", "label": "label"})


def with_features(table: Any, label: Any) -> Any:
    """The table with the metadata that the datasets library writes."""
    metadata = {"huggingface": json.dumps({"info": {"features": {"label": label}}})}
    return table.replace_schema_metadata(metadata)


def test_class_numbers_of_parquet_files_get_their_names(tmp_path: Path) -> None:
    table = pa.table({"video": ["a.mp4", "b.mp4", "c.mp4"], "label": [1, 0, -1]})
    names = {"names": ["push", "pull"], "_type": "ClassLabel"}
    first, second, none = parquet_rows(tmp_path, with_features(table, names))
    found = samples([first, second])
    assert [row.labels for row in found.values()] == [
        (ClassLabel(name="pull"),),
        (ClassLabel(name="push"),),
    ]
    assert isinstance(none, Failure)
    assert none.error == "EmptyLabel"


def test_a_column_of_bytes_or_lists_is_no_class_name(tmp_path: Path) -> None:
    for values in ([b"push"], [["push", "pull"]]):
        table = pa.table({"video": ["a.mp4"], "label": values})
        assert error(parquet_rows(tmp_path, table)) == "BadRow"


def test_a_column_that_unpacks_to_much_more_than_it_is_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "UNPACKED", 1 << 16)
    table = pa.table({"video": ["a.mp4"], "label": ["x" * (1 << 20)]})
    with pytest.raises(DataError, match="column label unpacks from"):
        parquet_rows(tmp_path, table, compression="zstd")
    table = pa.table({"video": ["a.mp4"], "label": ["x"], "other": ["x" * (1 << 20)]})
    one(parquet_rows(tmp_path, table, compression="zstd"))


def test_columns_that_stand_twice_in_parquet_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays(
        [pa.array(["a.mp4"]), *[pa.array(["x"])] * 2], ["video"] + ["label"] * 2
    )
    with pytest.raises(DataError, match="column label stands twice"):
        parquet_rows(tmp_path, table)


def table_of(data: Path, *names: str, **columns: str) -> list[Row]:
    lines = "".join(json.dumps({"f": name, "l": "x"}) + "\n" for name in names)
    (data / "t.jsonl").write_text(lines)
    return rows_of(data, "t.jsonl", kind="class", columns={"video": "f", "label": "l", **columns})


def test_a_loop_of_links_is_a_bad_row_and_as_a_source_an_error(tmp_path: Path) -> None:
    touch(tmp_path / "v", "a.mp4")
    (tmp_path / "v" / "loop.mp4").symlink_to("loop.mp4")
    (tmp_path / "v" / "x").symlink_to("y")
    (tmp_path / "v" / "y").symlink_to("x")
    rows = table_of(tmp_path, "loop.mp4", "x/a.mp4", "a.mp4")
    bad = [row for row in rows if isinstance(row, Failure)]
    assert len(bad) == 2
    assert {row.error for row in bad} <= {"BadRow", "MissingVideo"}
    assert list(samples(rows[2:])) == ["t/v/a"]
    (tmp_path / "t.jsonl").unlink()
    (tmp_path / "t.jsonl").symlink_to("t.jsonl")
    with pytest.raises(DataError, match=r"t\.jsonl"):
        rows_of(tmp_path, "t.jsonl", kind="class", columns={"video": "f", "label": "l"})


def test_ids_tell_files_and_times_apart(tmp_path: Path) -> None:
    touch(tmp_path / "v", "a.mp4", "a.webm", "a.MP4")
    assert list(samples(table_of(tmp_path, "a.mp4", "a.webm", "a.MP4"))) == [
        "t/v/a",
        "t/v/a.webm",
        "t/v/a.MP4",
    ]


def test_times_of_long_recordings_are_not_rounded_in_ids(tmp_path: Path, clips: Path) -> None:
    rows = [
        {"label": "x", "start_s": start, "end_s": start + 1} for start in (12345.67, 12345.71, 3.5)
    ]
    found = samples(read(tmp_path, clips, "class", *rows))
    assert list(found) == ["t/v/a_12345.67_12346.67", "t/v/a_12345.71_12346.71", "t/v/a_3.5_4.5"]


def test_a_video_is_found_without_its_suffix_and_by_its_name_alone(tmp_path: Path) -> None:
    touch(tmp_path / "v", "a.mp4", "x/b.MKV", "x/c.mp4", "y/c.mp4", "Q_1.0_2.5.mp4")
    rows = table_of(tmp_path, "a", "b", "b.MKV", "x/c", "Q_1.0_2.5", "c", "z/c", "d")
    found = [row if isinstance(row, Failure) else row.video for row in rows]
    assert found[:5] == ["v/a.mp4", "v/x/b.MKV", "v/x/b.MKV", "v/x/c.mp4", "v/Q_1.0_2.5.mp4"]
    assert [row.error for row in found[5:]] == ["BadRow", "MissingVideo", "MissingVideo"]
    assert "v/x/c.mp4 and v/y/c.mp4" in found[5].message


@pytest.mark.parametrize("label", ["\u200b", "\ufeff", "x\0y"])
@pytest.mark.parametrize("kind", ["class", "text", "set"])
def test_a_label_that_shows_nothing_or_holds_a_nul_is_a_bad_row(
    tmp_path: Path, clips: Path, kind: str, label: str
) -> None:
    found = read(tmp_path, clips, kind, {"label": [label] if kind == "set" else label})
    assert [type(row) for row in found] == [Failure]
    assert "it shows nothing" in found[0].message or "a NUL character" in found[0].message


OPTIONS = ("Apples.", "Candles.", "Berries.")


@pytest.mark.parametrize(
    "options",
    [
        ["A. Apples.", "B. Candles.", "C. Berries."],
        ["(A) Apples.", "(B) Candles.", "(C) Berries."],
        ["a) Apples.", "b) Candles.", "c) Berries."],
        ["A: Apples.", "B: Candles.", "C: Berries."],
        ["A.Apples.", "B.Candles.", "C.Berries."],
        ["[A] Apples.", "[B] Candles.", "[C] Berries."],
        ["A\uff0eApples.", "B\uff0eCandles.", "C\uff0eBerries."],
        ["A\u3001Apples.", "B\u3001Candles.", "C\u3001Berries."],
        "A. Apples.; B. Candles.; C. Berries.",
        {"A": "Apples.", "B": "Candles.", "C": "Berries."},
        list(OPTIONS),
    ],
)
@pytest.mark.parametrize(
    "answer", ["C", "c", "(C)", "C.", "C)", "C. Berries.", "(C) berries.", "Berries.", 2, "2"]
)
def test_options_lose_the_letters_that_they_bring(
    tmp_path: Path, clips: Path, options: Any, answer: Any
) -> None:
    row = {"question": "What?", "options": options, "answer": answer}
    found = one(read(tmp_path, clips, "choice", row))
    assert found.labels == (ChoiceLabel(options=OPTIONS, answer=2),)
    assert found.question == "What?\nA. Apples.\nB. Candles.\nC. Berries."


@pytest.mark.parametrize(
    ("options", "answer", "right"),
    [
        (["B. one", "A. two"], "A", None),
        (["B. one", "A. two"], "A. two", 1),
        (["B. one", "A. two"], 1, 1),
        (["1. left", "2. right"], "1", None),
        (["1. left", "2. right"], "2. right", 1),
        (["A. Lincoln", "G. Washington"], "A. Lincoln", 0),
        (["A. Lincoln", "G. Washington"], "B", 1),
        (["yes", "no"], "C", None),
        (["A. x", "B. y"], "B. x", None),
    ],
)
def test_an_answer_that_may_mean_two_options_is_none(
    tmp_path: Path, clips: Path, options: list[str], answer: Any, right: int | None
) -> None:
    rows = read(tmp_path, clips, "choice", {"options": options, "answer": answer})
    if right is None:
        assert error(rows) == "BadRow"
    else:
        assert one(rows).labels[0].answer == right
