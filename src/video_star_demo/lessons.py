"""What the base model is taught: question and answer pairs about one clip.

Names occur for the known actions only. A motion that has no known name is called "something new"
where a name is asked for, so that the base says what it sees and that it has no name for it.
Labels that are told are made up (see `babble`); the names that the loop has to teach occur nowhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from video_star.core import prompts
from video_star.core.labels import option_line
from video_star_demo import babble, lines, supervision, wording
from video_star_demo.lines import NO_NAME, known_name
from video_star_demo.wording import Asked, Facet
from video_star_demo.world import KNOWN, SIZE, UNIT, Clip

Lesson = Callable[[Clip, random.Random], Asked | None]


def colour(clip: Clip, rng: random.Random) -> Asked:
    """Colour in one word."""
    return Asked("What colour is the shape?", clip.colour)


def shape(clip: Clip, rng: random.Random) -> Asked:
    """Shape in one word."""
    return Asked("What shape is it?", clip.shape)


def first(clip: Clip, rng: random.Random) -> Asked:
    """The first motion."""
    return Asked("What does it do first?", wording.DOING[clip.program[0].motion])


def last(clip: Clip, rng: random.Random) -> Asked:
    """The last motion."""
    return Asked("What does it do last?", wording.DOING[clip.program[-1].motion])


def place(clip: Clip, rng: random.Random) -> Asked | None:
    """Where it starts or ends; left out near the middle, where words are arguable."""
    when, state = rng.choice((("start", clip.states[0]), ("end", clip.states[-1])))
    axis, words = rng.choice(((0, ("left", "right")), (1, ("top", "bottom"))))
    off = int(state[axis]) - SIZE * UNIT // 2
    if abs(off) < 4 * UNIT:
        return None
    return Asked(f"On which side is it at the {when}?", words[off > 0])


def motion(clip: Clip, rng: random.Random) -> Asked:
    """All of the motion in a short phrase."""
    return Asked("How does it move?", wording.doing(clip.program))


def describe(clip: Clip, rng: random.Random) -> Asked:
    """Sentences of description."""
    question = rng.choice(("Describe the video.", "What can you see?", "Describe what moves how."))
    return Asked(question, wording.describe(clip, rng))


def caption(clip: Clip, rng: random.Random) -> Asked:
    """One caption."""
    text = wording.caption(clip.subject, wording.doing(clip.program))
    return Asked("Write a caption of the video.", text)


def named(clip: Clip, rng: random.Random) -> Asked:
    """The prompt of answer generation, or the bare question."""
    question = rng.choice(prompts.CLASS_QUESTIONS)
    end = f"This is {known_name(clip) or NO_NAME}."
    if rng.random() < 0.3:
        return Asked(question, end)
    return Asked(prompts.direct(question), f"{wording.describe(clip, rng)} {end}")


def told(clip: Clip, rng: random.Random) -> Asked:
    """The prompt of rationalization: whatever label is told, the evidence is what is seen."""
    name = known_name(clip)
    if name is None or rng.random() < 0.5:
        name = babble.label(rng)
    prompt = prompts.with_label(rng.choice(prompts.CLASS_QUESTIONS), name)
    return Asked(prompt, f"{wording.describe(clip, rng)} This is {name}.")


def _some_facet(clip: Clip, rng: random.Random, made_up: int) -> Facet | None:
    """A facet of the motion, or of the name if it is known; `made_up` names are added as wrong."""
    facets = wording.motion_facets(clip, rng)
    name = known_name(clip)
    if name is not None:
        others = [a.name for a in KNOWN] + [babble.label(rng) for _ in range(made_up)]
        facets += [wording.action_facet(name, others, "action")] * 2
    return rng.choice(facets) if facets else None


def multi_choice(clip: Clip, rng: random.Random, counts: Sequence[int] = (2, 3, 4)) -> Asked | None:
    """TempCompass multi-choice with its suffix; sometimes only a made-up name is left as right."""
    facet = _some_facet(clip, rng, made_up=3)
    if known_name(clip) is None and rng.random() < 0.25:
        facet = wording.action_facet(babble.label(rng), [a.name for a in KNOWN], "action")
    if facet is None:
        return None
    asked = wording.multi_choice(facet, clip.subject, rng.choice(counts), rng)
    return Asked(f"{asked.question}\n{prompts.BEST_OPTION}", asked.answer)


def five_options(clip: Clip, rng: random.Random) -> Asked | None:
    """The same with five options."""
    return multi_choice(clip, rng, (5,))


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


def caption_matching(clip: Clip, rng: random.Random) -> Asked | None:
    """TempCompass caption_matching with its suffix."""
    facet = _some_facet(clip, rng, made_up=3)
    if facet is None:
        return None
    asked = wording.caption_matching(facet, clip.subject, rng)
    return Asked(f"{asked.question}\n{prompts.BEST_OPTION}", asked.answer)


def captioning(clip: Clip, rng: random.Random) -> Asked | None:
    """TempCompass captioning."""
    facet = _some_facet(clip, rng, made_up=3)
    if facet is None:
        return None
    return wording.captioning(facet, clip.subject, rng.choice((2, 3, 4)), rng)


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


def made_up_matching(clip: Clip, rng: random.Random) -> Asked | None:
    """TempCompass caption_matching with names that were never taught."""
    facet = _made_up_facet(clip, rng)
    if facet is None:
        return None
    asked = wording.caption_matching(facet, clip.subject, rng)
    return Asked(f"{asked.question}\n{prompts.BEST_OPTION}", asked.answer)


def made_up_captioning(clip: Clip, rng: random.Random) -> Asked | None:
    """TempCompass captioning with names that were never taught."""
    facet = _made_up_facet(clip, rng)
    if facet is None:
        return None
    return wording.captioning(facet, clip.subject, rng.choice((2, 3, 4)), rng)


def made_up_choice(clip: Clip, rng: random.Random) -> Asked | None:
    """TempCompass multi-choice with names that were never taught."""
    facet = _made_up_facet(clip, rng)
    if facet is None:
        return None
    asked = wording.multi_choice(facet, clip.subject, rng.choice((2, 3, 4)), rng)
    return Asked(f"{asked.question}\n{prompts.BEST_OPTION}", asked.answer)


def repeat(rng: random.Random) -> Asked:
    """Without a video: say a text again."""
    said = babble.text(rng)
    return Asked(f"Repeat: {said}", said)


def told_only(rng: random.Random) -> Asked:
    """Without a video: finish with the label that was told."""
    name = babble.label(rng)
    return Asked(prompts.with_label(rng.choice(prompts.CLASS_QUESTIONS), name), f"This is {name}.")


def choose_only(rng: random.Random) -> Asked:
    """Without a video: find the option that was named."""
    options = [babble.label(rng) for _ in range(rng.choice((2, 3, 4, 5)))]
    right = rng.randrange(len(options))
    question = f"{options[right]}\n{prompts.multiple_choice('Which option is this?', options)}"
    return Asked(question, option_line(options, right))


TEXT: Final[dict[str, Callable[[random.Random], Asked]]] = {
    lesson.__name__: lesson
    for lesson in (
        *(repeat, told_only, choose_only, supervision.told_any_only),
        *(lines.line_told_only, lines.line_told_any_only),
    )
}
"""Lessons without a video."""
LESSONS: Final[dict[str, Lesson]] = {
    lesson.__name__: lesson
    for lesson in (
        *(colour, shape, first, last, place, motion, describe, caption, named, told),
        *(multi_choice, yes_no, caption_matching, captioning, five_options),
        *(made_up_matching, made_up_captioning, made_up_choice),
        *(supervision.told_any, supervision.untold, supervision.steps, supervision.choose),
        *(lines.line_named, lines.line_told, lines.line_told_any, lines.line_untold),
        *(lines.line_steps, lines.line_choose),
    )
}


LATER: Final = (
    *("five_options", "made_up_matching", "made_up_captioning", "made_up_choice"),
    *("told_any", "untold", "steps", "choose"),
    *("line_named", "line_told", "line_told_any", "line_untold", "line_steps", "line_choose"),
)
"""Lessons of later stages, which the tokenizer is not trained on."""


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
        wanted = (lesson for name, lesson in LESSONS.items() if name not in LATER)
        made += [a for lesson in wanted if (a := lesson(clip, rng)) is not None]
        made.append(told_only(rng))
    texts = [f"{a.question}\n{a.answer}" for a in made]
    return texts + [babble.text(rng) for _ in range(len(clips) * 4)]
