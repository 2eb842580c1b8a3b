"""The flow without a server: rounds, early stop, collision, what a failing step says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dvc_workspace import REPOSITORY, make_workspace, ran, set_param

from flows.cycle import plateaued, run_cycle, summary
from tasks.runner import DvcRunner, StepFailed
from tasks.steps import worth_retrying
from tasks.summary import rounds_cells, yield_cells
from video_star.core.errors import BusyError, UsageError
from video_star.core.params import Params, PlateauParams, load_params
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.pipeline.choice import choose
from video_star.tracking.rounds_table import KindYield, MetricRow, RoundRow

PARAMS = load_params(REPOSITORY / "params.yaml")
METRIC = "kinetics_qa/open_accuracy"


def write_metric(workspace: Workspace, name: str, value: float) -> None:
    metric = {"value": value, "low": value, "high": value, "n": 1}
    path = workspace.round(name).metrics
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"round": name, "metrics": {METRIC: metric}, "slices": {}}))


def with_plateau(min_gain: float) -> Params:
    rule = PlateauParams(metric=METRIC, min_gain=min_gain)
    return PARAMS.model_copy(update={"plateau": rule})


def test_a_cycle_runs_every_step_of_every_round_in_order() -> None:
    done: list[str] = []
    steps = choose(PARAMS).steps
    whole = run_cycle(
        Workspace(REPOSITORY), PARAMS, steps, lambda step, name: done.append(f"{step}@{name}"), str
    )
    assert next(whole) == "r0"
    assert done == ["ingest@r0", "base@r0", "evaluate@r0", "publish@r0"]
    assert next(whole) == "r1"
    learning = "generate verify rationalize verify-rationales curate finetune evaluate publish"
    assert done[4:] == [f"{step}@r1" for step in learning.split()]
    assert [*whole] == ["r2", "r3"]


def test_a_cycle_stops_when_a_round_gains_too_little(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    workspace = Workspace(tmp_path)
    values = {"r0": 0.30, "r1": 0.60, "r2": 0.602, "r3": 0.9}
    said: list[str] = []

    def do(step: str, name: str) -> None:
        if step == "evaluate":
            write_metric(workspace, name, values[name])

    params = with_plateau(0.005)
    finished = run_cycle(workspace, params, choose(params).steps, do, said.append)
    assert [*finished] == ["r0", "r1", "r2"]
    assert said == [f"{METRIC} no longer rises: r2 is the last round"]


def test_the_plateau_rule_compares_with_the_best_round_before() -> None:
    rule = PlateauParams(metric=METRIC, min_gain=0.01)
    assert not plateaued([0.5], rule)
    assert not plateaued([0.5, 0.52], rule)
    assert plateaued([0.5, 0.6, 0.55], rule)
    assert plateaued([0.6, 0.5, 0.605], rule)


def test_the_tables_of_a_run_say_what_the_terminal_says() -> None:
    metric = MetricRow(value=0.5, low=0.25, high=0.75, n=4)
    kinds = {
        "class": KindYield(direct=0.25, rationalized=0.5, doubtful=0.004),
        "set": KindYield(direct=0.0, rationalized=1.0, doubtful=0.02),
    }
    yields = {"direct_yield": 0.25, "rationalized_yield": 0.5}
    base = RoundRow(round="r0", metrics={METRIC: metric})
    learned = RoundRow(round="r1", kept=3, **yields, kinds=kinds, metrics={})
    value = "50.0% [25.0%, 75.0%]"
    assert rounds_cells([base, learned]) == [
        {"round": "r0", "kept": "0", "answered": "", "explained": "", METRIC: value},
        {"round": "r1", "kept": "3", "answered": "25.0%", "explained": "50.0%", METRIC: ""},
    ]
    assert yield_cells([base, learned]) == [
        {"label kind": "class", "r1": "25% + 50%"},
        {"label kind": "set", "r1": "0% + 100% (2% ?)"},
    ]


def test_the_summary_counts_what_happened() -> None:
    assert summary(["up to date", "up to date"]) == "everything up to date"
    assert summary(["ran", "restored", "up to date"]) == (
        "1 steps ran, 1 brought back from the cache, 1 were up to date"
    )


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_a_refusal_is_not_retried(code: int) -> None:
    from prefect.states import Failed

    assert not worth_retrying(None, None, Failed(data=StepFailed("no", code)))  # type: ignore[arg-type]
    assert worth_retrying(None, None, Failed(data=StepFailed("killed", -9)))  # type: ignore[arg-type]
    assert worth_retrying(None, None, Failed(data=BusyError("wait")))  # type: ignore[arg-type]
    assert not worth_retrying(None, None, Failed(data=UsageError("no")))  # type: ignore[arg-type]


@pytest.mark.slow
def test_dvc_decides_what_the_flow_runs(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "star")
    workspace = Workspace(root)
    params = load_params(workspace.params)

    runner = DvcRunner(workspace)

    def cycle(*force: str) -> str:
        choice, outcomes = choose(params, 0, force=force), []
        runner.prepare(choice.steps, choice.forced)
        for step in choice.steps:
            outcomes.append(runner.run(*step, Silent()))
        return summary(outcomes)

    assert cycle() == "4 steps ran"
    assert ran(root) == ["ingest r0", "base r0", "evaluate r0", "publish r0"]
    assert cycle() == "everything up to date"
    assert cycle("base") == "1 steps ran, 3 were up to date"
    assert ran(root) == ["base r0"]
    assert runner.inputs["base"] == []
    # Without what it needs through others: the model of the round before led to its metrics.
    assert sorted(runner.inputs["evaluate@r2"]) == ["evaluate@r1", "finetune@r2"]

    (root / ".dvc/tmp/rwlock").write_bytes(b"")  # a dvc was killed while it wrote that
    set_param(root, "evaluate", "bootstrap", 500)
    assert cycle() == "2 steps ran, 2 were up to date"
    assert ran(root) == ["evaluate r0", "publish r0"]
    set_param(root, "evaluate", "bootstrap", 1000)
    assert cycle() == "1 steps ran, 1 brought back from the cache, 2 were up to date"
    assert ran(root) == ["publish r0"]

    set_param(root, "evaluate", "bootstrap", 300)
    (root / "fail.txt").write_text("evaluate r0 5 class: no answer passed; lower the threshold.")
    with pytest.raises(StepFailed, match=r"^class: no answer passed; lower"):
        cycle()
