"""The verifiers are right on answers that nobody looked at while writing them."""

from __future__ import annotations

from collections import Counter

import pytest
from asked import verify_params
from case_set import JudgedAnswer, quality, read_classes, read_half, verdicts

from video_star.labels import KINDS, ClassLabel

Judged = list[tuple[JudgedAnswer, bool]]


@pytest.fixture(scope="module")
def judged() -> Judged:
    """The held-out half with the verdict on each answer."""
    return list(verdicts(read_half("held_out"), verify_params()))


def test_held_out_answers_are_judged_well(judged: Judged) -> None:
    measured = quality(judged)
    assert measured.precision is not None
    assert measured.recall is not None
    assert measured.precision >= 0.97
    assert measured.recall >= 0.90


@pytest.mark.parametrize("kind", KINDS)
def test_every_label_kind_is_judged_well(judged: Judged, kind: str) -> None:
    measured = quality((case, passed) for case, passed in judged if case.kind == kind)
    assert measured.precision is not None
    assert measured.recall is not None
    assert measured.precision >= 0.97
    assert measured.recall >= 0.90


def test_the_halves_share_no_id_and_no_answer() -> None:
    development, held_out = read_half("development"), read_half("held_out")
    # Counts, so that a failure shows no held-out answer to whoever writes rules.
    same_ids = len({case.id for case in development} & {case.id for case in held_out})
    same_answers = len(
        {_plain(case.answer) for case in development} & {_plain(case.answer) for case in held_out}
    )
    assert (same_ids, same_answers) == (0, 0)
    for half in (development, held_out):
        assert len({case.id for case in half}) == len(half)


def test_there_are_enough_cases_of_every_kind_right_and_wrong() -> None:
    halves = [read_half("development"), read_half("held_out")]
    assert sum(len(half) for half in halves) >= 400
    for half in halves:
        counted = Counter((case.kind, case.passed) for case in half)
        for kind in KINDS:
            assert counted[kind, True] >= 15
            assert counted[kind, False] >= 15


def test_every_case_has_a_label_of_its_kind_and_every_class_is_of_the_data_set() -> None:
    names = read_classes()
    assert len(set(names)) == len(names) >= 60
    for case in (*read_half("development"), *read_half("held_out")):
        assert case.kind in {label.kind for label in case.labels}, case.id
        classes = {label.name for label in case.labels if isinstance(label, ClassLabel)}
        assert classes <= set(names), case.id


def _plain(answer: str) -> str:
    return " ".join(answer.casefold().split())
