"""Reward functions for reinforcement learning on labelled videos, by the rules of `verification`.

TRL and ms-swift call the rewards, verl calls their `compute_score` (docs/rewards.md). They can be
pickled, and several threads may call them. No answer makes them raise. Labels that are none do:
with a reward of 0 instead, nobody would see that the data set is broken.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from pydantic import TypeAdapter
from pydantic_core import to_json

from video_star.core.errors import DataError, UsageError
from video_star.core.labels import ClassLabel, Label, TextLabel
from video_star.core.params import Params, load_params
from video_star.core.records import Outcome
from video_star.verification import Case, judge_all, known_of
from video_star.verification.final_answer import read

Classes: TypeAlias = Mapping[str, Iterable[str | ClassLabel]] | Iterable[str | ClassLabel]
"""The classes of each data set; those of all of them under "", or alone."""
Column: TypeAlias = Iterable[Any] | None
"""One value for each completion."""

_LABELS: TypeAdapter[tuple[Label, ...]] = TypeAdapter(tuple[Label, ...])
_TURN = threading.Lock()
"""Who has it judges: neither tokenizers of embedding models nor our caches serve two threads."""


class LabelReward:
    """1.0 for an answer that gives every label of its sample, 0.0 for one that does not.

    A doubtful answer gets `doubtful`, and so does a sample without labels. No judge model is asked.
    """

    __name__ = "label_reward"

    def __init__(
        self, params: Params, home: Path, classes: Classes = (), doubtful: float | None = None
    ) -> None:
        """An answer that names several of `classes` is no right one; without them nobody notices.

        Own verifiers and embedding models are looked for below `home`, UsageError says what of them
        is not there. Weights are loaded at the first use, in each process anew.
        """
        if isinstance(classes, str):
            raise UsageError(f"classes: {classes!r} is one text; give a list of class names.")
        groups = classes if isinstance(classes, Mapping) else {"": classes}
        self.params, self.home, self.doubtful = params, home, doubtful
        self.classes = {
            group: tuple(c if isinstance(c, ClassLabel) else ClassLabel(name=c) for c in own)
            for group, own in groups.items()
        }
        text = TextLabel(text="any")  # sentences may have to be embedded, whatever the classes are
        self._known = known_of(
            [*self.classes.items(), ("", (text,))], params.verify, home, params.settings.device
        )

    @classmethod
    def of(
        cls, params_yaml: str | Path, classes: Classes = (), doubtful: float | None = None
    ) -> LabelReward:
        """The reward with the `verify` settings of a params.yaml, in its folder."""
        path = Path(params_yaml)
        return cls(load_params(path), path.parent, classes, doubtful)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.params, self.home, self.classes, self.doubtful)

    def __call__(
        self,
        completions: Sequence[Any],
        labels: Column = None,
        question: Column = None,
        dataset: Column = None,
        prompts: Column = None,
        messages: Column = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: object,
    ) -> list[float | None]:
        """One reward for each completion. DataError for labels that are none."""
        if labels is None:
            raise DataError("labels: the data set has no such column; add it, or rename one to it.")
        none = [None] * len(completions)
        given = (question, dataset, messages if prompts is None else prompts)
        rest = (none if column is None else column for column in given)
        outcomes = self._outcomes(zip(completions, labels, *rest, strict=True))
        if log_metric is not None and outcomes:
            share = outcomes.count("doubtful") / len(outcomes)
            log_metric(f"rewards/{self.__name__}/doubtful", share)
        return [self.doubtful if o in ("doubtful", None) else float(o == "pass") for o in outcomes]

    def compute_score(
        self,
        data_source: str,
        solution_str: str,
        ground_truth: Any,
        extra_info: Mapping[str, Any] | None = None,
        **others: object,
    ) -> dict[str, float]:
        """The reward of one answer as verl takes it, 0.0 where it is doubtful.

        `ground_truth` are the labels, `data_source` is the data set, `extra_info` may have the
        question.
        """
        question = (extra_info or {}).get("question")
        (outcome,) = self._outcomes([(solution_str, ground_truth, question, data_source)])
        return {"score": float(outcome == "pass"), "doubtful": float(outcome == "doubtful")}

    def _case(
        self, completion: Any, labels: Any, question: Any, dataset: Any, asked: Any = None
    ) -> Case:
        found = labels_of(labels)
        group = dataset if dataset in self.classes else ""
        has_class = any(isinstance(label, ClassLabel) for label in found)
        if has_class and self.classes and group not in self.classes:
            raise DataError(
                f"classes: none are given for data set {dataset!r}, but for "
                f"{', '.join(map(repr, self.classes))}; name it in both places alike."
            )
        said = text_of(asked, "user") if question is None else str(question)
        return Case(text_of(completion), said, found, group)

    def _outcomes(self, rows: Iterable[Sequence[Any]]) -> list[Outcome | None]:
        """None for a sample without labels, of which every answer would pass."""
        cases = [self._case(*row) for row in rows]
        with _TURN:
            made = judge_all(cases, self.params.verify, self._known)
        return [one.outcome if case.labels else None for case, one in zip(cases, made, strict=True)]


class FormatReward:
    """1.0 for an answer with a final answer that it marks as one ("Answer: ..."), else 0.0."""

    __name__ = "format_reward"

    def __init__(self, args: object = None, **kwargs: object) -> None:
        """ms-swift gives its arguments to what it makes; nothing here depends on them."""

    def __call__(self, completions: Sequence[Any], **columns: object) -> list[float]:
        """One reward for each completion."""
        return [float(bool(read(text_of(completion)).finals)) for completion in completions]

    def compute_score(
        self, data_source: str, solution_str: str, *given: object, **others: object
    ) -> float:
        """The reward of one answer as verl takes it."""
        return self([solution_str])[0]


def classes_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[ClassLabel]]:
    """The classes of each data set, from rows with `labels` and perhaps `dataset`."""
    classes: dict[str, dict[ClassLabel, None]] = {}
    for row in rows:
        for label in labels_of(row["labels"]):
            if isinstance(label, ClassLabel):
                classes.setdefault(row.get("dataset") or "", {})[label] = None
    return {group: list(own) for group, own in classes.items()}


def labels_of(given: Any) -> tuple[Label, ...]:
    """The labels in a cell: a list as in manifests, or JSON of one; none where it is empty.

    Tables of Arrow give every label the fields of all kinds: the empty ones are left out.
    """
    try:
        is_text = isinstance(given, str | bytes)
        text = given if is_text else to_json(given, fallback=np.ndarray.tolist)
        plain = json.loads(text, object_hook=_without_nulls)
        return _LABELS.validate_python([plain] if isinstance(plain, dict) else plain or [])
    except (TypeError, ValueError) as error:  # of JSON or of pydantic
        problem = " ".join(str(error).split())[:300]
        raise DataError(
            f"labels: {given!r:.300} are none ({problem}); write a list such as "
            '[{"kind": "class", "name": "surfing"}].'
        ) from error


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def text_of(turns: Any, role: str = "assistant") -> str:
    """A text as it is, or what a role says last in a conversation; "" where it says nothing.

    The parts of a message may also be videos, thoughts and calls of tools.
    """
    if isinstance(turns, str):
        return turns
    messages = turns if isinstance(turns, list | tuple) else [turns]
    own = [m for m in messages if isinstance(m, Mapping) and m.get("role", role) == role]
    said = own[-1].get("content") if own else None
    parts = said if isinstance(said, list | tuple) else [said]
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    return "\n".join(text for text in texts if isinstance(text, str))
