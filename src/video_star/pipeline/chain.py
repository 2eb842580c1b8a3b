"""rounds.yaml: the rounds of params.yaml in the form that the `foreach` of dvc.yaml needs.

DVC cannot count: `rounds: 3` is written out as a chain, each round with the one before it.
"""

from __future__ import annotations

import os

from video_star.core.errors import UsageError
from video_star.core.jsonl import write_text
from video_star.core.params import Params
from video_star.core.paths import Workspace

HEADER = "# Written from `rounds` in params.yaml, for dvc.yaml; do not edit.\n"


def chain(params: Params) -> str:
    """The content of rounds.yaml."""
    lines = [f"  {name}: {{prev: {params.previous(name)}}}\n" for name in params.round_names]
    return HEADER + "chain:\n" + "".join(lines)


def update_chain(workspace: Workspace, params: Params) -> None:
    """Write rounds.yaml when `rounds` has changed; UsageError below a dvc that read the old one.

    Every change of `rounds` makes `dvc repro` run `curate`, so DVC alone notices it as well.
    """
    path, text = workspace.root / "rounds.yaml", chain(params)
    if path.exists() and path.read_bytes() == text.encode():
        return
    if not (workspace.root / "dvc.yaml").exists():
        return
    write_text(path, text)
    if "DVC_STAGE" in os.environ:
        raise UsageError(
            f"params.yaml now has {params.rounds} rounds, which this dvc did not know of when it "
            "started; rounds.yaml has them now: run the same command again."
        )
