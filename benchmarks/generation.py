"""Speed of answers, from video files to stored answers: `python benchmarks/generation.py`.

Both prompts of the loop about the demo's clips (`make setup` renders them), by three ways in turn:

- ours: the engine transformers, with an empty frame cache and an empty answer store;
- plain: one question after the other, each time read the video, call the processor, `generate`;
- `transformers serve` with requests in flight, which are sent by our client for servers.

The model is loaded, and ours has tried what it may share, before the time begins. The first two
ways must give equal answers. The server takes no videos, so it gets the frames as images and gives
other answers; each of them has at most as many tokens. The models are the demo's and a random one
that has the 8 frames of 257 tokens of Video-LLaVA, and an eighth of its layers, width and heads.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
import transformers as hf
from row import tell
from transformers import AutoProcessor

from video_star.core.device import pick_device
from video_star.core.engine import Clip, Engine, Reply, Request, Sampling
from video_star.core.errors import VideoStarError
from video_star.core.model_paths import base_ref
from video_star.core.params import ModelParams, VideoParams
from video_star.core.progress import Silent
from video_star.core.prompts import CLASS_QUESTIONS, direct, with_label
from video_star.generation.openai import OpenAIEngine, read_address
from video_star.generation.sampling import SeededSampling
from video_star.generation.store import AnswerStore, ask
from video_star.generation.transformers import Loaded, TransformersEngine, load
from video_star.video import cache
from video_star.video.cache import FrameCache
from video_star.video.decode import read_frames

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "src" / "video_star_demo" / "base"
START_S = 300
Answers = dict[str, str]


def main() -> None:
    """Measure and print."""
    options = _options()
    paths = sorted(options.data.rglob("*.mp4"))
    if not paths:
        sys.exit(f"{options.data} has no videos; run make setup, or name another folder as --data.")
    with tempfile.TemporaryDirectory() as scratch:
        demo = Model(DEMO, 56, options, Path(scratch) / "demo")
        demo.clock()
        asked = questions(paths[: options.videos], 1, 64)
        _demo(demo, asked, options.times)
        _serve(demo, asked[: options.served], options.times)
        long = video_llava(Path(scratch) / "video_llava")
        model = Model(long, None, options, Path(scratch) / "long")
        for samples, bar in ((1, ">= 1.5"), (4, ">= 2")):
            few = questions(paths[: options.long_videos], samples, 64)
            plain_s, ours_s, equal, _ = in_turn(model, few, options.times)
            tell(
                f"2,056 video tokens, samples of a question: {samples}; against plain",
                plain_s / ours_s,
                "x",
                bar,
                f"{len(few)} answers, {equal} equal; {ours_s:.2f} s, plain {plain_s:.2f} s",
            )


def _demo(demo: Model, asked: Sequence[Request], times: int) -> None:
    plain_s, ours_s, equal, busy = in_turn(demo, asked, times)
    detail = f"{len(asked)} answers, {equal} equal; {ours_s:.2f} s, plain {plain_s:.2f} s"
    tell("demo's model, against plain", plain_s / ours_s, "x", ">= 15", detail)
    tell("demo's model, model busy", 100 * busy, "%", ">= 90", "of the time from videos to answers")
    with tempfile.TemporaryDirectory() as scratch:
        decoded = [len(_decodes(demo, asked, Path(scratch) / name)) for name in "ab"]
    detail = f"with new answers to the same clips; {decoded[0]} in the first round"
    tell("videos decoded in a second round", decoded[1], "", "<= 0", detail)


def _decodes(demo: Model, asked: Sequence[Request], store: Path) -> list[Clip]:
    """The clips that are decoded for a round of its own store; rounds share the frame cache."""
    real, decoded = cache.store_frames, list[Clip]()

    def counted(clip: Clip, *rest: Any) -> Any:
        decoded.append(clip)
        return real(clip, *rest)

    with patch.object(cache, "store_frames", counted):
        demo.answers(demo.engine(store.parent / "frames"), asked, store)
    return decoded


def _serve(demo: Model, asked: Sequence[Request], times: int) -> None:
    measure, bar = "demo's model, against transformers serve", ">= 3"
    try:
        with serving(demo.scratch / "log", demo.device) as url:
            address = read_address(f"{url} model={DEMO} frames=images")
            served = list[float]()
            ours = list[float]()
            for _ in range(1 + times):  # once to warm up
                with tempfile.TemporaryDirectory() as scratch:
                    frames = FrameCache(Path(scratch) / "served", demo.video, demo.workers)
                    client = OpenAIEngine(address, demo.ref, demo.params, DEMO, frames, 8)
                    served.append(demo.timed(client, asked, Path(scratch) / "a")[1])
                    engine = demo.engine(Path(scratch) / "ours")
                    ours.append(demo.timed(engine, asked, Path(scratch) / "b")[1])
    except (OSError, RuntimeError, VideoStarError) as error:
        tell(measure, None, "x", bar, f"it cannot be asked: {error}")
        return
    theirs_s, ours_s = median(served[1:]), median(ours[1:])
    detail = f"{len(asked)} answers, 8 in flight; {ours_s:.2f} s, the server {theirs_s:.2f} s"
    tell(measure, theirs_s / ours_s, "x", bar, detail)


class Model:
    """A loaded model, and the ways to ask it."""

    def __init__(
        self, base: Path, short_side: int | None, options: argparse.Namespace, scratch: Path
    ) -> None:
        self.params = ModelParams(
            base=str(base), revision=None, dtype=options.dtype, trust_remote_code=False
        )
        self.video = VideoParams(frames=8, sampling="uniform", fps=None, short_side=short_side)
        self.base, self.ref, self.device = base, base_ref(self.params, ROOT), options.device
        self.batch_size, self.workers = options.batch_size, options.decode_workers
        self.scratch = scratch
        scratch.mkdir()
        self.loaded: Loaded = load(self.params, base, None, self.device)
        self.processor: Any = AutoProcessor.from_pretrained(base)
        self.busy_s = 0.0
        self.share: bool | None = None
        self.reuse: bool | None = None

    def engine(self, frames: Path) -> TransformersEngine:
        """One that has answered nothing, over the loaded model."""
        engine = TransformersEngine(
            ref=self.ref,
            model=self.params,
            location=self.base,
            adapter=None,
            frames=FrameCache(frames, self.video, self.workers),
            device=self.device,
            batch_size=self.batch_size,
            progress=Silent(),
        )
        engine.loaded, engine.share, engine.reuse = self.loaded, self.share, self.reuse
        return engine

    def warm_up(self, asked: Sequence[Request]) -> None:
        """Load libraries and the processes that read videos, and try what can be shared."""
        self.plain(asked[:1])
        with tempfile.TemporaryDirectory() as scratch:
            engine = self.engine(Path(scratch) / "frames")
            self.answers(engine, asked, Path(scratch) / "answers")
        self.share, self.reuse = engine.share, engine.reuse

    def answers(self, engine: Engine, asked: Sequence[Request], store: Path) -> Answers:
        """The texts of stored answers."""
        frames: FrameCache = engine.frames  # type: ignore[attr-defined]
        found = ask(engine, AnswerStore(store, frames, ()), asked, Silent())
        return {key: reply.text for key, reply in found.items() if isinstance(reply, Reply)}

    def timed(
        self, engine: Engine, asked: Sequence[Request], store: Path
    ) -> tuple[Answers, float, float]:
        """Answers, seconds, and the share of them in which the model was busy."""
        self.busy_s, start = 0.0, time.perf_counter()
        found = self.answers(engine, asked, store)
        seconds = time.perf_counter() - start
        return found, seconds, self.busy_s / seconds

    @torch.inference_mode()
    def plain(self, asked: Sequence[Request]) -> Answers:
        """The usual loop; tokens are drawn by the seeds that ours takes."""
        answers, model, tokenizer = {}, self.loaded.model, self.processor.tokenizer
        for request in asked:
            assert request.clip is not None
            frames = read_frames(request.clip, self.video)
            content = [{"type": "video"}, {"type": "text", "text": request.prompt}]
            text = self.processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
            )
            inputs = self.processor(
                text=[text], videos=[frames.pixels], do_sample_frames=False, return_tensors="pt"
            ).to(model.device, model.dtype)
            made = model.generate(
                **inputs,
                max_new_tokens=request.sampling.max_new_tokens,
                do_sample=False,
                logits_processor=[SeededSampling([request], model.device, 0)],
            )
            new = made[0, inputs["input_ids"].shape[1] :]
            answers[request.key] = tokenizer.decode(new, skip_special_tokens=True).strip()
        return answers

    def clock(self) -> None:
        """Count from now on the time in the model's modules, of which one may call another."""
        model, starts = self.loaded.model, list[float]()

        def enter(*_: Any) -> None:
            starts.append(time.perf_counter())

        def leave(*_: Any) -> None:
            start = starts.pop()
            self.busy_s += 0.0 if starts else time.perf_counter() - start

        inner = (model.model.vision_tower, model.model.multi_modal_projector)
        for module in (model, *inner):
            module.register_forward_pre_hook(enter)
            module.register_forward_hook(leave)


def in_turn(model: Model, asked: Sequence[Request], times: int) -> tuple[float, float, int, float]:
    """Median seconds of plain and ours, how many answers are equal, median share of busy time."""
    model.warm_up(asked)
    rounds = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as scratch:
            engine = model.engine(Path(scratch) / "frames")
            ours, ours_s, busy = model.timed(engine, asked, Path(scratch) / "answers")
        start = time.perf_counter()
        plain = model.plain(asked)
        plain_s = time.perf_counter() - start
        rounds.append((plain_s, ours_s, sum(plain[key] == ours.get(key) for key in plain), busy))
    plains, oursses, equals, busies = zip(*rounds, strict=True)
    return median(plains), median(oursses), min(equals), median(busies)


def questions(paths: Sequence[Path], samples: int, max_new_tokens: int) -> list[Request]:
    """Both prompts of the loop about each video, greedy where there is one sample."""
    sampling = Sampling(0.0 if samples == 1 else 0.7, 1.0, max_new_tokens)
    asked = []
    for number, path in enumerate(paths):
        question = CLASS_QUESTIONS[number % len(CLASS_QUESTIONS)]
        for prompt in (direct(question), with_label(question, "jumping")):
            first = Request(f"{path}#{prompt}", Clip(path, None, None), prompt, sampling, 0)
            asked += [replace(first, key=f"{first.key}#{n}", seed=n) for n in range(samples)]
    return asked


def video_llava(folder: Path) -> Path:
    """A checkpoint of Video-LLaVA's shape, with the words of the demo's tokenizer."""
    words: Any = hf.AutoTokenizer.from_pretrained(DEMO)
    ids = {name: words.convert_tokens_to_ids(f"<{name}>") for name in ("image", "video")}
    text = hf.LlamaConfig(
        vocab_size=len(words),
        hidden_size=4096 // 8,
        intermediate_size=11008 // 8,
        num_hidden_layers=32 // 8,
        num_attention_heads=32 // 8,
        max_position_embeddings=4096,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )
    tower = hf.CLIPVisionConfig(
        hidden_size=1024 // 8,
        intermediate_size=4096 // 8,
        num_hidden_layers=24 // 8,
        num_attention_heads=16 // 8,
        image_size=224,
        patch_size=14,
    )
    config = hf.VideoLlavaConfig(
        vision_config=tower,
        text_config=text,
        image_token_index=ids["image"],
        video_token_index=ids["video"],
        video_seq_length=8 * 257,
    )
    torch.manual_seed(0)
    hf.VideoLlavaForConditionalGeneration(config).save_pretrained(folder)
    hf.VideoLlavaProcessor(
        image_processor=hf.VideoLlavaImageProcessor(),
        video_processor=hf.VideoLlavaVideoProcessor(),
        tokenizer=words,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=words.chat_template or (DEMO / "chat_template.jinja").read_text(),
    ).save_pretrained(folder)
    return folder


@contextmanager
def serving(log: Path, device: str) -> Iterator[str]:
    """`transformers serve` on loopback; RuntimeError with its last line when it does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = Path(sys.executable).parent / "transformers"
    command = [program, "serve", "--host", "127.0.0.1", "--port", port, "--device", device]
    with log.open("w") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, "HF_HUB_OFFLINE": "1"}
        )
    try:
        deadline = time.monotonic() + START_S
        while "running on" not in log.read_text():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((log.read_text().splitlines() or ["it says nothing"])[-1])
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "kinetics")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--videos", type=int, default=192, help="of the demo's model")
    parser.add_argument("--long-videos", type=int, default=2, help="of the one with long prompts")
    parser.add_argument("--served", type=int, default=48, help="questions to transformers serve")
    parser.add_argument("--batch-size", type=int, default=96)
    parser.add_argument("--decode-workers", type=int, default=2)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", type=pick_device, default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
