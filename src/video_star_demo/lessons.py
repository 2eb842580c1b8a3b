"""What the base model is taught: question and answer pairs about one clip.

Names occur for the known actions only. A motion that has no known name is called "something new"
where a name is asked for, so that the base says what it sees and that it has no name for it.
Labels that are told are made up (see `babble`); the names that the loop has to teach occur nowhere.

A lesson with `line` has the request for a final line that `prompts` adds. The answer ends with one
if there is an answer; where the base cannot tell, it says so and writes no line.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from video_star.core import prompts
from video_star.core.labels import ClassLabel, option_line
from video_star_demo import babble, supervision, wording
from video_star_demo.wording import Asked, Facet
from video_star_demo.world import KNOWN, SIZE, UNIT, Clip

Lesson = Callable[[Clip, random.Random], Asked | None]

NO_NAME: Final = "something new"
_REQUEST: Final = prompts.final_line_request((ClassLabel(name=NO_NAME),))


def known_name(clip: Clip) -> str | None:
    """The action's name if the base is taught it."""
    action = clip.action
    return action.name if action is not None and action.known else None


def place(clip: Clip, rng: random.Random) -> Asked | None:
    """Where it starts or ends; left out near the middle, where words are arguable."""
    when, state = rng.choice((("start", clip.states[0]), ("end", clip.states[-1])))
    axis, words = rng.choice(((0, ("left", "right")), (1, ("top", "bottom"))))
    off = int(state[axis]) - SIZE * UNIT // 2
    if abs(off) < 4 * UNIT:
        return None
    return Asked(f"On which side is it at the {when}?", words[off > 0])


def describe(clip: Clip, rng: random.Random) -> Asked:
    """Sentences of description."""
    question = rng.choice(("Describe the video.", "What can you see?", "Describe what moves how."))
    return Asked(question, wording.describe(clip, rng))


def _end(name: str, line: bool) -> str:
    return prompts.final_line((ClassLabel(name=name),)) if line else f"This is {name}."


def _concluded(clip: Clip, name: str, rng: random.Random, line: bool) -> str:
    """What is seen, and the name in a sentence, which curate can teach alone."""
    said = f"{wording.describe(clip, rng)} {_end(name, line=False)}"
    return f"{said}\n{_end(name, line)}" if line else said


def named(clip: Clip, rng: random.Random, line: bool = False) -> Asked:
    """The prompt of answer generation, or the question alone."""
    question, name = rng.choice(prompts.CLASS_QUESTIONS), known_name(clip) or NO_NAME
    request = _REQUEST if line else None
    if rng.random() < 0.3:
        return Asked("\n".join(filter(None, (question, request))), _end(name, line))
    return Asked(prompts.direct(question, request), _concluded(clip, name, rng, line))


def told(clip: Clip, rng: random.Random, line: bool = False) -> Asked:
    """The prompt of rationalization: whatever label is told, the evidence is what is seen."""
    name = known_name(clip)
    if name is None or rng.random() < 0.5:
        name = babble.label(rng)
    question = rng.choice(prompts.CLASS_QUESTIONS)
    prompt = prompts.with_label(question, name, _REQUEST if line else None)
    return Asked(prompt, _concluded(clip, name, rng, line))


def told_only(rng: random.Random, line: bool = False) -> Asked:
    """Without a video: finish with the label that was told."""
    name, question = babble.label(rng), rng.choice(prompts.CLASS_QUESTIONS)
    prompt = prompts.with_label(question, name, _REQUEST if line else None)
    return Asked(prompt, _end(name, line))


def _some_facet(clip: Clip, rng: random.Random, made_up: int = 3) -> Facet | None:
    """A facet of the motion, or of the name if it is known; `made_up` names are added as wrong."""
    facets = wording.motion_facets(clip, rng)
    name = known_name(clip)
    if name is not None:
        others = [a.name for a in KNOWN] + [babble.label(rng) for _ in range(made_up)]
        facets += [wording.action_facet(name, others, "action")] * 2
    return rng.choice(facets) if facets else None


def _choice_facet(clip: Clip, rng: random.Random) -> Facet | None:
    """Such a facet; sometimes only a made-up name is left as right."""
    facet = _some_facet(clip, rng)
    if known_name(clip) is None and rng.random() < 0.25:
        return wording.action_facet(babble.label(rng), [a.name for a in KNOWN], "action")
    return facet


def _made_up_facet(clip: Clip, rng: random.Random) -> Facet | None:
    """A name that nobody was taught among others: known ones leave it by elimination, made-up ones
    leave a guess between things that were read."""
    if known_name(clip) is not None:
        return None
    others = [a.name for a in KNOWN] if rng.random() < 0.5 else []
    return wording.action_facet(
        babble.label(rng),
        [*others, *(babble.label(rng) for _ in range(3 - len(others) // 2))],
        "action",
    )


def _choice(
    facet: Facet, clip: Clip, rng: random.Random, counts: Sequence[int] = (2, 3, 4)
) -> Asked:
    """TempCompass multi-choice with its suffix."""
    asked = wording.multi_choice(facet, clip.subject, rng.choice(counts), rng)
    return Asked(f"{asked.question}\n{prompts.BEST_OPTION}", asked.answer)


def _matching(facet: Facet, clip: Clip, rng: random.Random) -> Asked:
    """TempCompass caption_matching with its suffix."""
    asked = wording.caption_matching(facet, clip.subject, rng)
    return Asked(f"{asked.question}\n{prompts.BEST_OPTION}", asked.answer)


def _captioning(facet: Facet, clip: Clip, rng: random.Random) -> Asked:
    """TempCompass captioning."""
    return wording.captioning(facet, clip.subject, rng.choice((2, 3, 4)), rng)


def _about(
    draw_facet: Callable[[Clip, random.Random], Facet | None],
    form: Callable[[Facet, Clip, random.Random], Asked],
) -> Lesson:
    """The lesson that asks for a facet in a form, where the clip has such a facet."""

    def lesson(clip: Clip, rng: random.Random) -> Asked | None:
        facet = draw_facet(clip, rng)
        return None if facet is None else form(facet, clip, rng)

    return lesson


def yes_no(clip: Clip, rng: random.Random) -> Asked | None:
    """TempCompass yes_no with its suffix; a made-up name is neither affirmed nor denied."""
    facet = _some_facet(clip, rng, made_up=0)
    positive = rng.random() < 0.5
    if known_name(clip) is None and rng.random() < 0.15:
        facet = wording.action_facet(NO_NAME, [a.name for a in KNOWN], "action")
        positive = False
    if facet is None:
        return None
    asked = wording.yes_no(facet, clip.subject, positive, rng)
    return Asked(f"{asked.question}\n{prompts.YES_OR_NO}", asked.answer)


def repeat(rng: random.Random) -> Asked:
    """Without a video: say a text again."""
    said = babble.text(rng)
    return Asked(f"Repeat: {said}", said)


def choose_only(rng: random.Random) -> Asked:
    """Without a video: find the option that was named."""
    options = [babble.label(rng) for _ in range(rng.choice((2, 3, 4, 5)))]
    right = rng.randrange(len(options))
    question = f"{options[right]}\n{prompts.multiple_choice('Which option is this?', options)}"
    return Asked(question, option_line(options, right))


TEXT: Final[dict[str, Callable[[random.Random], Asked]]] = {
    "repeat": repeat,
    "told_only": told_only,
    "choose_only": choose_only,
    "told_any_only": supervision.told_any_only,
    "line_told_only": partial(told_only, line=True),
    "line_told_any_only": partial(supervision.told_any_only, line=True),
}
"""Lessons without a video."""

FIRST: Final[dict[str, Lesson]] = {
    "colour": lambda clip, _: Asked("What colour is the shape?", clip.colour),
    "shape": lambda clip, _: Asked("What shape is it?", clip.shape),
    "first": lambda c, _: Asked("What does it do first?", wording.DOING[c.program[0].motion]),
    "last": lambda c, _: Asked("What does it do last?", wording.DOING[c.program[-1].motion]),
    "place": place,
    "motion": lambda clip, _: Asked("How does it move?", wording.doing(clip.program)),
    "describe": describe,
    "caption": lambda clip, _: Asked(
        "Write a caption of the video.", wording.caption(clip.subject, wording.doing(clip.program))
    ),
    "named": named,
    "told": told,
    "multi_choice": _about(_choice_facet, _choice),
    "yes_no": yes_no,
    "caption_matching": _about(_some_facet, _matching),
    "captioning": _about(_some_facet, _captioning),
}
"""Lessons of the first stages, which the tokenizer is trained on."""
LESSONS: Final[dict[str, Lesson]] = FIRST | {
    "five_options": _about(_choice_facet, partial(_choice, counts=(5,))),
    "made_up_matching": _about(_made_up_facet, _matching),
    "made_up_captioning": _about(_made_up_facet, _captioning),
    "made_up_choice": _about(_made_up_facet, _choice),
    "told_any": supervision.told_any,
    "untold": supervision.untold,
    "steps": supervision.steps,
    "choose": supervision.choose,
    "line_named": partial(named, line=True),
    "line_told": partial(told, line=True),
    "line_told_any": partial(supervision.told_any, line=True),
    "line_untold": supervision.line_untold,
    "line_steps": partial(supervision.steps, line=True),
    "line_choose": partial(supervision.choose, line=True),
}


def draw(clip: Clip, mix: dict[str, float], rng: random.Random) -> Asked:
    """One lesson about the clip; the mix names the lessons and their weights."""
    names, weights = list(mix), list(mix.values())
    while True:
        asked = LESSONS[rng.choices(names, weights)[0]](clip, rng)
        if asked is not None:
            return asked


def corpus(clips: list[Clip], rng: random.Random) -> list[str]:
    """Texts of all kinds, to train the tokenizer on."""
    made: list[Asked] = []
    for clip in clips:
        made += [a for lesson in FIRST.values() if (a := lesson(clip, rng)) is not None]
        made.append(told_only(rng))
    texts = [f"{a.question}\n{a.answer}" for a in made]
    return texts + [babble.text(rng) for _ in range(len(clips) * 4)]
