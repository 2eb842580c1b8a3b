"""Puts answers to questions, by what is asked and never by position alone; names what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from video_star.evaluation.benchmarks.prediction_files import Problem
from video_star.evaluation.benchmarks.tempcompass_items import Gold, bare_id
from video_star.evaluation.benchmarks.tempcompass_predictions import Found, Given

_ORDER = ("unreadable", "malformed", "unknown", "twice", "question", "answer", "missing")


@dataclass
class Joined:
    """The answers by item id; an item that has none is missing here and named in problems."""

    texts: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        return sum(problem.kind == "missing" for problem in self.problems)


def join(golds: Sequence[Gold], found: Found) -> Joined:
    """Every answer with its question; Problems in a fixed order, those of whole files first."""
    places = _Places(golds)
    joined = Joined(problems=list(found.problems))
    source: dict[str, Given] = {}
    spoken_for: set[str] = set()
    same: dict[tuple[str, str], int] = {}
    for given in found.given:
        gold, problem = places.find(given)
        if problem is not None:
            joined.problems.append(problem)
        if gold is None:
            continue
        spoken_for.add(gold.id)
        before = source.setdefault(gold.id, given)
        if before is not given:
            _second(gold, before, given, joined, same)
        elif problem is None and given.text is not None:
            joined.texts[gold.id] = given.text
        elif problem is None:
            what = "its prediction is null or there is none"
            joined.problems.append(Problem("missing", gold.id, f"{what} ({given.where})"))
    for gold in golds:
        if gold.id not in spoken_for:
            joined.problems.append(Problem("missing", gold.id, "no file has an answer to it"))
    joined.problems.sort(key=lambda problem: _ORDER.index(problem.kind))
    joined.notes += [f"{n} answers of {b} stand in {a} already" for (a, b), n in same.items()]
    return joined


def _second(
    gold: Gold, before: Given, given: Given, joined: Joined, same: dict[tuple[str, str], int]
) -> None:
    """The same words in another file are only noted; everything else is one answer too many."""
    if before.file != given.file and before.text == given.text:
        key = (before.file, given.file)
        same[key] = same.get(key, 0) + 1
    else:
        what = f"two answers: {before.where} and {given.where}"
        joined.problems.append(Problem("twice", gold.id, what))


class _Places:
    """Looks up the question that an answer belongs to."""

    def __init__(self, golds: Iterable[Gold]) -> None:
        self._pairs: dict[tuple[str, str], list[Gold]] = {}
        self._asked: dict[tuple[str, str, str], list[Gold]] = {}
        self._used: set[tuple[str, str]] = set()
        for gold in golds:
            pair = (bare_id(gold.video), gold.aspect)
            self._pairs.setdefault(pair, []).append(gold)
            self._asked.setdefault((*pair, gold.question), []).append(gold)

    def find(self, given: Given) -> tuple[Gold | None, Problem | None]:
        """The question, and what is wrong with the answer; no question when it is unknown."""
        key = (given.video, given.aspect, given.question)
        asked = [gold for gold in self._asked.get(key, ()) if given.task in (None, gold.task)]
        if not asked:
            return self._unasked(given)
        gold = self._one_of(asked, given)
        if given.answer not in (None, gold.answer) and gold.task != "captioning":
            what = f"{given.where} takes {given.answer!r} as right, the questions {gold.answer!r}"
            return gold, Problem("answer", gold.id, what)
        return gold, None

    def _one_of(self, asked: Sequence[Gold], given: Given) -> Gold:
        """The same words can be asked twice of a video: by position, else the next unused one."""
        gold = next((g for g in asked if g.index == given.index), None)
        if gold is None:
            unused = (g for g in asked if (given.file, g.id) not in self._used)
            gold = next(unused, asked[0])
        self._used.add((given.file, gold.id))
        return gold

    def _unasked(self, given: Given) -> tuple[Gold | None, Problem | None]:
        pair = (given.video, given.aspect)
        listed = [gold for gold in self._pairs.get(pair, ()) if given.task in (None, gold.task)]
        at = next((g for g in listed if given.task and g.index == given.index), None)
        if at is not None:
            what = f"{given.where} answers another question, {given.question[:80]!r}"
            return at, Problem("question", at.id, what)
        about = "no such question" if listed else "no question"
        what = f"there is {about} about {given.video}/{given.aspect}: {given.question[:80]!r}"
        return None, Problem("unknown", given.where, what)
