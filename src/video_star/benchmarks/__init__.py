"""The benchmarks by name: the keys of `evaluate.benchmarks` in params.yaml.

To add one: a module with a class as `base.Benchmark` describes it, a line in BENCHMARKS, and a
section in params.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from video_star.benchmarks.base import Benchmark
from video_star.errors import UsageError

BENCHMARKS: dict[str, str] = {
    "kinetics_qa": "video_star.benchmarks.kinetics_qa:KineticsQA",
    "tempcompass": "video_star.benchmarks.tempcompass:TempCompass",
}
"""Name to module:class, imported when it is used; the class takes its section of params.yaml."""


def open_benchmark(name: str, raw: Mapping[str, Any]) -> Benchmark[Any]:
    """The benchmark of this name with its parameters; UsageError when either is unknown."""
    if name not in BENCHMARKS:
        raise UsageError(
            f"params.yaml: evaluate.benchmarks.{name}: there is no such benchmark; "
            f"the benchmarks are {', '.join(BENCHMARKS)}."
        )
    module, _, attribute = BENCHMARKS[name].partition(":")
    benchmark: Benchmark[Any] = getattr(import_module(module), attribute)(raw)
    return benchmark
