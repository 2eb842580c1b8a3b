"""The guards around every step, tried with a step made for the purpose."""

from __future__ import annotations

import json
import shutil
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from video_star.core.context import StepContext, StepResult
from video_star.core.errors import BusyError, TooManyFailures, UsageError, VideoStarError
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import Failure, StepReport
from video_star.pipeline.runner import only_one, run_step
from video_star.pipeline.stages import STEPS, Step

SHIPPED = Path(__file__).parents[2] / "params.yaml"
Body = Callable[[StepContext], StepResult]
Install = Callable[[Body], None]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    shutil.copy(SHIPPED, tmp_path / "params.yaml")
    return Workspace(tmp_path)


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Install:
    def install(body: Body) -> None:
        module = types.ModuleType("made_up_step")
        module.run = body  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "made_up_step", module)
        monkeypatch.setitem(STEPS, "made-up", Step("made_up_step:run", ("verify",), "rounds", 1))

    return install


def result(failed: int = 0) -> StepResult:
    """Of 100 samples."""
    failures = tuple(
        Failure(sample_id=str(i), step="made-up", error="VideoError", message="x")
        for i in range(failed)
    )
    counts = {"read": 100, "written": 100 - failed, "failed": failed}
    reasons = {"VideoError": failed} if failed else {}
    return StepResult(StepReport(step="made-up", round="r1", **counts, reasons=reasons), failures)


def run(workspace: Workspace) -> StepReport:
    return run_step("made-up", "r1", workspace, Silent())


def test_the_report_is_written_last_with_the_failures_that_are_allowed(
    workspace: Workspace, step: Install
) -> None:
    paths = workspace.round("r1")
    step(lambda context: result(failed=3))
    with pytest.raises(TooManyFailures, match="3 of 100 samples failed"):
        run(workspace)
    assert not paths.report("made-up").exists()
    step(lambda context: result(failed=2))
    assert run(workspace).failed == 2
    assert json.loads(paths.report("made-up").read_text())["written"] == 98
    assert len(paths.failures("made-up").read_text().splitlines()) == 2


def test_an_edit_of_the_steps_own_parameters_while_it_runs_fails_it(
    workspace: Workspace, step: Install
) -> None:
    def editing(old: str, new: str) -> Body:
        def body(context: StepContext) -> StepResult:
            workspace.params.write_text(workspace.params.read_text().replace(old, new))
            return result()

        return body

    step(editing("decode_workers: 2", "decode_workers: 1"))  # of settings, so that is fine
    assert run(workspace).written == 100
    step(editing("preset: released", "preset: paper"))
    with pytest.raises(VideoStarError, match=r"verify in params\.yaml changed while"):
        run(workspace)


def test_the_same_step_cannot_run_twice_at_once(workspace: Workspace, step: Install) -> None:
    step(lambda context: result())
    with (
        only_one(workspace, "made-up-r1"),
        pytest.raises(BusyError, match="Another process works on made-up-r1"),
    ):
        run(workspace)


def test_an_unknown_step_or_round_is_refused_with_the_known_ones(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="the steps are ingest"):
        run_step("make", "r1", workspace, Silent())
    with pytest.raises(UsageError, match="it exists for r1, r2, r3"):
        run_step("generate", "r0", workspace, Silent())
