"""Little of what is wrong passes, even of answers that were invented to mislead."""

from __future__ import annotations

import pytest
from case_set import HALVES, JudgedAnswer, quality, read_classes, read_half, verdicts
from judged_answers import PARAMS

from video_star.core.labels import KINDS, ClassLabel

Judged = list[tuple[JudgedAnswer, bool]]


@pytest.fixture(scope="module")
def judged() -> Judged:
    """All cases with the verdict on each."""
    return [pair for half in HALVES for pair in verdicts(read_half(half), PARAMS)]


def test_what_passes_is_right(judged: Judged) -> None:
    lines = []
    for kind in KINDS:
        own = quality(pair for pair in judged if pair[0].kind == kind)
        lines.append(f"{kind:<9} n {own.n} precision {own.precision} recall {own.recall}")
    measured = quality(judged)
    assert measured.n == 6207
    assert measured.precision is not None
    assert measured.recall is not None
    assert measured.precision >= 0.96, "\n".join(lines)
    assert measured.recall >= 0.35, "\n".join(lines)


def test_the_halves_share_no_id_and_no_answer() -> None:
    development, held_out = read_half("development"), read_half("held_out")
    # Counts, so that a failure shows no held-out answer to whoever writes rules.
    assert not len({case.id for case in development} & {case.id for case in held_out})
    answers = [{" ".join(c.answer.casefold().split()) for c in h} for h in (development, held_out)]
    assert not len(answers[0] & answers[1])


def test_every_case_has_a_label_of_its_kind_and_every_class_is_of_the_data_set() -> None:
    names = read_classes()
    for case in (case for half in HALVES for case in read_half(half)):
        assert case.kind in {label.kind for label in case.labels}, case.id
        classes = {label.name for label in case.labels if isinstance(label, ClassLabel)}
        assert classes <= set(names), case.id
