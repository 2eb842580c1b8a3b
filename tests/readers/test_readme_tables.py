"""The README's ten lines, executed as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml
from tiny import ROOT, moving_square, write_clip

from video_star.core.labels import ClassLabel, Label, SpanLabel
from video_star.core.paths import Workspace
from video_star.data.manifest import read_manifest

README = (ROOT / "README.md").read_text(encoding="utf-8")
PATHS = {"class": "mine/labels.csv", "span": "mine/spans.csv"}


def block(language: str, name: str) -> str:
    """The text of the README's fenced block of this language and name."""
    (found,) = re.findall(rf"```{language} {name}\n(.*?)```", README, re.DOTALL)
    return str(found)


def follow(workspace: Workspace, name: str) -> None:
    """Do what the README says: write the table, put the videos, replace the section, run it."""
    table = block("csv", name)
    annotations = workspace.data / PATHS[name]
    assert f"`data/{PATHS[name]}`" in README
    for number, line in enumerate(table.splitlines()[1:]):
        video = workspace.data / "mine" / "videos" / line.split(",")[0]
        write_clip(video, moving_square(number))
    annotations.write_text(table, encoding="utf-8")
    params = yaml.safe_load(workspace.params.read_text(encoding="utf-8"))
    params.update(yaml.safe_load(block("yaml", name)))
    workspace.params.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    (command,) = re.findall(r"```sh\n(video-star ingest)\b", README)
    subprocess.run(
        [sys.executable, "-m", *command.replace("video-star", "video_star").split()],
        cwd=workspace.root,
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        (
            "class",
            [ClassLabel(name=n) for n in ("doing push ups", "playing guitar", "doing push ups")],
        ),
        (
            "span",
            [
                SpanLabel(start=0.5, end=1.0, duration=1.5),
                SpanLabel(start=0.25, end=1.25, duration=1.5),
                SpanLabel(start=0.0, end=0.75, duration=1.5),
            ],
        ),
    ],
)
def test_the_ten_lines_of_the_readme_become_samples(
    name: str, labels: list[Label], workspace: Workspace
) -> None:
    follow(workspace, name)
    samples = read_manifest(workspace)
    assert [sample.labels for sample in samples] == [(label,) for label in labels]
    assert [sample.split for sample in samples] == ["train", "train", "test"]
    assert [sample.video for sample in samples] == [f"mine/videos/{c}.mp4" for c in "abc"]
    events = ("the person opens the door", "the cup falls", "the person opens the door")
    if name == "span":
        for sample, event in zip(samples, events, strict=True):
            assert event in sample.question
