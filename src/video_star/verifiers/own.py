"""Verifiers of the user's own: by `module:function` or by entry point, in place of ours.

They have the signature of ours, `(label, case, params, known) -> LabelVerdict`, and may live in an
installed package or in a module of the workspace folder.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from video_star.domain import LabelVerdict
from video_star.errors import UsageError
from video_star.labels import KINDS, Label
from video_star.params import VerifyParams

if TYPE_CHECKING:
    from video_star.verifiers.base import Case, Known, Verifier

_log = logging.getLogger(__name__)

GROUP = "video_star.verifiers"
"""Entry points of this group are verifiers."""
ERROR = "verifier error"
"""Reason of a label whose verifier raised, or gave something else than a verdict."""


def own_verifiers(names: Mapping[str, str], home: Path) -> dict[str, Verifier]:
    """The verifiers of verify.verifiers by label kind; UsageError when one cannot be had."""
    found: dict[str, Verifier] = {}
    for kind, name in names.items():
        if kind not in KINDS:
            raise UsageError(
                f"verify.verifiers.{kind}: there is no such label kind; they are "
                f"{', '.join(KINDS)}."
            )
        function = _by_path(kind, name, home) if ":" in name else _by_entry_point(kind, name)
        if not callable(function):
            raise UsageError(
                f"verify.verifiers.{kind}: {name} is no function but {type(function).__name__}; "
                "name a function (label, case, params, known) -> LabelVerdict."
            )
        found[kind] = _guarded(name, function)
    return found


def _by_path(kind: str, name: str, home: Path) -> Any:
    module, _, function = name.partition(":")
    # Last on the path: nothing that lies in a workspace may stand in for an installed package.
    if str(home.resolve()) not in sys.path:
        sys.path.append(str(home.resolve()))
    try:
        found: Any = importlib.import_module(module)
        for part in function.split("."):
            found = getattr(found, part)
    except Exception as error:  # importing runs the user's code
        raise UsageError(_unusable(kind, name, error)) from error
    return found


def _by_entry_point(kind: str, name: str) -> Any:
    points = {point.name: point for point in metadata.entry_points(group=GROUP)}
    if name not in points:
        known = f"installed are {', '.join(sorted(points))}" if points else "none is installed"
        raise UsageError(
            f"verify.verifiers.{kind}: no entry point {name!r} in group {GROUP} ({known}); "
            "write module:function, or install the package that has it."
        )
    try:
        return points[name].load()
    except Exception as error:  # importing runs the user's code
        raise UsageError(_unusable(kind, name, error)) from error


def _unusable(kind: str, name: str, error: Exception) -> str:
    problem = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"verify.verifiers.{kind}: {name} cannot be imported ({problem}); write module:function "
        "of an installed package, or of a module in the workspace folder."
    )


def _guarded(name: str, function: Verifier) -> Verifier:
    """The verifier, whose failure costs one label and never the step; the first one is logged."""
    failed: list[Label] = []

    def verify(label: Label, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
        try:
            given: object = function(label, case, params, known)
            if isinstance(given, LabelVerdict) and given.kind == label.kind:
                return given
            raise TypeError(f"gave {given!r}, not a LabelVerdict of kind {label.kind}")
        except Exception:  # noqa: BLE001 - whatever the user's code raises
            if not failed:
                _log.warning("verifier %s failed on %r", name, case.text, exc_info=True)
            failed[:] = [label]
        return LabelVerdict(
            kind=label.kind,
            verifier=name,
            version=0,
            score=0.0,
            threshold=0.0,
            extracted=None,
            place=None,
            passed=False,
            reason=ERROR,
        )

    return verify
