"""A label kind is one module and its name in the union, as CONTRIBUTING.md says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

sys.path.insert(0, str(tiny.ROOT / "tests" / "verification"))

from judged_answers import ONE_OF_EACH, OTHERS

from video_star.core.labels import KINDS, Label

DOCS = (tiny.ROOT / "docs" / "labels.md").read_text(encoding="utf-8")
SOURCE = tiny.ROOT / "src" / "video_star"


def test_there_is_a_label_of_each_kind_and_another_one_to_compare_it_with() -> None:
    assert [label.kind for label in ONE_OF_EACH] == [*KINDS]
    assert [label.kind for label in OTHERS] == [*KINDS]


@pytest.mark.parametrize("label", ONE_OF_EACH, ids=lambda label: label.kind)
def test_a_kind_of_ours_is_documented(label: Label) -> None:
    assert f"| {label.kind} | `{{" in DOCS


COLOUR = '''
"""Colours: which one an answer names."""

from typing import Literal

from video_star.core.labels.base import BaseLabel, fails, unless
from video_star.core.labels.cells import one_text


class ColourLabel(BaseLabel):
    """The colour of something; passes when the answer names it."""

    FORM = "<colour>"

    kind: Literal["colour"] = "colour"
    colour: str

    @classmethod
    def of_row(cls, row):
        return cls(colour=one_text(row["label"]))

    def say(self):
        return self.colour

    def find(self, said, asked):
        words = said.at(self.colour)
        if not words:
            return fails("no value")
        start, end = said.spans[words[0]]
        return unless(said.doubt(start), 1.0, said.characters(start, end))
'''
USED = """
import sys
from pathlib import Path

from video_star.core.labels import KINDS, label_text
from video_star.core.params import load_params
from video_star.core.prompts import final_line, final_line_request
from video_star.core.records import VideoSample
from video_star.data.readers.star_annotations import labels_to
from video_star.data.readers.table import Table, TableSource
from video_star.rewards import LabelReward
from video_star.verification import case_of, judge_all, known_of_samples

data, root = Path(sys.argv[1]), Path(sys.argv[2])
columns = {name: name for name in ("video", "label", "question")}
source = TableSource(reader="table", dataset="d", annotations="t.csv", videos="v", kind="colour",
                     columns=columns, split="train")
(sample,) = Table(source, data, 1).rows()
labels = sample.labels
assert labels == (KINDS["colour"](colour="red"),)
assert VideoSample.model_validate_json(sample.model_dump_json()) == sample
assert label_text(labels) == "red"
assert final_line_request(labels) == 'End with a last line "Answer: <colour>".'
assert labels_to(labels, 1.0) == [("colour", "sentence", "red")]
params = load_params(root / "params.yaml").verify
texts = ["Answer: red", "The car is red.", "It is not red.", "Answer: blue", "Red.\\nAnswer: blue"]
assert final_line(labels) == texts[0]
known = known_of_samples([sample], params, root)
made = judge_all([case_of(sample, text) for text in texts], params, known)
assert [one.outcome for one in made] == ["pass", "pass", "doubtful", "fail", "fail"], made
assert made[1].labels[0].extracted == "red"
assert [made[2].reason, made[3].reason] == ["negated", "no value"]
reward = LabelReward.of(root / "params.yaml")
assert reward(texts[:1], [[{"kind": "colour", "colour": "red"}]]) == [1]
"""


def test_another_kind_is_a_module_and_its_name_in_the_union(tmp_path: Path) -> None:
    """Our sources with one more kind: asked for, said, read from a table, verified, exported."""
    package, kinds = tmp_path / "src" / "video_star", SOURCE / "core" / "labels"
    for folder, changed in ((SOURCE, "core"), (SOURCE / "core", "labels"), (kinds, "__init__.py")):
        own = package / folder.relative_to(SOURCE)
        own.mkdir(parents=True)
        for path in folder.iterdir():
            if path.name not in (changed, "__pycache__"):
                (own / path.name).symlink_to(path)
    (package / "core" / "labels" / "colours.py").write_text(COLOUR)
    text = (kinds / "__init__.py").read_text(encoding="utf-8")
    added = "from video_star.core.labels.colours import ColourLabel\n\nLabel: TypeAlias"
    changed = text.replace("\nLabel: TypeAlias", added).replace(
        "    ClassLabel\n", "    ColourLabel\n    | ClassLabel\n"
    )
    assert changed.count("ColourLabel") == text.count("ColourLabel") + 2
    (package / "core" / "labels" / "__init__.py").write_text(changed, encoding="utf-8")
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a.mp4").touch()
    (tmp_path / "t.csv").write_text("video,label,question\na.mp4,red,Which colour has the car?\n")
    done = subprocess.run(
        [sys.executable, "-c", USED, str(tmp_path), str(tiny.ROOT)],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
