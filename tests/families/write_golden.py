"""Write golden/prompts.json: what transformers alone makes of each family's prompts.

An oracle: nothing of video_star is imported. Run it after a new release of transformers and read
every line that changed: `python tests/families/write_golden.py`.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from tiny_families import BUILDERS
from transformers import AutoProcessor
from transformers.video_utils import VideoMetadata

GOLDEN = Path(__file__).with_name("golden") / "prompts.json"

SMALL = ("video_grid_thw", "second_per_grid_ts", "video_merge_sizes", "num_frames_per_video")

CASES: dict[str, dict[str, Any]] = {
    "even": {
        "seed": 1,
        "size": [4, 56, 40],
        "times": [0.0, 0.53, 1.9, 2.4],
        "duration": 3.25,
        "text": "Who runs?",
    },
    "odd": {
        "seed": 2,
        "size": [3, 40, 56],
        "times": [0.25, 0.78, 61.4],
        "duration": 75.0,
        "text": "What does the person do after they open the door?\nAnswer in one word.",
    },
    "many": {
        "seed": 3,
        "size": [7, 64, 64],
        "still": 32,
        "times": [0.04, 0.5, 1.0, 1.48, 2.06, 2.5, 3.96],
        "duration": 4.0,
        "text": "Who runs?",
    },
}


def clip_of(case: dict[str, Any]) -> np.ndarray:
    """uint8 [T, H, W, 3] of a case's own seed; the first `still` columns never change."""
    size = (*case["size"], 3)
    clip = np.random.default_rng(case["seed"]).integers(0, 256, size, dtype=np.uint8)
    clip[:, :, : case.get("still", 0)] = clip[:1, :, : case.get("still", 0)]
    return clip


def metadata_of(case: dict[str, Any]) -> VideoMetadata:
    """The frame times, in a metadata whose unit is the microsecond."""
    times = case["times"]
    gap = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
    return VideoMetadata(
        total_num_frames=round(len(times) * (gap or 1.0) * 1e6),
        fps=1_000_000,
        frames_indices=[round(time * 1e6) for time in times],
        duration=case["duration"],
    )


def conversation_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    """One user turn: the clip, then the text."""
    parts = [{"type": "video", "video": clip_of(case)}, {"type": "text", "text": case["text"]}]
    return [{"role": "user", "content": parts}]


def runs_of(ids: list[int]) -> list[list[int]]:
    """[id, how often] for each run."""
    runs: list[list[int]] = []
    for token in ids:
        if runs and runs[-1][0] == token:
            runs[-1][1] += 1
        else:
            runs.append([token, 1])
    return runs


def readable(text: str) -> str:
    """Runs of one special token as that token and a count."""
    return re.sub(r"(<[^<>\s]+>)\1+", lambda run: f"{run[1]}*{len(run[0]) // len(run[1])}", text)


def golden_of(processor: Any, case: dict[str, Any]) -> dict[str, Any]:
    """What the processor makes of one case."""
    conversation = conversation_of(case)
    inputs = processor.apply_chat_template(
        conversation,
        tokenize=True,
        return_dict=True,
        add_generation_prompt=True,
        return_tensors="pt",
        processor_kwargs={"do_sample_frames": False, "video_metadata": [metadata_of(case)]},
    )
    ids = inputs["input_ids"][0].tolist()
    answered = [
        *conversation,
        {"role": "assistant", "content": [{"type": "text", "text": "Yes."}]},
    ]
    return {
        **case,
        "rendered": processor.apply_chat_template(conversation, add_generation_prompt=True),
        "answered": processor.apply_chat_template(answered),
        "inputs": {name: list(value.shape) for name, value in inputs.items()},
        "values": {name: inputs[name].tolist() for name in SMALL if name in inputs},
        "decoded": readable(processor.tokenizer.decode(ids)),
        "runs": runs_of(ids),
    }


def as_text(golden: dict[str, Any]) -> str:
    """JSON with each innermost list on one line."""
    text = json.dumps(golden, indent=1, ensure_ascii=False)
    flat = re.compile(r"\[\s*((?:-?[\d.]+,\s*)*-?[\d.]+)\s*\]")
    text = flat.sub(lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)
    lists = re.compile(r"\[\s*((?:\[[^\[\]]*\],?\s*)+)\]")
    return (
        lists.sub(lambda m: "[" + re.sub(r"\]\s*,\s*\[", "], [", m[1].strip()) + "]", text) + "\n"
    )


def main() -> None:
    """Build every family in a temporary folder and write all goldens."""
    families: dict[str, Any] = {}
    for name, build in BUILDERS.items():
        with tempfile.TemporaryDirectory() as folder:
            processor = AutoProcessor.from_pretrained(build(Path(folder)))
        families[name] = {key: golden_of(processor, case) for key, case in CASES.items()}
    golden = {"transformers": transformers.__version__, "families": families}
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(as_text(golden), encoding="utf-8")


if __name__ == "__main__":
    main()
