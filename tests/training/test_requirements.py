"""What does not go together is refused in one sentence, before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny

from video_star.core.errors import UsageError
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.training import requirements


def refuse(monkeypatch: pytest.MonkeyPatch, device: str, **changes: Any) -> None:
    """As on a machine with this device."""
    monkeypatch.setattr(requirements, "pick_device", lambda wanted: device)
    params = Params.model_validate(tiny.tiny_params(**changes))
    requirements.check_requirements(params, Workspace(Path("nowhere")))


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
    monkeypatch.setattr(requirements, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=sentence) as caught:
        refuse(monkeypatch, device, **changes)
    assert len(str(caught.value)) <= 300


def test_four_bits_go_neither_with_zero3_nor_with_liger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "find_spec", lambda name: object())
    for zero in ("zero3", "zero3_offload"):
        with pytest.raises(UsageError, match=f"qlora does not go with settings.zero {zero}"):
            refuse(monkeypatch, "cuda", finetune__method="qlora", settings__zero=zero)
    with pytest.raises(UsageError, match=r"qlora does not go with settings\.liger"):
        refuse(monkeypatch, "cuda", finetune__method="qlora", settings__liger=True)
    refuse(monkeypatch, "cuda", finetune__method="qlora")


def test_the_demo_runs_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for device in ("cpu", "cuda"):
        refuse(monkeypatch, device)
