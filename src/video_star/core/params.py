"""The pydantic mirror of params.yaml: frozen, unknown keys refused, no default in code.

`load_params` validates everything before anything is loaded and says in one sentence what is wrong.
Imports neither torch nor any orchestrator, so every command starts fast.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from video_star.core.errors import UsageError
from video_star.core.labels.thresholds import PRESETS, Fraction, Preset, Thresholds

Part = Literal["language_model", "vision_tower", "projector"]
"""What a finetune can train."""
Zero = Literal["zero0", "zero1", "zero2", "zero2_offload", "zero3", "zero3_offload"]
"""How training state is shared out over processes; training/zero.py has each one's settings."""


class Section(BaseModel):
    """Base of all sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PlateauParams(Section):
    metric: str
    min_gain: float


class ModelParams(Section):
    base: str
    revision: str | None
    dtype: Literal["float32", "bfloat16", "float16"]
    trust_remote_code: bool


class VideoParams(Section):
    frames: int = Field(ge=1)
    sampling: Literal["uniform", "middle", "fps"]
    fps: float | None = Field(ge=0.001)
    """Taken as a fraction with a denominator of at most a thousand."""
    short_side: int | None = Field(ge=8)

    @model_validator(mode="after")
    def _fps_goes_with_its_policy(self) -> VideoParams:
        if (self.sampling == "fps") != (self.fps is not None):
            raise ValueError("fps is set exactly when sampling is 'fps'")
        return self


class IngestParams(Section):
    questions: str | None
    """A file inside data/ with question templates in place of ours (see data/questions)."""
    sources: tuple[dict[str, Any], ...] = Field(min_length=1)
    """A section for each annotation file; its reader validates it (data/readers)."""


class SamplingParams(Section):
    """How answers are drawn."""

    enabled: bool
    samples: int = Field(ge=1)
    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    max_new_tokens: int = Field(ge=1)


class PromptParams(Section):
    """How questions are asked."""

    final_line: bool
    """Whether answers are asked to end with a final line; if not, the prompts are the paper's."""


class ServerJudge(Section):
    """A chat model behind a server as judge."""

    use: Literal["server"]
    url: str
    """Base of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1."""
    model: str
    decides: Literal["doubtful", "all"]
    max_tokens: int = Field(ge=1)
    """Of a reply; a model that reasons needs some hundreds."""


class ModelJudge(Section):
    """The loop's own base model as judge, asked without a video."""

    use: Literal["model"]
    decides: Literal["doubtful", "all"]
    max_tokens: int = Field(ge=1)


class VerifyParams(Section):
    method: Literal["final_answer", "released"]
    """Our rules, or what the authors' code accepts."""
    doubtful: Literal["reject", "judge"]
    """What becomes of a doubtful answer."""
    preset: Preset
    thresholds: dict[str, Fraction]
    """Thresholds that differ from the preset's."""
    allow_hedge: bool
    embedding_model: str
    """Of `text` and `class` labels: a folder, hub name, or package:NAME/FOLDER of a package."""
    judge: Annotated[ServerJudge | ModelJudge, Field(discriminator="use")] | None
    verifiers: dict[str, str]
    """Label kind to a verifier of one's own: module:function."""

    @model_validator(mode="after")
    def _has_its_judge(self) -> VerifyParams:
        if self.doubtful == "judge" and self.judge is None:
            raise ValueError("doubtful is judge, but judge is null; name a judge or say reject")
        return self

    @field_validator("thresholds")
    @classmethod
    def _are_known(cls, given: dict[str, float]) -> dict[str, float]:
        unknown = sorted(given.keys() - Thresholds.model_fields.keys())
        if unknown:
            raise ValueError(
                f"{unknown[0]} is no threshold; they are {', '.join(Thresholds.model_fields)}"
            )
        return given

    @cached_property
    def limits(self) -> Thresholds:
        """The preset with the thresholds that differ from it."""
        return PRESETS[self.preset].model_copy(update=self.thresholds)


class ReplayParams(Section):
    annotations: str
    videos: str
    share: float = Field(ge=0, lt=1)


class CurateParams(Section):
    source: Literal["answers", "labels"]
    forms: tuple[Literal["direct", "chain_of_thought", "multiple_choice", "yes_no"], ...] = Field(
        min_length=1
    )
    final_round: Literal["direct", "all"]
    options: int = Field(ge=2, le=26)
    choices: int = Field(ge=1)
    """Multiple-choice questions, and yes/no pairs, per sample: each with other wrong labels."""
    cap_per_label: int | None = Field(ge=1)
    replay: ReplayParams | None


class LoraParams(Section):
    r: int = Field(ge=1)
    alpha: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    layers: str | tuple[str, ...] | None
    """Linear layers of the parts: all (null), by endings of their names, or by an expression."""

    @field_validator("layers")
    @classmethod
    def _is_an_expression(cls, given: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if isinstance(given, str):
            try:
                re.compile(given)
            except re.error as error:
                raise ValueError(f"{given!r} is no regular expression ({error})") from error
        return given


class FinetuneParams(Section):
    start_from: Literal["base", "previous"]
    method: Literal["lora", "qlora", "full"]
    parts: tuple[Part, ...] = Field(min_length=1)
    """What is trained of the model."""
    learning_rate: float = Field(gt=0)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    warmup_ratio: Fraction
    weight_decay: float = Field(ge=0)
    scheduler: Literal["cosine", "linear", "constant_with_warmup"]
    max_grad_norm: float = Field(gt=0)
    group_by_length: Annotated[int, Field(ge=1)] | None
    """Batches whose examples are sorted by length together: little padding, still shuffled."""
    lora: LoraParams

    @field_validator("parts")
    @classmethod
    def _are_named_once(cls, given: tuple[Part, ...]) -> tuple[Part, ...]:
        if len(set(given)) < len(given):
            raise ValueError(f"[{', '.join(given)}] names a part twice")
        return given


class EvaluateParams(Section):
    max_new_tokens: int = Field(ge=1)
    bootstrap: int = Field(ge=100)
    benchmarks: dict[str, dict[str, Any]] = Field(min_length=1)
    """Benchmark name to its own parameters; each benchmark validates its own."""


class PublishParams(Section):
    registered_model: str
    champion_metric: str


class Settings(Section):
    """Where and how fast; never part of what a step computes."""

    engine: str
    executor: Annotated[str, Field(pattern=r"^(local|ray|ray:\S+)$")]
    """local: in this process | ray: all GPUs or CPUs of this machine | ray:ADDRESS of a cluster."""
    device: Literal["auto", "cpu", "cuda"]
    batch_size: int = Field(ge=1)
    decode_workers: int = Field(ge=1)
    decode_deadline_s: float = Field(gt=0)
    """Seconds after which a video that is still being read is given up."""
    decode_memory_gb: float = Field(gt=0)
    """GiB that a process which reads a video may take."""
    frame_cache_gb: float = Field(gt=0)
    """GiB that the decoded frames in .work/frames may take."""
    processes: int = Field(ge=1)
    micro_batch_size: int = Field(ge=1)
    checkpoint_steps: int = Field(ge=1)
    zero: Zero
    gradient_checkpointing: bool
    liger: bool
    hostfile: str | None
    tracking_uri: str | None
    video_roots: tuple[str, ...]

    @field_validator("video_roots")
    @classmethod
    def _are_absolute(cls, roots: tuple[str, ...]) -> tuple[str, ...]:
        for root in roots:
            if not Path(root).is_absolute():
                raise ValueError(f"{root} is no absolute path; write it from / on")
        return roots


class Params(Section):
    """The whole of params.yaml."""

    cycle: str = Field(min_length=1)
    seed: int = Field(ge=0)
    max_failure_rate: Fraction
    zero_yield: Literal["stop", "continue"]
    rounds: int = Field(ge=1)
    plateau: PlateauParams | None
    model: ModelParams
    video: VideoParams
    ingest: IngestParams
    prompts: PromptParams
    generate: SamplingParams
    verify: VerifyParams
    rationalize: SamplingParams
    curate: CurateParams
    finetune: FinetuneParams
    evaluate: EvaluateParams
    publish: PublishParams
    settings: Settings

    @property
    def round_names(self) -> tuple[str, ...]:
        """r1 and every later round, in order."""
        return tuple(f"r{number}" for number in range(1, self.rounds + 1))

    @property
    def evaluated(self) -> tuple[str, ...]:
        """The rounds that are evaluated: r0 (the base model as it is) and every later one."""
        return ("r0", *self.round_names)

    @property
    def last_round(self) -> str:
        return self.evaluated[-1]

    def previous(self, round_name: str) -> str:
        """The round whose model a round learns from."""
        return self.evaluated[self.evaluated.index(round_name) - 1]


def load_params(path: Path) -> Params:
    """Read and validate params.yaml; UsageError says the key and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); run video-star in a workspace, "
            "a folder with params.yaml."
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text ({error.reason}); save it as such.") from error
    return parse_params(text, path.name)


def parse_params(text: str, name: str) -> Params:
    """The parameters in a text that is called `name` in messages; UsageError as `load_params`."""
    try:
        return Params.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{name} is not YAML: {' '.join(str(error).split())}.") from error
    except ValidationError as error:
        problems = "; ".join(explain(item) for item in error.errors()[:5])
        raise UsageError(f"{name}: {problems}.") from error


def explain(item: Any, section: str = "") -> str:
    """What is wrong with a key of params.yaml, or of a section of it, by an error of pydantic."""
    key = ".".join(map(str, [*([section] if section else []), *item["loc"]])) or "params"
    if item["type"] == "extra_forbidden":
        return f"{key}: unknown parameter, remove it or correct its name"
    if item["type"] == "missing":
        return f"{key}: missing, add it (null where it is not wanted)"
    return f"{key}: {item['msg'].removeprefix('Value error, ')}"
