"""`video-star doctor`: what is wrong with an installation or a workspace, and how to fix it.

Each check looks at one thing and returns findings; none changes anything, and none may raise.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from video_star.core.errors import VideoStarError, explain_refusal
from video_star.core.jsonl import read_record, read_records
from video_star.core.model_paths import read_ref
from video_star.core.params import Params, load_params
from video_star.core.paths import Workspace
from video_star.core.records import StepReport, VideoSample
from video_star.core.urls import engine_shown
from video_star.data.readers import open_readers
from video_star.evaluation.metrics import RoundMetrics
from video_star.pipeline.dvc import changed_stages, repository
from video_star.pipeline.stages import STEPS, rounds_of
from video_star.services.addresses import addresses
from video_star.services.local import services_of
from video_star.services.prefect_home import HOME
from video_star.services.process import port_is_taken
from video_star.video.room import taken

FREE_GB = 5
PROGRAMS = ("git", "make")
LOCK_WAIT_S = 2
"""A server of ours holds its store for less."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    ok: bool
    what: str
    fix: str = ""
    """What to do, when it is not ok."""


def run_doctor(workspace: Workspace) -> list[Finding]:
    """Every finding about this installation and workspace, the wrong ones among them."""
    checks: dict[str, Callable[[Workspace], list[Finding]]] = {
        "Python": _python,
        "packages": _packages,
        "programs": _programs,
        "the workspace": _folders,
        "params.yaml": _params,
        "data/": _data,
        "rounds/": _rounds,
        "stores": _stores,
        "mlflow/": _mlflow_folder,
        "ports": _ports,
        "disk": _disk,
    }
    return [finding for what, check in checks.items() for finding in _done(what, check, workspace)]


def _done(
    what: str, check: Callable[[Workspace], list[Finding]], workspace: Workspace
) -> list[Finding]:
    """The findings of a check; what keeps it from looking is a finding as well."""
    try:
        return check(workspace)
    except (VideoStarError, OSError, sqlite3.Error) as error:
        return [Finding(False, what, str(explain_refusal(error) or error))]


def print_findings(findings: list[Finding]) -> None:
    """One line per finding; a wrong one also says how to fix it."""
    for finding in findings:
        line = f"{'ok     ' if finding.ok else 'PROBLEM'} {finding.what}"
        sys.stdout.write(f"{line}: {finding.fix}\n" if finding.fix else f"{line}\n")


def _python(_: Workspace) -> list[Finding]:
    found = ".".join(str(part) for part in sys.version_info[:3])
    ok = sys.version_info >= (3, 11)
    return [Finding(ok, f"Python {found}", "" if ok else "install Python 3.11 or newer")]


def _packages(_: Workspace) -> list[Finding]:
    """Installed versions against the requirements that pyproject.toml states."""
    wrong, n = [], 0
    try:
        requirements = [Requirement(text) for text in requires("video-star") or []]
    except PackageNotFoundError:
        return [Finding(False, "video-star is not installed", "run make setup")]
    for requirement in requirements:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        n += 1
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(Finding(False, f"{requirement.name} is missing", "run make setup"))
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            fix = f"run `pip install '{requirement}'` in this environment"
            wrong.append(Finding(False, f"{requirement.name} {found} does not fit", fix))
    return wrong or [Finding(True, f"{n} packages are within the ranges of pyproject.toml")]


def _programs(_: Workspace) -> list[Finding]:
    found = []
    for name in PROGRAMS:
        ok = shutil.which(name) is not None
        found.append(Finding(ok, name, "" if ok else f"install {name}"))
    return found


def _params(workspace: Workspace) -> list[Finding]:
    try:
        params = load_params(workspace.params)
        open_readers(params.ingest.sources, workspace.data, params.seed)
    except VideoStarError as error:
        return [Finding(False, "params.yaml", str(error))]
    return [
        Finding(True, f"params.yaml: {params.rounds} rounds"),
        _frames(workspace, params),
        _base_model(workspace, params),
        _stages(workspace, params),
    ]


def _frames(workspace: Workspace, params: Params) -> Finding:
    """How full the frame cache is, in the unit of its bound."""
    gb, most = taken(workspace.frames) / 2**30, params.settings.frame_cache_gb
    return Finding(True, f"frame cache: {gb:.1f} GB of {most:g} (settings.frame_cache_gb)")


def _base_model(workspace: Workspace, params: Params) -> Finding:
    """The check of step `base`, which loads the model unless it has passed before."""
    from video_star.generation.check import check_base
    from video_star.training.requirements import check_requirements

    what = f"base model {params.model.base}"
    if engine := engine_shown(params.settings.engine):
        return Finding(True, f"{what} is not asked: settings.engine is {engine}")
    try:
        check_requirements(params, workspace)
        check_base(params, workspace)
    except VideoStarError as error:
        return Finding(False, what, str(error))
    if not (workspace.root / params.model.base).is_dir():
        name = params.model.base
        fix = f"DVC follows folders: run `hf download {name} --local-dir {name}`"
        return Finding(False, f"{what} lies in the cache of downloads only", fix)
    return Finding(True, f"{what} answers questions about videos")


def _stages(workspace: Workspace, params: Params) -> Finding:
    """DVC makes no stage, without an error, for rounds that are written as numbers."""
    expected = sum(len(rounds_of(step, params)) for step in STEPS)
    from dvc.exceptions import DvcException

    try:
        with repository(workspace.root) as repo:
            found = sum(bool(stage.cmd) for stage in repo.index.stages)
    except DvcException as error:
        return Finding(False, "dvc.yaml", f"{error}; run `git checkout dvc.yaml`")
    ok = found == expected
    fix = "" if ok else f"{expected} were expected; compare dvc.yaml with `git diff`"
    return Finding(ok, f"{found} DVC stages", fix)


def _data(workspace: Workspace) -> list[Finding]:
    if not workspace.data.is_dir():
        return [Finding(False, "data/ is missing", "run make setup (demo) or `dvc pull data.dvc`")]
    if not (workspace.root / "data.dvc").exists():
        return [Finding(False, "data/ is not recorded", "run `dvc add data`")]
    fix = "run `dvc add data` when it is yours, or remove data/ and run make setup for the demo"
    if changed_stages(workspace.root, ["data.dvc"]):
        return [Finding(False, "data/ is not what data.dvc records", fix)]
    return [Finding(True, "data/ is what data.dvc records")]


def _folders(workspace: Workspace) -> list[Finding]:
    """Whether what a step writes to can be written to."""
    root = workspace.root
    wrong = [
        Finding(False, f"{folder} cannot be written to", "mount it writable, or correct its owner")
        for folder in (root, root / "rounds", workspace.work, workspace.mlflow)
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK)
    ]
    return wrong or [Finding(True, f"{root} can be written to")]


def _rounds(workspace: Workspace) -> list[Finding]:
    """Whether the small files of the rounds that are there can be read."""
    if not workspace.manifest.exists():
        return [Finding(True, "no round has run yet")]
    n = sum(1 for _ in read_records(workspace.manifest, VideoSample))
    for name in load_params(workspace.params).evaluated:
        paths = workspace.round(name)
        for path in sorted(paths.report("any").parent.glob("*.json")):
            read_record(path, StepReport)
        if paths.model_json.exists():
            read_ref(paths.model_json, workspace.root)
        if paths.metrics.exists():
            read_record(paths.metrics, RoundMetrics)
    return [Finding(True, f"{n} samples in the manifest; the rounds' files can be read")]


def _stores(workspace: Workspace) -> list[Finding]:
    """Whether the SQLite files can be read, and written to by us."""
    prefect = workspace.root / HOME / "prefect.db"
    findings = []
    for path in [*sorted(workspace.answer_store.glob("*.sqlite")), workspace.mlflow_store, prefect]:
        if not path.exists():
            continue
        try:
            with closing(sqlite3.connect(path, timeout=LOCK_WAIT_S)) as database:
                database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            fix = "stop the program that holds it (make down), make it writable, or move it away"
            findings.append(Finding(False, f"{path}: {error}", fix))
        except sqlite3.DatabaseError as error:
            findings.append(Finding(False, f"{path}: {error}", "move it away; it is made anew"))
    return findings or [Finding(True, "the stores can be used")]


def _mlflow_folder(workspace: Workspace) -> list[Finding]:
    code = sorted(path.name for path in workspace.mlflow.glob("**/*.py"))
    if code:
        fix = "move it away: `import mlflow` finds this folder before the package"
        return [Finding(False, f"mlflow/ holds {', '.join(code[:3])}", fix)]
    return [Finding(True, "no Python file in mlflow/")]


def _ports(workspace: Workspace) -> list[Finding]:
    """Each port is free, or it is our own server that uses it."""
    try:
        where = addresses()
    except VideoStarError as error:
        return [Finding(False, "ports", str(error))]
    services = services_of(workspace, where)
    findings = []
    for service in (services.server, services.mlflow, services.worker):
        port = service.port
        try:
            runs = service.process() is not None
        except VideoStarError as error:
            findings.append(Finding(False, f"{service.name} cannot be found", str(error)))
            continue
        if port is None:
            continue
        if runs:
            ok = port_is_taken(port)
            fix = "" if ok else f"run make down and make up; see {service.log}"
            state = "runs" if ok else "does not answer"
            findings.append(Finding(ok, f"{service.name} {state} on port {port}", fix))
        else:
            ok = not port_is_taken(port)
            fix = "" if ok else f"stop that program, or set {service.port_variable}={port + 1}"
            state = "is free" if ok else "is used by another program"
            findings.append(Finding(ok, f"port {port} for {service.name} {state}", fix))
    return findings


def _disk(workspace: Workspace) -> list[Finding]:
    """Free space of each file system that the workspace lies on."""
    findings = {}
    for folder in (workspace.root, workspace.work, workspace.root / "rounds", workspace.mlflow):
        if folder.exists() and folder.stat().st_dev not in findings:
            free = shutil.disk_usage(folder).free / 1e9
            ok = free >= FREE_GB
            fix = "" if ok else f"free at least {FREE_GB} GB; .work/ may be deleted"
            findings[folder.stat().st_dev] = Finding(ok, f"{free:.0f} GB are free in {folder}", fix)
    return list(findings.values())
