"""The records of the loop: frozen, without tensors; they only check their own consistency.

Times are seconds, boxes are fractions of width and height (corners x1 y1 x2 y2). All of them are
written as JSON lines; the field names here are the field names in the files.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from video_star.core.labels import NAME_LENGTH, TEXT_LENGTH, Label, Record

Origin = Literal["direct", "rationalized"]
Split = Literal["train", "test"]
Outcome = Literal["pass", "fail", "doubtful"]
"""The result of verification; a doubtful answer may mean the label, and is not trained on."""
Form = Literal["direct", "chain_of_thought", "multiple_choice", "yes_no", "replay"]


PATH_LENGTH = 4_096
"""Characters of a path, as file systems bound it."""
QUESTION_LENGTH = 4 * TEXT_LENGTH
"""Characters of a question with its options."""


class VideoSample(Record):
    """One question about one labelled video (or a part of it)."""

    id: str = Field(min_length=1, max_length=NAME_LENGTH)
    dataset: str
    video: str = Field(max_length=PATH_LENGTH)
    """Path relative to the data folder, with forward slashes."""
    start_s: float | None = None
    end_s: float | None = None
    """A part of the file, in seconds; null means from the start / to the end."""
    source_id: str = Field(max_length=PATH_LENGTH)
    """The recording that the clip was cut from; no source is in both train and test."""
    split: Split
    question: str = Field(max_length=QUESTION_LENGTH)
    question_template: str
    labels: tuple[Label, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _span_is_ordered(self) -> VideoSample:
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"end_s {self.end_s} must be after start_s {self.start_s}")
        return self


class Answer(Record):
    """A model's answer about one sample."""

    sample_id: str
    attempt: int
    """0 .. samples-1."""
    origin: Origin
    prompt_hash: str
    text: str
    finish_reason: Literal["stop", "length"]
    n_tokens: int
    seed: int


class LabelVerdict(Record):
    """The judgement of one answer against one label."""

    kind: str
    verifier: str
    version: int
    score: float
    """0..1, higher is closer to the label."""
    threshold: float
    extracted: str | None
    """The text that was read as the value, None when there is none."""
    place: tuple[int, int] | None
    """Position of `extracted` in the answer: character start and end."""
    outcome: Outcome
    passed: bool
    """Whether the outcome is "pass"."""
    reason: str
    """One or two words: "match", or why not: "no match", "negated", "several classes", ..."""


class Verdict(Record):
    """The judgement of one answer: it passes when every label of its sample is found in it."""

    sample_id: str
    attempt: int
    origin: Origin
    outcome: Outcome
    passed: bool
    """Whether the outcome is "pass"."""
    has_line: bool
    """Whether the answer ends with a marked final answer."""
    reason: str
    labels: tuple[LabelVerdict, ...]


class TrainingExample(Record):
    """One training conversation: a question about a video and the completion to learn."""

    id: str
    sample_id: str
    video: str
    """Path relative to the data folder."""
    start_s: float | None = None
    end_s: float | None = None
    prompt: str
    completion: str = Field(min_length=1)
    form: Form
    origin: Origin | None
    """None for replayed examples and for template answers."""


class Prediction(Record):
    """A model's answer to one benchmark item."""

    item_id: str
    prompt: str
    text: str


class Score(Record):
    """The score of one benchmark item; None means unscored, with a reason and not in the mean."""

    item_id: str
    metric: str
    """For instance "open_accuracy"; the benchmark's name comes from the file's folder."""
    value: float | None
    cluster: str
    """The video (source) the item belongs to: intervals are clustered by it."""
    slices: tuple[str, ...] = ()
    """Subsets that the item belongs to, for instance "class=surfing", "aspect=order"."""
    reason: str
    predicted: float | None = None
    """The number in the answer, of questions for a number."""
    truth: float | None = None
    """The correct number, of questions for a number; also of an unscored item."""


class MetricValue(Record):
    """A mean or a correlation with its 95 % interval (bootstrap over clusters), of n items."""

    value: float
    low: float
    high: float
    n: int


class PairedDifference(Record):
    """A statistic of after minus before, over the items that both models have scored."""

    difference: float
    low: float
    high: float
    """Ends of the 95 % interval."""
    p: float
    """Two-sided p-value of a sign flip test, over all flips if they are few, else random ones."""
    n: int
    """Compared items."""
    clusters: int
    left_out: int
    """Items that only one side has scored."""


class ModelRef(Record):
    """The weights that a round uses, by content: the base, with an adapter or finetuned weights."""

    base: str
    """Name or path as written in params.yaml."""
    revision: str | None
    base_digest: str
    """sha256 over the base's config and weight files (a local folder), or the hub commit."""
    adapter: str | None
    """Folder of the adapter, relative to the workspace, or None for the bare base."""
    adapter_digest: str | None
    weights: str | None = None
    """Folder of all weights, relative to the workspace, after full finetuning."""
    weights_digest: str | None = None

    @model_validator(mode="after")
    def _adapters_lie_on_the_base(self) -> ModelRef:
        if self.adapter is not None and self.weights is not None:
            raise ValueError("a model has an adapter on the base or weights of its own, not both")
        return self

    @property
    def tuned_digest(self) -> str | None:
        """The digest of adapter or weights; None for the bare base."""
        return self.weights_digest or self.adapter_digest

    @property
    def key(self) -> str:
        """A short text that is equal exactly when the weights are equal."""
        return f"{self.base_digest[:16]}-{(self.tuned_digest or 'base')[:16]}"


class Failure(Record):
    """One sample that a step could not use."""

    sample_id: str
    step: str
    error: str
    """Class of the error, for counting."""
    message: str


class LossPoint(Record):
    """One optimizer step of a finetune: a line of loss.jsonl."""

    step: int
    loss: float
    learning_rate: float


class Published(Record):
    """Where the tracking store of this machine shows a round: mlflow/rounds/<round>.json."""

    run_id: str
    experiment_id: str
    cycle: str


class StepReport(Record):
    """The counts of a step; without time and host, so that equal work gives equal bytes."""

    step: str
    round: str
    read: int
    written: int
    rejected: int = 0
    failed: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    """Rejected and failed samples by reason."""
    metrics: dict[str, float] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What to know of samples that were used all the same, such as videos that break off."""
    engine: str | None = None
    """What answered, as in settings.engine without credentials; None for transformers."""
