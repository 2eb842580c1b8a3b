"""Which label kinds yielded nothing in a round, with their threshold and example answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from video_star.core.excerpt import cut
from video_star.core.jsonl import read_shards
from video_star.core.paths import RoundPaths
from video_star.core.records import Answer, Origin, Verdict

EXAMPLES = 3
"""How many answers are shown per kind."""
LONGEST = 300
"""Characters of an answer that are shown."""


def zero_yield(paths: RoundPaths) -> str | None:
    """Which kinds yield nothing, as a clause; None when each kind with judged answers has a match.

    A kind yields nothing when no sample with a label of this kind passed, directly or explained.
    """
    passed: set[str] = set()
    rejected: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in _verdicts(paths):
        for kind in {label.kind for label in verdict.labels}:
            if verdict.passed:
                passed.add(kind)
            elif _is_new(verdict, rejected[kind]):
                rejected[kind].append(verdict)
    empty = {kind: found for kind, found in sorted(rejected.items()) if kind not in passed}
    if not empty:
        return None
    texts = _texts(paths, [verdict for found in empty.values() for verdict in found])
    clauses = "; and of ".join(_describe(kind, found, texts) for kind, found in empty.items())
    return f"No answer of {paths.name} passes for labels of {clauses}"


def _verdicts(paths: RoundPaths) -> Iterator[Verdict]:
    """Explanations first: where there is one, it is the example to show."""
    yield from read_shards(paths.rationale_verdicts, Verdict)
    yield from read_shards(paths.verdicts, Verdict)


def _is_new(verdict: Verdict, found: list[Verdict]) -> bool:
    return len(found) < EXAMPLES and all(v.sample_id != verdict.sample_id for v in found)


_Key = tuple[str, int, Origin]


def _key(item: Answer | Verdict) -> _Key:
    return item.sample_id, item.attempt, item.origin


def _texts(paths: RoundPaths, verdicts: list[Verdict]) -> dict[_Key, str]:
    wanted = {_key(verdict) for verdict in verdicts}
    return {
        _key(answer): " ".join(answer.text.split())
        for folder in (paths.answers, paths.rationales)
        for answer in read_shards(folder, Answer)
        if _key(answer) in wanted
    }


def _describe(kind: str, found: list[Verdict], texts: dict[_Key, str]) -> str:
    threshold = next(label.threshold for label in found[0].labels if label.kind == kind)
    examples = "; ".join(
        f"{v.sample_id}: {cut(texts.get(_key(v), ''), LONGEST)!r} ({_reason(v, kind)})"
        for v in found
    )
    return f"kind {kind} (threshold {threshold:g}), for instance {examples}"


def _reason(verdict: Verdict, kind: str) -> str:
    """Why the label of this kind failed, or what else kept the answer from passing."""
    failed = (v.reason for v in verdict.labels if v.kind == kind and not v.passed)
    return next(failed, verdict.reason)
