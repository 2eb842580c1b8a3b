"""The question by which a server is tried, and the tokens that the model's processor makes of it.

The clip is noise, as large as clips are, with frames so far apart that a server which takes no
times, and assumes one frame a second, makes another prompt of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from video_star.core.engine import Sampling
from video_star.core.errors import UsageError
from video_star.core.params import VideoParams
from video_star.models.conversation import Conversations
from video_star.video.decode import Frames

QUESTION = "What happens in this video?"
GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=1)
HOT = Sampling(temperature=2.0, top_p=1.0, max_new_tokens=32)
"""So hot and long that equal answers of several seeds mean that the server does not sample."""
OTHER_SEEDS = (2, 3, 4)
GAP_S = 10_000.3
"""Between frames: a prompt with times, as seconds or as h:mm:ss, has more tokens for such times
than for one frame a second."""
ANY_SIDE = 224
"""Pixels, where frames keep the size of their videos."""


def noise(params: VideoParams) -> Frames:
    """As many frames as a clip has at most, of noise."""
    n, side = params.frames, params.short_side or ANY_SIDE
    pixels = np.random.default_rng(1).integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    return Frames(pixels, tuple(i * GAP_S for i in range(n)), n * GAP_S)


def tokens_of_video(conversations: Conversations, frames: Frames) -> int:
    """Tokens of the question about a video, as in generation and training here."""
    return len(conversations.encode_question(conversations.prepare(frames), QUESTION))


def tokens_of_images(processor: Any, frames: Frames, name: str) -> int:
    """Tokens of the question about frames as images; UsageError where the model takes none."""
    content: list[dict[str, Any]] = [
        {"type": "image", "image": Image.fromarray(pixels)} for pixels in frames.pixels
    ]
    content.append({"type": "text", "text": QUESTION})
    try:
        made = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        reason = " ".join(str(error).split())[:150]
        raise UsageError(
            f"settings.engine: {name} takes no frames as images ({reason}); use frames=video with "
            "vLLM, or the engine transformers."
        ) from error
    return len(made["input_ids"][0])
