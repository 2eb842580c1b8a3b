"""The samples as the page shows them: read in one pass, counted all, held as JSON by a choice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from video_star.core.hashing import stable_hash
from video_star.core.jsonl import read_record, read_records
from video_star.core.labels import Record
from video_star.core.paths import RoundPaths, Workspace
from video_star.core.records import Answer, Failure, Origin, StepReport, Verdict, VideoSample
from video_star.data.by_sample import BySample
from video_star.data.manifest import samples_of
from video_star.report.choice import Choice
from video_star.tracking.lives import Attempt, Standing, standing_of

ALL = ""
"""Stands for samples of every label kind."""
USED = "used all the same"
"""In place of an error, of what a step notes of samples that it could use."""
Clip: TypeAlias = tuple[str, float | None, float | None]
"""Video, relative to the data folder, and start and end in seconds."""


@dataclass
class Tally:
    """Counts of all samples, whatever the page has room for."""

    standings: Counter[tuple[str, str, Standing]] = field(default_factory=Counter)
    """Samples by round, label kind and standing; a sample of two kinds counts for both."""
    lines: Counter[tuple[str, Origin, bool]] = field(default_factory=Counter)
    """Answers by round, origin and whether they end with a final line."""

    def samples(self, round_name: str, kind: str = ALL) -> int:
        """How many samples of a kind a round had."""
        return sum(n for key, n in self.standings.items() if key[:2] == (round_name, kind))

    @property
    def kinds(self) -> list[str]:
        """All label kinds."""
        return sorted({kind for _, kind, _ in self.standings} - {ALL})


class RoundOfSample(Record):
    """A sample in one round."""

    round: str
    standing: Standing
    attempts: tuple[Attempt, ...]
    """The answers, then the explanations of the label."""


def read_samples(workspace: Workspace, rounds: Sequence[str], choice: Choice, tally: Tally) -> None:
    """Read what the rounds made of every training sample; DataError when their files differ."""
    files = [_Files(workspace.round(name)) for name in rounds]
    for sample in samples_of(workspace):
        in_rounds = [file.of(sample.id) for file in files]
        if sample.split != "train":
            continue
        kinds = sorted({label.kind for label in sample.labels})
        for one in in_rounds:
            tally.standings.update((one.round, kind, one.standing) for kind in [ALL, *kinds])
            tally.lines.update(
                (one.round, attempt.answer.origin, attempt.verdict.has_line)
                for attempt in one.attempts
                if attempt.verdict is not None
            )
        course = [one.standing for one in in_rounds]
        stratum = "\x1f".join([sample.dataset, *kinds, *course])
        choice.add(stratum, sample.id, island(_shown(sample, kinds, in_rounds)))
    for file in files:
        file.finish()


def read_lost(paths: Sequence[RoundPaths], choice: Choice) -> Counter[str]:
    """Read what steps could not use, and their notes of what they could; counts by reason."""
    reasons: Counter[str] = Counter()
    for own in paths:
        for failure in _lost(own):
            reasons[failure.error] += 1
            text = island({"round": own.name, **failure.model_dump()})
            choice.add("\x1f".join([own.name, failure.step, failure.error]), text, text)
    return reasons


def _lost(paths: RoundPaths) -> Iterator[Failure]:
    for path in sorted((paths.folder / "failures").glob("*.jsonl")):
        yield from read_records(path, Failure)
    for path in sorted((paths.folder / "reports").glob("*.json")):
        report = read_record(path, StepReport)
        for note in report.notes:
            yield Failure(sample_id="", step=report.step, error=USED, message=note)


def island(value: object) -> str:
    """JSON that no element of a page ends in, whatever the texts."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _shown(
    sample: VideoSample, kinds: Sequence[str], rounds: Sequence[RoundOfSample]
) -> dict[str, object]:
    """What the page needs of a sample; names as in the records."""
    clip: Clip = (sample.video, sample.start_s, sample.end_s)
    return {
        "id": sample.id,
        "dataset": sample.dataset,
        "clip": clip,
        "sheet": f"{stable_hash(*clip):016x}",
        "question": sample.question,
        "kinds": kinds,
        "labels": [{"kind": label.kind, "text": label.say()} for label in sample.labels],
        "rounds": [
            {"standing": one.standing, "attempts": list(map(_attempt, one.attempts))}
            for one in rounds
        ],
    }


def _attempt(attempt: Attempt) -> dict[str, object]:
    verdict = attempt.verdict
    return {
        **attempt.answer.model_dump(include={"origin", "text", "finish_reason"}),
        "verdict": verdict
        and {
            "outcome": verdict.outcome,
            "reason": verdict.reason,
            "labels": [label.model_dump(include=JUDGED) for label in verdict.labels],
        },
    }


JUDGED = {"kind", "score", "threshold", "extracted", "place", "outcome", "reason"}
"""Fields of a label's verdict that the page shows."""


class _Files:
    """The answers and verdicts of a round, sample by sample."""

    def __init__(self, paths: RoundPaths) -> None:
        self._name = paths.name
        self._answers = BySample(paths.answers, Answer)
        self._verdicts = BySample(paths.verdicts, Verdict)
        self._rationales = BySample(paths.rationales, Answer)
        self._judged = BySample(paths.rationale_verdicts, Verdict)

    def of(self, sample_id: str) -> RoundOfSample:
        """The next sample of the manifest."""
        verdicts, judged = self._verdicts.of(sample_id), self._judged.of(sample_id)
        return RoundOfSample(
            round=self._name,
            standing=standing_of(verdicts, judged),
            attempts=(
                *_attempts(self._answers.of(sample_id), verdicts),
                *_attempts(self._rationales.of(sample_id), judged),
            ),
        )

    def finish(self) -> None:
        """DataError when there are samples that the manifest does not have."""
        for folder in (self._answers, self._verdicts, self._rationales, self._judged):
            folder.finish()


def _attempts(answers: Sequence[Answer], verdicts: Sequence[Verdict]) -> Iterator[Attempt]:
    found = {verdict.attempt: verdict for verdict in verdicts}
    return (Attempt(answer=own, verdict=found.get(own.attempt)) for own in answers)
