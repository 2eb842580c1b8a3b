"""The table of faults: each row breaks something, goes on, and ends in the undisturbed bytes.

The ordinary tests have the quick rows; `make chaos` runs all and writes docs/faults.md from what
happened. Moments are drawn with the seed VIDEO_STAR_CHAOS_SEED.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
import star
from harness import (
    Fault,
    at_the_moment,
    beside,
    cut,
    flip,
    kill,
    let_go,
    params,
    remount,
    remove,
    restore,
    shell,
    small_disk,
    suffer,
    wait_for_those_beside,
    write,
)

SEED = int(os.environ.get("VIDEO_STAR_CHAOS_SEED", "1"))
SEEN = os.environ.get("VIDEO_STAR_CHAOS_SEEN")
"""Folder for what happened, from which the page is written."""
KILLED = -signal.SIGKILL
REPRO = "dvc repro"
SHORT = "dvc repro curate@r1"
"""All of the short loop."""
TRAINED = "dvc repro finetune@r1"
CYCLE = "video-star cycle"
CYCLED = tuple(f"{step}@r1" for step in ("verify", "rationalize", "verify-rationales", "curate"))
"""What a cycle of the rows below has to do."""


def checkpoint(root: Path) -> bool:
    return any(root.glob(".work/finetune-r1-*/checkpoints/*/complete.json"))


def verified(root: Path) -> bool:
    return (root / "rounds/r1/reports/verify.json").exists()


def answered(root: Path) -> bool:
    """Whether the first answers are kept."""
    for path in root.glob(".work/answers/*.sqlite"):
        with closing(sqlite3.connect(path, timeout=60)) as database, suppress(sqlite3.Error):
            return bool(database.execute("SELECT count(*) FROM replies").fetchone()[0])
    return False


HOLD_SQLITE = """
import glob, sqlite3, time
database = sqlite3.connect(glob.glob({0!r})[0])
database.execute("PRAGMA journal_mode = DELETE")
database.execute("BEGIN EXCLUSIVE")
print("held")
time.sleep(600)
"""
HOLD_LOCK = """
import fcntl, os, time
os.makedirs(".work", exist_ok=True)
file = open({0!r}, "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held")
time.sleep(600)
"""
STALE_RWLOCK = '{"%s/rounds/r1/answers": {"write": {"pid": %d, "cmd": "dvc repro"}}}'


def rwlock(pid: Callable[[], int]) -> Callable[..., None]:
    """DVC's lock of the answers, held by a process id."""

    def act(scene: object) -> None:
        root: Path = scene.root  # type: ignore[attr-defined]
        held = {str(root / "rounds/r1/answers"): {"pid": pid(), "cmd": "dvc repro"}}
        (root / ".dvc/tmp").mkdir(exist_ok=True)
        (root / ".dvc/tmp/rwlock").write_text(json.dumps({"write": held, "read": {}}))

    return act


def gone() -> int:
    """The id of a process that has ended."""
    done = subprocess.Popen(["true"])
    done.wait()
    return done.pid


FAULTS = (
    # Kills of a step that was started by hand.
    Fault(
        "kill -9 of `generate` while the model answers",
        "video-star generate r1",
        KILLED,
        template="asking",
        undone=("generate@r1",),
        during=(kill("step", when=answered),),
        then_says="answers were known from before",
        span_s=0.5,
        quick=True,
    ),
    Fault(
        "kill -9 of `ingest`",
        "video-star ingest",
        KILLED,
        template="short",
        undone=("ingest",),
        during=(kill("step"),),
    ),
    Fault(
        "kill -9 of `verify`",
        "video-star verify r1",
        KILLED,
        template="short",
        undone=("verify@r1",),
        during=(kill("step"),),
    ),
    Fault(
        "kill -9 of `curate`",
        "video-star curate r1",
        KILLED,
        template="short",
        undone=("curate@r1",),
        during=(kill("step"),),
    ),
    Fault(
        "kill -9 of `evaluate`",
        "video-star evaluate r1",
        KILLED,
        undone=("evaluate@r1",),
        during=(kill("step"),),
    ),
    Fault(
        "kill -9 of `publish`",
        "video-star publish r1",
        KILLED,
        undone=("publish@r1",),
        during=(kill("step"),),
    ),
    Fault(
        "kill -9 of the process that reads videos",
        "video-star generate r1",
        0,
        "10 read, 20 written",
        template="short",
        undone=("generate@r1",),
        during=(kill("reader"),),
        span_s=0.5,
    ),
    Fault(
        "Ctrl-C in `generate`",
        "video-star generate r1",
        130,
        "the same command goes on where it stopped",
        template="asking",
        undone=("generate@r1",),
        during=(kill("step", when=answered, how=signal.SIGINT),),
    ),
    Fault(
        "SIGTERM of `generate` (a batch system's time limit)",
        "video-star generate r1",
        -signal.SIGTERM,
        template="asking",
        undone=("generate@r1",),
        during=(kill("step", when=answered, how=signal.SIGTERM),),
    ),
    # Of a finetune.
    Fault(
        "kill -9 of a training process (rank)",
        "video-star finetune r1",
        1,
        "A training process was killed by SIGKILL",
        template="trained",
        undone=("finetune@r1",),
        during=(kill("rank", when=checkpoint),),
        then_says="resumes from step",
        span_s=0.5,
        quick=True,
    ),
    Fault(
        "kill -9 of the `finetune` step",
        "video-star finetune r1",
        KILLED,
        template="trained",
        undone=("finetune@r1",),
        during=(kill("step", when=checkpoint),),
        then_says="resumes from step",
        span_s=1,
    ),
    Fault(
        "kill -9 of the deepspeed launcher",
        "video-star finetune r1",
        (0, 1),  # it is not needed once its ranks run
        template="trained",
        undone=("finetune@r1",),
        during=(kill("launcher", when=checkpoint),),
        span_s=1,
    ),
    Fault(
        "kill -9 of a rank and the step at once",
        "video-star finetune r1",
        KILLED,
        template="trained",
        undone=("finetune@r1",),
        during=(kill("rank", "step"),),
        span_s=8,
    ),
    Fault(
        "a checkpoint that the disk has lost half of, after kill -9",
        "video-star finetune r1",
        KILLED,
        template="trained",
        undone=("finetune@r1",),
        during=(kill("step", when=checkpoint),),
        after=(cut(".work/finetune-r1-*/checkpoints/*/**/*"),),
        span_s=1,
    ),
    # Under DVC.
    *(
        Fault(
            f"kill -9 of {named}",
            SHORT,
            KILLED,
            template="short",
            undone=("*",),
            during=(kill(*roles),),
            span_s=20,
        )
        for named, roles in (
            ("`dvc repro`", ("dvc",)),
            ("`dvc repro` and its step at once", ("dvc", "step")),
        )
    ),
    Fault(
        "kill -9 of `dvc repro` of the whole loop",
        REPRO,
        KILLED,
        undone=("*",),
        during=(kill("dvc"),),
        span_s=60,
    ),
    Fault(
        "kill -9 of a step below `dvc repro`",
        SHORT,
        255,
        "failed to reproduce",
        template="short",
        undone=("*",),
        during=(kill("step"),),
        span_s=20,
    ),
    Fault(
        "Ctrl-C in `dvc repro` (the terminal sends it to the step too)",
        "dvc repro generate@r1",
        255,
        "the same command goes on where it stopped.*exited with 130",
        template="asking",
        undone=("generate@r1",),
        during=(kill("dvc", "step", when=answered, how=signal.SIGINT),),
        then_says="answers were known from before",
    ),
    # Locks.
    Fault(
        "a stale lock of DVC, of a process that is gone",
        SHORT,
        0,
        template="short",
        undone=("verify@r1",),
        before=(rwlock(gone),),
    ),
    Fault(
        "a stale lock of DVC whose process id another program has now",
        SHORT,
        255,
        "is busy, it is being blocked by.*rwlock",
        template="short",
        undone=("generate@r1",),
        before=(rwlock(os.getpid),),
        goes_on="rm .dvc/tmp/rwlock && dvc repro curate@r1",
    ),
    Fault(
        "our lock file, left by a kill",
        "video-star curate r1",
        0,
        "10 read",
        template="short",
        undone=("curate@r1",),
        before=(write(".work/curate-r1.lock", ""),),
        quick=True,
    ),
    Fault(
        "the same step twice at once",
        "video-star curate r1",
        6,
        "Another process works on curate-r1",
        template="short",
        undone=("curate@r1",),
        before=(beside(HOLD_LOCK.format(".work/curate-r1.lock"), "held"),),
        after=(let_go,),
        quick=True,
    ),
    Fault(
        "`dvc repro` twice at once",
        REPRO,
        255,
        "busy|lock",
        undone=("finetune@r1",),
        before=(
            beside(
                "import subprocess, time; p = subprocess.Popen(['dvc', 'repro']);"
                "time.sleep(8); print('held'); p.wait()",
                "held",
            ),
        ),
        after=(wait_for_those_beside,),
    ),
    Fault(
        "a pid file of a server that is gone (the machine was switched off)",
        "video-star down",
        0,
        "worker: was not running",
        template="short",
        before=(write(".work/services/worker.pid", '{"pid": 1, "created": 1.0, "port": null}'),),
        quick=True,
    ),
    Fault(
        "a damaged pid file",
        "video-star down",
        7,
        "is damaged, so worker may run; .* end it with kill, then delete the file",
        template="short",
        before=(write(".work/services/worker.pid", "5"),),
        goes_on="rm .work/services/worker.pid && video-star down",
    ),
    # The disk.
    Fault(
        "a full disk in `generate`",
        "video-star generate r1",
        1,
        "No space left on device; free some space|database or disk is full; .*free some space",
        template="short",
        undone=("generate@r1",),
        before=(small_disk(64),),
        after=(remount("size=100m"),),
    ),
    Fault(
        "a full disk in `finetune`",
        "video-star finetune r1",
        1,
        "No space left on device",
        template="trained",
        undone=("finetune@r1",),
        before=(small_disk(500),),
        after=(remount("size=100m"),),
    ),
    Fault(
        "a full disk in `dvc repro`",
        SHORT,
        255,
        "[Nn]o space left on device|disk is full",
        template="short",
        undone=("*",),
        before=(small_disk(300),),
        after=(remount("size=100m"),),
    ),
    Fault(
        "a full disk in `publish`",
        "video-star publish r1",
        1,
        "disk is full|No space left on device",
        undone=("publish@r1",),
        before=(small_disk(8),),
        after=(remount("size=100m"),),
    ),
    Fault(
        "a read-only workspace",
        "video-star curate r1",
        1,
        "Read-only file system; make it writable",
        template="short",
        undone=("curate@r1",),
        before=(small_disk(10_000), remount("ro")),
        after=(remount("rw"),),
        quick=True,
    ),
    Fault(
        "`.work/` deleted in mid-run",
        "video-star generate r1",
        (0, 1),
        template="asking",
        undone=("generate@r1",),
        during=(at_the_moment(remove(".work"), when=answered),),
    ),
    # params.yaml in mid-run.
    Fault(
        "params.yaml: a learning rate edited while `finetune` runs",
        "video-star finetune r1",
        1,
        "finetune in params.yaml changed while finetune ran",
        template="trained",
        undone=("finetune@r1",),
        during=(at_the_moment(params(finetune__learning_rate=0.77), when=checkpoint),),
        after=(params(finetune__learning_rate=0.003),),
        span_s=0.5,
    ),
    Fault(
        "params.yaml: a temperature edited while `generate` runs below DVC",
        "dvc repro generate@r1",
        255,
        "generate in params.yaml changed while generate ran",
        template="asking",
        undone=("generate@r1",),
        during=(at_the_moment(params(generate__temperature=1.9), when=answered),),
        after=(params(generate__temperature=0.7),),
    ),
    Fault(
        "params.yaml: a setting (where it runs) edited while `generate` runs",
        "video-star generate r1",
        0,
        template="asking",
        undone=("generate@r1",),
        during=(at_the_moment(params(settings__processes=3), when=answered),),
    ),
    Fault(
        "params.yaml: saved half in mid-run",
        "video-star generate r1",
        2,
        "params.yaml",
        template="asking",
        undone=("generate@r1",),
        during=(at_the_moment(cut("params.yaml"), when=answered),),
        after=(restore("params.yaml"),),
    ),
    # Files of the rounds.
    Fault(
        "an answers shard cut in the middle",
        "video-star curate r1",
        3,
        "rounds/r1/answers/.*no valid Answer .*run the step that writes it again",
        template="short",
        undone=("curate@r1",),
        before=(cut("rounds/r1/answers/*.jsonl", 0.9),),
        goes_on=SHORT,
        quick=True,
    ),
    Fault(
        "an answers shard that is missing",
        "video-star verify r1",
        3,
        "cannot be read .*run the step that writes it",
        template="short",
        undone=("verify@r1",),
        before=(remove("rounds/r1/answers/4.jsonl"),),
        goes_on=SHORT,
    ),
    Fault(
        "an answer changed by hand",
        "video-star verify r1",
        0,
        template="short",
        undone=("verify@r1",),
        before=(flip("rounds/r1/answers/4.jsonl"),),
        goes_on=SHORT,
        short="a step run by hand judges what it finds; DVC sees the change and makes both anew",
    ),
    Fault(
        "a manifest cut in the middle",
        "video-star generate r1",
        3,
        "rounds/manifest.jsonl:.*no valid VideoSample",
        template="short",
        undone=("generate@r1",),
        before=(cut("rounds/manifest.jsonl"),),
        goes_on=SHORT,
    ),
    Fault(
        "a train shard cut in the middle",
        "video-star finetune r1",
        3,
        "no valid TrainingExample",
        template="trained",
        undone=("finetune@r1",),
        before=(cut("rounds/r1/train/*.jsonl", 0.9),),
        goes_on=TRAINED,
    ),
    Fault(
        "an adapter cut in the middle",
        "video-star evaluate r1",
        3,
        "not the adapter that model.json names; run the finetune step that writes it again",
        undone=("evaluate@r1",),
        before=(cut("rounds/r1/model/adapter/adapter_model.safetensors"),),
        goes_on=REPRO,
    ),
    Fault(
        "one byte of an adapter changed",
        "video-star evaluate r1",
        3,
        "not the adapter that model.json names",
        undone=("evaluate@r1",),
        before=(flip("rounds/r1/model/adapter/adapter_model.safetensors"),),
        goes_on=REPRO,
    ),
    Fault(
        "a model.json that is garbage",
        "video-star generate r1",
        3,
        "rounds/r0/model/model.json",
        template="short",
        undone=("generate@r1",),
        before=(write("rounds/r0/model/model.json", b"\xff\xfe"),),
        goes_on=SHORT,
    ),
    # What is kept to save time.
    Fault(
        "entries of the frame cache cut in the middle",
        "video-star generate r1 --force",
        0,
        "20 written",
        template="short",
        before=(cut(".work/frames/*/*"), remove(".work/answers")),
        quick=True,
    ),
    Fault(
        "one byte of frame cache entries changed",
        "video-star generate r1 --force",
        0,
        "20 written",
        template="short",
        before=(flip(".work/frames/*/*"), remove(".work/answers")),
    ),
    Fault(
        "an answer store that is garbage",
        "video-star generate r1 --force",
        3,
        "delete it, its answers are asked again",
        template="short",
        before=(remove(".work/answers/*.sqlite-*"), write(".work/answers/*.sqlite", b"[" * 9999)),
        goes_on="rm -r .work/answers && video-star generate r1 --force",
    ),
    Fault(
        "an answer store cut in the middle",
        "video-star generate r1 --force",
        3,
        "delete it, its answers are asked again",
        template="short",
        before=(remove(".work/answers/*.sqlite-*"), cut(".work/answers/*.sqlite")),
        goes_on="rm -r .work/answers && video-star generate r1 --force",
    ),
    Fault(
        "an answer store that another process has locked",
        "video-star generate r1 --force",
        1,
        "database is locked; stop the program that holds it",
        template="short",
        before=(beside(HOLD_SQLITE.format(".work/answers/*.sqlite"), "held"),),
        after=(let_go,),
    ),
    # DVC.
    Fault(
        "dvc.lock with the marks of a merge in it",
        SHORT,
        255,
        "dvc.lock' is invalid",
        template="short",
        undone=("verify@r1",),
        before=(write("dvc.lock", "<<<<<<< ours\nschema: '2.0'\n=======\n"),),
        goes_on="rm dvc.lock && dvc repro curate@r1",
    ),
    Fault(
        "files of DVC's cache cut in the middle, and the rounds lost",
        SHORT,
        0,
        template="short",
        before=(remove("rounds/r1/*"), cut(".dvc/cache/files/md5/*/*")),
        goes_on=SHORT,
    ),
    Fault(
        "a DVC remote that does not answer",
        "dvc push",
        (1, 255),
        "(?i)error",
        template="short",
        before=(shell("dvc remote add -d store http://127.0.0.1:9/store"),),
        goes_on="dvc remote modify store url ../store && dvc push && dvc repro curate@r1",
    ),
    Fault(
        "a DVC remote without room for anybody (a file in its place)",
        "dvc push",
        (1, 255),
        "(?i)error",
        template="short",
        before=(write("../store", "taken"), shell("dvc remote add -d store ../store/inside")),
        goes_on="dvc remote modify store url ../../free && dvc push && dvc repro curate@r1",
    ),
    Fault(
        "`dvc pull` from a dead remote after rounds and cache were lost",
        "dvc pull curate@r1",
        (1, 255),
        "(?i)error",
        template="short",
        before=(
            shell("dvc remote add -d store http://127.0.0.1:9/store"),
            remove("rounds/r1/*"),
            remove(".dvc/cache/files"),
            remove(".dvc/cache/runs"),
        ),
        goes_on=SHORT,
    ),
    # MLflow without a server.
    Fault(
        "an MLflow store that is garbage",
        "video-star publish r1",
        1,
        "mlflow.db: .*move it away",
        undone=("publish@r1",),
        before=(write("mlflow/mlflow.db", b"[" * 9999),),
        goes_on="rm mlflow/mlflow.db && dvc repro",
    ),
    Fault(
        "an MLflow store that another process has locked",
        "video-star publish r1",
        1,
        "mlflow.db: database is locked; stop the program that holds it",
        undone=("publish@r1",),
        before=(beside(HOLD_SQLITE.format("mlflow/mlflow.db"), "held"),),
        after=(let_go,),
    ),
    Fault(
        "an MLflow server (settings.tracking_uri) that is down",
        "video-star publish r1",
        7,
        "MLflow server at http://127.0.0.1:9 does not answer; start it",
        undone=("publish@r1",),
        before=(params(settings__tracking_uri="http://127.0.0.1:9"),),
        after=(params(settings__tracking_uri=None),),
    ),
    # The services and the cycle.
    *(
        Fault(
            f"{named} in mid-cycle",
            CYCLE,
            code,
            says,
            undone=CYCLED,
            during=(
                kill(*roles, when=lambda root: (root / "rounds/r1/reports/verify.json").exists()),
            ),
            goes_on=CYCLE,
            span_s=20,
        )
        for named, roles, code, says in (
            ("kill -9 of the flow run", ("flow",), 1, "run it again, it goes on where it stopped"),
            ("kill -9 of the worker", ("worker",), (0, 1), "run it again|steps ran"),
            ("kill -9 of worker and flow run", ("worker", "flow"), (0, 1), "run it again|steps"),
            ("kill -9 of the Prefect server", ("server",), 7, "Prefect server .*start it"),
            ("kill -9 of server and worker", ("server", "worker"), 7, "Prefect server .*start it"),
            (
                "kill -9 of the MLflow server",
                ("mlflow",),
                0,
                "mlflow has ended, nobody stopped it; it is started again",
            ),
            ("kill -9 of the flow's dvc", ("stage",), 0, "steps ran"),
        )
    ),
    Fault(
        "kill -9 of a step below the flow in mid-cycle",
        CYCLE,
        0,
        "steps ran",
        undone=CYCLED,
        during=(kill("rationalize"),),
        goes_on=CYCLE,
        span_s=4,
    ),
    Fault(
        "two cycles at once",
        CYCLE,
        6,
        "Another cycle runs in this workspace, so this one was cancelled",
        undone=CYCLED,
        before=(
            beside(
                "import subprocess; subprocess.run(['sh', '-c', 'video-star cycle & until "
                "[ -e rounds/r1/reports/verify.json ]; do sleep 0.1; done; echo held; wait'])",
                "held",
            ),
        ),
        after=(wait_for_those_beside,),
        goes_on=CYCLE,
    ),
)


@pytest.fixture(scope="session")
def template(
    tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, clips: Path
) -> Callable[[str], Path]:
    """Finished loops, each made when a row asks for it."""
    folder, made = tmp_path_factory.mktemp("templates"), dict[str, Path]()

    def get(name: str) -> Path:
        if name not in made:
            made[name] = star.TEMPLATES[name](folder / name, tiny_base, clips)
        return made[name]

    return get


def may_mount(folder: Path) -> bool:
    """Whether this user may make a small disk."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "none", str(folder)], check=False, capture_output=True
    )
    if made.returncode == 0:
        subprocess.run(["umount", str(folder)], check=True)
    return made.returncode == 0


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.what, marks=() if fault.quick else pytest.mark.chaos)
        for fault in FAULTS
    ],
)
def test_what_breaks_is_told_and_goes_on_to_the_same_bytes(
    fault: Fault, template: Callable[[str], Path], tmp_path: Path
) -> None:
    needs_a_disk = any(act.__qualname__.startswith("small_disk") for act in fault.before)
    if needs_a_disk and not may_mount(tmp_path / "disk"):
        pytest.skip("mounting a small disk is not allowed")
    row: dict[str, object] = {
        "fault": fault.what,
        "goes_on": fault.goes_on or fault.command,
        "short": fault.short,
    }
    row |= {"code": 0, "says": "", "disk": "", "moment": None}
    try:
        seen = suffer(fault, template(fault.template), tmp_path / "scene", SEED)
        row |= {"code": seen.code, "says": seen.says, "disk": seen.disk, "moment": seen.moment}
    except AssertionError as error:
        row["short"] = f"the test fails ({' '.join(str(error).split())[:200]})"
        raise
    finally:
        if SEEN is not None:
            (Path(SEEN) / f"{FAULTS.index(fault):02}.json").write_text(json.dumps(row))
