"""CSV files as people bring them: every row is read right, or named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from outcomes import errors, samples, touch
from tables import rows_of

from video_star.core.errors import DataError
from video_star.core.records import Failure
from video_star.data.readers import csv_files
from video_star.data.readers.base import Row

HEADER = "file,split,caption\n"
PLAIN = HEADER + "a.mp4,train,a mañ\nb.mp4,train,a dog\n"


def read(data: Path, content: str | bytes, name: str = "t.csv") -> list[Row]:
    touch(data / "v", "a.mp4", "b.mp4", "c.mp4", "d.mp4")
    (data / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return rows_of(
        data,
        name,
        kind="text",
        columns={"video": "file", "split": "split", "label": "caption"},
        split=None,
    )


def captions(rows: list[Row]) -> dict[str, str]:
    return {key[-1]: row.labels[0].text for key, row in samples(rows).items()}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (HEADER + 'a.mp4,train,"a man\nb.mp4,train,b\nc.mp4,train,c\nd.mp4,train,d\n', 2),
        (HEADER + 'a.mp4,train,a\nb.mp4,train,"b\nc.mp4,train,c\n', 3),
        (HEADER + 'a.mp4,train,a\nb.mp4,"train,b\nc.mp4,train,c\n', 3),
        (HEADER + 'a.mp4,train,a\n\n\nb.mp4,train,"b\n', 5),
        (HEADER + 'a.mp4,train,"two\nlines"\nb.mp4,train,"b\n', 4),
        (HEADER + 'a.mp4,train,"a man\nb.mp4,train,"a dog"\nc.mp4,train,c\n', 2),
        (HEADER + 'a.mp4,train,"a man\nb.mp4,train,"\nc.mp4,train,c\n', 2),
        (HEADER + 'a.mp4,train,"a" man\nb.mp4,train,b\n', 2),
        (
            HEADER
            + 'a.mp4,train,"a, man\nb.mp4,train,b\nc.mp4,train,a disc of 5"\nd.mp4,train,d\n',
            2,
        ),
        (HEADER + 'a.mp4,"train,a\nb.mp4,5",b\nc.mp4,train,c\n', 2),
        (HEADER + '"a.mp4,train,a\n5",train,b\n', 2),
        (HEADER + 'a.mp4,train,"a\nb.mp4,train,b",c,d\ne.mp4,train,e\n', 2),
        (HEADER.replace(",", ";") + 'a.mp4;train;"a\r\nb.mp4;train;5"\r\n', 2),
        ('file,split,"caption\na.mp4,train,' + "x " * 70_000 + "\n", 1),
        (HEADER.replace(",", ";") + 'a.mp4;train;"a man\nb.mp4;train;b\n', 2),
    ],
)
def test_a_quote_that_does_not_close_is_named_with_its_line_and_swallows_no_row(
    tmp_path: Path, content: str, line: int
) -> None:
    with pytest.raises(DataError, match=rf"t\.csv:{line}: .*quot|t\.csv:{line}: .*'\"'"):
        read(tmp_path, content)


def test_a_quote_that_swallows_more_than_a_cell_holds_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "CELL_LIMIT", 100)
    rows = "".join(f"b.mp4,train,{number}\n" for number in range(50))
    with pytest.raises(DataError, match=r"t\.csv:2: .*a quote that is not closed"):
        read(tmp_path, HEADER + 'a.mp4,train,"a man\n' + rows)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a.mp4,train,a man throws a ball, then runs", "4 cells for 3 columns"),
        ("a.mp4,train", "2 cells for 3 columns"),
        ("a.mp4,train,'a ball, then'", "4 cells for 3 columns"),
        ("a.mp4,train,a\0b", "NUL"),
    ],
)
def test_a_row_of_another_shape_is_counted_and_the_next_ones_are_read(
    tmp_path: Path, row: str, problem: str
) -> None:
    bad, good = read(tmp_path, f"{HEADER}{row}\nb.mp4,train,a dog\n")
    assert isinstance(bad, Failure)
    assert (bad.sample_id, bad.error) == ("t.csv:2", "BadRow")
    assert problem in bad.message
    assert captions([good]) == {"b": "a dog"}


@pytest.mark.parametrize(
    ("row", "caption"),
    [
        ('a.mp4,train,"a ball, then ""more"""', 'a ball, then "more"'),
        ('a.mp4, train, "a ball, then"', "a ball, then"),
        ('a.mp4,train,a 5" screen', 'a 5" screen'),
        ('a.mp4,train,"a man\nand a dog,\nboth"', "a man and a dog, both"),
        ('a.mp4,train,"a man, a dog\nand, once more, a cat"', "a man, a dog and, once more, a cat"),
        ('a.mp4,train,"two\nlines",', "two lines"),
        ("a.mp4,train,a ball,,", "a ball"),
    ],
)
def test_what_csv_allows_is_read(tmp_path: Path, row: str, caption: str) -> None:
    assert captions(read(tmp_path, f"{HEADER}{row}\nb.mp4,train,b\n")) == {"a": caption, "b": "b"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_what_separates_the_columns(tmp_path: Path, delimiter: str) -> None:
    content = PLAIN.replace(",", delimiter) + delimiter.join(["c.mp4", "train", '"x, y; z"'])
    expected = {"a": "a mañ", "b": "a dog", "c": "x, y; z"}
    assert captions(read(tmp_path, content, "t.tsv")) == expected


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_is_told_by_its_first_bytes(tmp_path: Path, encoding: str) -> None:
    content = PLAIN.encode(encoding)
    assert captions(read(tmp_path, content)) == {"a": "a mañ", "b": "a dog"}


def test_line_ends_of_all_systems_are_read(tmp_path: Path) -> None:
    for end in ("\r\n", "\r"):
        assert captions(read(tmp_path, PLAIN.replace("\n", end))) == {"a": "a mañ", "b": "a dog"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (PLAIN.encode("latin-1"), r"t\.csv:2 \(byte 0xf1\): neither UTF-8"),
        (PLAIN.encode("utf-16")[:-1], r"t\.csv .*neither UTF-8 nor UTF-16"),
        (b"PK\x03\x04" + PLAIN.encode(), "Excel"),
        (b"", "no column caption, file, split, as the file is empty"),
        (b"File,split,caption\n", "no column file, as its header has 'File, split, caption'"),
        (b"file,split,caption,caption\na.mp4,train,x,y\n", "column caption stands twice"),
    ],
)
def test_a_file_that_is_no_such_table_says_why(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_four_hundred_rows_are_four_hundred_or_an_error(tmp_path: Path) -> None:
    """Whatever row a quote opens in, no row is lost in silence."""
    lines = [f"a.mp4,train,caption {number}" for number in range(40)]
    for opened in range(40):
        broken = [*lines]
        broken[opened] = broken[opened].replace("caption", '"caption')
        with pytest.raises(DataError, match=rf"t\.csv:{opened + 2}:"):
            read(tmp_path, HEADER + "\n".join(broken))
    assert not errors(read(tmp_path, HEADER + "\n".join(lines)))
