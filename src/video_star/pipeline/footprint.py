"""What a model takes of a GPU's memory, from its config alone; docs/cluster.md has the sums.

Counts of weights are exact. Activations are an estimate: attention that keeps no matrix of scores
(SDPA, FlashAttention), without the vision tower's own, the libraries' and the allocator's share.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from video_star.core.params import Params
from video_star.models.loading import load_shape
from video_star.models.parts import lora_targets, unfreeze_parts

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
ADAM = 8
"""Bytes of Adam's two float32 moments per trained weight."""
MASTER = 4
"""Bytes of the float32 copy that DeepSpeed keeps of a trained weight in 16 bits."""
KEPT = 17
"""Values per token, hidden unit and layer that a backward pass needs: 34 bytes in 16 bits
(Korthikanti et al. 2022, arXiv 2205.05198, table 2, without the attention scores)."""
QLORA = 0.5
"""Bytes of a weight in 4 bits."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a model that memory follows from."""

    weights: int
    trained: int
    """Weights that a finetune changes: the adapter's, or those of its parts."""
    layers: int
    hidden: int
    intermediate: int
    kv_values: int
    """Keys and values of one token, over all layers."""
    vocabulary: int


def shape_of(folder: Path, params: Params) -> Shape:
    """Sizes of the model in a folder, whose weights need not be there; UsageError as `loading`."""
    model, tune = load_shape(folder, params.model.trust_remote_code), params.finetune
    text = model.config.get_text_config(decoder=True)
    weights = sum(parameter.numel() for parameter in model.parameters())
    if tune.method == "full":
        unfreeze_parts(model, tune.parts)
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    else:
        layers = dict(model.named_modules())
        adapted = [layers[name] for name in lora_targets(model, tune.parts, tune.lora.layers)]
        trained = sum(tune.lora.r * (one.in_features + one.out_features) for one in adapted)
    heads, n = text.num_attention_heads, text.num_hidden_layers
    per_head = getattr(text, "head_dim", None) or text.hidden_size // heads
    kv_values = 2 * n * (getattr(text, "num_key_value_heads", None) or heads) * per_head
    sizes = (n, text.hidden_size, text.intermediate_size, kv_values, text.vocab_size)
    return Shape(weights, trained, *sizes)


def generating(shape: Shape, params: Params, prompt: int) -> dict[str, float]:
    """Bytes of answering settings.batch_size questions of `prompt` tokens at a time."""
    size, batch = BYTES[params.model.dtype], params.settings.batch_size
    # A layer of the prompt's pass: two hidden states, queries, keys and values, gate and up.
    a_layer = 4 * shape.hidden + 2 * shape.intermediate
    return {
        "weights": shape.weights * size,
        "KV cache": batch * (prompt + params.generate.max_new_tokens) * shape.kv_values * size,
        "activations": batch * (prompt * a_layer * size + shape.vocabulary * 4),
    }


def finetuning(
    shape: Shape, params: Params, processes: int, tokens: int, answer: int
) -> dict[str, float]:
    """Bytes per GPU, for examples of `tokens` tokens of which `answer` have a loss.

    With `_offload` the optimizer, and with zero3_offload the weights, are "in the host" instead.
    """
    size, settings, tune = BYTES[params.model.dtype], params.settings, params.finetune
    stage, micro = int(settings.zero[len("zero")]), settings.micro_batch_size
    shared = [processes if stage >= part else 1 for part in (1, 2, 3)]
    frozen = QLORA if tune.method == "qlora" else size
    added = 0 if tune.method == "full" else shape.trained * size
    state = shape.trained * (ADAM + (MASTER if size < MASTER else 0))
    found = {
        "weights": (shape.weights * frozen + added) / shared[2],
        "gradients": shape.trained * size / shared[1],
        "optimizer": state / shared[0],
    }
    offloaded = ("optimizer", "weights")[: max(stage - 1, 0)] if "_offload" in settings.zero else ()
    host = sum(found.pop(name) for name in offloaded)
    state_of_a_layer = micro * tokens * shape.hidden * size
    if settings.gradient_checkpointing:
        found["activations"] = state_of_a_layer * (shape.layers + KEPT)
    else:
        found["activations"] = state_of_a_layer * shape.layers * KEPT
    found["logits"] = 2 * micro * answer * shape.vocabulary * 4  # and their gradient, in float32
    return {**found, "in the host": host} if host else found
