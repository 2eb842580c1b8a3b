"""`video-star doctor`: what is wrong with an installation or a workspace, and how to fix it.

Each check looks at one thing and yields findings; none changes anything. What keeps one from
looking is a finding as well.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

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
from video_star.pipeline.dvc import changed_stages
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
    """What to do when it is not ok."""


def run_doctor(workspace: Workspace) -> Iterator[Finding]:
    """Every finding about this installation and workspace, the wrong ones among them."""
    for what, check in CHECKS.items():
        try:
            yield from check(workspace)
        except (VideoStarError, OSError, sqlite3.Error) as error:
            yield Finding(False, what, str(explain_refusal(error) or error))


def print_findings(findings: Iterable[Finding]) -> bool:
    """One line per finding; a wrong one also says how to fix it. Whether all is well."""
    well = True
    for finding in findings:
        well &= finding.ok
        line = f"ok      {finding.what}" if finding.ok else f"PROBLEM {finding.what}: {finding.fix}"
        sys.stdout.write(f"{line}\n")
    return well


def _packages(_: Workspace) -> Iterator[Finding]:
    """Installed versions against the requirements that pyproject.toml states."""
    yield Finding(True, f"Python {'.'.join(map(str, sys.version_info[:3]))}")
    fitting = 0
    for requirement in map(Requirement, requires("video-star") or []):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield Finding(False, f"{requirement.name} is missing", "run make setup")
            continue
        if requirement.specifier.contains(found, prereleases=True):
            fitting += 1
        else:
            fix = f"run `pip install '{requirement}'` in this environment"
            yield Finding(False, f"{requirement.name} {found} does not fit", fix)
    yield Finding(True, f"{fitting} packages are within the ranges of pyproject.toml")


def _programs(_: Workspace) -> Iterator[Finding]:
    for name in PROGRAMS:
        yield Finding(shutil.which(name) is not None, name, f"install {name}")


def _params(workspace: Workspace) -> Iterator[Finding]:
    params = load_params(workspace.params)
    open_readers(params.ingest.sources, workspace.data, params.seed)
    yield Finding(True, f"params.yaml: {params.rounds} rounds")
    gb, most = taken(workspace.frames) / 2**30, params.settings.frame_cache_gb
    yield Finding(True, f"frame cache: {gb:.1f} GB of {most:g} (settings.frame_cache_gb)")
    yield _base_model(workspace, params)


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


def _data(workspace: Workspace) -> Iterator[Finding]:
    if not workspace.data.is_dir():
        yield Finding(False, "data/ is missing", "run make setup (demo) or `dvc pull data.dvc`")
    elif not (workspace.root / "data.dvc").exists():
        yield Finding(False, "data/ is not recorded", "run `dvc add data`")
    elif changed_stages(workspace.root, ["data.dvc"]):
        fix = "run `dvc add data` when it is yours, or remove data/ and run make setup for the demo"
        yield Finding(False, "data/ is not what data.dvc records", fix)
    else:
        yield Finding(True, "data/ is what data.dvc records")


def _folders_of(workspace: Workspace) -> Iterator[Path]:
    """Those that steps write to, where they are there."""
    root = workspace.root
    folders = (root, workspace.work, root / "rounds", workspace.mlflow)
    return (folder for folder in folders if folder.exists())


def _folders(workspace: Workspace) -> Iterator[Finding]:
    for folder in _folders_of(workspace):
        if not os.access(folder, os.W_OK | os.X_OK):
            fix = "mount it writable, or correct its owner"
            yield Finding(False, f"{folder} cannot be written to", fix)


def _rounds(workspace: Workspace) -> Iterator[Finding]:
    """Whether the small files of the rounds that are there can be read."""
    if not workspace.manifest.exists():
        yield Finding(True, "no round has run yet")
        return
    n = sum(1 for _ in read_records(workspace.manifest, VideoSample))
    for name in load_params(workspace.params).evaluated:
        paths = workspace.round(name)
        for path in sorted(paths.report("any").parent.glob("*.json")):
            read_record(path, StepReport)
        if paths.model_json.exists():
            read_ref(paths.model_json, workspace.root)
        if paths.metrics.exists():
            read_record(paths.metrics, RoundMetrics)
    yield Finding(True, f"{n} samples in the manifest; the rounds' files can be read")


def _stores(workspace: Workspace) -> Iterator[Finding]:
    """Whether the SQLite files can be read, and written to by us."""
    prefect = workspace.root / HOME / "prefect.db"
    for path in [*sorted(workspace.answer_store.glob("*.sqlite")), workspace.mlflow_store, prefect]:
        if not path.exists():
            continue
        try:
            with closing(sqlite3.connect(path, timeout=LOCK_WAIT_S)) as database:
                database.execute("BEGIN IMMEDIATE")
            yield Finding(True, f"{path} can be used")
        except sqlite3.OperationalError as error:
            fix = "stop the program that holds it (make down), make it writable, or move it away"
            yield Finding(False, f"{path}: {error}", fix)
        except sqlite3.DatabaseError as error:
            yield Finding(False, f"{path}: {error}", "move it away; it is made anew")


def _mlflow_folder(workspace: Workspace) -> Iterator[Finding]:
    for code in sorted(workspace.mlflow.glob("**/*.py")):
        fix = "move it away: `import mlflow` finds this folder before the package"
        yield Finding(False, f"mlflow/ holds {code.name}", fix)


def _ports(workspace: Workspace) -> Iterator[Finding]:
    """Each port is free, or it is our own server that uses it."""
    for service in services_of(workspace, addresses()):
        port = service.port
        try:
            runs = service.process() is not None
        except VideoStarError as error:
            yield Finding(False, f"{service.name} cannot be found", str(error))
            continue
        if port is None:
            continue
        answers = port_is_taken(port)
        if runs:
            state = "runs" if answers else "does not answer"
            fix = f"run make down and make up; see {service.log}"
            yield Finding(answers, f"{service.name} {state} on port {port}", fix)
        else:
            state = "is used by another program" if answers else "is free"
            fix = f"stop that program, or set {service.port_variable}={port + 1}"
            yield Finding(not answers, f"port {port} for {service.name} {state}", fix)


def _disk(workspace: Workspace) -> Iterator[Finding]:
    """Free space of each file system that the workspace lies on."""
    folders = [*_folders_of(workspace)]
    for folder in {path.stat().st_dev: path for path in reversed(folders)}.values():
        free = shutil.disk_usage(folder).free / 1e9
        fix = f"free at least {FREE_GB} GB; .work/ may be deleted"
        yield Finding(free >= FREE_GB, f"{free:.0f} GB are free in {folder}", fix)


CHECKS: dict[str, Callable[[Workspace], Iterator[Finding]]] = {
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
