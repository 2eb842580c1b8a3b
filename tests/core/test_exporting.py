"""What leaves the workspace: a round's checkpoint with its card, and samples for other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import finetuned
import pytest
import tiny
from huggingface_hub import ModelCard

from video_star.core.errors import DataError, UsageError
from video_star.core.jsonl import dump_json, read_record, write_shards, write_text
from video_star.core.model_paths import base_ref, tuned_ref, write_ref
from video_star.core.paths import Workspace
from video_star.core.records import ModelRef, StepReport
from video_star.data.export import export_star_annotations
from video_star.data.manifest import read_manifest
from video_star.tracking.export_round import export_round

METRIC = {"value": 0.75, "low": 0.7, "high": 0.8, "n": 40}


@pytest.fixture
def finished(workspace: Workspace) -> Workspace:
    """A workspace with an evaluated r0, and an r1 with an adapter that changes what is said."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    from video_star.training.lora import adapter_weights, save_adapter

    params, r1 = tiny.params_of(workspace), workspace.round("r1")
    ref = base_ref(params.model, workspace.root)
    write_ref(workspace.round("r0").model_json, ref)
    base = AutoModelForImageTextToText.from_pretrained(workspace.root / "base")
    torch.manual_seed(3)
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    model = get_peft_model(base, config)
    save_adapter(model, adapter_weights(model), r1.adapter, ref.base)
    write_ref(r1.model_json, tuned_ref(ref, "adapter", r1.adapter, workspace.root))
    write_shards(r1.train, finetuned.examples(), lambda example: example.sample_id)
    for name, value in (("r0", 0.5), ("r1", 0.75)):
        metric = {**METRIC, "value": value}
        metrics = {"round": name, "metrics": {"kinetics_qa/open_accuracy": metric}, "slices": {}}
        write_text(workspace.round(name).metrics, json.dumps(metrics))
    shares = {"kept": 8.0, "direct_yield": 0.4, "rationalized_yield": 0.2}
    shares |= {"direct_yield/class": 0.4, "rationalized_yield/class": 0.2}
    report = StepReport(step="curate", round="r1", read=10, written=24, metrics=shares)
    write_text(r1.report("curate"), dump_json(report.model_dump()))
    return workspace


def logits(model: Any) -> Any:
    import torch

    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([[1, 80, 81, 82]])).logits


@pytest.mark.parametrize("merged", [False, True])
def test_plain_transformers_load_an_exported_round(
    finished: Workspace, tmp_path: Path, merged: bool
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText, AutoProcessor

    out = tmp_path / "out"
    export_round(finished, tiny.params_of(finished), "r1", out, merged)
    assert len({path.stat().st_mode for path in out.iterdir()}) == 1  # others may read all of it
    base = AutoModelForImageTextToText.from_pretrained(finished.root / "base")
    bare = logits(base)
    if merged:
        there = AutoModelForImageTextToText.from_pretrained(out)
        assert AutoProcessor.from_pretrained(out).chat_template == tiny.CHAT_TEMPLATE
    else:
        there = AutoModelForImageTextToText.from_pretrained(finished.root / "base")
        there.load_adapter(str(out))
    tuned = logits(PeftModel.from_pretrained(base, finished.round("r1").adapter))
    assert torch.allclose(logits(there), tuned, atol=1e-4)
    assert not torch.allclose(bare, tuned, atol=1e-2)


def test_the_card_says_scores_data_lineage_and_licence(finished: Workspace, tmp_path: Path) -> None:
    params, base = tiny.params_of(finished), finished.root / "base"
    (base / "README.md").write_text("---\nlicense: apache-2.0\n---\nA base.\n")
    (base / "LICENSE").write_text("the terms")
    for name in ("a", "b"):
        export_round(finished, params, "r1", tmp_path / name, merged=False)
    card = ModelCard.load(tmp_path / "a" / "README.md")
    assert card.data.license == "apache-2.0"
    assert (card.data.base_model, card.data.library_name) == ("base", "peft")
    (result,) = card.data.eval_results
    assert (result.dataset_name, result.metric_type) == ("kinetics_qa", "open_accuracy")
    assert result.metric_value == 0.75
    assert "| kinetics_qa/open_accuracy | 40 | 50.0 | 75.0 [70.0, 80.0] |" in card.text
    assert "| tiny | 10 | 10 |" in card.text
    assert "| class | 40.0 | 20.0 | 0.0 |" in card.text
    assert (tmp_path / "a" / "LICENSE").read_text() == "the terms"
    contents = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("a", "b")
    ]
    assert contents[0] == contents[1]
    assert str(tmp_path).encode() not in b"".join(contents[0].values())


def test_the_hub_gets_no_path_for_the_name_of_a_base(finished: Workspace, tmp_path: Path) -> None:
    """A push is refused with one (github.com/huggingface/transformers/issues/33922)."""
    path = finished.round("r1").model_json
    ref = read_record(path, ModelRef)
    write_ref(path, ref.model_copy(update={"base": "../models/base"}))
    export_round(finished, tiny.params_of(finished), "r1", tmp_path / "out", merged=False)
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert card.data.base_model is None
    assert "../models/base" in card.text


def test_the_training_set_is_what_ms_swift_documents(finished: Workspace, tmp_path: Path) -> None:
    """swift.readthedocs.io, Custom dataset: `from` and `value` of human and gpt in `conversations`,
    a `<video>` for each entry of `video`; a JSON list with the same keys in all entries."""
    export_round(finished, tiny.params_of(finished), "r1", tmp_path / "out", merged=False)
    entries = json.loads((tmp_path / "out" / "train.json").read_text())
    assert [entry["id"] for entry in entries] == sorted(e.id for e in finetuned.examples())
    for entry in entries:
        human, gpt = entry["conversations"]
        assert (human["from"], gpt["from"]) == ("human", "gpt")
        assert human["value"].count("<video>") == 1
        assert "<video>" not in gpt["value"]
        assert (finished.data / entry["video"]).is_file()
    swift = pytest.importorskip("swift.dataset", reason="ms-swift is not installed")
    loaded, _ = swift.load_dataset(str(tmp_path / "out" / "train.json"))
    assert [row["messages"][1]["content"] for row in loaded] == [
        entry["conversations"][1]["value"] for entry in entries
    ]


@pytest.mark.parametrize(("name", "message"), [("r0", "the base model"), ("r9", "one of r1, r2")])
def test_only_a_trained_round_is_exported(
    workspace: Workspace, tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        export_round(workspace, tiny.params_of(workspace), name, tmp_path / "out", merged=False)
    assert not (tmp_path / "out").exists()


def test_a_round_leaves_with_the_base_it_was_trained_on_only(
    finished: Workspace, tmp_path: Path
) -> None:
    config = finished.root / "base" / "config.json"
    config.write_text(config.read_text().replace("llava", "other"), encoding="utf-8")
    with pytest.raises(UsageError, match="not the model that r1 was trained on"):
        export_round(finished, tiny.params_of(finished), "r1", tmp_path / "out", merged=True)
    assert not (tmp_path / "out").exists()


def test_a_round_without_scores_is_evaluated_first(finished: Workspace, tmp_path: Path) -> None:
    params = tiny.params_of(finished)
    finished.round("r0").metrics.unlink()
    export_round(finished, params, "r1", tmp_path / "without r0", merged=False)
    finished.round("r1").metrics.unlink()
    with pytest.raises(DataError, match="run `evaluate` of r1"):
        export_round(finished, params, "r1", tmp_path / "out", merged=False)


def test_an_export_overwrites_nothing(finished: Workspace) -> None:
    with pytest.raises(UsageError, match="not empty"):
        export_round(finished, tiny.params_of(finished), "r1", finished.data, merged=False)


def test_a_split_is_written_as_star_annotations(workspace: Workspace, tmp_path: Path) -> None:
    n = export_star_annotations(workspace, "train", tmp_path / "train.json")
    items = json.loads((tmp_path / "train.json").read_text())
    train = read_manifest(workspace, "train")
    assert n == len(items) == len(train) > 0
    assert [item["question"] for item in items] == [sample.question for sample in train]


def test_a_split_that_does_not_exist_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="train or test"):
        export_star_annotations(workspace, "r1", tmp_path / "out.json")
