"""What a cycle will take, before anything is spent: `video-star plan`.

Each number says what it rests on: it was measured here, follows from params.yaml, is an upper bound
or an estimate, or is unknown. Nothing is loaded but the model's processor and config, and the clips
of a few samples are decoded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest
from itertools import islice
from operator import itemgetter
from statistics import fmean
from typing import Literal, NamedTuple

from video_star.core.context import StepContext
from video_star.core.engine import Clip
from video_star.core.errors import VideoStarError
from video_star.core.hashing import sha256
from video_star.core.jsonl import read_record, read_shards
from video_star.core.labels import label_text
from video_star.core.model_paths import base_location, base_ref, read_ref
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.prompts import direct, line_request, with_label
from video_star.core.records import Answer, StepReport, VideoSample
from video_star.core.throughput import read_speed
from video_star.data.manifest import samples_of
from video_star.pipeline.dvc import reasons_to_run, stage_name
from video_star.pipeline.stages import STEPS, rounds_of
from video_star.video.cache import open_frames
from video_star.video.room import ENTRY

TRIED = 8
"""Samples whose clip is decoded and whose prompts are counted."""
LOOKED_AT = 2_000
"""Answers whose length is looked at: shards are by hash, so the first ones are any."""
ANSWER_BYTES, TOKEN_BYTES = 250, 4
"""Of an answer's line without its text (ids, hashes, names), and of a token as text: about."""
WIDE = 16 / 9
"""Width to height of a clip that could not be looked at."""


EXACT = ("counted", "as asked")
"""What a number rests on that is no reason for doubt, so it need not be said of a product."""


class Number(NamedTuple):
    """A number, or None where it is unknown, and what it rests on."""

    value: float | None
    basis: str

    def __mul__(self, other: Number | float) -> Number:  # type: ignore[override]
        """The product, which rests on what both do."""
        factor, basis = other if isinstance(other, Number) else (other, "")
        if self.value is None or factor is None:
            return Number(None, self.basis if self.value is None else basis)
        rough = [text for text in (self.basis, basis) if text and text not in EXACT]
        return Number(self.value * factor, ", ".join(dict.fromkeys(rough)) or self.basis)


class Row(NamedTuple):
    """A line of the plan."""

    part: str
    """A step, "disk", or the memory of a step."""
    what: str
    unit: Literal["", "bytes", "h"]
    number: Number


@dataclass
class Plan:
    """The plan of a workspace, or of one whole cycle with `n_samples` training samples in it."""

    workspace: Workspace
    params: Params
    n_samples: int | None = None

    @cached_property
    def runs(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Step to the rounds in which it will run, and why; DvcCannotSay without DVC's word."""
        every = {s: {r: stage_name(s, r) for r in rounds_of(s, self.params)} for s in STEPS}
        if self.n_samples is not None:
            return {s: dict.fromkeys(rounds, ("all of it",)) for s, rounds in every.items()}
        why = reasons_to_run(self.workspace.root)
        runs = {
            s: {r: why[n] for r, n in rounds.items() if n in why} for s, rounds in every.items()
        }
        return {step: rounds for step, rounds in runs.items() if rounds}

    def rows(self) -> Iterator[Row]:
        """Everything, over all rounds that will run; a number that is unknown is a row as well."""
        yield Row("samples", "train", "", self.train)
        yield Row("samples", "test", "", self._counted(self._manifest[1]))
        yield Row("samples", "clips to train on", "", self.clips)
        hours = list[float | None]()
        for step, rounds in self.runs.items():
            for row in self._step(step):
                number = row.number * len(rounds)
                yield row._replace(number=number)
                hours += [number.value] if row.unit == "h" else []
        known = [value for value in hours if value is not None]
        basis = f"{len(known)} of {len(hours)} steps are measured here"
        if len(known) < len(hours):
            basis += ", others when they have run: `make cycle ROUNDS=1` on a few samples"
        if hours:
            yield Row("all", "time", "h", Number(sum(known) if known else None, basis))
        yield from self._disk()
        yield from self._memory()

    @cached_property
    def _manifest(self) -> tuple[int, int, int, list[VideoSample]]:
        """How many samples to train on and to test with, clips to train on; and a few of them."""
        train, test, clips = 0, 0, set[int]()
        tried = list[tuple[str, VideoSample]]()
        for sample in samples_of(self.workspace) if self.workspace.manifest.exists() else ():
            if sample.split == "test":
                test += 1
                continue
            train += 1
            clips.add(hash((sample.video, sample.start_s, sample.end_s)))
            tried = nsmallest(TRIED, [*tried, (sha256(sample.id), sample)], key=itemgetter(0))
        return train, test, len(clips), [sample for _, sample in tried]

    def _counted(self, n: int) -> Number:
        known = self._manifest[0] > 0
        return Number(n, "counted") if known else Number(None, "ingest has not run")

    @property
    def train(self) -> Number:
        """Training samples."""
        if self.n_samples is not None:
            return Number(self.n_samples, "as asked")
        return self._counted(self._manifest[0])

    @property
    def clips(self) -> Number:
        """Their distinct clips."""
        train, _, clips, _ = self._manifest
        return self.train * (clips / train if train else 1.0)

    def _step(self, step: str) -> Iterator[Row]:
        """One round of a step: what it has to do, tokens in and out, optimizer steps, hours."""
        items, tune = self._items(step), self.params.finetune
        yield Row(step, ITEMS.get(step, "samples"), "", items)
        work = {"answers": items, "samples": items, "clips read": self.clips}
        if step in ("generate", "rationalize", "evaluate"):
            explained = step == "rationalize"
            yield Row(step, "prompt tokens", "", items * self._prompt(explained))
            yield Row(step, "answer tokens", "", items * self._answer(explained))
        if step == "finetune":
            seen = items * tune.epochs
            yield Row(step, "prompt tokens", "", seen * self._prompt(False))
            steps = None if seen.value is None else math.ceil(seen.value / tune.batch_size)
            work["steps"] = Number(steps, seen.basis)
            yield Row(step, "optimizer steps", "", work["steps"])
        yield Row(step, "time", "h", self._hours(step, work))

    def _items(self, step: str) -> Number:
        generate, rationalize = self.params.generate, self.params.rationalize
        if step in ("generate", "verify"):
            return self.train * (generate.samples * generate.enabled)
        if step in ("rationalize", "verify-rationales"):
            failed = self._share("rationalize", "read", 1.0)
            return failed * (rationalize.samples * rationalize.enabled)
        if step == "finetune":
            return self._share("curate", "written", self._forms())
        if step == "evaluate":
            return self._exam
        return Number(1, "one model") if step in ("base", "publish") else self.train

    def _share(self, step: str, count: str, most: float) -> Number:
        """As many for each training sample as in the last round, else the most that can be."""
        report, total = self._report(step), self._report("generate")
        if report is None or total is None or not total.read:
            return self.train * Number(most, f"at most {most:.3g} a sample")
        return self.train * Number(getattr(report, count) / total.read, "as in an earlier round")

    def _report(self, step: str) -> StepReport | None:
        """That of a step's last round so far."""
        paths = (self.workspace.round(name).report(step) for name in self.params.evaluated[::-1])
        return next((read_record(path, StepReport) for path in paths if path.exists()), None)

    def _forms(self) -> float:
        """The most examples that a sample can give, with those that are replayed beside them."""
        curate = self.params.curate
        each = {"multiple_choice": curate.choices, "yes_no": 2 * curate.choices}
        replayed = 0.0 if curate.replay is None else curate.replay.share
        return sum(each.get(form, 1) for form in curate.forms) / (1 - replayed)

    @cached_property
    def _exam(self) -> Number:
        """Items of all benchmarks, which are opened where no round was evaluated yet."""
        if (report := self._report("evaluate")) is not None:
            return Number(report.read, "as in an earlier round")
        from video_star.evaluation.benchmarks import open_benchmark

        context = StepContext(self.workspace, self.params, "r0", lambda _: None)  # type: ignore[arg-type,return-value]
        try:
            named = self.params.evaluate.benchmarks.items()
            opened = [open_benchmark(name, raw, self.workspace.root) for name, raw in named]
            return Number(sum(len(one.items(context)) for one in opened), "counted")
        except VideoStarError as error:
            return Number(None, str(error))

    def _hours(self, step: str, work: dict[str, Number]) -> Number:
        speed = read_speed(self.workspace, step, self.params)
        if speed is None:
            return Number(None, "not measured here")
        needed = {what: work.get(what, self.clips) for what in speed}
        for number in needed.values():
            if number.value is None:
                return number
        seconds = sum((needed[what].value or 0) * s / n for what, (n, s) in speed.items())
        basis = ", ".join(f"{n} {what} in {s:.0f} s" for what, (n, s) in speed.items())
        return Number(seconds / 3600, f"measured: {basis}")

    @cached_property
    def _tried(self) -> tuple[list[int], list[int], list[int], Number]:
        """Of a few samples: tokens of both prompts, bytes of frames; else an estimate of tokens."""
        from video_star.generation.probe import noise, tokens_of_video
        from video_star.models.conversation import Conversations
        from video_star.models.loading import load_processor

        params, root = self.params, self.workspace.root
        asked, explained, sizes = list[int](), list[int](), list[int]()
        problem = "there is no sample"
        try:
            folder = base_location(params.model, root)
            read = load_processor(folder, params.model.trust_remote_code, weights=False)
            conversations = Conversations(read)
        except VideoStarError as error:
            return asked, explained, sizes, Number(None, str(error))
        frames = open_frames(self.workspace, params)
        for sample in self._manifest[3]:
            line = line_request(sample.labels, params.prompts.final_line)
            hinted = with_label(sample.question, label_text(sample.labels), line)
            try:
                clip = Clip(self.workspace.video(sample.video), sample.start_s, sample.end_s)
                shown, key = conversations.prepare(frames.get(clip)), frames.key(clip)
                sizes.append((frames.folder / key[:2] / f"{key}{ENTRY}").stat().st_size)
            except (VideoStarError, OSError) as error:
                problem = str(error)
                continue
            question = direct(sample.question, line)
            asked.append(len(conversations.encode_question(shown, question)))
            explained.append(len(conversations.encode_question(shown, hinted)))
        n = 0 if asked else tokens_of_video(conversations, noise(params.video))
        basis = f"estimate: a short question about a clip of noise, as {problem}"
        return asked, explained, sizes, Number(n, basis)

    def _prompt(self, explained: bool) -> Number:
        """Tokens of a prompt."""
        plain, hinted, _, otherwise = self._tried
        return _mean(hinted if explained else plain, "samples tried", otherwise)

    def _answer(self, explained: bool) -> Number:
        """Tokens of an answer: the mean of a round of this base, else the limit."""
        params, kind = self.params, "rationales" if explained else "answers"
        most = (params.rationalize if explained else params.generate).max_new_tokens
        lengths = list[int]()
        try:
            known = read_ref(self.workspace.round("r0").model_json, self.workspace.root)
            if known.base_digest == base_ref(params.model, self.workspace.root).base_digest:
                folders = (getattr(self.workspace.round(r), kind) for r in params.round_names[::-1])
                folder = next((one for one in folders if one.is_dir()), None)
                answers = islice(read_shards(folder, Answer), LOOKED_AT) if folder else ()
                lengths = [answer.n_tokens for answer in answers]
        except VideoStarError:
            pass
        return _mean(lengths, "answers of a round", Number(most, "at most: max_new_tokens"))

    def _disk(self) -> Iterator[Row]:
        video, n_rounds = self.params.video, self.params.rounds
        raw = Number(None, "no clip could be read, and video.short_side is null")
        if video.short_side is not None:
            pixels = video.frames * video.short_side**2 * WIDE * 3
            raw = Number(pixels, "at most: pixels of 16:9, before packing")
        frames = self.clips * _mean(self._tried[2], "clips tried", raw)
        yield Row("disk", "frames of these clips", "bytes", frames)
        bound = Number(self.params.settings.frame_cache_gb * 2**30, "settings.frame_cache_gb")
        yield Row("disk", "frame cache, at most", "bytes", bound)
        for step, explained in (("generate", False), ("rationalize", True)):
            size = ANSWER_BYTES + TOKEN_BYTES * (self._answer(explained).value or 0)
            kept = self._items(step) * Number(size, f"estimate: {size:.0f} bytes each") * n_rounds
            yield Row("disk", f"answers of {step}", "bytes", kept)

    def _memory(self) -> Iterator[Row]:
        from video_star.pipeline.footprint import BYTES, finetuning, generating, shape_of
        from video_star.training.launch import count_processes

        try:
            shape = shape_of(base_location(self.params.model, self.workspace.root), self.params)
            processes = count_processes(self.params.settings, self.workspace.root)
        except VideoStarError as error:
            yield Row("memory", "each GPU", "bytes", Number(None, str(error)))
            return
        model = shape.trained * BYTES[self.params.model.dtype] * self.params.rounds
        basis = f"{shape.trained:,} of {shape.weights:,} weights are trained"
        yield Row("disk", "models of all rounds", "bytes", Number(model, basis))
        prompt, answer = self._prompt(False), math.ceil(self._answer(False).value or 0)
        if prompt.value is None:
            yield Row("memory", "each GPU", "bytes", prompt)
            return
        n = math.ceil(prompt.value)
        for step, sizes in (
            ("generate", generating(shape, self.params, n)),
            ("finetune", finetuning(shape, self.params, processes, n + answer, answer)),
        ):
            for what, size in sizes.items():
                basis = "counted" if what in COUNTED else "estimate"
                yield Row(f"memory of {step}", what, "bytes", Number(size, basis))
            total = sum(size for what, size in sizes.items() if what != "in the host")
            yield Row(f"memory of {step}", "each GPU", "bytes", Number(total, "sum"))


COUNTED = ("weights", "gradients", "optimizer", "KV cache", "in the host")
"""What is exact of a step's memory."""
ITEMS = {
    "generate": "questions",
    "verify": "answers",
    "rationalize": "questions",
    "verify-rationales": "answers",
    "finetune": "examples",
    "evaluate": "questions",
    "base": "models",
    "publish": "models",
}
"""What a step works on; where it says nothing, samples."""


def _mean(values: Iterable[int], what: str, otherwise: Number) -> Number:
    found = list(values)
    return Number(fmean(found), f"mean of {len(found)} {what}") if found else otherwise
