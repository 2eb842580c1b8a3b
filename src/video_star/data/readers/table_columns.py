"""What `columns` may say of a table: which column, or what of it.

label: action                     a column
start_s: segment.0                what lies in it: items of lists by number, of objects by name
video: "{folder}/{clip}.mp4"      a text with columns in braces
options: [a0, a1, a2, a3, a4]     several columns as a list
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from math import isnan
from typing import Any, TypeAlias

from video_star.core.excerpt import cut, excerpt
from video_star.core.labels.cells import BadRow, EmptyLabel, written_list

Spec: TypeAlias = str | tuple[str, ...]
"""What stands behind one of our names."""
_BRACED = re.compile(r"\{([^{}]+)\}")


def parts_of(spec: Spec) -> tuple[str, ...]:
    """The columns, or what of them, that a spec is made of."""
    return tuple(_BRACED.findall(spec)) or (spec,) if isinstance(spec, str) else spec


def named_in(specs: Collection[Spec]) -> list[str]:
    """All columns, or paths into one, that specs name."""
    return list(dict.fromkeys(part for spec in specs for part in parts_of(spec)))


def mapped(row: Mapping[str, Any], columns: Mapping[str, Spec]) -> dict[str, Any]:
    """Our names to the row's values; absent and blank ones are left out."""
    named = {ours: _value(row, spec) for ours, spec in columns.items()}
    return {name: value for name, value in named.items() if not is_blank(value)}


def is_blank(value: object) -> bool:
    """Nothing, an empty text, or the NaN that data frames write for an empty cell."""
    return value is None or value == "" or (isinstance(value, float) and isnan(value))


def _value(row: Mapping[str, Any], spec: Spec) -> Any:
    if not isinstance(spec, str):
        values = [_inside(row, part) for part in spec]
        while values and is_blank(values[-1]):
            values.pop()
        if any(map(is_blank, values)):
            # Taking it out would give the options behind it other letters.
            raise BadRow(f"one of {cut(', '.join(spec))} is empty, and one behind it is not.")
        return values
    if not _BRACED.search(spec):
        return _inside(row, spec)
    values = [_inside(row, part) for part in parts_of(spec)]
    if any(map(is_blank, values)):
        return None
    texts = iter(values)
    return _BRACED.sub(lambda _: str(next(texts)), spec)


def _inside(row: Mapping[str, Any], part: str) -> Any:
    """A value by its name or its path; None where there is none."""
    value: Any = row
    for name in (part,) if part in row else part.split("."):
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, Mapping):
            value = value.get(name)
        else:
            return None
    return value.strip() if isinstance(value, str) else value


def item_by_item(row: Mapping[str, Any], each: Collection[str]) -> Iterator[dict[str, Any]]:
    """A row for each item of the lists in the columns `each`.

    BadRow where they are no lists of one length, EmptyLabel where they are empty.
    """
    lists = {name: _list(row.get(name), name) for name in each}
    lengths = {name: len(items) for name, items in lists.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{length} {cut(name)}" for name, length in lengths.items())
        raise BadRow(f"{counts}: the lists of `each` must be of one length.")
    if not any(lengths.values()):
        raise EmptyLabel(f"{cut(', '.join(lists))} is an empty list; take the row out.")
    for items in zip(*lists.values(), strict=True):
        yield {**row, **dict(zip(lists, items, strict=True))}


def _list(value: object, name: str) -> list[Any]:
    if isinstance(value, str) and value.strip().startswith("["):
        value = written_list(value.strip(), name)
    if not isinstance(value, list | tuple):
        raise BadRow(f"{cut(name)} is {excerpt(value)}, not the list that `each` needs.")
    return list(value)
