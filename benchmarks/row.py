"""What the scripts print: a JSON object a line, of which results.py makes the rows of its table."""

from __future__ import annotations

import json


def tell(measure: str, value: float | None, unit: str, bar: str, detail: str) -> None:
    """Print a measurement; the value is None where it could not be made, the bar "" for none."""
    row = {"measure": measure, "value": value, "unit": unit, "bar": bar, "detail": detail}
    print(json.dumps(row), flush=True)  # noqa: T201
