"""How the world is put in words: phrases of motion, facets to ask about, and the question formats.

The base model's lessons and the demo's TempCompass questions are both made here, so they share
their wording; which names may occur is decided by the caller.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from video_star.core.labels import option_line
from video_star_demo.world import MOTIONS, STEPS, Action, Clip, Phase, Program

DOES: Final[dict[str, str]] = {
    **{m: f"moves {m}" for m in STEPS},
    "grow": "grows",
    "shrink": "shrinks",
    "blink": "blinks",
    "spin": "spins",
    "still": "stays still",
}
DOING: Final[dict[str, str]] = {
    **{m: f"moving {m}" for m in STEPS},
    "grow": "growing",
    "shrink": "shrinking",
    "blink": "blinking",
    "spin": "spinning",
    "still": "staying still",
}
PACE_WORD: Final = {"": "", "slow": " slowly", "fast": " quickly"}


class Asked(NamedTuple):
    """A question as a model gets it and the answer that is right."""

    question: str
    answer: str


def does(phase: Phase) -> str:
    """ "moves left slowly"."""
    return DOES[phase.motion] + PACE_WORD[phase.speed]


def doing(program: Program) -> str:
    """ "moving left and then growing"."""
    return " and then ".join(DOING[p.motion] + PACE_WORD[p.speed] for p in program)


def describe(clip: Clip, rng: random.Random) -> str:
    """One or two sentences that say what moves how."""
    first, last = does(clip.program[0]), does(clip.program[-1])
    if len(clip.program) == 1:
        return f"The {clip.subject} {first}."
    if rng.random() < 0.5:
        return f"The {clip.subject} {first}. Then it {last}."
    return f"First the {clip.subject} {first}. Then it {last}."


def caption(subject: str, phrase: str) -> str:
    """ "A red cross is moving left." Every phrase of the world can follow "is"."""
    return f"A {subject} is {phrase}."


@dataclass(frozen=True)
class Facet:
    """One thing to ask about a clip: the phrase that is true, and phrases that are not."""

    aspect: str
    kind: str
    """TempCompass's fine-grained type."""
    key: str
    """Key of the phrase in TempCompass's information dicts."""
    truth: str
    wrong: tuple[str, ...]
    stems: tuple[str, ...]

    def options(self, n: int, rng: random.Random) -> list[str]:
        """The true phrase among others, `n` at most, in any order."""
        options = [self.truth, *rng.sample(self.wrong, min(n - 1, len(self.wrong)))]
        rng.shuffle(options)
        return options


def _facet(aspect: str, kind: str, truth: str, others: Sequence[str], *stems: str) -> Facet:
    wrong = tuple(text for text in others if text != truth)
    return Facet(aspect, kind, aspect, truth, wrong, stems)


def direction_facet(clip: Clip) -> Facet | None:
    """Which way it moves, where there is one answer."""
    ways = {p.motion for p in clip.program if p.motion in STEPS}
    if len(ways) != 1:
        return None
    return _facet(
        "direction",
        "object motion",
        DOING[ways.pop()],
        [DOING[m] for m in STEPS],
        "In which direction does the {subject} move?",
        "What is the direction of the {subject}?",
    )


def speed_facet(clip: Clip) -> Facet | None:
    """How fast it moves, for clips that move in one direction all the time."""
    paces = [p.speed for p in clip.program]
    if not all(paces):
        return None
    if len(paces) == 1:
        truth, others = f"moving{PACE_WORD[paces[0]]}", ["moving slowly", "moving quickly"]
        stem = "How fast is the {subject}?"
        return _facet("speed", "absolute speed", truth, [*others, "staying still"], stem)
    truth = "speeding up" if paces[0] == "slow" else "slowing down"
    others = ["speeding up", "slowing down", "keeping its speed"]
    stem = "How does the speed of the {subject} change?"
    return _facet("speed", "relative speed", truth, others, stem)


def change_facet(clip: Clip) -> Facet | None:
    """Which attribute changes, where exactly one does."""
    kinds = {
        "grow": "size & shape change",
        "shrink": "size & shape change",
        "blink": "color & light change",
        "spin": "other change",
    }
    changes = {p.motion for p in clip.program if p.motion in kinds}
    if len(changes) != 1:
        return None
    motion = changes.pop()
    others = [DOING[m] for m in kinds]
    stems = ("How does the {subject} change?", "What change does the {subject} show?")
    return _facet("attribute_change", kinds[motion], DOING[motion], others, *stems)


def order_facet(clip: Clip, rng: random.Random) -> Facet | None:
    """What comes first and what then; the swapped order is always among the wrong ones."""
    if len(clip.program) != 2 or clip.program[0].motion == clip.program[1].motion:
        return None
    first, last = (p.motion for p in clip.program)
    others = [m for m in MOTIONS if m not in (first, last)]
    pairs = [(last, first), (first, rng.choice(others)), (rng.choice(others), last)]
    wrong = [f"{DOING[a]} and then {DOING[b]}" for a, b in pairs]
    stem = "What happens in the video, in order?"
    return _facet("order", "order", doing(clip.program), wrong, stem)


def action_facet(name: str, others: Sequence[str], kind: str) -> Facet:
    """What it is doing, by name."""
    stems = (
        "What is the {subject} doing?",
        "Which action is the {subject} performing?",
        "Which of these actions does the video show?",
    )
    return _facet("action", kind, name, others, *stems)


def motion_facets(clip: Clip, rng: random.Random) -> list[Facet]:
    """Every facet that plain words can answer."""
    made = (direction_facet(clip), speed_facet(clip), change_facet(clip), order_facet(clip, rng))
    return [facet for facet in made if facet is not None]


def multi_choice(facet: Facet, subject: str, n_options: int, rng: random.Random) -> Asked:
    """TempCompass multi-choice; the prompt suffix is not part of the question."""
    options = facet.options(n_options, rng)
    stem = rng.choice(facet.stems).format(subject=subject)
    lines = [option_line(options, i) for i in range(len(options))]
    return Asked("\n".join([stem, *lines]), lines[options.index(facet.truth)])


def yes_no(facet: Facet, subject: str, positive: bool, rng: random.Random) -> Asked:
    """TempCompass yes_no."""
    phrase = facet.truth if positive else rng.choice(facet.wrong)
    stem = rng.choice(("Is the {s} {p}?", "Does the video show a {s} that is {p}?"))
    return Asked(stem.format(s=subject, p=phrase), "yes" if positive else "no")


MATCHING_STEMS: Final = (
    ("Which caption matches the video better?", ("Caption A", "Caption B")),
    ("Which sentence better captures the essence of the video?", ("Sentence A", "Sentence B")),
    ("Which description is a more suitable match for the video?", ("Option 1", "Option 2")),
)


def caption_matching(facet: Facet, subject: str, rng: random.Random) -> Asked:
    """TempCompass caption_matching: one of three stems and two lines."""
    stem, names = rng.choice(MATCHING_STEMS)
    phrases = [facet.truth, rng.choice(facet.wrong)]
    rng.shuffle(phrases)
    lines = [f"{n}: {caption(subject, p)}" for n, p in zip(names, phrases, strict=True)]
    return Asked("\n".join([stem, *lines]), lines[phrases.index(facet.truth)])


CAPTIONING_STEM: Final = (
    "Several pieces of information are given. Only one of them fits the video. "
    "Please write a caption of the video with it."
)


def captioning_options(
    facet: Facet, subject: str, n_options: int, rng: random.Random
) -> tuple[str, list[str]]:
    """TempCompass captioning question and its options, in their order."""
    options = facet.options(n_options, rng)
    infos = [
        f"Information {letter}: {{'subject': '{subject}', '{facet.key}': '{text}'}}"
        for letter, text in zip("ABCD", options, strict=False)
    ]
    return "\n".join([CAPTIONING_STEM, *infos, "Generated Caption:"]), options


def captioning(facet: Facet, subject: str, n_options: int, rng: random.Random) -> Asked:
    """TempCompass captioning; the answer here is the caption that a model should write."""
    question, _ = captioning_options(facet, subject, n_options, rng)
    return Asked(question, caption(subject, facet.truth))


def partner_names(action: Action, actions: Sequence[Action]) -> list[str]:
    """Names of actions made of the same motions: another order, direction or pace."""

    def stuff(program: Program) -> set[str]:
        axis = {"left": "x", "right": "x", "up": "y", "down": "y"}
        return {axis.get(p.motion, p.motion) for p in program}

    mine = stuff(action.program)
    return [a.name for a in actions if a.name != action.name and stuff(a.program) == mine]
