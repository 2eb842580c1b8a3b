"""A model that cannot serve is refused at `base`, in one sentence, before anything is spent."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
import transformers
import yaml
from safetensors.torch import load_file, save_file
from tiny_families import BUILDERS

from video_star.cli.doctor import run_doctor
from video_star.core.errors import UsageError
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.models import loading
from video_star.pipeline.runner import run_step

WEIGHTS = "model.safetensors"


@pytest.fixture
def workspace(tmp_path: Path, tiny_base: Path) -> Workspace:
    """A workspace with a good base model and nothing else."""
    workspace = Workspace(tmp_path)
    shutil.copytree(tiny_base, tmp_path / "base")
    workspace.params.write_text(yaml.safe_dump(tiny.tiny_params()), encoding="utf-8")
    return workspace


def refusal(workspace: Workspace) -> str:
    """What `base` says; `doctor` must say the same."""
    with pytest.raises(UsageError) as caught:
        run_step("base", "r0", workspace, Silent())
    sentence = str(caught.value)
    assert len(sentence) <= 300, sentence
    assert sentence.count("\n") == 0
    assert sentence in [finding.fix for finding in run_doctor(workspace) if not finding.ok]
    assert not workspace.round("r0").model_json.exists()
    return sentence


def edit(path: Path, **changes: Any) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(raw | changes), encoding="utf-8")


def only_pickles(base: Path) -> None:
    torch.save(load_file(base / WEIGHTS), base / "pytorch_model.bin")
    (base / WEIGHTS).unlink()


def truncated(base: Path) -> None:
    whole = (base / WEIGHTS).read_bytes()
    (base / WEIGHTS).write_bytes(whole[: len(whole) // 2])


def wrongly_named(base: Path) -> None:
    weights = load_file(base / WEIGHTS)
    save_file({f"other.{k}": v for k, v in weights.items()}, base / WEIGHTS, {"format": "pt"})


def one_missing(base: Path) -> None:
    weights = load_file(base / WEIGHTS)
    weights.pop(next(name for name in weights if name.endswith("q_proj.weight")))
    save_file(weights, base / WEIGHTS, {"format": "pt"})


def another_shape(base: Path) -> None:
    raw = json.loads((base / "config.json").read_text(encoding="utf-8"))
    raw["text_config"]["intermediate_size"] *= 2
    (base / "config.json").write_text(json.dumps(raw), encoding="utf-8")


def without_a_shard(base: Path) -> None:
    (base / WEIGHTS).rename(base / "model-00001-of-00002.safetensors")
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (base / loading.INDEX).write_text(json.dumps({"weight_map": names}), encoding="utf-8")


def without_template(base: Path) -> None:
    (base / "chat_template.jinja").unlink()


def template_for_text(base: Path) -> None:
    text = "{% for m in messages %}{{ m['content'] + '<|im_end|>' }}{% endfor %}"
    (base / "chat_template.jinja").write_text(text, encoding="utf-8")


def template_that_forgets_the_video(base: Path) -> None:
    text = (
        "{% for m in messages %}{% for c in m['content'] if c['type'] == 'text' %}{{ c['text'] }}"
        "{% endfor %}<|im_end|>{% endfor %}"
    )
    (base / "chat_template.jinja").write_text(text, encoding="utf-8")


def write_template(base: Path, text: str) -> None:
    (base / "chat_template.jinja").write_text(text, encoding="utf-8")


USER = "{% for m in messages if m['role'] == 'user' %}user <video>"


def template_without_the_question(base: Path) -> None:
    write_template(base, USER + "{% endfor %}<|im_end|>")


def template_that_prints_its_parts(base: Path) -> None:
    write_template(
        base,
        "{% for m in messages %}{{ m['role'] }} <video> {{ m['content'] }}<|im_end|>{% endfor %}",
    )


def template_of_another_tokenizer(base: Path) -> None:
    write_template(
        base,
        "{% for m in messages %}{{ m['role'] }} {% if m['role'] == 'user' %}<video>{% endif %}"
        "{% for c in m['content'] if c['type'] == 'text' %}{{ c['text'] }}{% endfor %}<end_of_it>"
        "{% endfor %}{% if add_generation_prompt %}assistant {% endif %}",
    )


def template_that_thinks(base: Path) -> None:
    write_template(
        base,
        "{% for m in messages %}{{ m['role'] }} {% if m['role'] == 'user' %}<video>"
        "{% else %}<think>\n</think>\n{% endif %}"
        "{% for c in m['content'] if c['type'] == 'text' %}{{ c['text'] }}{% endfor %}<|im_end|>"
        "{% endfor %}{% if add_generation_prompt %}assistant <think>\n{% endif %}",
    )


def more_layers_than_the_config(base: Path) -> None:
    raw = json.loads((base / "config.json").read_text(encoding="utf-8"))
    raw["text_config"].update(num_hidden_layers=1, layer_types=["full_attention"])
    (base / "config.json").write_text(json.dumps(raw), encoding="utf-8")


def index_of_nothing(base: Path) -> None:
    (base / WEIGHTS).unlink()
    (base / loading.INDEX).write_text("[]", encoding="utf-8")


def no_numbers(base: Path) -> None:
    weights = load_file(base / WEIGHTS)
    name = next(name for name in weights if name.endswith("norm.weight"))
    weights[name] = torch.full_like(weights[name], torch.nan)
    save_file(weights, base / WEIGHTS, {"format": "pt"})


def blind(base: Path) -> None:
    weights = load_file(base / WEIGHTS)
    for name in weights:
        if "multi_modal_projector" in name:
            weights[name] = torch.zeros_like(weights[name])
    save_file(weights, base / WEIGHTS, {"format": "pt"})


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (only_pickles, "its weights are pickles, which may run code; convert them"),
        (truncated, "its weights cannot be read"),
        (wrongly_named, "its files lack"),
        (one_missing, "its files lack 1 weights of the model"),
        (another_shape, "have another shape than config.json says"),
        (without_a_shard, "1 of 2 weight files are missing"),
        (without_template, "add the chat_template.jinja"),
        (template_for_text, "add the chat_template.jinja"),
        (template_that_forgets_the_video, "writes no <video> for a video"),
        (template_without_the_question, "leaves out the text of a question"),
        (template_that_prints_its_parts, "is no token of its tokenizer"),
        (template_of_another_tokenizer, "'<end_of_it>' next to an answer"),
        (template_that_thinks, "'</think>' next to an answer"),
        (more_layers_than_the_config, "of layers that its config.json does not have"),
        (index_of_nothing, "cannot be read"),
        (no_numbers, "its logits are not numbers"),
        (blind, "does not depend on the video"),
        (lambda base: (base / WEIGHTS).unlink(), "holds no model.safetensors"),
        (lambda base: (base / "config.json").write_text("{"), "config.json is not JSON"),
        (lambda base: (base / "config.json").unlink(), "holds no config.json"),
    ],
)
def test_a_broken_folder_is_refused(
    workspace: Workspace, break_it: Callable[[Path], None], says: str
) -> None:
    break_it(workspace.root / "base")
    assert says in refusal(workspace)


def test_a_good_model_passes_and_is_loaded_for_it_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_step("base", "r0", workspace, Silent())
    assert workspace.round("r0").model_json.exists()
    monkeypatch.setattr("video_star.generation.transformers.load", None)  # calling it: TypeError
    run_step("base", "r0", workspace, Silent())
    assert any(f.ok and f.what.startswith("base model base") for f in run_doctor(workspace))


def test_a_model_of_text_alone_is_refused(workspace: Workspace) -> None:
    base = workspace.root / "base"
    shutil.rmtree(base)
    config = transformers.Qwen2Config(
        vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, num_key_value_heads=1,
    )  # fmt: skip
    transformers.Qwen2ForCausalLM(config).save_pretrained(base)
    assert "takes text only" in refusal(workspace)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"finetune__method": "qlora"}, "qlora needs a CUDA device"),
        ({"settings__liger": True}, "liger needs a CUDA device"),
        ({"settings__zero": "zero0", "model__dtype": "bfloat16"}, "use zero1"),
        ({"finetune__batch_size": 12, "settings__processes": 5}, "not divisible by 5 processes"),
        ({"curate__replay": {"annotations": "r.json", "videos": "v", "share": 0.1}}, "set curate"),
        ({"settings__device": "gpu"}, "settings.device: Input should be 'auto', 'cpu' or 'cuda'"),
        ({"model__revision": "abc"}, "has no revisions"),
    ],
)
def test_what_finetune_would_refuse_is_refused_before_anything_is_asked(
    workspace: Workspace, changes: dict[str, Any], says: str
) -> None:
    workspace.params.write_text(yaml.safe_dump(tiny.tiny_params(**changes)), encoding="utf-8")
    assert says in refusal(workspace)


def test_layers_that_are_not_there_are_refused_before_anything_is_asked(
    workspace: Workspace,
) -> None:
    raw = tiny.tiny_params()
    raw["finetune"]["lora"]["layers"] = ["nope"]
    workspace.params.write_text(yaml.safe_dump(raw), encoding="utf-8")
    assert "names no linear layer of the language_model, whose are called" in refusal(workspace)


def test_a_model_that_is_not_asked_is_not_checked(workspace: Workspace) -> None:
    only_pickles(workspace.root / "base")
    raw = tiny.tiny_params(settings__engine="scripted:answers.jsonl")
    workspace.params.write_text(yaml.safe_dump(raw), encoding="utf-8")
    run_step("base", "r0", workspace, Silent())
    assert any(f.ok and "is not asked" in f.what for f in run_doctor(workspace))


@pytest.mark.parametrize("model_type", ["llava", "gemma3"])
def test_a_model_of_images_alone_is_refused(workspace: Workspace, model_type: str) -> None:
    """LLaVA-1.5 and Gemma 3: their processors know no video."""
    base = workspace.root / "base"
    shutil.rmtree(base)
    BUILDERS["gemma4" if model_type == "gemma3" else "llava_next_video"](base)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    text = small | {"num_attention_heads": 2, "num_key_value_heads": 1}
    text["vocab_size"] = len(tokenizer)
    vision = small | {"num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    shutil.rmtree(base)
    if model_type == "llava":
        model: Any = transformers.LlavaForConditionalGeneration(
            transformers.LlavaConfig(
                vision_config={"model_type": "clip_vision_model", **vision},
                text_config={"model_type": "llama", **text},
                image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
            )
        )
        processor: Any = transformers.LlavaProcessor(
            transformers.CLIPImageProcessor(), tokenizer, patch_size=14, chat_template="{{ 1 }}"
        )
    else:
        model = transformers.Gemma3ForConditionalGeneration(
            transformers.Gemma3Config(
                vision_config={"model_type": "siglip_vision_model", **vision},
                text_config={"model_type": "gemma3_text", "head_dim": 8, **text},
                mm_tokens_per_image=4,
            )
        )
        processor = transformers.Gemma3Processor(
            transformers.Gemma3ImageProcessor(), tokenizer, chat_template="{{ 1 }}"
        )
    model.save_pretrained(base)
    processor.save_pretrained(base)
    assert "takes no video" in refusal(workspace)


def test_code_of_a_checkpoint_does_not_run_unasked(workspace: Workspace, tmp_path: Path) -> None:
    base, mark = workspace.root / "base", tmp_path / "ran"
    code = f"from pathlib import Path\nPath({str(mark)!r}).touch()\nclass Own: ...\n"
    (base / "own.py").write_text(code, encoding="utf-8")
    edit(base / "config.json", model_type="own", auto_map={"AutoConfig": "own.Own"})
    assert "model.base" in refusal(workspace)
    assert not mark.exists()


def test_a_missing_package_is_named_with_its_installation(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(*_: object, **__: object) -> object:
        raise ImportError("PerceptionLM requires timm", name="timm")

    monkeypatch.setattr(loading.AutoModelForImageTextToText, "from_pretrained", lacks)
    assert refusal(workspace).endswith("pip install timm.")


def test_a_name_that_is_not_here_says_how_to_get_it_at_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a socket is opened for it."""

    def never(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", never)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    raw = tiny.tiny_params()
    raw["model"]["base"] = "Qwen/Qwen3-VL-4B-Instruct"
    workspace.params.write_text(yaml.safe_dump(raw), encoding="utf-8")
    sentence = refusal(workspace)
    assert "run `hf download Qwen/Qwen3-VL-4B-Instruct --local-dir" in sentence


def test_a_downloaded_name_works_and_is_known_by_its_commit(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, commit = tmp_path / "hub", "0123456789abcdef0123456789abcdef01234567"
    repository = cache / "models--some--model"
    shutil.move(workspace.root / "base", repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    raw = tiny.tiny_params()
    raw["model"]["base"] = "some/model"
    workspace.params.write_text(yaml.safe_dump(raw), encoding="utf-8")
    run_step("base", "r0", workspace, Silent())
    ref = json.loads(workspace.round("r0").model_json.read_text(encoding="utf-8"))
    assert (ref["base"], ref["revision"]) == ("some/model", commit)
