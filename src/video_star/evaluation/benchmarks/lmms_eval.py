"""Sample logs of lmms-eval (--log_samples): JSON lines, one for each question.

    {"doc_id", "doc": {...}, "target", "resps": [["..."]], "filtered_resps": ["..."], <metrics>}

"doc" has the fields of the data set's row. Versions differ: some leave out "doc" or "resps", some
write responses without their lists. With --predict_only there is no metric but "bypass".
"""

from __future__ import annotations

from typing import Any


def response(entry: dict[str, Any]) -> str | None:
    """The first response of a line, after the task's filters if they left one."""
    for key in ("filtered_resps", "resps"):
        value = entry.get(key)
        while isinstance(value, list) and value:
            value = value[0]  # a list for each request, and one for its repeats
        if isinstance(value, str):
            return value
    return None
