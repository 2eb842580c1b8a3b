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
    ModelRef,
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
    standing: Standing
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

    video: str
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
    watched: Watched | None
    question: Prompt | None
    hint: Prompt | None
    """What rationalize asks: the question with the label."""
    rounds: tuple[RoundLife, ...]
    leaks: tuple[str, ...]
    """Held-out videos that are the same recording or file, of a test sample those learned from."""


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
