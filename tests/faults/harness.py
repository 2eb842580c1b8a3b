"""Breaks things on purpose: a fault is a row, `suffer` lets it happen and says what was seen.

A row starts from a finished small loop (star.py), some stages of which are made undone; a command
runs, and something breaks before it or while it runs. Then the row's one command goes on, and
rounds/ must have the bytes of the run that nothing disturbed.
"""

from __future__ import annotations

import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import star
import yaml

from video_star.core.processes import die_with_parent

LIMIT_S = 600.0
ENDED_WITHIN_S = 30.0
"""How long processes may outlive the command whose work they did."""
ROLES = {
    "dvc": "bin/dvc ",
    "step": "bin/video-star ",
    "rationalize": "bin/video-star rationalize ",
    "rank": "video_star.training.worker",
    "launcher": "deepspeed.launcher.launch",
    "reader": "video_star.video.child",
    "stage": "video_star.pipeline.dvc",
    "flow": "prefect.engine",
    "worker": "prefect worker start",
    "server": "prefect server start",
    "mlflow": "mlflow",
}
"""Part of the command line by which a process of a workspace is known."""
SERVICES = ("worker", "server", "mlflow", "flow")
"""What outlives a command on purpose: the servers, and the flow run that one of them began."""


MARK = "# breaks things"
"""What the command line of a part of the harness has."""


class TooLate(Exception):
    """The command had ended before the moment came."""


@dataclass
class Scene:
    """A workspace, the command that runs in it, and the moment at which it breaks."""

    root: Path
    moment: float
    """Seconds after what is waited for."""
    undo: ExitStack = field(default_factory=ExitStack)
    running: subprocess.Popen[str] | None = None
    ports: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for server in ("PREFECT", "MLFLOW"):
            self.ports[f"VIDEO_STAR_{server}_PORT"] = str(free_port())

    def start(self, command: str, log: Path) -> subprocess.Popen[str]:
        """Start a shell command whose output goes to a file."""
        with log.open("w") as out:
            return subprocess.Popen(
                ["sh", "-c", command if re.search(r"[;&|]", command) else f"exec {command}"],
                cwd=self.root,
                env={**star.ENVIRONMENT, **self.ports},
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                preexec_fn=_as_from_a_terminal,
            )

    def end_of(self, command: str, name: str) -> tuple[int, str]:
        """Exit code and output of a command, broken in mid-run by nobody."""
        log = self.root.parent / f"{name}.log"
        code = self.start(command, log).wait(LIMIT_S)
        return code, log.read_text(errors="replace")

    def processes(self, role: str = "") -> list[psutil.Process]:
        """Living processes that work in the workspace, of a role or all."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                inside = Path(process.cwd()).is_relative_to(self.root)
                if inside and process.status() != psutil.STATUS_ZOMBIE:
                    command = " ".join(process.cmdline()) + " "
                    if ROLES.get(role, "") in command:
                        found.append(process)
        return found

    def wait_for(self, found: Callable[[], object]) -> None:
        """Wait until something holds; TooLate when the command ends before."""
        assert self.running is not None
        end = time.monotonic() + LIMIT_S
        while not found():
            if self.running.poll() is not None:
                raise TooLate
            assert time.monotonic() < end, "waited too long"
            time.sleep(0.01)

    def wait_for_the_moment(self) -> None:
        """Wait for the moment that was drawn; TooLate when the command ends before."""
        end = time.monotonic() + self.moment
        self.wait_for(lambda: time.monotonic() >= end)


def _as_from_a_terminal() -> None:
    """An interrupt is heard, which who runs tests in the background may have switched off."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    die_with_parent()


Act = Callable[[Scene], None]


@dataclass(frozen=True)
class Fault:
    """One row: what breaks, what the user sees, and the one command that goes on."""

    what: str
    command: str
    """What the user runs."""
    code: int | tuple[int, ...]
    """Its exit code, as Python gives it: -9 for a kill."""
    says: str = ""
    """A regular expression that its output holds."""
    undone: tuple[str, ...] = ()
    """DVC stages that have not run yet: the whole loop when it is ("*",)."""
    before: tuple[Act, ...] = ()
    during: tuple[Act, ...] = ()
    after: tuple[Act, ...] = ()
    """What takes the cause away, where the user must: the other program ends, the disk has room."""
    goes_on: str = ""
    """The same command when it is empty."""
    then_says: str = ""
    """A regular expression that the output of that command holds."""
    then_code: int = 0
    span_s: float = 3.0
    """The moment is drawn from so many seconds; halved until it comes before the end."""
    template: str = "whole"
    quick: bool = False
    """Whether the ordinary tests have it."""
    short: str = ""
    """What falls short, for the table."""


@dataclass(frozen=True)
class Seen:
    """What really happened, for the table."""

    code: int
    says: str
    disk: str
    moment: float | None


def suffer(fault: Fault, template: Path, folder: Path, seed: int) -> Seen:
    """Let a fault happen, go on, and compare; raises AssertionError for what is not as said."""
    span = fault.span_s
    while True:
        moment = random.Random(f"{seed} {fault.what}").uniform(0, span)
        try:
            return _suffer(fault, template, folder, moment)
        except TooLate:
            assert span > 0.01, "the command ends before anything can break"
            span /= 2


def _suffer(fault: Fault, template: Path, folder: Path, moment: float) -> Seen:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = star.result(template)
    scene = Scene(folder / "star", moment)
    shutil.copytree(template, scene.root, symlinks=True)
    undo(scene.root, fault.undone)
    with scene.undo:
        scene.undo.callback(end_all, scene)
        for act in fault.before:
            act(scene)
        log = folder / "command.log"
        scene.running = scene.start(fault.command, log)
        for act in fault.during:
            act(scene)
        code, output = scene.running.wait(LIMIT_S), log.read_text(errors="replace")
        _nothing_lives_on(scene)
        disk = difference(star.result(scene.root), wanted)
        codes = (fault.code,) if isinstance(fault.code, int) else fault.code
        assert code in codes, f"exit code {code}:\n{output}"
        assert "Traceback" not in output, output
        said = " ".join(output.split())
        assert re.search(fault.says, said), output
        for act in fault.after:
            act(scene)
        then, output = scene.end_of(fault.goes_on or fault.command, "then")
        assert then == fault.then_code, output
        assert re.search(fault.then_says, " ".join(output.split())), output
        assert difference(star.result(scene.root), wanted) == "all there", output
    drawn = moment if fault.during else None
    shown = said.replace(f"{scene.root}/", "").replace(f"{Path(sys.executable).parent}/", "")
    shown = shown.replace(f"{scene.root.parent}/", "../")
    return Seen(code, sentence(shown, fault.says), disk, drawn)


def _nothing_lives_on(scene: Scene) -> None:
    end = time.monotonic() + ENDED_WITHIN_S
    while rest := [p for p in scene.processes() if not (of_services(p) or helps(p))]:
        assert time.monotonic() < end, [p.cmdline() for p in rest if p.is_running()]
        time.sleep(0.1)


def of_services(process: psutil.Process) -> bool:
    """Whether it is one of them, or below one."""
    return any(ROLES[role] in command for command in family(process) for role in SERVICES)


def helps(process: psutil.Process) -> bool:
    """Whether it is a part of the harness, which breaks something, or below one."""
    return any(MARK in command for command in family(process))


def family(process: psutil.Process) -> list[str]:
    """The command lines of a process and those above it; none when it has ended."""
    with suppress(psutil.Error):
        return [" ".join(one.cmdline()) + " " for one in (process, *process.parents())]
    return []


def end_all(scene: Scene) -> None:
    """Leave no process behind, whatever happened."""
    if (scene.root / ".work" / "services").is_dir():
        scene.end_of("video-star down", "down")
    for process in scene.processes():
        with suppress(psutil.Error):
            process.kill()


def undo(root: Path, stages: tuple[str, ...]) -> None:
    """Make stages undone: no outputs, no record, no run cache, nothing known from before."""
    if not stages:
        return
    lock = root / "dvc.lock"
    known = yaml.safe_load(lock.read_text())
    for stage in [*known["stages"]] if stages == ("*",) else stages:
        for out in known["stages"].pop(stage)["outs"]:
            path = root / out["path"]
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    lock.write_text(yaml.safe_dump(known, sort_keys=False))
    shutil.rmtree(root / ".dvc" / "cache" / "runs", ignore_errors=True)
    shutil.rmtree(root / ".work", ignore_errors=True)


def difference(found: dict[str, str], wanted: dict[str, str]) -> str:
    """What of rounds/ is missing, other than undisturbed, or there besides."""
    parts = []
    for word, names in (
        ("without", wanted.keys() - found.keys()),
        (
            "damaged:",
            {name for name in found.keys() & wanted.keys() if found[name] != wanted[name]},
        ),
        ("scratch:", found.keys() - wanted.keys()),
    ):
        places = {place(name) for name in names}
        if places:  # reports and failures come and go with what they are about
            told = [one for one in places if not one.endswith(("/reports", "/failures"))] or places
            parts.append(f"{word} {', '.join(sorted(told))}")
    return "; ".join(parts) or "all there"


def place(name: str) -> str:
    """What of a round a file belongs to: `r1/answers`."""
    return "/".join(name.split("/")[1:3])


def sentence(said: str, says: str) -> str:
    """The part of the output that a user reads first: from "error" on, or what was expected."""
    starts = [found.start() for found in re.finditer(r"(?i)\berror: ", said)]
    if starts:
        return said[starts[0] : starts[0] + 260]
    found = re.search(says, said) if says else None
    return found[0] if found else ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# What breaks things; each gives an act.


def kill(
    *roles: str, when: Callable[[Path], object] | None = None, how: int = signal.SIGKILL
) -> Act:
    """Send a signal to all processes of some roles, at the moment that was drawn.

    The moment counts from when something holds of the workspace, else from the start of the last.
    """

    def act(scene: Scene) -> None:
        for role in roles:
            scene.wait_for(partial(scene.processes, role))
        if when is not None:
            scene.wait_for(lambda: when(scene.root))
        scene.wait_for_the_moment()
        for role in roles:
            scene.wait_for(partial(scene.processes, role))
        for process in [process for role in roles for process in scene.processes(role)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(how)

    return act


def at_the_moment(change: Act, when: Callable[[Path], object] | None = None) -> Act:
    """Change something while the command runs."""

    def act(scene: Scene) -> None:
        if when is not None:
            scene.wait_for(lambda: when(scene.root))
        scene.wait_for_the_moment()
        change(scene)

    return act


def write(name: str, content: str | bytes) -> Act:
    """Write a file (or all files that a pattern matches)."""

    def act(scene: Scene) -> None:
        data = content.encode() if isinstance(content, str) else content
        for path in list(scene.root.glob(name)) or [scene.root / name]:
            writable(path).write_bytes(data)

    return act


def cut(name: str, share: float = 0.5) -> Act:
    """Cut the files that a pattern matches, as a full disk or a broken copy leaves them."""

    def act(scene: Scene) -> None:
        paths = [path for path in scene.root.glob(name) if path.is_file() and path.stat().st_size]
        assert paths, name
        for path in paths:
            os.truncate(writable(path), int(path.stat().st_size * share))

    return act


def flip(name: str) -> Act:
    """Change one byte in the middle of the files that a pattern matches."""

    def act(scene: Scene) -> None:
        paths = [path for path in scene.root.glob(name) if path.is_file() and path.stat().st_size]
        assert paths, name
        for path in paths:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            writable(path).write_bytes(content)

    return act


def writable(path: Path) -> Path:
    """A file that is no link into DVC's cache, in a folder that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.chmod(0o644)
    return path


def remove(name: str) -> Act:
    """Remove what a pattern matches."""

    def act(scene: Scene) -> None:
        for path in scene.root.glob(name):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()

    return act


def params(**changes: object) -> Act:
    """Edit params.yaml: section__key=value."""

    def act(scene: Scene) -> None:
        path = scene.root / "params.yaml"
        raw = yaml.safe_load(path.read_text())
        for name, value in changes.items():
            section, _, key = name.partition("__")
            if key:
                raw[section][key] = value
            else:
                raw[section] = value
        path.write_text(yaml.safe_dump(raw))

    return act


def restore(name: str) -> Act:
    """Put a file back that git has."""

    def act(scene: Scene) -> None:
        star.run(scene.root, "git", "checkout", "--quiet", name)

    return act


def shell(command: str, code: int = 0) -> Act:
    """Run a command."""

    def act(scene: Scene) -> None:
        ended, output = scene.end_of(command, "act")
        assert ended == code, output

    return act


def small_disk(spare_kib: int) -> Act:
    """The workspace on a disk of its own with little room; needs the right to mount."""

    def act(scene: Scene) -> None:
        aside = scene.root.with_name("aside")
        scene.root.rename(aside)
        scene.root.mkdir()
        mount("-t", "tmpfs", "-o", "size=100m", "none", str(scene.root))
        scene.undo.callback(subprocess.run, ["umount", "--lazy", str(scene.root)], check=False)
        shutil.copytree(aside, scene.root, symlinks=True, dirs_exist_ok=True)
        disk = os.statvfs(scene.root)
        taken = (disk.f_blocks - disk.f_bfree) * disk.f_frsize // 1024
        mount("-o", f"remount,size={taken + spare_kib}k", str(scene.root))

    return act


def remount(options: str) -> Act:
    """Change the disk of `small_disk`: its size, or whether it may be written."""
    return lambda scene: mount("-o", f"remount,{options}", str(scene.root))


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def beside(program: str, ready: str) -> Act:
    """A program that holds something, from a moment at which it prints `ready` until `let_go`."""

    def act(scene: Scene) -> None:
        log = scene.root.parent / "beside.log"
        command = f"exec python -uc {shlex.quote(f'{MARK}{chr(10)}{program}')}"
        process = scene.start(f"{command} ;", log)
        scene.undo.callback(process.kill)
        end = time.monotonic() + 60
        while ready not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end
            time.sleep(0.05)

    return act


def let_go(scene: Scene) -> None:
    """End the programs that hold something."""
    for process in scene.processes():
        if helps(process):
            with suppress(psutil.Error):
                process.kill()
                process.wait(10)


def wait_for_those_beside(scene: Scene) -> None:
    """Let the programs that run beside come to their end."""
    # Not for what is below them: servers that they start stay.
    own = [process for process in scene.processes() if MARK in " ".join(process.cmdline())]
    psutil.wait_procs(own, LIMIT_S)
