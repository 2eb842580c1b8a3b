"""Question proposal: what a model writes is kept only where it is new, fits and names no label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from chat_server import said, serve
from typer.testing import CliRunner

from video_star.cli.main import app
from video_star.cli.propose import propose_questions, write_proposals
from video_star.core.chat import Messages
from video_star.core.errors import DataError, ServiceError, UsageError
from video_star.core.labels import ClassLabel, Label, SequenceLabel, SpanLabel
from video_star.core.paths import Workspace
from video_star.core.records import VideoSample
from video_star.data.questions import load_questions

TASK = "Recognise sports."
LABELS = ["diving", "doing push ups", "ski jumping"]


@dataclass
class Scripted:
    """Says the replies one after the other, and the last one again and again."""

    texts: list[str]
    name: str = "scripted-1"
    asked: list[str] = field(default_factory=list)

    def replies(self, conversations: Sequence[Messages]) -> list[str]:
        ((message,),) = conversations
        self.asked.append(message["content"])
        return [self.texts[min(len(self.asked), len(self.texts)) - 1]]


def test_numbering_quotes_headings_and_repetitions_are_dropped() -> None:
    chat = Scripted(
        [
            "Sure! Here are some questions:\n"
            "1. What sport is this?\n"
            "2) what SPORT is this?\n"
            '- "Which activity do you see?"\n'
            "(3) Name what the person does.\n"
            "\n"
            "That is all"
        ]
    )
    assert propose_questions(chat, TASK, LABELS, 3, 17) == (
        "What sport is this?",
        "Which activity do you see?",
        "Name what the person does.",
    )


@pytest.mark.parametrize(
    "leak",
    ["Is the person diving?", "Who is doing push ups?", "Do the ups need a push?", "Is it Diving?"],
)
def test_a_question_that_names_a_label_is_dropped(leak: str) -> None:
    chat = Scripted([f"{leak}\nWhat is going on?"])
    assert propose_questions(chat, TASK, LABELS, 1, 17) == ("What is going on?",)


def test_it_is_asked_again_until_there_are_enough_and_told_what_there_is() -> None:
    chat = Scripted(["What is it?", "What is it?\nWhich sport is shown?", "How is it called?"])
    found = propose_questions(chat, TASK, LABELS, 3, 17)
    assert found == ("What is it?", "Which sport is shown?", "How is it called?")
    assert "What is it?" in chat.asked[1]
    assert "What is it?" not in chat.asked[0]
    assert TASK in chat.asked[0]
    assert all(label in chat.asked[0] for label in LABELS)


def test_a_model_that_gives_too_few_is_a_service_error_that_names_it() -> None:
    chat = Scripted(["What is it?", "nothing"])
    with pytest.raises(ServiceError, match="scripted-1 gave only 1 of 5"):
        propose_questions(chat, TASK, LABELS, 5, 17)
    assert len(chat.asked) < 10


def test_kinds_with_fields_keep_only_questions_with_their_placeholders() -> None:
    chat = Scripted(["When is it?\nWhen does {event} begin?\nAt {time} is {event}?\n{event!r}?"])
    assert propose_questions(chat, TASK, ["x"], 1, 17, "span") == ("When does {event} begin?",)
    assert "{event}" in chat.asked[0]


def test_the_seed_chooses_which_labels_the_model_sees() -> None:
    labels = [f"label number{n}" for n in range(100)]

    def prompt(seed: int, order: int = 1) -> str:
        chat = Scripted(["What is it?"])
        propose_questions(chat, TASK, labels[::order], 1, seed)
        return chat.asked[0]

    assert prompt(1) == prompt(1, order=-1)
    assert prompt(1) != prompt(2)
    assert sum(label + "\n" in prompt(1) for label in labels) == 20


def sample(number: int, kind: str, *labels: Label) -> VideoSample:
    return VideoSample(
        id=f"d/{number}",
        dataset="d",
        video="v.mp4",
        source_id="d/v",
        split="train",
        question="?",
        question_template=f"{kind}/0",
        labels=labels,
    )


def test_proposals_are_written_for_the_samples_of_their_kind(tmp_path: Path) -> None:
    samples = [
        sample(0, "class", ClassLabel(name="diving", synonyms=("plunging",))),
        sample(1, "sequence", SequenceLabel(names=("run", "jump"))),
        sample(2, "span", SpanLabel(start=1, end=2)),
    ]
    chat = Scripted(["Is it plunging?\nDo they jump?\nWhat is it?"])
    write_proposals(chat, "class", TASK, samples, 2, 17, tmp_path / "q.yaml")
    assert load_questions(tmp_path / "q.yaml") == {"class": ("Do they jump?", "What is it?")}
    assert "run" not in chat.asked[0].split()
    with pytest.raises(DataError, match="kind span"):
        write_proposals(chat, "span", TASK, samples, 2, 17, tmp_path / "q.yaml")
    with pytest.raises(UsageError, match="no question kind 'colour'"):
        write_proposals(chat, "colour", TASK, samples, 2, 17, tmp_path / "q.yaml")


def test_the_command_asks_a_server_and_writes_the_file(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_STAR_HOME", str(workspace.root))
    out = tmp_path / "q.yaml"
    text = "1. Which sport is it?\n2. What is done here?\n3. Is it surfing?"
    with serve(lambda _: said(text)) as server:
        options = ("--url", server.url, "--model", "m", "--out", str(out), "--wanted", "2")
        done = CliRunner().invoke(app, ["propose", "class", *options])
    assert done.exit_code == 0, done.output
    assert load_questions(out) == {"class": ("Which sport is it?", "What is done here?")}
