"""How fast and in how much memory answers are verified: `python benchmarks/verification.py`.

Answers are made from sentence frames around class names of a Kinetics-like list of 700 names, a
third of them naming another class, some denied, some hedged. Prints:

- class answers per second of one core: with a final line behind the same sentences, and without;
- text answers per second of this machine, with the embedding model of params.yaml;
- seconds and peak memory of the step `verify` over stored answers, each size of `--stored` in a
  process of its own: one sample per answer, so that the manifest grows with them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from video_star.core.jsonl import write_records, write_shards
from video_star.core.labels import ClassLabel, TextLabel
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.progress import Silent
from video_star.core.records import Answer, VideoSample
from video_star.pipeline.runner import run_step
from video_star.verification import Case, judge_all, known_of

ONSETS = ("bal", "cor", "dru", "fen", "gui", "hor", "kay", "lam", "pum", "tab")
ENDS = ("l", "mer", "kin", "tar", "se", "net", "pin")
ROOT = Path(__file__).resolve().parents[1]
PARAMS = ROOT / "params.yaml"
VERBS = (
    *("riding", "cutting", "washing", "throwing", "catching"),
    *("folding", "painting", "drawing", "pulling", "pushing"),
)
THINGS = tuple(f"{a}{b}" for a, b in product(ONSETS, ENDS))
NAMES = tuple(f"{verb} {thing}" for verb, thing in product(VERBS, THINGS))[:700]
FRAMES = (
    "First the person stands still. Then something moves. This is {}.",
    "The video shows {}, because the hands go up and down in the same place.",
    "It is not {}.",
    "I think that someone is {} or doing something else, but it is hard to see.",
)
CHUNK = 512
"""Answers that are judged together, as the step does."""


def spoken(n: int, line: bool = False) -> Iterator[tuple[str, str]]:
    """n class names, each with an answer about it."""
    rng = random.Random(1)
    for _ in range(n):
        name = rng.choice(NAMES)
        said = name if rng.random() < 0.67 else rng.choice(NAMES)
        end = f"\nAnswer: {said}" if line else ""
        yield name, rng.choice(FRAMES).format(said) + end


def measure_classes(n: int) -> None:
    """Class answers per second of one core, with and without a final line."""
    labels = {name: ClassLabel(name=name) for name in NAMES}
    params = load_params(PARAMS).verify
    for line in (True, False):
        work = [Case(t, "What happens?", (labels[name],)) for name, t in spoken(n, line)]
        known = known_of(((case.group, case.labels) for case in work), params, ROOT)
        judge_all(work[:CHUNK], params, known)
        # Time of this process on its core, so that other work on the machine does not count.
        begun, passed = time.process_time(), 0
        for start in range(0, n, CHUNK):
            judged = judge_all(work[start : start + CHUNK], params, known)
            passed += sum(one.passed for one in judged)
        seconds = time.process_time() - begun
        tell(
            f"{n:,} class answers {'with' if line else 'without'} a final line, {passed:,} passed: "
            f"{n / seconds:,.0f} answers per second per core"
        )


def measure_texts(n: int) -> None:
    """Text answers per second, the model loaded."""
    work = [
        Case(text, "What happens?", (TextLabel(text=f"Someone is {name}."),))
        for name, text in spoken(n)
    ]
    params = load_params(PARAMS).verify
    known = known_of(((case.group, case.labels) for case in work), params, ROOT)
    judge_all(work[:1], params, known)
    begun, passed = time.perf_counter(), 0
    for start in range(0, n, CHUNK):
        passed += sum(j.passed for j in judge_all(work[start : start + CHUNK], params, known))
    seconds = time.perf_counter() - begun
    tell(f"{n:,} text answers, {passed:,} passed: {n / seconds:,.0f} answers per second")


def store(workspace: Workspace, n: int) -> None:
    """A manifest of n samples and one stored answer for each, written as they are made."""
    workspace.root.mkdir(parents=True, exist_ok=True)
    workspace.params.write_bytes(PARAMS.read_bytes())
    write_records(
        workspace.manifest, (_sample(i, name) for i, (name, _) in enumerate(spoken(n, line=True)))
    )
    answers = (_answer(i, text) for i, (_, text) in enumerate(spoken(n, line=True)))
    write_shards(workspace.round("r1").answers, answers, lambda answer: answer.sample_id)


def _sample(number: int, name: str) -> VideoSample:
    return VideoSample(
        id=f"bench/{number:08d}",
        dataset="bench",
        video=f"videos/{number:08d}.mp4",
        source_id=f"bench/{number:08d}",
        split="train",
        question="What is happening in this video?",
        question_template="class/0",
        labels=(ClassLabel(name=name),),
    )


def _answer(number: int, text: str) -> Answer:
    return Answer(
        sample_id=f"bench/{number:08d}",
        attempt=0,
        origin="direct",
        prompt_hash="0" * 16,
        text=text,
        finish_reason="stop",
        n_tokens=20,
        seed=1,
    )


def verify(workspace: Workspace, n: int) -> None:
    """Run the step and print what it took."""
    begun = time.process_time()
    report = run_step("verify", "r1", workspace, Silent())
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tell(
        f"step verify, {report.read:,} stored answers: {seconds:,.0f} s of one core, "
        f"{n / seconds:,.0f} answers per second, peak memory {peak:,.0f} MiB"
    )


def measure_step(n: int) -> None:
    """The step over n stored answers, in a fresh process."""
    fresh = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for target in (store, verify):
            process = fresh.Process(target=target, args=(Workspace(Path(folder)), n))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit(process.exitcode)


def tell(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=100_000, help="class answers; 0 for none")
    parser.add_argument("--texts", type=int, default=2_000, help="text answers; 0 for none")
    parser.add_argument(
        "--stored", type=int, nargs="*", default=[100_000, 1_000_000], help="sizes for the step"
    )
    arguments = parser.parse_args()
    if arguments.answers:
        measure_classes(arguments.answers)
    if arguments.texts:
        measure_texts(arguments.texts)
    for n in arguments.stored:
        measure_step(n)


if __name__ == "__main__":
    main()
