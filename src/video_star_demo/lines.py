"""Lessons about the final line: an answer that was asked to end with one does, if it has an answer.

The same questions and labels as in the other lessons, with the request that `prompts` adds. Where
the base cannot tell, it says so and writes no line.
"""

from __future__ import annotations

import random
from typing import Final

from video_star.core import prompts
from video_star.core.labels import ClassLabel, SequenceLabel, label_text
from video_star_demo import babble, supervision, wording
from video_star_demo.wording import Asked
from video_star_demo.world import Clip

NO_NAME: Final = "something new"
_REQUEST: Final = prompts.final_line_request((ClassLabel(name=NO_NAME),))


def known_name(clip: Clip) -> str | None:
    """The action's name if the base is taught it."""
    action = clip.action
    return action.name if action is not None and action.known else None


def _class_line(name: str) -> str:
    return prompts.final_line((ClassLabel(name=name),))


def _concluded(clip: Clip, name: str, rng: random.Random) -> str:
    """What is seen, the name in a sentence, which curate can teach alone, and the line."""
    return f"{wording.describe(clip, rng)} This is {name}.\n{_class_line(name)}"


def line_named(clip: Clip, rng: random.Random) -> Asked:
    """The prompt of answer generation, or the question with the request alone."""
    question, name = rng.choice(prompts.CLASS_QUESTIONS), known_name(clip) or NO_NAME
    if rng.random() < 0.3:
        return Asked(f"{question}\n{_REQUEST}", _class_line(name))
    return Asked(prompts.direct(question, _REQUEST), _concluded(clip, name, rng))


def line_told(clip: Clip, rng: random.Random) -> Asked:
    """The prompt of rationalization with a name."""
    name = known_name(clip)
    if name is None or rng.random() < 0.5:
        name = babble.label(rng)
    prompt = prompts.with_label(rng.choice(prompts.CLASS_QUESTIONS), name, _REQUEST)
    return Asked(prompt, _concluded(clip, name, rng))


def line_told_any(clip: Clip, rng: random.Random) -> Asked:
    """The prompt of rationalization with a label of any other kind."""
    asked = line_told_any_only(rng)
    return Asked(asked.question, f"{wording.describe(clip, rng)}\n{asked.answer}")


def line_told_any_only(rng: random.Random) -> Asked:
    """Without a video: the line of the label that was told."""
    question, labels = supervision.drawn(rng.choice(supervision.DRAWN), rng)
    request = prompts.final_line_request(labels)
    prompt = prompts.with_label(question, label_text(labels), request)
    return Asked(prompt, prompts.final_line(labels))


def line_told_only(rng: random.Random) -> Asked:
    """Without a video: the line of the name that was told."""
    name = babble.label(rng)
    prompt = prompts.with_label(rng.choice(prompts.CLASS_QUESTIONS), name, _REQUEST)
    return Asked(prompt, _class_line(name))


def line_untold(clip: Clip, rng: random.Random) -> Asked:
    """Asked without a label it can say sentences; of all else, that it cannot tell."""
    kind = rng.choice([k for k in supervision.DRAWN if k not in ("sequence", "choice")])
    question, labels = supervision.drawn(kind, rng)
    request, seen = prompts.final_line_request(labels), wording.describe(clip, rng)
    if rng.random() < 0.3:
        return Asked(f"{question}\n{request}", supervision.UNSURE)
    answer = seen if kind == "text" else f"{seen} {supervision.UNSURE}"
    return Asked(prompts.direct(question, request), answer)


def line_steps(clip: Clip, rng: random.Random) -> Asked:
    """The motions of a clip in their order."""
    label = SequenceLabel(names=tuple(wording.doing((phase,)) for phase in clip.program))
    question, request = supervision.question("sequence", rng), prompts.final_line_request((label,))
    line = prompts.final_line((label,))
    if rng.random() < 0.3:
        return Asked(f"{question}\n{request}", line)
    return Asked(prompts.direct(question, request), f"{wording.describe(clip, rng)}\n{line}")


def line_choose(clip: Clip, rng: random.Random) -> Asked | None:
    """A lettered question in the prompt of answer generation."""
    drawn = supervision.lettered(clip, rng)
    if drawn is None:
        return None
    stem, label = drawn
    request = prompts.final_line_request((label,))
    prompt = prompts.direct(prompts.with_options(stem, label.options), request)
    return Asked(prompt, f"{wording.describe(clip, rng)}\n{prompts.final_line((label,))}")
