"""The flow "video-star": base model, rounds in their order, early stop, summary.

    prefect deployment run video-star/cycle --watch
    prefect deployment run video-star/cycle --param rounds=2 --watch

`run_cycle` is the plain function behind it; it knows no Prefect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.one_round import RunStep, base_model, one_round
from tasks.lineage import describe_code, forget_lost_runs
from tasks.runner import DvcRunner
from tasks.steps import TASKS, run_logger
from tasks.summary import show_rounds
from video_star.core.errors import UsageError, VideoStarError
from video_star.core.params import Params, PlateauParams, load_params
from video_star.core.paths import Workspace
from video_star.pipeline.chain import update_chain
from video_star.pipeline.runner import only_one
from video_star.pipeline.stages import STEPS, rounds_of
from video_star.tracking.rounds_table import rounds_rows

UP_TO_DATE = "everything up to date"


@flow(name="video-star", version="1", persist_result=False)
def cycle(rounds: int | None = None) -> State[Any]:
    """Run the first `rounds` rounds of params.yaml (all of them when it is not given)."""
    log = run_logger()
    workspace = Workspace(Path.cwd())
    log.info(describe_code(workspace))
    runner = DvcRunner(workspace)
    outcomes: list[str] = []

    def run(step: str, round_name: str) -> None:
        state = cast(State[Any], TASKS[step](round_name, runner, return_state=True))
        if not state.is_completed():
            raise VideoStarError(f"{step} {round_name}: {state.message}")
        outcomes.append(state.message or "")

    try:
        params = load_params(workspace.params)
        names = chosen_rounds(params, rounds)
        with only_one(workspace, "cycle"):
            forget_lost_runs(workspace, params)
            update_chain(workspace, params)
            runner.prepare(steps_of(params, names))
            run_cycle(workspace, params, names, run, log.info)
            show_rounds(workspace, params)
    except VideoStarError as error:
        return Failed(message=str(error))
    return Completed(message=summary(outcomes))


def run_cycle(
    workspace: Workspace,
    params: Params,
    names: Sequence[str],
    run: RunStep,
    show: Callable[[str], None],
) -> list[str]:
    """Run r0 and the named rounds; stop early when the plateau rule says so. Returns what ran."""
    base_model(run)
    finished = ["r0"]
    for name in names:
        one_round(name, run)
        finished.append(name)
        if params.plateau is not None and plateaued(headline(workspace, params), params.plateau):
            show(f"{params.plateau.metric} no longer rises: {name} is the last round")
            break
    return finished


def chosen_rounds(params: Params, rounds: int | None) -> list[str]:
    """The first `rounds` rounds (all when None); UsageError when params.yaml has fewer."""
    if rounds is not None and not 0 <= rounds <= params.rounds:
        raise UsageError(
            f"rounds={rounds}, but params.yaml has {params.rounds}; raise `rounds` there or ask "
            "for fewer."
        )
    return list(params.round_names[:rounds])


def steps_of(params: Params, names: Sequence[str]) -> list[tuple[str, str]]:
    """Every (step, round) of r0 and the named rounds."""
    rounds = {"r0", *names}
    return [(step, name) for step in STEPS for name in rounds_of(step, params) if name in rounds]


def headline(workspace: Workspace, params: Params) -> list[float]:
    """The plateau metric of each measured round so far, in round order."""
    assert params.plateau is not None
    rows = rounds_rows(workspace)
    found = [row["metrics"].get(params.plateau.metric) for row in rows]
    return [metric["value"] for metric in found if metric is not None]


def plateaued(values: Sequence[float], rule: PlateauParams) -> bool:
    """Whether the newest value gains less than `min_gain` over the best one before it."""
    return len(values) >= 2 and values[-1] - max(values[:-1]) < rule.min_gain


def summary(outcomes: Sequence[str]) -> str:
    """How many steps ran, were restored and were up to date."""
    ran, restored = outcomes.count("ran"), outcomes.count("restored")
    if not ran and not restored:
        return UP_TO_DATE
    parts = [f"{ran} steps ran"] if ran else []
    parts += [f"{restored} brought back from the cache"] if restored else []
    rest = len(outcomes) - ran - restored
    parts += [f"{rest} were up to date"] if rest else []
    return ", ".join(parts)
