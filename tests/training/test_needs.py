"""What does not go together is refused in one sentence, before anything is loaded."""

from __future__ import annotations

from typing import Any

import pytest
import tiny

from video_star.errors import UsageError
from video_star.params import Params
from video_star.training import needs


def params(**changes: Any) -> Params:
    return Params.model_validate(tiny.tiny_params(**changes))


@pytest.mark.parametrize(
    ("changes", "device", "sentence"),
    [
        ({"finetune__method": "qlora"}, "cpu", "qlora needs a CUDA device"),
        ({"finetune__method": "qlora"}, "cuda", "pip install bitsandbytes"),
        ({"settings__liger": True}, "cpu", "settings.liger needs a CUDA device"),
        ({"settings__liger": True}, "cuda", "pip install liger-kernel"),
        ({"settings__zero": "zero0", "model__dtype": "bfloat16"}, "cuda", "use zero1"),
    ],
)
def test_a_finetune_that_cannot_run_is_refused(
    changes: dict[str, Any], device: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=sentence) as caught:
        needs.refuse_unfit(params(**changes), device)
    assert len(str(caught.value)) <= 300


def test_four_bits_do_not_go_with_zero3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "find_spec", lambda name: object())
    for zero in ("zero3", "zero3_offload"):
        wrong = params(finetune__method="qlora", settings__zero=zero)
        with pytest.raises(UsageError, match=f"qlora does not go with settings.zero {zero}"):
            needs.refuse_unfit(wrong, "cuda")
    needs.refuse_unfit(params(finetune__method="qlora", settings__liger=True), "cuda")


def test_the_demo_runs_anywhere() -> None:
    for device in ("cpu", "cuda"):
        needs.refuse_unfit(params(), device)
