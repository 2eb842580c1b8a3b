"""What DVC knows of the stages, what it runs and records; all of it by DVC's Python API.

So that `video-star <step> <round>`, `dvc repro` and the Prefect flow skip what any other finished.

    python -m video_star.pipeline.dvc <stage>           run one stage, send messages on how it went
    python -m video_star.pipeline.dvc <stage> --force   also when it is up to date

A stage is run in a process of its own: DVC's locks tell processes apart, not threads, its commands
write to the stdout of their process, and what runs out of memory does not end the flow.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from video_star.core.errors import VideoStarError, explain_refusal
from video_star.core.messages import send
from video_star.core.paths import Workspace
from video_star.pipeline.stages import STEPS


def stage_name(step: str, round_name: str) -> str:
    """The name of a step's DVC stage: `generate@r1`, or just `ingest`; of r0 `evaluate-r0`."""
    if STEPS[step].rounds == "once":
        return step
    if round_name == "r0":
        return f"{step}-r0"
    return f"{step}@{round_name}"


@contextmanager
def repository(root: Path) -> Iterator[Any]:
    """The DVC repository (`dvc.repo.Repo`) of a workspace, silent but for errors."""
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)
    with chdir(root), Repo() as repo:  # names of stages are read from the current folder
        yield repo


class DvcCannotSay(VideoStarError):
    """DVC cannot read its files."""


@contextmanager
def _compared(root: Path, way_out: str = "") -> Iterator[Any]:
    """The repository, to ask what has changed; DvcCannotSay has the reason and the way out."""
    from dvc.exceptions import DvcException

    try:
        with repository(root) as repo:
            yield repo
    except DvcException as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise DvcCannotSay(f"DVC cannot compare {root} ({reason}){way_out}.") from error


def changed_stages(root: Path, targets: Iterable[str]) -> set[str]:
    """Which stages or .dvc files differ from what DVC recorded; DvcCannotSay has the reason."""
    with _compared(root) as repo:
        return {name.removeprefix("dvc.yaml:") for name in repo.status(targets=[*targets])}


def stage_inputs(root: Path) -> dict[str, list[str]]:
    """The stages that each stage needs the files of, without those that it needs through others."""
    from networkx import transitive_reduction

    with repository(root) as repo:
        needs = transitive_reduction(repo.index.graph)
        names = {stage: stage.addressing.removeprefix("dvc.yaml:") for stage in needs}
    return {names[stage]: [names[one] for one in needs.successors(stage)] for stage in needs}


def reasons_to_run(root: Path) -> dict[str, tuple[str, ...]]:
    """Why each stage would run, in their order; one that is up to date has no entry.

    Inputs and parameters that changed are named; a stage after another one may find its inputs as
    they were, and is skipped then. DvcCannotSay as `changed_stages`.
    """
    from networkx import descendants, topological_sort

    reasons: dict[str, tuple[str, ...]] = {}
    without = "; `video-star plan --samples N` plans a whole cycle without it"
    with _compared(root, without) as repo:
        changes, graph = repo.status(), repo.index.graph
        for stage in reversed(list(topological_sort(graph))):  # a stage leads to its inputs
            if not stage.cmd:
                continue
            name = stage.addressing.removeprefix("dvc.yaml:")
            after = [s.name for s in descendants(graph, stage) if s.cmd and s.name in reasons]
            if not any(out.hash_info for out in stage.outs):
                reasons[name] = ("never run",)
            elif changed := tuple(_changes(stage, changes.get(stage.addressing, ()))):
                reasons[name] = changed
            elif after:
                reasons[name] = (f"after {min(after, key=[*reasons].index)}",)
    return reasons


def _changes(stage: Any, status: Iterable[Any]) -> Iterator[str]:
    """What differs of a stage that has run: parameters by their keys and values, files by name."""
    from dvc.dependency import ParamsDependency

    for entry in status:
        for kind, names in entry.items() if isinstance(entry, dict) else ((entry, {}),):
            if kind not in ("changed deps", "changed outs"):
                yield kind
            what = "output " if kind == "changed outs" else ""
            yield from (f"{what}{n} {how}" for n, how in names.items() if isinstance(how, str))
    for one in stage.deps:
        if isinstance(one, ParamsDependency):
            yield from _other_values(one.hash_info.value or {}, one.read_params(), "")


def _other_values(old: Any, new: Any, key: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _other_values(old.get(name), new.get(name), f"{key}.{name}")
    elif old != new:
        yield f"{key[1:]}: {old} -> {new}"


def is_recorded(workspace: Workspace, step: str, round_name: str) -> bool:
    """Whether DVC has this step with its present inputs, parameters and outputs."""
    if not _takes_part(workspace):
        return False
    try:
        return not changed_stages(workspace.root, [stage_name(step, round_name)])
    except DvcCannotSay:
        return False


def record(workspace: Workspace, step: str, round_name: str) -> bool:
    """Let DVC take over what a step wrote; False when there is a DVC that would not."""
    if not _takes_part(workspace):
        return True
    from dvc.exceptions import DvcException

    try:
        with repository(workspace.root) as repo:
            repo.commit(stage_name(step, round_name), force=True)
    except DvcException:
        return False
    return True


def _takes_part(workspace: Workspace) -> bool:
    """Whether the workspace is a DVC repository and the step was not started by DVC itself."""
    is_repository = (workspace.root / ".dvc").is_dir() and (workspace.root / "dvc.yaml").is_file()
    return is_repository and "DVC_STAGE" not in os.environ


def main(stage: str, force: bool) -> int:
    """Run a stage of the current folder unless it is up to date; 0 when it is now."""
    from dvc.exceptions import DvcException, ReproductionError
    from dvc.lock import LockError
    from dvc.rwlock import RWLockFileCorruptedError

    try:
        with repository(Path.cwd()) as repo:
            send(changed=bool(repo.reproduce(stage, single_item=True, force=force)))
    except DvcException as error:
        # A ReproductionError itself says only which stage failed.
        cause = error.__cause__ if isinstance(error, ReproductionError) else error
        if isinstance(cause, RWLockFileCorruptedError):  # a dvc was killed while it wrote it
            Path(repo.tmp_dir, "rwlock").unlink(missing_ok=True)
            return main(stage, force)
        send(reason=" ".join(str(cause).split()), busy=isinstance(cause, LockError))
        return 1
    except OSError as error:
        send(reason=str(explain_refusal(error) or error), busy=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--force" in sys.argv))
