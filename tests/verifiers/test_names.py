"""The verifiers of sequences and sets, answer by answer, and what holds for any answer at all."""

from __future__ import annotations

import pytest
from asked import verify_params
from hypothesis import given
from hypothesis import strategies as st
from telling import NAMES, is_well_formed, loud, same_verdict, spoken, verdict

from video_star.labels import SequenceLabel, SetLabel, say
from video_star.verifiers import Case, Known, judge

DIVE = SequenceLabel(names=("Inward", "3.5 Soms.Tuck", "Entry"))
VISIT = SequenceLabel(names=("open the door", "walk inside", "sit down"))
BAKING = SequenceLabel(names=("mix the batter", "pour the batter", "bake the cake"))
LIGHT = SequenceLabel(names=("turn on the light", "read a book", "turn off the light"))
JUMPS = SequenceLabel(names=("jump", "turn", "jump"))
SCENE = SetLabel(names=("cup", "table", "red chair"))


@pytest.mark.parametrize(
    "text",
    [
        "inward, three and a half somersaults tucked, entry",
        "1. Inward 2. 3.5 Soms.Tuck 3. Entry",
        "Step 1: Inward. Step 2: 3.5 Soms.Tuck. Step 3: Entry.",
        "Inward -> 3 1/2 somersaults in tuck -> entry",
        "Inward, 3\u00bd somersaults tucked and the entry",
        "This is an inward dive: the athlete does 3.5 somersaults tucked before the entry.",
        "First comes the inward takeoff, and the entry is preceded by 3.5 Soms.Tuck.",
        "The entry comes after 3.5 Soms.Tuck, which follows the inward take-off.",
        "An inward takeoff, 3.5 Soms.Tuck, Entry. The entry was clean and the tuck was tight.",
    ],
)
def test_the_steps_of_a_dive_are_found_in_many_wordings(text: str) -> None:
    found = verdict(DIVE, text)
    assert found.passed, found
    assert is_well_formed(found, text)


@pytest.mark.parametrize(
    "text",
    [
        "Inward, 3.5 Soms.Pike, Entry",
        "Inward, 2.5 Soms.Tuck, Entry",
        "Inward, 13.5 Soms.Tuck, Entry",
        "Inward, three somersaults tucked, Entry",
        "Inward, 3.5 twists, tuck, Entry",
        "2.5 Soms.Tuck from an Inward start with score 3.5 and Entry",
    ],
)
def test_a_number_in_a_name_is_that_number_and_stands_with_it(text: str) -> None:
    assert not verdict(DIVE, text).passed


@pytest.mark.parametrize(
    "text",
    [
        "He opens the door, walks inside and sits down.",
        "First the door is opened. Next, the man walks inside. Lastly he sits down on the couch.",
        "The man sits down after walking inside; before that he opened the door.",
        "The video ends with the man sitting down. It starts with him opening the door, and in "
        "between he walks inside.",
        "He sits down only after walking inside, and he opens the door first.",
        "Opening the door is the first step. Then he walks inside. The last step is sitting down.",
    ],
)
def test_the_order_is_the_one_in_time_not_the_one_of_the_words(text: str) -> None:
    assert verdict(VISIT, text).passed


@pytest.mark.parametrize(
    "text",
    [
        "Before baking the cake, she mixes the batter and pours the batter.",
        "After mixing the batter, she pours the batter into a tin, and then she bakes the cake.",
        "The batter is mixed and poured into a tin, after which the cake is baked.",
        "She mixes the batter, pours it into a form and bakes the cake.",
    ],
)
def test_steps_that_share_a_thing_are_told_apart(text: str) -> None:
    assert verdict(BAKING, text).passed


@pytest.mark.parametrize(
    "text",
    [
        "He sits down. Then he walks inside. Then he opens the door.",
        "He walks inside before opening the door and sits down.",
        "1) Walk inside 2) Open the door 3) Sit down",
        "The first step is sitting down, then opening the door, then walking inside.",
        "open the door, walk inside, sit down, in reverse order",
    ],
)
def test_order_ignored_where_order_matters(text: str) -> None:
    found = verdict(VISIT, text)
    assert not found.passed
    assert found.reason in ("wrong order", "contradictory order")


def test_a_repeated_name_must_be_found_twice() -> None:
    assert verdict(JUMPS, "He jumps, turns and jumps again.").passed
    assert not verdict(JUMPS, "He jumps and turns.").passed
    assert not verdict(JUMPS, "He jumps, jumps and turns.").passed


def test_on_is_not_off() -> None:
    assert verdict(LIGHT, "turns on the light, reads a book, turns the light off").passed
    assert not verdict(LIGHT, "turns off the light, reads a book, turns on the light").passed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("He opens the door and walks inside. He does not sit down.", "negated"),
        ("He opens the door and walks inside. Then he stands up.", "no match"),
        ("He opens the window, closes the door, walks inside and sits down.", "no match"),
        ("Does he open the door, walk inside and sit down?", "not asserted"),
        ("If he opened the door, walked inside and sat down, I missed it.", "no match"),
        ("Either he opens the door or he walks inside, and he sits down.", "hedged"),
    ],
)
def test_a_step_that_is_missing_denied_or_left_open_fails(text: str, reason: str) -> None:
    found = verdict(VISIT, text)
    assert not found.passed
    assert found.reason == reason or reason == "no match"


def test_steps_told_in_two_orders_pass_only_by_the_conclusion() -> None:
    right, wrong = (
        "Inward, then 3.5 Soms.Tuck, then Entry",
        "Entry, then 3.5 Soms.Tuck, then Inward",
    )
    assert not verdict(DIVE, f"First {right}. No, wait: first {wrong}.").passed
    assert not verdict(DIVE, f"{wrong}. {right}.").passed
    assert verdict(DIVE, f"It could be {wrong}. Therefore the sequence is {right}.").passed
    assert not verdict(DIVE, f"It could be {right}. Therefore the sequence is {wrong}.").passed


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("There is a red wooden chair, a table, and a cup.", True),
        ("Cups, tables and red chairs are shown.", True),
        ("Not only a cup but also a table and a red chair.", True),
        ("the table, the cup as well as the red chair; no lamp, no bed", True),
        ("a cup, a red table and a blue chair", False),
        ("a cup and a table", False),
        ("I see a cupboard, a table and a red chair", False),
        ("no cup, but a table and a red chair", False),
        ("I see a table and a red chair. The cup is absent.", False),
        ("a cup, a red chair, and a table or a desk", False),
        ("A table and a red chair, instead of a cup.", False),
        ("There used to be a cup, a table and a red chair, but none of them is visible.", False),
        ("Is there a cup, a table, a red chair?", False),
    ],
)
def test_a_set_needs_each_of_its_names(text: str, passed: bool) -> None:
    found = verdict(SCENE, text)
    assert found.passed is passed, found
    assert is_well_formed(found, text)


def test_one_mention_serves_one_name() -> None:
    label = SetLabel(names=("apple", "apple pie"))
    assert not verdict(label, "She eats an apple pie.").passed
    assert verdict(label, "She eats an apple and then an apple pie.").passed


def test_alternatives_pass_only_when_hedges_are_allowed() -> None:
    label = SetLabel(names=("cup", "table"))
    assert not verdict(label, "There is a cup or a table.").passed
    assert verdict(label, "There is a cup or a table.", hedge=True).passed


LABELS = st.one_of(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(
        lambda names: SequenceLabel(names=tuple(names))
    ),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True).map(
        lambda names: SetLabel(names=tuple(names))
    ),
)
TEXTS = spoken(*NAMES, "first", "finally", "followed by", "preceded by", "half")


@pytest.mark.parametrize(
    ("question", "text", "passed"),
    [
        ("What appears?", "The pizza is taken out of the oven.", True),
        ("What appears?", "A pizza comes out of an oven.", True),
        ("What appears?", "The pizza is put back into the oven.", True),
        ("What appears?", "There is an oven; the pizza remains out of the picture.", False),
        ("What does she buy?", "She buys the oven. The pizza is put back on the shelf.", False),
        ("What does she buy?", "She buys the oven and the pizza.", True),
        ("What is in the van?", "The oven is in the van. The pizza was taken out.", False),
        ("What is taken out of the van?", "The oven. The pizza is taken out, too.", True),
    ],
)
def test_a_thing_that_is_moved_is_there_unless_its_role_was_asked(
    question: str, text: str, passed: bool
) -> None:
    label = SetLabel(names=("pizza", "oven"))
    case, params = Case(text, question, (label,)), verify_params()
    assert judge(case, params, Known.of([case], params)).passed == passed


@given(LABELS)
def test_a_label_that_is_said_passes(label: SequenceLabel | SetLabel) -> None:
    assert verdict(label, say(label)).passed


@given(LABELS, st.one_of(st.text(max_size=80), TEXTS))
def test_no_text_makes_the_verifier_raise(label: SequenceLabel | SetLabel, text: str) -> None:
    assert is_well_formed(verdict(label, text), text)


@given(LABELS, TEXTS)
def test_case_and_white_space_change_nothing(label: SequenceLabel | SetLabel, text: str) -> None:
    assert same_verdict(verdict(label, text), verdict(label, loud(text)))


@given(LABELS, TEXTS, st.floats(0, 1), st.floats(0, 1))
def test_a_lower_threshold_never_rejects_what_a_higher_one_accepts(
    label: SequenceLabel | SetLabel, text: str, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert (
        verdict(label, text, similarity=low).passed
        or not verdict(label, text, similarity=high).passed
    )


@given(st.permutations(["walk", "jump", "turn"]))
def test_only_the_right_order_passes(steps: list[str]) -> None:
    label = SequenceLabel(names=("walk", "jump", "turn"))
    found = verdict(label, f"First they {steps[0]}, then they {steps[1]}, then they {steps[2]}.")
    assert found.passed == (tuple(steps) == label.names)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("A table, a red chair and maybe a cup.", False),
        ("Table: yes. Red chair: yes. Cup: no.", False),
        ("Table \u2713 Red chair \u2713 Cup \u2717", False),
        ("Table \u2713 Red chair \u2713 Cup \u2713", True),
        ("A table and a red chair. A cup was asked for, but I don't see it.", False),
        ("A cup could be seen on the table, next to a red chair.", True),
        ("A table and a red chair. A cup may be hidden behind them.", False),
    ],
)
def test_a_name_that_is_guessed_or_ticked_off_as_absent_is_not_there(
    text: str, passes: bool
) -> None:
    assert verdict(SCENE, text).passed is passes


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("She sits down after she has walked inside, after opening the door.", True),
        (
            "Last she sits down. Before that she walks inside. At the start she opens the door.",
            True,
        ),
        ("She skips opening the door, walks inside and sits down.", False),
        ("She forgets to open the door, walks inside and sits down.", False),
    ],
)
def test_steps_told_backwards_are_in_order_and_skipped_ones_are_missing(
    text: str, passes: bool
) -> None:
    assert verdict(VISIT, text).passed is passes


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("wash the car", "dry the car"), "The car is dried after it has been washed."),
        (("wash the car", "dry the car"), "The car is washed, then it is dried."),
        (("boil eggs", "eat eggs"), "He boils two eggs. He peels them. He eats them."),
        (("put on shoes", "leave the house"), "Having put on his shoes, he left the house."),
        (("turn on the light", "turn off the light"), "He turns the light on, then turns it off."),
        (("Back", "2.5 Soms.Tuck"), "Going backwards, she tucks into 2.5 somersaults."),
        (("Back", "1 Twist"), "back, then a full twist"),
        (("Back", "1.5 Soms.Pike"), "back / 1.5 soms. pike"),
    ],
)
def test_passives_and_pronouns_tell_a_step(names: tuple[str, ...], text: str) -> None:
    assert verdict(SequenceLabel(names=names), text).passed
    assert not verdict(SequenceLabel(names=names[::-1]), text).passed


def test_a_direction_before_an_article_stays_a_direction() -> None:
    label = SequenceLabel(names=("moving up", "moving left"))
    text = "The answer is moving up, then moving left; a difficulty of 1.6."
    case = Case(text, "Which steps?", (label,))
    assert judge(case, verify_params(), Known.of([], verify_params())).passed
