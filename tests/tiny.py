"""Tiny real things that tests are made of: H.264 clips, a random checkpoint, a whole workspace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import yaml

from video_star.core.context import StepContext
from video_star.core.jsonl import write_records
from video_star.core.labels import ClassLabel
from video_star.core.params import Params, load_params
from video_star.core.paths import Workspace
from video_star.core.records import VideoSample

ROOT = Path(__file__).resolve().parents[1]
CLASSES = ("jumping", "surfing", "clapping", "hiking")


def grey_steps(frames: int, width: int, height: int) -> np.ndarray:
    """uint8 [frames, height, width, 3]: frame i is plain grey of level 16 + 12 i."""
    levels = 16 + 12 * np.arange(frames)
    return np.broadcast_to(
        levels[:, None, None, None].astype(np.uint8), (frames, height, width, 3)
    ).copy()


def write_clip(
    path: Path, frames: np.ndarray, fps: int = 8, times: list[int] | None = None, **options: str
) -> Path:
    """Encode uint8 [T, H, W, 3] as H.264 mp4; `times` are presentation times in 1/1000 s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "6", "threads": "1", **options}
        if times is not None:
            from fractions import Fraction

            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[index], stream.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def moving_square(seed: int, frames: int = 12, size: int = 56) -> np.ndarray:
    """uint8 [frames, size, size, 3]: a coloured square that moves, different for each seed."""
    rng = np.random.default_rng(seed)
    video = np.full((frames, size, size, 3), 30, dtype=np.uint8)
    colour, start, step = rng.integers(90, 255, 3), rng.integers(0, 30, 2), rng.integers(-2, 3, 2)
    for index in range(frames):
        y, x = np.clip(start + step * index, 0, size - 14)
        video[index, y : y + 14, x : x + 14] = colour
    return video


def build_checkpoint(folder: Path) -> Path:
    """A LlavaOnevision checkpoint with random weights (0.1 MB) and a byte-level BPE tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionImageProcessor,
        LlavaOnevisionProcessor,
        LlavaOnevisionVideoProcessor,
        PreTrainedTokenizerFast,
    )

    specials = ["<pad>", "<|im_start|>", "<|im_end|>", "<image>", "<video>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: index for index, token in enumerate([*specials, *alphabet])}
    raw = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<pad>",
        eos_token="<|im_end|>",
        additional_special_tokens=specials[1:],
        clean_up_tokenization_spaces=False,
    )
    config = LlavaOnevisionConfig(
        vision_config={
            "model_type": "siglip_vision_model",
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
            "vision_use_head": False,
        },
        text_config={
            "model_type": "qwen2",
            "vocab_size": len(vocab),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
            "initializer_range": 0.4,
            "eos_token_id": vocab["<|im_end|>"],
            "pad_token_id": vocab["<pad>"],
        },
        image_token_index=vocab["<image>"],
        video_token_index=vocab["<video>"],
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=True,
        image_grid_pinpoints=[[28, 28]],
    )
    torch.manual_seed(5)
    model = LlavaOnevisionForConditionalGeneration(config).eval()
    model.generation_config.eos_token_id = vocab["<|im_end|>"]
    model.generation_config.pad_token_id = vocab["<pad>"]
    size = {"height": 28, "width": 28}
    processor = LlavaOnevisionProcessor(
        image_processor=LlavaOnevisionImageProcessor(size=size, image_grid_pinpoints=[[28, 28]]),
        tokenizer=tokenizer,
        video_processor=LlavaOnevisionVideoProcessor(size=size),
        num_image_tokens=4,
        vision_feature_select_strategy="full",
        chat_template=CHAT_TEMPLATE,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + ' ' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] if c['type'] == 'video' %}{{ '<video>' }}{% endfor %}"
    "{% for c in m['content'] if c['type'] == 'text' %}{{ '\n' + c['text'] }}{% endfor %}"
    "{% endif %}"
    "{{ '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tiny_samples(n: int, split: str = "train") -> list[VideoSample]:
    """n samples over the four classes, one clip each, named `clips/<split>-<i>.mp4`."""
    from video_star.core.prompts import class_question

    samples = []
    for i in range(n):
        sample_id = f"tiny/{split}-{i}"
        question, template = class_question(sample_id, 17)
        samples.append(
            VideoSample(
                id=sample_id,
                dataset="tiny",
                video=f"clips/{split}-{i}.mp4",
                source_id=f"{split}-{i}",
                split="train" if split == "train" else "test",
                question=question,
                question_template=template,
                labels=(ClassLabel(name=CLASSES[i % len(CLASSES)]),),
            )
        )
    return samples


def tiny_params(**changes: Any) -> dict[str, Any]:
    """The project's params.yaml cut down to seconds; `changes` name "section__key" or a top key."""
    raw: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    raw["rounds"] = 2
    raw["model"]["base"] = "base"
    raw["video"].update(frames=4, short_side=28)
    raw["generate"].update(samples=2, temperature=0.7, max_new_tokens=12)
    raw["rationalize"].update(samples=1, temperature=0.7, max_new_tokens=12)
    raw["curate"].update(replay=None, choices=2)
    raw["evaluate"].update(max_new_tokens=12, bootstrap=100)
    raw["settings"].update(batch_size=4, decode_workers=1, device="cpu")
    for name, value in changes.items():
        section, _, key = name.partition("__")
        if key:
            raw[section][key] = value
        else:
            raw[section] = value
    return raw


def make_workspace(
    root: Path, base: Path, clips: Path, n_train: int = 10, n_test: int = 4, **changes: Any
) -> Workspace:
    """A workspace with base/, data/clips/, params.yaml and rounds/manifest.jsonl."""
    workspace = Workspace(root)
    root.mkdir(parents=True, exist_ok=True)
    shutil.copytree(base, root / "base", dirs_exist_ok=True)
    shutil.copytree(clips, workspace.data / "clips", dirs_exist_ok=True)
    workspace.params.write_text(yaml.safe_dump(tiny_params(**changes)), encoding="utf-8")
    samples = [*tiny_samples(n_train), *tiny_samples(n_test, "test")]
    write_records(workspace.manifest, sorted(samples, key=lambda sample: sample.id))
    return workspace


def params_of(workspace: Workspace) -> Params:
    """The validated parameters of a workspace."""
    return load_params(workspace.params)


def context_of(workspace: Workspace, round_name: str = "r0") -> StepContext:
    """What something that asks no model gets."""

    def no_engine(ref: object) -> Any:
        raise AssertionError("no model is asked")

    return StepContext(workspace, params_of(workspace), round_name, no_engine)


def video_star(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command, as a user does in a folder."""
    command = [sys.executable, "-m", "video_star", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
