"""The benchmarks by name: the keys of `evaluate.benchmarks` in params.yaml.

To add one: a module with a class as `base.Benchmark` describes it, a line in BENCHMARKS, and a
section in params.yaml. Your own benchmark needs no line here: its section has `use: module:Class`.
A section may also use a benchmark of the table under another name (`use: video_qa`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from pydantic import ValidationError

from video_star.core.errors import UsageError
from video_star.evaluation.benchmarks.base import Benchmark

_VIDEO_QA = "video_star.evaluation.benchmarks.video_qa:VideoQA"
BENCHMARKS: dict[str, str] = {
    "held_out": "video_star.evaluation.benchmarks.held_out:HeldOut",
    "kinetics_qa": "video_star.evaluation.benchmarks.kinetics_qa:KineticsQA",
    "star_qa": "video_star.evaluation.benchmarks.star_qa:StarQA",
    "finediving_qa": "video_star.evaluation.benchmarks.finediving_qa:FineDivingQA",
    "tempcompass": "video_star.evaluation.benchmarks.tempcompass:TempCompass",
    "video_qa": _VIDEO_QA,
    "msvd_qa": _VIDEO_QA,
    "msrvtt_qa": _VIDEO_QA,
    "tgif_qa": _VIDEO_QA,
    "activitynet_qa": _VIDEO_QA,
}
"""Name to module:class, imported when it is used; the class takes its section of params.yaml."""

_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
"""Names are also folders of predictions and parts of metric names."""


def open_benchmark(name: str, raw: Mapping[str, Any], home: Path = Path()) -> Benchmark[Any]:
    """The benchmark of this name with its parameters; UsageError when either is unknown.

    `home` is the workspace, where your own module may be.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"params.yaml: evaluate.benchmarks.{name}: write the name with letters, digits, "
            "underscores, dots and hyphens only."
        )
    params = {key: value for key, value in raw.items() if key != "use"}
    kind = _kind(name, str(raw.get("use", name)), home)
    try:
        benchmark: Benchmark[Any] = kind(params)
    except ValidationError as error:
        wrong = "; ".join(
            f"evaluate.benchmarks.{'.'.join([name, *map(str, item['loc'])])}: {item['msg']}"
            for item in error.errors()[:5]
        )
        raise UsageError(f"params.yaml: {wrong}.") from error
    return benchmark


def _kind(name: str, used: str, home: Path) -> Any:
    """The class that a section uses."""
    if used in BENCHMARKS:
        return resolve_name(BENCHMARKS[used])
    if ":" not in used:
        raise UsageError(
            f"params.yaml: evaluate.benchmarks.{name}: there is no such benchmark; "
            f"the benchmarks are {', '.join(BENCHMARKS)}, and `use: module:Class` names your own."
        )
    module, _, attribute = used.partition(":")
    # Last on the path: nothing in a workspace may replace an installed package.
    if str(home.resolve()) not in sys.path:
        sys.path.append(str(home.resolve()))
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:  # importing runs the user's code
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        raise UsageError(
            f"params.yaml: evaluate.benchmarks.{name}.use: {used} cannot be imported ({problem}); "
            "write module:Class of an installed package, or of a module in the workspace folder."
        ) from error
