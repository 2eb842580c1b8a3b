"""Verifiers of the user's own, by `module:function`, in place of ours.

They are called as `verification.verify` is, `(label, case, params, known) -> LabelVerdict`, and may
live in an installed package or in a module of the workspace folder.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name

from video_star.core.errors import UsageError
from video_star.core.labels import KINDS, Label
from video_star.core.labels.base import fails
from video_star.core.params import VerifyParams
from video_star.core.records import LabelVerdict
from video_star.verification.base import Case, Known, Verifier, verdict

_log = logging.getLogger(__name__)

ERROR = "verifier error"
"""Reason of a label whose verifier raised, or gave something else than a verdict."""


def own_verifiers(names: Mapping[str, str], home: Path) -> dict[str, Verifier]:
    """The verifiers of verify.verifiers by label kind; UsageError when one cannot be had."""
    # Last on the path: nothing that lies in a workspace may stand in for an installed package.
    if names and str(home.resolve()) not in sys.path:
        sys.path.append(str(home.resolve()))
    return {kind: _guarded(name, _loaded(kind, name)) for kind, name in names.items()}


def _loaded(kind: str, name: str) -> Verifier:
    where = f"verify.verifiers.{kind}"
    if kind not in KINDS:
        raise UsageError(f"{where}: there is no such label kind; they are {', '.join(KINDS)}.")
    try:
        function: Verifier = resolve_name(name)
        if not callable(function):
            raise TypeError(f"it is no function but {type(function).__name__}")
    except Exception as error:  # importing runs the user's code
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        raise UsageError(
            f"{where}: {name} cannot be imported ({problem}); write module:function of "
            "an installed package, or of a module in the workspace folder."
        ) from error
    return function


def _guarded(name: str, function: Verifier) -> Verifier:
    """The verifier, whose failure costs one label and never the step; the first one is logged."""
    failed = False

    def verify(label: Label, case: Case, params: VerifyParams, known: Known) -> LabelVerdict:
        nonlocal failed
        try:
            given: object = function(label, case, params, known)
            if isinstance(given, LabelVerdict) and given.kind == label.kind:
                return given
            raise TypeError(f"gave {given!r}, not a LabelVerdict of kind {label.kind}")
        except Exception:  # noqa: BLE001 - whatever the user's code raises
            if not failed:
                _log.warning("verifier %s failed on %r", name, case.text, exc_info=True)
            failed = True
        return verdict(label, case, fails(ERROR), params, name, 0)

    return verify
