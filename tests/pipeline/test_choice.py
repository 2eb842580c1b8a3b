"""Which steps a cycle runs: `rounds`, `until`, `force`, and the form that Prefect makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from dvc_workspace import REPOSITORY

from flows.cycle import cycle
from video_star.core.errors import UsageError
from video_star.core.params import load_params
from video_star.pipeline.choice import choose
from video_star.pipeline.stages import STEPS, rounds_of

PARAMS = load_params(REPOSITORY / "params.yaml")


def test_without_a_choice_every_step_of_every_round_runs() -> None:
    chosen = choose(PARAMS)
    assert sorted(chosen.steps) == sorted((s, r) for s in STEPS for r in rounds_of(s, PARAMS))
    assert not chosen.forced


def test_the_last_chosen_round_stops_after_a_step_and_those_before_are_whole() -> None:
    steps = choose(PARAMS, 2, "verify").steps
    assert steps[-2:] == (("generate", "r2"), ("verify", "r2"))
    assert ("publish", "r1") in steps
    assert choose(PARAMS, 0, "base").steps == (("ingest", "r0"), ("base", "r0"))


def test_a_step_is_forced_in_all_chosen_rounds_or_in_one() -> None:
    assert choose(PARAMS, 2, force=["verify", "evaluate@r0"]).forced == {
        ("verify", "r1"),
        ("verify", "r2"),
        ("evaluate", "r0"),
    }


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"rounds": 7}, r"rounds=7, but params.yaml has 3; raise `rounds` there or ask for fewer"),
        ({"rounds": -1}, r"rounds=-1, but params.yaml has 3"),
        ({"until": "train"}, r"until='train', but the steps of the last round, r3, are generate,"),
        ({"rounds": 0, "until": "verify"}, r"last round, r0, are ingest, base, evaluate, publish"),
        ({"force": ["train"]}, r"force='train', but this cycle runs ingest@r0 to publish@r3"),
        ({"rounds": 1, "force": ["verify@r2"]}, r"force='verify@r2', but .* to publish@r1"),
        ({"force": ["verify@"]}, r"force='verify@'"),
        ({"until": "verify", "force": ["publish@r3"]}, r"runs ingest@r0 to verify@r3"),
    ],
)
def test_a_wrong_choice_is_one_sentence(choice: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        choose(PARAMS, **choice)


def test_the_form_explains_each_parameter_and_offers_the_steps() -> None:
    fields = cycle.parameters.properties
    assert list(fields) == ["rounds", "until", "force"]
    assert all(len(field["description"]) > 20 for field in fields.values())
    assert fields["until"]["enum"] == [*STEPS]
    assert [field["default"] for field in fields.values()] == [None, "publish", []]
