"""The base model before training: architecture, tokenizer and processor.

LLaVA-OneVision's classes at a thousandth of their size: a SigLIP tower and a Qwen2 decoder. A
frame becomes 4 tokens, 8 frames and the newline 33. Initial weights decide whether so small a model
learns at all: with the libraries' defaults the visual tokens arrive several times weaker than the
text, so the range is 0.08 and the projector is Xavier.
"""

from __future__ import annotations

import random
from typing import Any, Final

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessor,
    LlavaOnevisionProcessor,
    LlavaOnevisionVideoProcessor,
    PreTrainedTokenizerFast,
    Qwen2Config,
    SiglipVisionConfig,
)

from video_star_demo import lessons, world

N_FRAMES: Final = 8
VIDEO_TOKENS: Final = N_FRAMES * 4 + 1
SPECIALS: Final = ("<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>")
MEDIA: Final = ("<image>", "<video>")
CHAT_TEMPLATE: Final = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{% endif %}"
    "{{ '<|end|>' }}{% endgeneration %}"
    "{% else %}"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'video' %}{{ '<video>' }}"
    "{% elif part['type'] == 'image' %}{{ '<image>' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{{ '<|end|>' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def make_tokenizer(vocabulary: int, seed: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer, trained on the lessons; says any text and reads it back."""
    rng = random.Random(seed)
    programs = world.all_programs()
    clips = [world.draw_clip(rng.choice(programs), rng.getrandbits(31)) for _ in range(1500)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[*SPECIALS, *MEDIA],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lessons.corpus(clips, rng), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        extra_special_tokens={"image_token": "<image>", "video_token": "<video>"},
        padding_side="left",
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
    )


def make_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaOnevisionProcessor:
    """Frames of any size are brought to 56 x 56; sampling of frames is the caller's business."""
    size = {"height": world.SIZE, "width": world.SIZE}
    norm: dict[str, Any] = {"size": size, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    grid = [[world.SIZE, world.SIZE]]
    return LlavaOnevisionProcessor(
        image_processor=LlavaOnevisionImageProcessor(image_grid_pinpoints=grid, **norm),
        video_processor=LlavaOnevisionVideoProcessor(**norm, do_sample_frames=False),
        tokenizer=tokenizer,
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=CHAT_TEMPLATE,
    )


def make_model(
    tokenizer: PreTrainedTokenizerFast, sizes: dict[str, int], seed: int
) -> LlavaOnevisionForConditionalGeneration:
    """The untrained model; `sizes` as SIZES in pretrain.py."""
    torch.manual_seed(seed)
    tower = SiglipVisionConfig(
        hidden_size=sizes["tower_width"],
        intermediate_size=sizes["tower_mlp"],
        num_hidden_layers=sizes["tower_layers"],
        num_attention_heads=4,
        image_size=world.SIZE,
        patch_size=14,
        vision_use_head=False,
    )
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in (*SPECIALS, *MEDIA)}
    decoder = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=sizes["width"],
        intermediate_size=sizes["mlp"],
        num_hidden_layers=sizes["layers"],
        num_attention_heads=sizes["heads"],
        num_key_value_heads=sizes["heads"],
        max_position_embeddings=2048,
        initializer_range=0.08,
        tie_word_embeddings=True,
        pad_token_id=ids["<|pad|>"],
        eos_token_id=ids["<|end|>"],
        bos_token_id=None,
    )
    config = LlavaOnevisionConfig(
        vision_config=tower,
        text_config=decoder,
        image_token_index=ids["<image>"],
        video_token_index=ids["<video>"],
        image_grid_pinpoints=[[world.SIZE, world.SIZE]],
        tie_word_embeddings=True,
    )
    model = LlavaOnevisionForConditionalGeneration(config)
    for layer in (
        model.model.multi_modal_projector.linear_1,
        model.model.multi_modal_projector.linear_2,
    ):
        torch.nn.init.xavier_uniform_(layer.weight, gain=1.4)
        torch.nn.init.zeros_(layer.bias)
    model.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=64,
        pad_token_id=ids["<|pad|>"],
        eos_token_id=ids["<|end|>"],
    )
    return model
