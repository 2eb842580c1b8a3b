"""Shards on Ray: the bytes of a run without it, whatever becomes of a worker."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import tiny
import yaml

from video_star.core.engine import Engine, Outcome
from video_star.core.errors import DataError, ServiceError, UsageError
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.generation.store import Shard, answer_shard
from video_star.pipeline.runner import run_step

pytestmark = pytest.mark.slow
STEPS = ("generate", "verify")
"""The first stands for all that ask: `ask_all` sends their shards the same way."""
LONG = {"generate__samples": 4, "generate__max_new_tokens": 64}


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_shards(monkeypatch)


def shorten_shards(patch: pytest.MonkeyPatch) -> None:
    for step in STEPS:
        patch.setattr(f"video_star.pipeline.steps.{step}.SHARD", 4)


def run(workspace: Workspace, *steps: str) -> None:
    for step in steps:
        run_step(step, "r0" if step == "base" else "r1", workspace, Silent())


def use(workspace: Workspace, executor: str) -> None:
    raw = yaml.safe_load(workspace.params.read_text())
    raw["settings"]["executor"] = executor
    workspace.params.write_text(yaml.safe_dump(raw))


def written(workspace: Workspace) -> dict[str, bytes]:
    folder = workspace.root / "rounds"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def workers() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [p for p in found if "MapWorker" in "".join(p.cmdline()[:1])]


def kill_one_when(ready: Callable[[], bool], killed: list[int]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if ready() and (found := workers()):
            found[0].kill()
            killed.append(found[0].pid)
            return
        time.sleep(0.01)


def results(workspace: Workspace) -> Iterator[Path]:
    return (workspace.work / "shards").rglob("*.result")


def test_an_error_of_a_worker_is_the_error_of_the_step(
    new_workspace: Callable[..., Workspace],
) -> None:
    workspace = new_workspace(settings__engine="scripted:script.json", settings__executor="ray")
    (workspace.root / "script.json").write_text('[{"prompt": "never", "text": "x"}]')
    run(workspace, "base")
    with pytest.raises(DataError, match="The script has no answer for"):
        run(workspace, "generate")


def test_a_cluster_that_is_not_there_is_named(new_workspace: Callable[..., Workspace]) -> None:
    workspace = new_workspace(settings__executor="ray:127.0.0.1:1")
    run(workspace, "base")
    with pytest.raises(ServiceError, match=r"settings.executor: ray:127.0.0.1:1: .*"):
        run(workspace, "generate")


def test_without_ray_the_way_out_is_named(
    new_workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = new_workspace(settings__executor="ray")
    run(workspace, "base")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'video-star\[cluster\]', or use local"):
        run(workspace, "generate")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two workers, started once for the tests that follow."""
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.usefixtures("cluster")
def test_what_the_system_refuses_a_worker_ends_the_step(
    new_workspace: Callable[..., Workspace],
) -> None:
    """As without Ray: it names the file; where it came from is said beside it."""
    workspace = new_workspace(settings__engine="scripted:script.json", settings__executor="ray")
    (workspace.root / "script.json").write_text('[{"text": "x"}]')
    run(workspace, "base")
    workspace.frames.mkdir(exist_ok=True)
    for number in range(256):  # files in the place of the folders of entries
        (workspace.frames / f"{number:02x}").touch()
    with pytest.raises(FileExistsError) as raised:
        run(workspace, "generate")
    assert Path(raised.value.filename).parent == workspace.frames
    assert "scripted.py" in "".join(raised.value.__notes__)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, clips: Path) -> Workspace:
    """What a run without Ray gives."""
    root = tmp_path_factory.mktemp("local") / "ws"
    workspace = tiny.make_workspace(root, tiny_base, clips, **LONG)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        shorten_shards(patch)
        run(workspace, "base", *STEPS)
    return workspace


@pytest.mark.usefixtures("cluster", "small_shards")
def test_two_workers_give_the_same_bytes_and_one_may_die(
    new_workspace: Callable[..., Workspace], local: Workspace
) -> None:
    ray = new_workspace("ray", **LONG)
    run(ray, "base")
    use(ray, "ray")
    killed: list[int] = []
    killer = threading.Thread(
        target=kill_one_when, args=(lambda: any(results(ray)), killed), daemon=True
    )
    killer.start()
    run(ray, "generate")
    killer.join()
    assert len(killed) == 1
    run(ray, *STEPS[1:])
    assert written(ray) == written(local)
    assert not list(results(ray))


@pytest.mark.usefixtures("cluster", "small_shards")
def test_results_that_a_run_left_are_not_asked_again(
    new_workspace: Callable[..., Workspace], local: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver ends after its first shard; what its workers finished stays."""
    workspace = new_workspace("killed", **LONG)
    run(workspace, "base")
    use(workspace, "ray")

    class Cut(Exception):
        pass

    def stop(*_: object) -> None:
        deadline = time.monotonic() + 60
        while len(list(results(workspace))) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr("video_star.pipeline.asking.keep", stop)
        with pytest.raises(Cut):
            run(workspace, "generate")
    left = len(list(results(workspace)))
    assert left >= 3
    use(workspace, "local")
    asked: list[int] = []

    def answer(engine: Engine, shard: Shard) -> Iterator[list[Outcome]]:
        asked.append(shard.open)
        return answer_shard(engine, shard)

    monkeypatch.setattr("video_star.pipeline.asking.answer_shard", answer)
    run(workspace, "generate")
    assert sum(asked) <= 40 - 4 * left  # workers that outlived it may have finished more
    mine = written(workspace)
    assert any("answers" in name for name in mine)
    assert mine.items() <= written(local).items()
