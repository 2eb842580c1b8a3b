"""Tiny random checkpoints of eleven video-language families, made by transformers' own classes.

Vocabularies are bytes without merges plus the special tokens of the published checkpoints, by
their real names. The templates render what the published ones render for turns of video and text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers.models.smolvlm.processing_smolvlm import (
    DEFAULT_CHAT_TEMPLATE as SMOLVLM_TEMPLATE,
)

# Chosen so that one changed frame, or one changed word, moves the last logits by more than 0.8.
SEEDS = {
    "video_llava": 2,
    "llava_next_video": 18,
    "llava_onevision": 15,
    "qwen2_vl": 2,
    "qwen2_5_vl": 18,
    "qwen3_vl": 7,
    "smolvlm": 9,
    "internvl": 1,
    "perception_lm": 10,
    "video_llama_3": 11,
    "gemma4": 17,
}

CHATML_SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
QWEN_SPECIALS = (
    *CHATML_SPECIALS,
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)


def make_tokenizer(
    specials: Sequence[str], *, adds_bos: bool = False, **named: Any
) -> hf.PreTrainedTokenizerFast:
    """Bytes after the special tokens; `adds_bos` gives the post-processor that Llama's have."""
    names = [*specials, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    raw = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(list(specials))
    if adds_bos:
        bos = named["bos_token"]
        raw.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, names.index(bos))]
        )
    roles = {value for value in named.values() if isinstance(value, str)}
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        additional_special_tokens=[name for name in specials if name not in roles],
        clean_up_tokenization_spaces=False,
        **named,
    )


def text_config(tokenizer: hf.PreTrainedTokenizerFast, **changes: Any) -> dict[str, Any]:
    """What all language models share: two small layers whose logits depend on their input."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "initializer_range": 0.35,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **changes,
    }


def vision_config(model_type: str, **changes: Any) -> dict[str, Any]:
    """What the CLIP-like towers share: 28 x 28 pixels in patches of 7."""
    return {
        "model_type": model_type,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 7,
        "initializer_range": 0.3,
        "initializer_factor": 5.0,
        **changes,
    }


def save(
    folder: Path, model_class: type, config: Any, processor: Any, stops: str | Sequence[str]
) -> Path:
    """Random weights, generation settings and processor into `folder`."""
    torch.manual_seed(SEEDS[config.model_type])
    model = model_class(config).eval()
    tokenizer = processor.tokenizer
    model.generation_config.bos_token_id = tokenizer.bos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids(
        stops if isinstance(stops, str) else list(stops)
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def ids_of(tokenizer: hf.PreTrainedTokenizerFast, **names: str) -> dict[str, int]:
    """Token ids under the names that a config gives them."""
    return {key: tokenizer.convert_tokens_to_ids(name) for key, name in names.items()}


# ---- LLaVA-like ----------------------------------------------------------------------------------

# Vicuna turns; only a space closes an answer. Source: chat_vicuna in huggingface/transformers
# src/transformers/models/llava_next_video/convert_llava_next_video_weights_to_hf.py, which knows
# images only; `USER: <video>\n... ASSISTANT:` as in docs/source/en/model_doc/{llava_next_video,
# video_llava}.md and vLLM's examples. The files chat_template.json of
# llava-hf/LLaVA-NeXT-Video-7B-hf and LanguageBind/Video-LLaVA-7B-hf themselves: NOT FOUND.
VICUNA_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'system' %}{{ m['content'][0]['text'] }}"
    "{% else %}{{ m['role'].upper() + ': ' }}{% endif %}"
    "{% for c in m['content'] if c['type'] == 'video' %}{{ '<video>\n' }}{% endfor %}"
    "{% for c in m['content'] if c['type'] == 'text' %}"
    "{% if m['role'] != 'system' %}{{ c['text'] + ' ' }}{% endif %}{% endfor %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)

# Source: tests/models/llava_onevision/test_processing_llava_onevision.py in
# huggingface/transformers; vLLM's example for llava-hf/llava-onevision-qwen2-7b-ov-hf writes the
# same. (convert_llava_onevision_weights_to_hf.py has `\n` after role, video and <|im_end|>.)
ONEVISION_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + ' ' }}"
    "{% for c in m['content'] if c['type'] == 'video' %}{{ '<video>' }}{% endfor %}"
    "{% for c in m['content'] if c['type'] == 'text' %}{{ '\n' + c['text'] }}{% endfor %}"
    "{{ '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def build_video_llava(folder: Path) -> Path:
    """Video-LLaVA: two CLIP towers, class token kept, attention across frames in the video's."""
    tokenizer = make_tokenizer(
        ["<unk>", "<s>", "</s>", "<image>", "<video>", "<pad>"],
        adds_bos=True,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        padding_side="left",
    )
    config = hf.VideoLlavaConfig(
        vision_config=vision_config("clip_vision_model", projection_dim=16),
        text_config=text_config(tokenizer, model_type="llama", num_key_value_heads=4),
        image_seq_length=16,
        video_seq_length=8 * 17,
        pad_token_id=tokenizer.pad_token_id,
        **ids_of(tokenizer, image_token_index="<image>", video_token_index="<video>"),
    )
    edge, crop = {"shortest_edge": 28}, {"height": 28, "width": 28}
    processor = hf.VideoLlavaProcessor(
        image_processor=hf.VideoLlavaImageProcessor(size=edge, crop_size=crop),
        tokenizer=tokenizer,
        video_processor=hf.VideoLlavaVideoProcessor(size=edge, crop_size=crop),
        patch_size=7,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=VICUNA_TEMPLATE,
    )
    return save(folder, hf.VideoLlavaForConditionalGeneration, config, processor, "</s>")


def build_llava_next_video(folder: Path) -> Path:
    """LLaVA-NeXT-Video: CLIP without its class token, each frame pooled 2 x 2."""
    tokenizer = make_tokenizer(
        ["<unk>", "<s>", "</s>", "<video>", "<image>"],
        adds_bos=True,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<unk>",
        padding_side="left",
    )
    config = hf.LlavaNextVideoConfig(
        vision_config=vision_config("clip_vision_model", projection_dim=16),
        text_config=text_config(tokenizer, model_type="llama", num_key_value_heads=4),
        image_grid_pinpoints=[[28, 56], [56, 28]],
        image_seq_length=16,
        video_seq_length=32,
        **ids_of(tokenizer, image_token_index="<image>", video_token_index="<video>"),
    )
    edge, crop = {"shortest_edge": 28}, {"height": 28, "width": 28}
    processor = hf.LlavaNextVideoProcessor(
        image_processor=hf.LlavaNextImageProcessor(
            size=edge, crop_size=crop, image_grid_pinpoints=[[28, 56], [56, 28]]
        ),
        tokenizer=tokenizer,
        video_processor=hf.LlavaNextVideoVideoProcessor(size=edge, crop_size=crop),
        patch_size=7,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=VICUNA_TEMPLATE,
    )
    return save(folder, hf.LlavaNextVideoForConditionalGeneration, config, processor, "</s>")


def build_llava_onevision(folder: Path) -> Path:
    """LLaVA-OneVision: SigLIP, pooled frames, one newline vector after the clip."""
    tokenizer = make_tokenizer(
        [*CHATML_SPECIALS, "<image>", "<video>"],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
    )
    config = hf.LlavaOnevisionConfig(
        vision_config=vision_config("siglip_vision_model", vision_use_head=False),
        text_config=text_config(tokenizer, model_type="qwen2", tie_word_embeddings=True),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=True,
        image_grid_pinpoints=[[28, 28]],
        **ids_of(tokenizer, image_token_index="<image>", video_token_index="<video>"),
    )
    size = {"height": 28, "width": 28}
    processor = hf.LlavaOnevisionProcessor(
        image_processor=hf.LlavaOnevisionImageProcessor(size=size, image_grid_pinpoints=[[28, 28]]),
        tokenizer=tokenizer,
        video_processor=hf.LlavaOnevisionVideoProcessor(size=size),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=ONEVISION_TEMPLATE,
    )
    stops = ["<|im_end|>", "<|endoftext|>"]
    return save(folder, hf.LlavaOnevisionForConditionalGeneration, config, processor, stops)


# ---- Qwen ----------------------------------------------------------------------------------------

# Source: the chat_template of Qwen/Qwen2-VL-2B-Instruct (Qwen2.5-VL's is the same text), a copy in
# xorbitsai/inference xinference/model/llm/llm_family_modelscope.json. Their default system prompt
# comes first.
QWEN2_TEMPLATE = (
    "{% for m in messages %}{% if loop.first and m['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'video' %}{{ '<|vision_start|><|video_pad|><|vision_end|>' }}"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

# Source: chat_template.json of Qwen/Qwen3-VL-2B-Instruct, quoted in vllm-project/vllm issue 46817
# and copied in public repositories: no default system prompt.
QWEN3_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'video' %}{{ '<|vision_start|><|video_pad|><|vision_end|>' }}"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

QWEN_STOPS = ("<|im_end|>", "<|endoftext|>")
# A clip may have 2 x 28 x 28 to 16 x 28 x 28 pixels in all: no clip of the tests is cut much.
QWEN_PIXELS = {"shortest_edge": 2 * 28 * 28, "longest_edge": 32 * 28 * 28}


def _qwen_tokenizer() -> hf.PreTrainedTokenizerFast:
    return make_tokenizer(QWEN_SPECIALS, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def _qwen_ids(tokenizer: hf.PreTrainedTokenizerFast) -> dict[str, int]:
    return ids_of(
        tokenizer,
        image_token_id="<|image_pad|>",
        video_token_id="<|video_pad|>",
        vision_start_token_id="<|vision_start|>",
        vision_end_token_id="<|vision_end|>",
    )


def _rope(section: list[int], **more: Any) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": 1e4, "mrope_section": section, **more}


def build_qwen2_vl(folder: Path) -> Path:
    """Qwen2-VL: patches of all clips in one row, pairs of frames, merge 2, M-RoPE."""
    tokenizer = _qwen_tokenizer()
    config = hf.Qwen2VLConfig(
        text_config=text_config(tokenizer, rope_parameters=_rope([2, 1, 1])),
        vision_config={
            "depth": 2,
            "embed_dim": 16,
            "hidden_size": 32,
            "num_heads": 2,
            "mlp_ratio": 2,
            "patch_size": 14,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "initializer_range": 0.2,
        },
        **_qwen_ids(tokenizer),
    )
    processor = hf.Qwen2VLProcessor(
        image_processor=hf.Qwen2VLImageProcessor(size=QWEN_PIXELS),
        tokenizer=tokenizer,
        video_processor=hf.Qwen2VLVideoProcessor(size=QWEN_PIXELS),
        chat_template=QWEN2_TEMPLATE,
    )
    return save(folder, hf.Qwen2VLForConditionalGeneration, config, processor, QWEN_STOPS)


def build_qwen2_5_vl(folder: Path) -> Path:
    """Qwen2.5-VL: windowed attention in the tower, M-RoPE that knows the seconds."""
    tokenizer = _qwen_tokenizer()
    config = hf.Qwen2_5_VLConfig(
        text_config=text_config(tokenizer, rope_parameters=_rope([2, 1, 1])),
        vision_config={
            "depth": 2,
            "hidden_size": 16,
            "intermediate_size": 32,
            "out_hidden_size": 32,
            "num_heads": 2,
            "patch_size": 14,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "tokens_per_second": 2,
            "window_size": 56,
            "fullatt_block_indexes": [1],
            "initializer_range": 0.2,
        },
        **_qwen_ids(tokenizer),
    )
    processor = hf.Qwen2_5_VLProcessor(
        image_processor=hf.Qwen2VLImageProcessor(size=QWEN_PIXELS),
        tokenizer=tokenizer,
        video_processor=hf.Qwen2VLVideoProcessor(size=QWEN_PIXELS),
        chat_template=QWEN2_TEMPLATE,
    )
    return save(folder, hf.Qwen2_5_VLForConditionalGeneration, config, processor, QWEN_STOPS)


def build_qwen3_vl(folder: Path) -> Path:
    """Qwen3-VL: a time before each pair of frames, deepstack features into the first layers."""
    tokenizer = _qwen_tokenizer()
    config = hf.Qwen3VLConfig(
        text_config=text_config(
            tokenizer,
            num_hidden_layers=3,
            head_dim=8,
            rope_parameters=_rope([2, 1, 1], mrope_interleaved=True),
        ),
        vision_config={
            "depth": 3,
            "hidden_size": 16,
            "intermediate_size": 32,
            "out_hidden_size": 32,
            "num_heads": 2,
            "patch_size": 16,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "num_position_embeddings": 16,
            "deepstack_visual_indexes": [0, 1],
            "initializer_range": 0.2,
        },
        tie_word_embeddings=True,
        **_qwen_ids(tokenizer),
    )
    pixels = {"shortest_edge": 2 * 32 * 32, "longest_edge": 32 * 32 * 32}
    processor = hf.Qwen3VLProcessor(
        image_processor=hf.Qwen2VLImageProcessor(
            size=pixels, patch_size=16, image_mean=[0.5] * 3, image_std=[0.5] * 3
        ),
        tokenizer=tokenizer,
        video_processor=hf.Qwen3VLVideoProcessor(size=pixels),
        chat_template=QWEN3_TEMPLATE,
    )
    return save(folder, hf.Qwen3VLForConditionalGeneration, config, processor, QWEN_STOPS)


# ---- towers whose features stand for pictures ----------------------------------------------------

# Source: chat_template in huggingface/transformers src/transformers/models/internvl/
# convert_internvl_weights_to_hf.py, saved into OpenGVLab/InternVL3-1B-hf.
INTERNVL_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'video' %}{{ '<video>\n' }}{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

# Source: CHAT_TEMPLATE in huggingface/transformers src/transformers/models/perception_lm/
# convert_perception_lm_weights_to_hf.py: BOS, a system turn, nothing between the turns.
PERCEPTION_TEMPLATE = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] | trim %}"
    "{% set turns = messages[1:] %}"
    "{% else %}{% set system = 'You are a helpful language and vision assistant. You are able to "
    "understand the visual content that the user provides, and assist the user with a variety of "
    "tasks using natural language.' %}{% set turns = messages %}{% endif %}"
    "{{ '<|start_header_id|>system<|end_header_id|>\n\n' + system + '<|eot_id|>' }}"
    "{% for m in turns %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' }}"
    "{% for c in m['content'] if c['type'] == 'video' %}{{ '<|video|>' }}{% endfor %}"
    "{% for c in m['content'] if c['type'] == 'text' %}{{ c['text'] | trim }}{% endfor %}"
    "{{ '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)

# Source: chat_template.jinja of lkhl/VideoLLaMA3-2B-Image-HF (mirror page hf.898520.xyz); its
# system prompt is written only when `add_system_prompt` is asked for.
VIDEO_LLAMA_3_TEMPLATE = (
    "{% for m in messages %}"
    "{% if add_system_prompt and loop.first and m['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are VideoLLaMA3 created by Alibaba DAMO Academy, a helpful "
    "assistant to help people understand images and videos.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'video' %}{{ '<|video_pad|>\n' }}{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

# Source: chat_template.jinja of google/gemma-4-E2B-it, from copies in public repositories; the
# first release wrote line ends around the video, the present one does not. The template of the
# larger models adds an empty thought to the generation prompt.
GEMMA_4_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{{ '<|turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n' }}"
    "{% if m['content'] is string %}{{ m['content'] | trim }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'video' %}{{ '<|video|>' }}{% else %}{{ c['text'] | trim }}{% endif %}"
    "{% endfor %}{% endif %}{{ '<turn|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|turn>model\n' }}{% endif %}"
)


def build_smolvlm(folder: Path) -> Path:
    """SmolVLM2: every frame a picture of its own between fake tokens, times as text."""
    tokenizer = make_tokenizer(
        [
            *CHATML_SPECIALS,
            "<fake_token_around_image>",
            "<image>",
            "<global-img>",
            "<end_of_utterance>",
        ],
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|im_end|>",
        extra_special_tokens={
            "fake_image_token": "<fake_token_around_image>",
            "image_token": "<image>",
            "global_image_token": "<global-img>",
            "end_of_utterance_token": "<end_of_utterance>",
        },
    )
    config = hf.SmolVLMConfig(
        vision_config=vision_config("smolvlm_vision"),
        text_config=text_config(tokenizer, model_type="llama"),
        scale_factor=2,
        pad_token_id=tokenizer.pad_token_id,
        **ids_of(tokenizer, image_token_id="<image>"),
    )
    edges: dict[str, Any] = {
        "size": {"longest_edge": 28},
        "max_image_size": {"longest_edge": 28},
    }
    processor = hf.SmolVLMProcessor(
        image_processor=hf.SmolVLMImageProcessor(**edges),
        tokenizer=tokenizer,
        video_processor=hf.SmolVLMVideoProcessor(
            **edges,
            video_sampling={"fps": 1, "max_frames": 64, "video_size": {"longest_edge": 28}},
        ),
        image_seq_len=4,
        chat_template=SMOLVLM_TEMPLATE,
    )
    return save(folder, hf.SmolVLMForConditionalGeneration, config, processor, "<end_of_utterance>")


def build_internvl(folder: Path) -> Path:
    """InternVL3: every frame a picture, pixel shuffle by 2, `Frame1: ` before the first."""
    tokenizer = make_tokenizer(
        [*CHATML_SPECIALS, "<img>", "</img>", "<IMG_CONTEXT>", "<video>"],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
    )
    config = hf.InternVLConfig(
        vision_config=vision_config(
            "internvl_vision", image_size=[28, 28], patch_size=[7, 7], layer_scale_init_value=1.0
        ),
        text_config=text_config(tokenizer, model_type="qwen2"),
        image_seq_length=4,
        downsample_ratio=0.5,
        tie_word_embeddings=False,
        **ids_of(tokenizer, image_token_id="<IMG_CONTEXT>"),
    )
    size = {"height": 28, "width": 28}
    processor = hf.InternVLProcessor(
        image_processor=hf.GotOcr2ImageProcessor(size=size),
        tokenizer=tokenizer,
        video_processor=hf.InternVLVideoProcessor(size=size),
        image_seq_length=4,
        chat_template=INTERNVL_TEMPLATE,
    )
    return save(folder, hf.InternVLForConditionalGeneration, config, processor, "<|im_end|>")


def build_perception_lm(folder: Path) -> Path:
    """PerceptionLM: timm's perception encoder with a class token, frames pooled by 2."""
    tokenizer = make_tokenizer(
        [
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|image|>",
            "<|video|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eot_id|>",
        ],
        adds_bos=True,
        bos_token="<|begin_of_text|>",
        eos_token="<|eot_id|>",
        pad_token="<|end_of_text|>",
        extra_special_tokens={"image_token": "<|image|>", "video_token": "<|video|>"},
    )
    stops = ["<|end_of_text|>", "<|eot_id|>"]
    config = hf.PerceptionLMConfig(
        vision_config={
            "model_type": "timm_wrapper",
            "architecture": "vit_pe_core_large_patch14_336",
            "do_pooling": True,
            "num_classes": 0,
            "global_pool": "map",
            "model_args": {
                "embed_dim": 16,
                "depth": 2,
                "num_heads": 2,
                "img_size": [56, 56],
                "global_pool": "",
                "use_post_transformer_norm": False,
                "init_values": 1.0,
                "ref_feat_shape": [4, 4],
            },
        },
        text_config=text_config(
            tokenizer,
            model_type="llama",
            eos_token_id=tokenizer.convert_tokens_to_ids(stops),
            tie_word_embeddings=True,
        ),
        vision_use_cls_token=True,
        projector_pooling_ratio=2,
        **ids_of(tokenizer, image_token_id="<|image|>", video_token_id="<|video|>"),
    )
    size = {"height": 56, "width": 56}
    processor = hf.PerceptionLMProcessor(
        video_processor=hf.PerceptionLMVideoProcessor(size=size),
        image_processor=hf.PerceptionLMImageProcessor(
            vision_input_type="thumb+tile", tile_size=56, max_num_tiles=4, size=size
        ),
        tokenizer=tokenizer,
        patch_size=14,
        pooling_ratio=2,
        chat_template=PERCEPTION_TEMPLATE,
    )
    return save(folder, hf.PerceptionLMForConditionalGeneration, config, processor, stops)


def build_video_llama_3(folder: Path) -> Path:
    """VideoLLaMA3: frames of their own size, patches that repeat the frame before left out."""
    tokenizer = make_tokenizer(
        (*CHATML_SPECIALS, "<|image_pad|>", "<|video_pad|>"),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
    )
    config = hf.VideoLlama3Config(
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "patch_size": 7,
            "initializer_range": 0.3,
        },
        text_config=text_config(tokenizer, model_type="qwen2"),
        **ids_of(tokenizer, image_token_id="<|image_pad|>", video_token_id="<|video_pad|>"),
    )
    pixels: dict[str, Any] = {
        "size": {"shortest_edge": 14 * 14, "longest_edge": 14 * 14 * 96},
        "patch_size": 7,
    }
    processor = hf.VideoLlama3Processor(
        image_processor=hf.VideoLlama3ImageProcessor(**pixels),
        tokenizer=tokenizer,
        video_processor=hf.VideoLlama3VideoProcessor(**pixels),
        chat_template=VIDEO_LLAMA_3_TEMPLATE,
    )
    stops = ["<|im_end|>", "<|endoftext|>"]
    return save(folder, hf.VideoLlama3ForConditionalGeneration, config, processor, stops)


def build_gemma4(folder: Path) -> Path:
    """Gemma 4 as E2B: sliding windows, keys shared by the last layers, inputs of each layer."""
    named = {
        "image_token": "<|image|>",
        "boi_token": "<|image>",
        "eoi_token": "<image|>",
        "audio_token": "<|audio|>",
        "boa_token": "<|audio>",
        "eoa_token": "<audio|>",
        "sot_token": "<|turn>",
        "eot_token": "<turn|>",
        "soc_token": "<|channel>",
        "eoc_token": "<channel|>",
        "think_token": "<|think|>",
        "str_token": "<|tool_response>",
        "etr_token": "<tool_response|>",
    }
    tokenizer = make_tokenizer(
        ["<pad>", "<eos>", "<bos>", "<unk>", *named.values(), "<|video|>"],
        adds_bos=True,
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        pad_token="<pad>",
        padding_side="left",
        extra_special_tokens=named,
    )
    config = hf.Gemma4Config(
        text_config=hf.Gemma4TextConfig(
            **text_config(tokenizer, num_hidden_layers=6, num_key_value_heads=1),
            head_dim=8,
            global_head_dim=16,
            layer_types=["sliding_attention", "sliding_attention", "full_attention"] * 2,
            sliding_window=16,
            num_kv_shared_layers=2,
            use_double_wide_mlp=True,
            final_logit_softcapping=30.0,
            hidden_size_per_layer_input=8,
            vocab_size_per_layer_input=len(tokenizer),
            tie_word_embeddings=True,
        ),
        vision_config=hf.Gemma4VisionConfig(
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            patch_size=6,
            pooling_kernel_size=2,
            position_embedding_size=64,
            initializer_range=0.3,
        ),
        audio_config=None,
        initializer_range=0.35,
        eoa_token_index=tokenizer.convert_tokens_to_ids("<audio|>"),
        **ids_of(
            tokenizer,
            boi_token_id="<|image>",
            eoi_token_id="<image|>",
            image_token_id="<|image|>",
            video_token_id="<|video|>",
            boa_token_id="<|audio>",
            audio_token_id="<|audio|>",
        ),
    )
    # 70 tokens a frame is the fewest that the processors allow.
    cells = {"patch_size": 6, "pooling_kernel_size": 2, "max_soft_tokens": 70}
    processor = hf.Gemma4Processor(
        feature_extractor=hf.Gemma4AudioFeatureExtractor(),
        image_processor=hf.Gemma4ImageProcessor(do_normalize=False, **cells),
        tokenizer=tokenizer,
        video_processor=hf.Gemma4VideoProcessor(**cells),
        image_seq_length=70,
        chat_template=GEMMA_4_TEMPLATE,
    )
    stops = ["<eos>", "<turn|>", "<|tool_response>"]
    return save(folder, hf.Gemma4ForConditionalGeneration, config, processor, stops)


BUILDERS: dict[str, Callable[[Path], Path]] = {
    "video_llava": build_video_llava,
    "llava_next_video": build_llava_next_video,
    "llava_onevision": build_llava_onevision,
    "qwen2_vl": build_qwen2_vl,
    "qwen2_5_vl": build_qwen2_5_vl,
    "qwen3_vl": build_qwen3_vl,
    "smolvlm": build_smolvlm,
    "internvl": build_internvl,
    "perception_lm": build_perception_lm,
    "video_llama_3": build_video_llama_3,
    "gemma4": build_gemma4,
}
