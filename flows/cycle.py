"""The flow "video-star": base model, rounds in their order, early stop, summary.

    prefect deployment run video-star/cycle --watch
    prefect deployment run video-star/cycle --param rounds=2 --param until=verify --watch
    prefect deployment run video-star/cycle --param 'force=["verify@r1"]' --watch

`run_cycle` is the plain function behind it; it knows no Prefect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from tasks.lineage import describe_code, end_lost_steps, forget_lost_runs
from tasks.runner import DvcRunner
from tasks.steps import TASKS, run_logger
from tasks.summary import show_rounds
from video_star.core.errors import VideoStarError
from video_star.core.params import Params, PlateauParams, load_params
from video_star.core.paths import Workspace
from video_star.pipeline.chain import update_chain
from video_star.pipeline.choice import LAST_STEP, choose
from video_star.pipeline.dvc import stage_name
from video_star.pipeline.runner import only_one
from video_star.pipeline.stages import STEPS
from video_star.tracking.rounds_table import RoundRow, rounds_rows

UP_TO_DATE = "everything up to date"


def run_name() -> str:
    """What a list of runs shows: "demo, r0", "demo, r0 to r3", "demo, r0 to r2 until verify"."""
    asked = flow_run.parameters
    try:
        params = load_params(Workspace(Path.cwd()).params)
        _, last = choose(params, asked["rounds"]).steps[-1]
    except VideoStarError:  # which the flow says itself
        return "cycle"
    until = f" until {asked['until']}" if asked["until"] != LAST_STEP else ""
    return f"{params.cycle}, r0{f' to {last}' if last != 'r0' else ''}{until}"


StepOrStepAtRound = Annotated[str, Field(pattern=rf"^({'|'.join(STEPS)})(@r\d+)?$")]


@flow(name="video-star", version="2", flow_run_name=run_name, persist_result=False)
def cycle(
    rounds: Annotated[int | None, Field(ge=0)] = None,
    until: Annotated[str, Field(json_schema_extra={"enum": [*STEPS]})] = LAST_STEP,
    force: tuple[StepOrStepAtRound, ...] = (),
) -> State[Any]:
    """Generate, verify, rationalize, train and measure, round by round.

    What is up to date is skipped. Prefect makes its form of this text.

    Args:
        rounds: How many rounds of params.yaml: 2 for r1 and r2, 0 for the base model alone. All of
            them when it is empty.
        until: The step after which the last of these rounds stops.
        force: Steps that run even if they are up to date: `verify` in all these rounds, `verify@r2`
            in one.
    """
    log = run_logger()
    workspace = Workspace(Path.cwd())
    log.info(describe_code(workspace))
    end_lost_steps()
    runner = DvcRunner(workspace)
    states: dict[str, State[Any]] = {}

    def run(step: str, round_name: str) -> None:
        stage = stage_name(step, round_name)
        inputs = [states[one] for one in runner.inputs.get(stage, ()) if one in states]
        states[stage] = state = cast(
            State[Any], TASKS[step](round_name, runner, wait_for=inputs, return_state=True)
        )
        if not state.is_completed():
            from video_star.pipeline.steps.publish import show_failure  # imports MLflow: seconds

            show_failure(workspace, params, round_name, step, state.message or "")
            raise VideoStarError(f"{step} {round_name}: {state.message}")

    try:
        params = load_params(workspace.params)
        choice = choose(params, rounds, until, force)
        with only_one(workspace, "cycle"):
            forget_lost_runs(workspace, params)
            update_chain(workspace, params)
            runner.prepare(choice.steps, choice.forced)
            shown: list[RoundRow] = []
            for _ in run_cycle(workspace, params, choice.steps, run, log.info):
                shown = show_rounds(workspace, params, shown)
    except VideoStarError as error:
        return Failed(message=str(error))
    return Completed(message=summary([state.message or "" for state in states.values()]))


def run_cycle(
    workspace: Workspace,
    params: Params,
    steps: Sequence[tuple[str, str]],
    run: Callable[[str, str], None],
    show: Callable[[str], None],
) -> Iterator[str]:
    """Run the steps (step, round), yield each round that is done; the plateau rule may end it."""
    rule = params.plateau
    for name, own in groupby(steps, itemgetter(1)):
        for step, _ in own:
            run(step, name)
        yield name
        if rule and name != "r0" and plateaued(headline(workspace, rule.metric), rule):
            show(f"{rule.metric} no longer rises: {name} is the last round")
            break


def headline(workspace: Workspace, metric: str) -> list[float]:
    """The metric of each measured round so far, in round order."""
    rows = rounds_rows(workspace)
    return [row.metrics[metric].value for row in rows if metric in row.metrics]


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
