"""What the loop did with one sample, as records: what `video-star trace --json` prints.

They are made of the records of the files (core/records.py), so a field is called here as it is
called there; shown as a page or in a terminal, all texts in them are as foreign as the data.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from video_star.core.labels import Record
from video_star.core.records import (
    Answer,
    Failure,
    MetricValue,
    ModelRef,
    PairedDifference,
    Prediction,
    Score,
    TrainingExample,
    Verdict,
    VideoSample,
)

Standing: TypeAlias = Literal["direct", "rationalized", "doubtful", "rejected", "unanswered"]
"""How a sample stands in a round: an answer passes, or an explanation of the label does; or of the
answers and explanations one is doubtful, or none; or there is no verdict (not asked, no video)."""
STANDINGS: tuple[Standing, ...] = ("direct", "rationalized", "doubtful", "rejected", "unanswered")
PASSING: frozenset[Standing] = frozenset({"direct", "rationalized"})


class Attempt(Record):
    """An answer, and its verdict once it is judged."""

    answer: Answer
    verdict: Verdict | None


class Taken(Record):
    """The answer of a benchmark's item that is made of the sample, and its scores."""

    benchmark: str
    item_id: str
    prediction: Prediction | None
    """None where the video could not be used."""
    scores: tuple[Score, ...]


class Learner(Record):
    """The model of a round, if it learned from the sample."""

    model: ModelRef
    examples: int
    """Conversations of its own round that are made of the sample."""
    goes_on_from: str | None = None
    """The round whose model it was trained on and which had learned from the sample
    (finetune.start_from: previous)."""


class RoundLife(Record):
    """What one round did with the sample."""

    round: str
    standing: Standing | None
    """None of r0, of test samples, and before `verify-rationales`."""
    answers: tuple[Attempt, ...]
    rationales: tuple[Attempt, ...]
    examples: tuple[TrainingExample, ...]
    learner: Learner | None
    predictions: tuple[Taken, ...]
    failures: tuple[Failure, ...]


class Row(Record):
    """A line of an annotation file that names the sample's recording; the manifest keeps none."""

    file: str
    """Relative to the data folder."""
    line: int
    text: str
    """Its beginning."""


class Watched(Record):
    """The video, and what of it the model sees with the video parameters of params.yaml."""

    sha256: str | None
    times: tuple[float, ...] | None
    """Seconds from the start of the clip to each frame; None where there is no clock."""
    source: Literal["frame cache", "packets", "none"]
    """packets: chosen as the decoder chooses, which may differ where a file is damaged."""
    problem: str | None = None
    """Why it cannot be used."""


class Prompt(Record):
    """A prompt of the loop."""

    text: str
    prompt_hash: str
    """That of the answers to it."""


class Life(Record):
    """All that is known of one sample."""

    id: str
    sample: VideoSample | None
    """None for one that ingest left out; the failures then say why."""
    sources: tuple[str, ...]
    """The annotation files of its data set and split in params.yaml."""
    rows: tuple[Row, ...]
    rounds: tuple[RoundLife, ...]
    watched: Watched | None = None
    question: Prompt | None = None
    """What generate asks, of a train sample."""
    hint: Prompt | None = None
    """What rationalize asks: the question with the label."""
    leaks: tuple[str, ...] = ()
    """Held-out videos that are the same recording or file, of a test sample those learned from."""


class Moved(Record):
    """A sample that passes in one of two rounds only."""

    sample: VideoSample
    before: RoundLife
    after: RoundLife


class KindChange(Record):
    """The train samples with a label of one kind, of two rounds."""

    kind: str
    """Empty: all samples."""
    samples: int
    passing: tuple[int, int]
    """How many pass before and after."""
    newly_passing: int
    newly_failing: int


class SampleChanges(Record):
    """What became of the train samples from one round to another."""

    kinds: tuple[KindChange, ...]
    """All of them first, then by label kind; a sample with several kinds counts for each."""
    standings: dict[Standing, dict[Standing, int]]
    """Samples by how they stand before and after; pairs without any are left out."""
    learned_from: tuple[int | None, int | None]
    """Samples of which conversations were made; None before `curate`."""
    newly_passing: tuple[Moved, ...]
    newly_failing: tuple[Moved, ...]
    """Examples."""


class ItemChange(Record):
    """An item of a benchmark whose score differs."""

    benchmark: str
    item_id: str
    metric: str
    prompt: str
    texts: tuple[str, str]
    """The answers before and after."""
    scores: tuple[Score, Score]


class MetricChange(Record):
    """A metric of a benchmark in two rounds, over the items that both have."""

    benchmark: str
    metric: str
    before: MetricValue | None
    after: MetricValue | None
    """As in metrics.json, over all items of each."""
    difference: PairedDifference | None
    """None where it does not exist."""
    items: int
    """Items that both have scored for it; 0 for a metric that is made of others."""
    newly_right: int
    newly_wrong: int
    """Items whose score rose and fell: where it is 0 or 1, those that got right and wrong."""


class Difference(Record):
    """What changed from one round to another."""

    before: str
    after: str
    samples: SampleChanges | None
    """None where one of the rounds has not all verdicts, as r0."""
    metrics: tuple[MetricChange, ...]
    newly_right: tuple[ItemChange, ...]
    newly_wrong: tuple[ItemChange, ...]
    """Examples, of each benchmark."""


def standing_of(answers: Iterable[Verdict], rationales: Iterable[Verdict]) -> Standing:
    """How a sample with these verdicts of a round stands."""
    direct = {verdict.outcome for verdict in answers}
    hinted = {verdict.outcome for verdict in rationales}
    if "pass" in direct:
        return "direct"
    if "pass" in hinted:
        return "rationalized"
    if "doubtful" in direct | hinted:
        return "doubtful"
    return "rejected" if direct or hinted else "unanswered"
