"""Class names, sets and sequences: which name an answer gives, and that it gives no other."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from judged_answers import GROUP, PARAMS, judged, known_with, outcome, verify_params
from rapidfuzz import fuzz, process

from video_star.core.labels import ClassLabel, SequenceLabel, SetLabel
from video_star.core.labels.words import content
from video_star.verification import Case, judge_all

KINETICS = (
    *("playing guitar", "playing drums", "playing piano", "tuning guitar", "juggling balls"),
    *("riding a bike", "washing dishes", "cooking egg", "dancing ballet", "reading book"),
)
GUITAR = ClassLabel(name="playing guitar")


@pytest.mark.parametrize(
    "text",
    [
        "playing guitar",
        "Playing Guitar.",
        "The man is playing his old guitar.",
        "A man plays the guitar on a stage.",
        "He played guitar.",
        "Answer: a man plays the guitar",
        "Answer: playing guiitar",
        "Answer: Strums a guitar",
        "Strums a guitar.",
        "A woman sits on a chair. She is playing guitar.",
    ],
)
def test_a_name_passes_in_its_forms(text: str) -> None:
    assert outcome(GUITAR, text, others=KINETICS) == "pass"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("playing drums", "fail"),
        ("Answer: playing drums", "fail"),
        ("Beats a drum kit", "fail"),
        ("A man holds a guitar and plays chess.", "doubtful"),
        ("He is playing with his kids. A guitar stands there.", "doubtful"),
        ("Answer: playing guitar or playing drums", "doubtful"),
        ("Playing drums, or rather playing guitar.", "doubtful"),
        ("Rather than playing guitar he sits.", "doubtful"),
        ("The man is not playing guitar.", "doubtful"),
        ("He would be playing guitar.", "doubtful"),
        ("A dog runs.", "fail"),
        ("Answer: guitar playing", "fail"),
        ("", "fail"),
    ],
)
def test_another_name_or_a_doubtful_one_does_not(text: str, expected: str) -> None:
    assert outcome(GUITAR, text, others=KINETICS) == expected


def test_a_synonym_is_the_name_too() -> None:
    label = ClassLabel(name="doing push ups", synonyms=("press-ups",))
    for text in ("He is doing press-ups.", "He does push-ups.", "Answer: press-ups"):
        assert outcome(label, text) == "pass", text


def test_several_classes_pass_only_where_hedges_are_allowed() -> None:
    text = "Answer: playing guitar, playing drums"
    assert outcome(GUITAR, text, others=KINETICS) == "doubtful"
    allowed = verify_params(allow_hedge=True)
    assert judged(GUITAR, text, others=KINETICS, params=allowed).passed


def test_other_labels_of_the_same_sample_are_no_rivals() -> None:
    both = (GUITAR, ClassLabel(name="playing drums"))
    assert outcome(both, "They are playing guitar and playing drums.") == "pass"
    assert outcome(both, "They are playing guitar.") == "fail"


TURNS = ("turning right", "turning left", "going straight on")
WAYS = (
    "pushing something from left to right",
    "pushing something from right to left",
    "moving something and something closer to each other",
    "moving something and something away from each other",
)


@pytest.mark.parametrize(
    ("name", "others", "text"),
    [
        ("turning right", TURNS, "turning left"),
        ("turning right", TURNS, "Answer: turning left"),
        ("turning right", TURNS, "The car is turning left."),
        ("turning right", TURNS, "Answer: the car turns left"),
        ("turning right", ("turning left",), "Answer: it takes a left turn"),
        (WAYS[0], WAYS, WAYS[1]),
        (WAYS[0], WAYS, f"Answer: {WAYS[1]}"),
        (WAYS[0], WAYS, "Answer: a hand pushes a cup from right to left"),
        (WAYS[0], (), "Answer: pushing something from right to left"),
        (WAYS[0], (), "pushing something from right to left"),
        (WAYS[0], WAYS, f"The person is {WAYS[1]}."),
        (WAYS[1], (), f"The person is {WAYS[0]}."),
        (WAYS[2], WAYS, WAYS[3]),
        ("dog biting man", (), "man biting dog"),
        ("dog biting man", (), "Answer: a man is biting a dog"),
        ("turning on a light", ("turning off a light",), "Someone is turning off a light."),
        ("eating apple", ("eating apple pie",), "She is eating apple pie."),
        ("eating apple", ("eating apple pie",), "Answer: eating an apple pie"),
    ],
)
def test_the_opposite_and_another_order_never_pass(
    name: str, others: tuple[str, ...], text: str
) -> None:
    assert outcome(ClassLabel(name=name), text, others=others) != "pass"


CONFUSABLE = (
    *("opening a door", "closing a door", "opening a window", "closing a window"),
    *("taking a cup", "putting a cup somewhere", "holding a cup", "washing a cup"),
    *("turning on a light", "turning off a light", "sitting down", "standing up", "sitting up"),
    *(
        "walking the dog",
        "walking",
        "training dog",
        "grooming dog",
        "running",
        "running on treadmill",
    ),
    *("eating cake", "making a cake", "eating", "throwing ball", "throwing ball (not baseball)"),
    *("catching or throwing baseball", "catching or throwing softball", "playing cello"),
    *("playing violin", "playing violin solo", "high jump", "long jump", "triple jump", "jumping"),
    *("pushing a box from left to right", "pushing a box from right to left"),
    *("putting a box onto a table", "putting a table onto a box", "lifting a box up"),
    *("letting a box fall down", "showing a box to the camera", "showing the camera to a box"),
)


def passing(names: tuple[str, ...], pairs: list[tuple[int, int]], line: str) -> list[str]:
    """Pairs of a label and another name that passes as its answer."""
    labels = tuple(ClassLabel(name=name) for name in names)
    cases = [Case(line + names[said], "Which action?", (labels[of],), GROUP) for of, said in pairs]
    made = judge_all(cases, PARAMS, known_with(labels))
    return [
        f"{case.labels} {case.text}" for case, one in zip(cases, made, strict=True) if one.passed
    ]


def check_names(names: tuple[str, ...], pairs: list[tuple[int, int]]) -> None:
    """Each name passes as its own answer, bare and as a final line, and no other one does."""
    same = [(number, number) for number in range(len(names))]
    assert len(passing(names, same, "The person is ")) == len(names)
    for line in ("", "Answer: "):
        assert len(passing(names, same, line)) == len(names)
        assert passing(names, pairs if line else pairs[::5], line) == []


def all_pairs(names: tuple[str, ...]) -> list[tuple[int, int]]:
    n = len(names)
    return [(of, said) for of in range(n) for said in range(n) if of != said]


def near_pairs(names: tuple[str, ...], most: int = 15) -> list[tuple[int, int]]:
    """Each name with those that share a word with it and those that are most alike."""
    by_word: dict[str, set[int]] = defaultdict(set)
    for number, name in enumerate(names):
        for word in content(name):
            by_word[word].add(number)
    pairs: set[tuple[int, int]] = set()
    for number, name in enumerate(names):
        alike = process.extract(name, names, scorer=fuzz.WRatio, limit=most + 1)
        near = {index for _, _, index in alike}
        near |= {other for w in content(name) if len(by_word[w]) <= most for other in by_word[w]}
        pairs |= {(number, other) for other in near if other != number}
    return sorted(pairs)


def test_confusable_names_are_told_apart() -> None:
    check_names(CONFUSABLE, all_pairs(CONFUSABLE))


def something(folder: Path) -> tuple[str, ...]:
    """The 174 templates of Something-Something v2."""
    path = folder / "annotations" / "something" / "fine_grained_classes.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    return tuple(row["class_name"].replace("[", "").replace("]", "") for row in rows)


def charades(folder: Path) -> tuple[str, ...]:
    """The actions of STAR, which are Charades'."""
    path = folder / "annotations" / "star" / "action_classes.txt"
    return tuple(line.split(" ", 1)[1] for line in path.read_text(encoding="utf-8").splitlines())


def kinetics(folder: Path) -> tuple[str, ...]:
    """The 600 classes of Kinetics-600."""
    path = folder / "kinetics" / "kinetics-600_val.csv"
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return tuple(sorted({row["label"] for row in rows}))


@pytest.mark.parametrize("read", [something, charades, kinetics])
def test_no_name_of_a_real_data_set_passes_for_another(read: object, real_data: Path) -> None:
    try:
        names: tuple[str, ...] = read(real_data)  # type: ignore[operator]
    except OSError as error:
        pytest.skip(f"{error.filename} is absent")
    check_names(names, all_pairs(names) if len(names) < 200 else near_pairs(names))


SCENE = SetLabel(names=("cup", "table", "red chair"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Answer: a red chair, a cup, tables", "pass"),
        ("cup, table, red chair", "pass"),
        ("A cup, a table and a big red chair can be seen.", "doubtful"),
        ("- a cup\n- a table\n- a red chair", "pass"),
        ("Answer: cup, table", "fail"),
        ("A cup and a table.", "fail"),
        ("Answer: a cup, a table and a blue chair", "fail"),
        ("Answer: a cup, a table, no red chair", "doubtful"),
        ("A cup, a table and maybe a red chair.", "doubtful"),
        ("Is there a cup, a table, a red chair?", "doubtful"),
        ("There is a cup on a table. The red chair was taken away.", "doubtful"),
        ("Cup \u2713 table \u2713 red chair \u2717", "doubtful"),
        ('{"cup": true, "table": true, "red chair": false}', "doubtful"),
    ],
)
def test_a_set_needs_each_of_its_names(text: str, expected: str) -> None:
    assert outcome(SCENE, text) == expected


VISIT = SequenceLabel(names=("open the door", "walk inside", "sit down"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Answer: open the door, then walk inside, then sit down", "pass"),
        ("He opens the door, walks inside and sits down.", "pass"),
        ("1. Opening the door\n2. Walking inside\n3. Sitting down", "pass"),
        ("Answer: walk inside, then open the door, then sit down", "fail"),
        ("He sits down, walks inside and opens the door.", "fail"),
        ("Answer: open the door, then walk inside", "fail"),
        ("Before he opens the door, he walks inside and sits down.", "doubtful"),
        ("He opens the door, walks inside and does not sit down.", "doubtful"),
        ("He opens the door. The phone rings for an hour. He walks inside, sits down.", "doubtful"),
    ],
)
def test_a_sequence_needs_its_steps_in_order(text: str, expected: str) -> None:
    assert outcome(VISIT, text) == expected


def test_a_repeated_step_must_be_told_twice() -> None:
    label = SequenceLabel(names=("jump", "turn", "jump"))
    assert outcome(label, "Answer: jump, then turn, then jump") == "pass"
    assert outcome(label, "Answer: jump, then turn") == "fail"
    assert outcome(label, "Answer: jump, jump, turn") == "fail"
