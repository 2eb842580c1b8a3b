"""Training in every family: labels, loss, reach of LoRA, and what is left after saving it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import finetuned
import pytest
import torch
from family_params import model_params
from safetensors.torch import load_file

from video_star.core.engine import Clip
from video_star.core.errors import DataError, UsageError
from video_star.core.params import Part, VideoParams
from video_star.core.records import TrainingExample
from video_star.generation.transformers import Loaded, load
from video_star.models.batches import on_device, pad_id
from video_star.models.conversation import Tokens
from video_star.models.features import encode_clips
from video_star.models.parts import lora_targets, part_modules, unfreeze_parts
from video_star.models.table import PARTS
from video_star.tracking.export_round import write_merged
from video_star.training.clips import clip_encoder
from video_star.training.examples import IGNORED
from video_star.training.trainer import Collator, count_answer_tokens, summed_loss
from video_star.video.cache import FrameCache

TURNS = (
    ("What?", "A run."),
    ("What happens in the video, and who does it?", "Somebody opens a door."),
    ("Who?", "Nobody."),
)


def examples(footage: list[Path]) -> list[TrainingExample]:
    """Three conversations of different lengths about each clip."""
    return [
        TrainingExample(
            id=f"{path.stem}/{k}",
            sample_id=path.stem,
            video=path.name,
            prompt=prompt,
            completion=completion,
            form="direct",
            origin="direct",
        )
        for path in footage
        for k, (prompt, completion) in enumerate(TURNS)
    ]


def batch_of(
    loaded: Loaded, model: Any, footage: list[Path], policy: VideoParams, scratch: Path, **more: Any
) -> tuple[dict[str, Any], list[Tokens]]:
    """All examples as one collated batch."""
    frames = FrameCache(scratch / "frames", policy, 1)
    items, data = examples(footage), footage[0].parent
    rows = finetuned.rows(model, items, loaded.conversations, frames, data, **more)
    pad = pad_id(loaded.conversations.tokenizer)
    return Collator(pad, loaded.model.forward)(rows), [tokens for tokens, _ in rows]


def frozen(model: Any) -> Any:
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def test_labels_cover_the_answer_and_its_end_and_nothing_else(
    loaded: Loaded, footage: list[Path], policy: VideoParams, tmp_path: Path
) -> None:
    batch, _ = batch_of(loaded, loaded.model, footage, policy, tmp_path)
    tokenizer = loaded.conversations.tokenizer
    said = [
        tokenizer.decode(row[row != IGNORED]).lstrip()
        for part in batch["parts"]
        for row in part.labels
    ]
    wanted = [f"{item.completion}{loaded.conversations.end_of_turn}" for item in examples(footage)]
    assert sorted(said) == sorted(wanted)
    assert count_answer_tokens(batch) == sum((p.labels != IGNORED).sum() for p in batch["parts"])


def test_the_loss_is_that_of_transformers_one_by_one(
    loaded: Loaded, footage: list[Path], policy: VideoParams, tmp_path: Path
) -> None:
    model = frozen(loaded.model)
    fast, rows = batch_of(loaded, model, footage, policy, tmp_path)
    plain, _ = batch_of(loaded, model, footage, policy, tmp_path, features=False)
    assert all(part.features is not None for part in fast["parts"])
    assert all(part.features is None for part in plain["parts"])
    with torch.no_grad():
        total = sum(
            _own_loss(loaded, row, footage[number // len(TURNS)], policy, tmp_path)
            for number, row in enumerate(rows)
        )
        assert float(summed_loss(model, plain)) == pytest.approx(total, rel=1e-4)
        assert float(summed_loss(model, fast)) == pytest.approx(total, rel=1e-4)


def test_an_encoder_of_its_own_computes_the_same_features(
    loaded: Loaded, footage: list[Path], policy: VideoParams, tmp_path: Path
) -> None:
    frames = FrameCache(tmp_path / "frames", policy, 1).get(Clip(footage[0], None, None))
    clip = loaded.conversations.prepare(frames).inputs
    model = frozen(loaded.model)
    with torch.no_grad():
        wanted = encode_clips(model, [clip])
        for copied in (False, True):
            found = encode_clips(clip_encoder(model, clip, copied), [clip])
            assert wanted is not None
            assert found is not None
            assert all(map(torch.equal, found[0].tensors, wanted[0].tensors))


def _own_loss(loaded: Loaded, row: Tokens, path: Path, policy: VideoParams, scratch: Path) -> float:
    """The model's own loss of one unpadded conversation, times its answer tokens."""
    frames = FrameCache(scratch / "frames", policy, 1).get(Clip(path, None, None))
    ids = torch.from_numpy(row.ids).long()[None]
    labels = ids.clone()
    labels[:, : row.answer] = IGNORED
    inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if row.type_ids is not None:
        inputs["mm_token_type_ids"] = torch.from_numpy(row.type_ids).long()[None]
    inputs |= loaded.conversations.prepare(frames).inputs
    loss = loaded.model(**on_device(inputs, loaded.model), labels=labels).loss
    return float(loss) * int((labels != IGNORED).sum())


@pytest.mark.parametrize("part", PARTS)
def test_lora_reaches_only_the_part_that_is_asked_for(loaded: Loaded, part: Part) -> None:
    from peft import LoraConfig, get_peft_model

    targets = lora_targets(loaded.model, [part], None)
    tuned = get_peft_model(copy.deepcopy(loaded.model), LoraConfig(r=2, target_modules=targets))
    reached = {
        name.removeprefix("base_model.model.").partition(".lora_")[0]
        for name, parameter in tuned.named_parameters()
        if parameter.requires_grad
    }
    assert reached == set(targets)
    roots = part_modules(loaded.model, part)
    others = [
        root for other in PARTS if other != part for root in part_modules(loaded.model, other)
    ]
    inner = [root for root in others if any(root.startswith(f"{mine}.") for mine in roots)]
    for name in reached:
        assert any(name.startswith(f"{root}.") or name == root for root in roots)
        assert not any(name.startswith(f"{root}.") for root in inner)


def test_the_usual_endings_stay_in_the_language_model(loaded: Loaded) -> None:
    targets = lora_targets(loaded.model, ["language_model"], ["q_proj", "v_proj"])
    (root,) = part_modules(loaded.model, "language_model")
    assert targets
    assert all(name.startswith(f"{root}.") for name in targets)
    assert {name.rpartition(".")[2] for name in targets} == {"q_proj", "v_proj"}


def test_every_part_that_is_asked_for_gets_layers_or_a_sentence(loaded: Loaded) -> None:
    for part in PARTS:
        first = lora_targets(loaded.model, [part], None)[0].removesuffix(".linear")
        assert lora_targets(loaded.model, [part], [first.rpartition(".")[2]])
        others = [other for other in PARTS if other != part]
        named = [name.removesuffix(".linear") for name in lora_targets(loaded.model, others, None)]
        with pytest.raises(UsageError, match=f"names no linear layer of the {part}"):
            lora_targets(loaded.model, [*others, part], named)


def test_an_adapter_of_other_layers_is_refused(loaded: Loaded, base: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import save_file

    from video_star.models.adapters import WEIGHTS
    from video_star.training.lora import adapter_weights, save_adapter

    targets = lora_targets(loaded.model, ["language_model"], None)
    tuned = get_peft_model(copy.deepcopy(loaded.model), LoraConfig(r=2, target_modules=targets))
    save_adapter(tuned, adapter_weights(tuned), tmp_path, "tiny")
    renamed = {k.replace("layers", "blocks"): v for k, v in load_file(tmp_path / WEIGHTS).items()}
    save_file(renamed, tmp_path / WEIGHTS)
    with pytest.raises(DataError, match="of its layers are not those of the model"):
        load(model_params(base), base, tmp_path, "cpu")


@pytest.mark.parametrize("part", PARTS)
def test_full_finetuning_learns_in_the_part_alone(loaded: Loaded, part: Part) -> None:
    model = copy.deepcopy(loaded.model)
    unfreeze_parts(model, [part])
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert learning
    outside = [root for other in PARTS if other != part for root in part_modules(model, other)]
    mine = part_modules(model, part)
    for name in learning - {"lm_head.weight"}:
        roots = [root for root in (*mine, *outside) if f"{name}.".startswith(f"{root}.")]
        deepest = max(roots, key=len)
        assert deepest in mine


@pytest.mark.parametrize("policy", ["fps"], indirect=True)
def test_an_adapter_survives_saving_loading_and_merging(
    loaded: Loaded,
    base: Path,
    footage: list[Path],
    policy: VideoParams,
    tmp_path: Path,
) -> None:
    from peft import LoraConfig, get_peft_model

    from video_star.training.lora import adapter_weights, save_adapter

    targets = lora_targets(loaded.model, ["language_model"], None)
    config = LoraConfig(r=2, target_modules=targets, init_lora_weights=False)
    torch.manual_seed(3)
    tuned = get_peft_model(copy.deepcopy(loaded.model), config).eval()
    save_adapter(tuned, adapter_weights(tuned), tmp_path / "adapter", "tiny")
    assert load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    again = load(model_params(base), base, tmp_path / "adapter", "cpu").model
    batch, _ = batch_of(loaded, loaded.model, footage[:2], policy, tmp_path, features=False)
    for part in batch["parts"]:
        with torch.no_grad():
            bare, live, merged = (m(**part.inputs).logits for m in (loaded.model, tuned, again))
        assert torch.allclose(merged, live, atol=1e-3)
        assert (live - bare).abs().max() > 1e-2


def test_plain_transformers_load_an_exported_merge(
    loaded: Loaded, base: Path, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from video_star.training.lora import adapter_weights, save_adapter

    targets = lora_targets(loaded.model, ["language_model"], None)
    config = LoraConfig(r=2, target_modules=targets, init_lora_weights=False)
    tuned = get_peft_model(copy.deepcopy(loaded.model), config).eval()
    save_adapter(tuned, adapter_weights(tuned), tmp_path / "adapter", "tiny")
    write_merged(base, tmp_path / "adapter", False, tmp_path / "merged")
    model, info = AutoModelForImageTextToText.from_pretrained(
        tmp_path / "merged", output_loading_info=True, dtype=torch.float32
    )
    assert not any(info[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    AutoProcessor.from_pretrained(tmp_path / "merged")
    merged = tuned.merge_and_unload().state_dict()
    bare = loaded.model.state_dict()
    for name, weights in model.state_dict().items():
        assert torch.allclose(weights, merged[name], atol=1e-5), name
    assert any(not torch.equal(merged[name], bare[name]) for name in bare)
