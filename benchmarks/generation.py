"""How fast answers come: the plain way (one question at a time) against video-star's engine.

    python benchmarks/generation.py --base PATH --data DIR [--videos 48] [--questions 2]

Both ways answer the same questions about the same clips greedily, in one run on one machine, so the
ratio means something even where the absolute numbers do not. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoProcessor

from video_star.core.device import pick_device
from video_star.core.engine import Clip, Reply, Request, Sampling
from video_star.core.model_paths import base_location, base_ref
from video_star.core.params import ModelParams, VideoParams
from video_star.core.progress import Silent
from video_star.core.prompts import CLASS_QUESTIONS, direct, with_label
from video_star.generation.transformers import TransformersEngine, load
from video_star.video.cache import FrameCache
from video_star.video.decode import read_frames

ENDINGS = {".mp4", ".mkv", ".webm", ".avi", ".mov"}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = _options(argv)
    model = ModelParams(
        base=str(Path(options.base).resolve()) if Path(options.base).is_dir() else options.base,
        revision=None,
        dtype=options.dtype,
        trust_remote_code=False,
    )
    video = VideoParams(
        frames=options.frames, sampling="uniform", fps=None, short_side=options.short_side
    )
    paths = sorted(p for p in Path(options.data).rglob("*") if p.suffix in ENDINGS)
    paths = paths[: options.videos]
    requests = _requests(paths, options.questions, options.max_new_tokens)
    device = pick_device(options.device)
    with tempfile.TemporaryDirectory() as scratch:
        engine = TransformersEngine(
            ref=base_ref(model, Path.cwd()),
            model=model,
            location=base_location(model, Path.cwd()),
            adapter=None,
            frames=FrameCache(Path(scratch), video, options.decode_workers),
            device=device,
            batch_size=options.batch_size,
            progress=Silent(),
        )
        loaded = load(model, engine.location, None, device)
        engine.loaded = loaded
        usual = AutoProcessor.from_pretrained(engine.location), loaded.model
        _plain(usual, requests[:1], video)  # warms up the libraries
        plain, plain_s = _timed(lambda: _plain(usual, requests, video))
        ours, ours_s = _timed(lambda: _ours(engine, requests))
    equal = sum(plain[key] == ours.get(key) for key in plain)
    result = {
        "device": device,
        "videos": len(paths),
        "answers": len(requests),
        "plain_answers_per_s": round(len(requests) / plain_s, 2),
        "ours_answers_per_s": round(len(requests) / ours_s, 2),
        "ratio": round(plain_s / ours_s, 2),
        "equal_answers": equal,
    }
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--base", required=True, help="folder or hub name of a video-text model")
    parser.add_argument("--data", required=True, help="folder with video files")
    parser.add_argument("--videos", type=int, default=48)
    parser.add_argument("--questions", type=int, default=2, help="questions per video")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--short-side", type=int, default=None)
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=96)
    parser.add_argument("--decode-workers", type=int, default=2)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="auto")
    return parser.parse_args(argv)


def _requests(paths: Sequence[Path], questions: int, max_new_tokens: int) -> list[Request]:
    """Questions of the loop: odd ones with a label told, even ones without."""
    greedy = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=max_new_tokens)
    requests = []
    for path in paths:
        for number in range(questions):
            question = CLASS_QUESTIONS[number % len(CLASS_QUESTIONS)]
            prompt = with_label(question, "jumping") if number % 2 else direct(question)
            requests.append(Request(f"{path}#{number}", Clip(path, None, None), prompt, greedy, 0))
    return requests


def _plain(
    loaded: tuple[Any, Any], requests: Sequence[Request], video: VideoParams
) -> dict[str, str]:
    """The usual loop: read the video, run the processor, generate, one question after the other."""
    import torch

    processor, model = loaded
    answers = {}
    for request in requests:
        frames = read_frames(request.clip, video)
        content = [{"type": "video"}, {"type": "text", "text": request.prompt}]
        text = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        inputs = processor(
            text=[text], videos=[frames.pixels], do_sample_frames=False, return_tensors="pt"
        ).to(model.device, model.dtype)
        with torch.inference_mode():
            output = model.generate(
                **inputs, max_new_tokens=request.sampling.max_new_tokens, do_sample=False
            )
        new = output[0, inputs["input_ids"].shape[1] :]
        answers[request.key] = processor.tokenizer.decode(new, skip_special_tokens=True).strip()
    return answers


def _ours(engine: TransformersEngine, requests: Sequence[Request]) -> dict[str, str]:
    outcomes = [outcome for batch in engine.answer(requests) for outcome in batch]
    return {outcome.key: outcome.text for outcome in outcomes if isinstance(outcome, Reply)}


def _timed(work: Any) -> tuple[dict[str, str], float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


if __name__ == "__main__":
    main()
