"""Tables in every format, whose columns are called as ours."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import outcomes

from video_star.data.readers.base import Row

WRITERS = (".csv", ".jsonl", ".json", ".parquet")


def write(path: Path, table: list[dict[str, Any]]) -> None:
    """The same table in each format; lists in CSV cells are JSON."""
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, table[0])
            writer.writeheader()
            for row in table:
                lists = {k: json.dumps(v) for k, v in row.items() if isinstance(v, list)}
                writer.writerow({**row, **lists})
    elif path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(table), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(table, indent=1), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table), encoding="utf-8")


def read(
    data: Path, clips: Path, kind: Any, *table: dict[str, Any], suffix: str = ".jsonl"
) -> list[Row]:
    """Read rows whose columns are called as ours; "a.mp4" lasts 1.5 seconds."""
    (data / "v").mkdir(exist_ok=True)
    (data / "v" / "a.mp4").write_bytes((clips / "train-0.mp4").read_bytes())
    full = [{"video": "a.mp4", **row} for row in table]
    write(data / f"t{suffix}", full)
    return rows_of(
        data,
        f"t{suffix}",
        kind=kind,
        columns={name: name for row in full for name in row},
    )


def rows_of(data: Path, annotations: str, split: Any = "train", **section: Any) -> list[Row]:
    """What the table reader makes of a file in `data`, with the videos in `data`/v."""
    section |= {"annotations": annotations, "videos": "v", "split": split}
    return outcomes.rows_of("table", data, dataset="t", **section)
