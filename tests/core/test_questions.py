"""Question templates: enough of them, exact fields, a stable choice, and nothing given away."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from video_star.core import prompts
from video_star.core.errors import DataError
from video_star.core.labels import KINDS
from video_star.data.questions import (
    FIELDS,
    TEMPLATES,
    ask,
    fields_of,
    load_questions,
    save_questions,
    using,
)
from video_star.data.readers import READERS, reader_class

VALUES = {name: f"<{name}>" for names in FIELDS.values() for name in names}


def filled(kind: str, key: str = "a", seed: int = 17) -> tuple[str, str]:
    return ask(kind, key, seed, **{name: VALUES[name] for name in FIELDS[kind]})


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_kind_has_twenty_templates_that_all_use_its_fields(kind: str) -> None:
    templates = TEMPLATES[kind]
    assert len({" ".join(t.casefold().split()) for t in templates}) == len(templates) >= 20
    assert {fields_of(template) for template in templates} == {FIELDS[kind]}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_template_is_reached_and_says_what_it_is_given(kind: str) -> None:
    seen = {filled(kind, str(number)) for number in range(2000)}
    assert {name for _, name in seen} == {f"{kind}/{i}" for i in range(len(TEMPLATES[kind]))}
    for question, _ in seen:
        assert all(VALUES[name] in question for name in FIELDS[kind])
        assert "{" not in question


def test_there_are_templates_for_every_label_kind_and_every_question_of_a_reader() -> None:
    kinds = set(KINDS)
    for name in READERS:
        fields = reader_class(name).Section.model_fields
        if "questions" in fields:
            kinds |= set(get_args(get_args(fields["questions"].annotation)[0]))
    assert kinds <= TEMPLATES.keys()


def test_the_choice_depends_on_seed_kind_and_key_alone() -> None:
    keys = [f"k/{number}" for number in range(200)]
    forwards = {key: ask("sequence", key, 17) for key in keys}
    assert {key: ask("sequence", key, 17) for key in reversed(keys)} == forwards
    assert {key: ask("sequence", key, 18) for key in keys} != forwards
    numbers = [int(name.partition("/")[2]) for _, name in forwards.values()]
    assert numbers != [int(ask("set", key, 17)[1].partition("/")[2]) for key in keys]


def test_class_questions_are_the_ones_that_prompts_chooses() -> None:
    assert TEMPLATES["class"] is prompts.CLASS_QUESTIONS
    for number in range(50):
        assert ask("class", f"k/{number}", 17) == prompts.class_question(f"k/{number}", 17)


def test_a_box_with_a_time_is_asked_at_that_time() -> None:
    question, name = ask("box", "a", 17, object="cup", time="1.5 seconds")
    assert name.startswith("box_at/")
    assert "1.5 seconds" in question
    assert ask("score", "a", 17, name="difficulty")[1].startswith("score_of/")
    assert ask("box", "a", 17, object="cup")[1].startswith("box/")


def test_what_is_filled_in_is_never_read_as_a_template() -> None:
    question, _ = ask("span", "a", 17, event="{0} opens {event.__class__}")
    assert "{0} opens {event.__class__}" in question


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("span", {}),
        ("span", {"event": "x", "time": "y"}),
        ("sequence", {"event": "x"}),
        ("box", {"time": "x"}),
        ("class", {"object": "x"}),
    ],
)
def test_missing_and_superfluous_fields_are_refused_with_the_kind(
    kind: str, fields: dict[str, str]
) -> None:
    with pytest.raises(TypeError, match=repr(kind)):
        ask(kind, "a", 17, **fields)
    with pytest.raises(KeyError, match="no question kind 'colour'"):
        ask("colour", "a", 17)


def test_no_template_gives_a_label_away() -> None:
    """A number, a polarity or an order that stands in a template would be an answer."""
    for kind in ("sequence", "set", "score", "span", "time", "text", "choice", "class"):
        assert not any(char.isdigit() for text in TEMPLATES[kind] for char in text), kind
    for text in (*TEMPLATES["same"], *TEMPLATES["same_at"]):
        open_question = text.rstrip().endswith("?") or text.startswith(("Tell whether", "Decide"))
        assert open_question or text.startswith("Say whether"), text
        assert "not the same" not in text or "same or not the same" in text.casefold(), text
    given = {
        "before": "action", "after": "action", "relation": "second", "in_box": "time",
    }  # fmt: skip
    for kind, field in given.items():
        assert all(text.count(f"{{{field}}}") == 1 for text in TEMPLATES[kind]), kind


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_templates_of_a_file_take_the_place_of_ours_for_their_kinds(tmp_path: Path) -> None:
    path = write(
        tmp_path / "q.yaml",
        "class:\n- Which sport is it?\nspan: ['When is {event} on?', 'When do we see {event}?']\n",
    )
    before = filled("set")
    with using(load_questions(path)):
        assert ask("class", "a", 17) == ("Which sport is it?", "class/file/0")
        spans = {filled("span", str(number)) for number in range(50)}
        assert spans == {
            ("When is <event> on?", "span/file/0"),
            ("When do we see <event>?", "span/file/1"),
        }
        assert filled("set") == before
    assert ask("class", "a", 17) == prompts.class_question("a", 17)


def test_json_files_are_read_as_well_and_kinds_are_added_to_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "q.json", '{"set": ["What is there?"]}')
    assert load_questions(path) == {"set": ("What is there?",)}
    save_questions(path, "time", ["When is {event}: now?"])
    save_questions(path, "set", ["What do you see?"])
    assert load_questions(path) == {
        "set": ("What do you see?",),
        "time": ("When is {event}: now?",),
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("colour: ['What?']", "no question kind 'colour'"),
        ("span: ['When is it?']", r"it must use \{event\}"),
        ("sequence: ['When is {event}?']", "it must use no field"),
        ("span: ['When is {event} {}?']", "not written as"),
        ("span: ['When is {event!r}?']", "not written as"),
        ("span: ['When is {event:>9999999999}?']", "not written as"),
        ("span: ['When is {event.__class__}?']", "not written as"),
        ("span: ['When is {event?']", "braces"),
        ("sequence: []", "at least one"),
        ("sequence: What?", "not a list"),
        ("sequence: ['  ']", "is no text"),
        ("sequence: [7]", "is no text"),
        ("sequence: ['What?', 'What?']", "twice"),
        ("- What?", "not a mapping"),
        ("", "not a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        load_questions(write(tmp_path / "q.yaml", text))
    with pytest.raises(DataError, match=r"ingest\.questions"):
        load_questions(tmp_path / "absent.yaml")
