"""A label kind is known in every place that has to know it; CONTRIBUTING.md lists them."""

from __future__ import annotations

import sys

import pytest
import tiny

sys.path.insert(0, str(tiny.ROOT / "tests" / "verification"))

from judged_answers import ONE_OF_EACH, OTHERS

from video_star.core.labels import KINDS, Label, say
from video_star.core.prompts import FORMS, final_value
from video_star.data.questions import TEMPLATES
from video_star.data.readers.star_annotations import labels_to
from video_star.data.readers.table_labels import COLUMNS
from video_star.verification import RULES

DOCS = (tiny.ROOT / "docs" / "labels.md").read_text(encoding="utf-8")


def test_there_is_a_label_of_each_kind_and_another_one_to_compare_it_with() -> None:
    assert tuple(label.kind for label in ONE_OF_EACH) == KINDS
    assert tuple(label.kind for label in OTHERS) == KINDS


@pytest.mark.parametrize("label", ONE_OF_EACH, ids=lambda label: label.kind)
def test_a_kind_is_asked_for_read_verified_exported_and_documented(label: Label) -> None:
    for known in (FORMS, RULES, COLUMNS, TEMPLATES):
        assert label.kind in known
    assert say(label)
    assert final_value(label)
    assert labels_to((label,), duration=20.0)
    assert f"| {label.kind} | `{{" in DOCS
