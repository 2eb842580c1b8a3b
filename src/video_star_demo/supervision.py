"""Lessons about labels other than names: spans, instants, scores, boxes, sets, sentences, choices.

The base learns to repeat any label that it is told, whatever its kind, behind what it sees. Asked
without a label it can say the motions in their order and pick an option that names a motion; of all
else it says that it cannot tell. Values are drawn at random and have nothing to do with the clip:
what they mean is for the loop to teach.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from video_star.core import prompts
from video_star.core.labels import (
    BoxLabel,
    ChoiceLabel,
    Label,
    SameLabel,
    ScoreLabel,
    SequenceLabel,
    SetLabel,
    SpanLabel,
    TextLabel,
    TimeLabel,
    label_text,
    say_box,
)
from video_star.data.questions import ask
from video_star_demo import babble, wording
from video_star_demo.wording import Asked
from video_star_demo.world import COLOURS, KNOWN, SHAPES, Clip

UNSURE: Final = "I cannot tell."
_KEYS: Final = 1 << 20


def conclusion(labels: Sequence[Label]) -> str:
    """How the base ends an answer with a label that is no name."""
    return f"The answer is {label_text(labels)}."


def _thing(rng: random.Random) -> str:
    return f"{rng.choice(tuple(COLOURS))} {rng.choice(SHAPES)}"


def _phrase(rng: random.Random) -> str:
    """A motion, a known name or a made-up one."""
    kinds = (
        rng.choice(tuple(wording.DOING.values())),
        rng.choice(KNOWN).name,
        babble.label(rng),
    )
    return kinds[rng.choice((0, 0, 1, 2, 2))]


def _steps(rng: random.Random) -> SequenceLabel:
    return SequenceLabel(names=tuple(_phrase(rng) for _ in range(rng.choice((1, 2, 2, 3, 3, 4)))))


def _score(rng: random.Random, name: str = "score") -> ScoreLabel:
    value = rng.randint(10, 49) / 10 if name == "difficulty" else rng.randint(0, 1200) / 10
    return ScoreLabel(value=value, name=name)


def _time(rng: random.Random, above: float = 0.0) -> float:
    digits = rng.choice((1, 1, 2))
    return round(above + rng.uniform(0.1, rng.choice((2.0, 5.0, 10.0))), digits)


def _box(rng: random.Random) -> BoxLabel:
    x, y = rng.randint(0, 80) / 100, rng.randint(0, 80) / 100
    wide, high = (rng.randint(10, 100 - round(100 * at)) / 100 for at in (x, y))
    return BoxLabel(xyxy=(x, y, round(x + wide, 2), round(y + high, 2)))


def _sentence(rng: random.Random) -> TextLabel:
    verb = rng.choice((*wording.DOES.values(), f"is {babble.word(rng)}"))
    return TextLabel(text=f"The {rng.choice((_thing(rng), babble.word(rng)))} {verb}")


def _choice(rng: random.Random) -> ChoiceLabel:
    options = tuple(dict.fromkeys(_phrase(rng) for _ in range(4)))
    if len(options) < 2:
        options = (*options, babble.label(rng) + " too")
    return ChoiceLabel(options=options, answer=rng.randrange(len(options)))


def question(kind: str, rng: random.Random, **fields: str) -> str:
    return ask(kind, str(rng.randrange(_KEYS)), 0, **fields)[0]


def _seconds(rng: random.Random) -> str:
    return f"{_time(rng):g} seconds"


def drawn(kind: str, rng: random.Random) -> tuple[str, tuple[Label, ...]]:
    """A question of a type and labels that could answer it."""
    match kind:
        case "sequence":
            return question(kind, rng), (_steps(rng),)
        case "set":
            things = tuple(rng.choice((_thing, _phrase))(rng) for _ in range(rng.choice((1, 2, 3))))
            return question(kind, rng), (SetLabel(names=things),)
        case "span":
            start = rng.choice((0.0, _time(rng)))
            span = SpanLabel(start=start, end=round(start + _time(rng), 2))
            return question(kind, rng, event=f"{_thing(rng)} {_phrase(rng)}"), (span,)
        case "time":
            at = TimeLabel(at=_time(rng))
            return question(kind, rng, event=f"{_thing(rng)} {_phrase(rng)}"), (at,)
        case "score":
            return question(kind, rng), (_score(rng),)
        case "assessment":
            return question(kind, rng), (_steps(rng), _score(rng, "difficulty"), _score(rng))
        case "box":
            asked = question("box", rng, object=_thing(rng), time=_seconds(rng))
            return asked, (_box(rng),)
        case "text":
            return question(kind, rng), (_sentence(rng),)
        case "same":
            places = {
                "first": say_box(_box(rng).xyxy),
                "first_time": _seconds(rng),
                "second": say_box(_box(rng).xyxy),
                "second_time": _seconds(rng),
            }
            return question("same_at", rng, **places), (SameLabel(same=rng.random() < 0.5),)
        case _:
            label = _choice(rng)
            stem = rng.choice(("What happens here?", "Which action is this?", "What is it doing?"))
            return prompts.with_options(stem, label.options), (label,)


DRAWN: Final = (
    *("sequence", "set", "span", "time", "score", "assessment", "box", "text", "same", "choice"),
)
"""Types of questions that labels are told for; the number of their lessons is the same."""


def _ended(seen: str, labels: Sequence[Label], line: bool) -> str:
    """An answer: what is seen, if anything, then the labels in a sentence or in a final line."""
    end = prompts.final_line(labels) if line else conclusion(labels)
    return ("\n" if line else " ").join(filter(None, (seen, end)))


def _told(rng: random.Random, line: bool) -> tuple[str, tuple[Label, ...]]:
    """The prompt of rationalization with labels of any kind but names, and the labels."""
    asked, labels = drawn(rng.choice(DRAWN), rng)
    request = prompts.line_request(labels, line)
    return prompts.with_label(asked, label_text(labels), request), labels


def told_any(clip: Clip, rng: random.Random, line: bool = False) -> Asked:
    """The prompt of rationalization with a label of any other kind."""
    prompt, labels = _told(rng, line)
    return Asked(prompt, _ended(wording.describe(clip, rng), labels, line))


def told_any_only(rng: random.Random, line: bool = False) -> Asked:
    """Without a video: finish with the label that was told."""
    prompt, labels = _told(rng, line)
    return Asked(prompt, _ended("", labels, line))


def _untold_kind(rng: random.Random) -> str:
    return rng.choice([k for k in DRAWN if k not in ("sequence", "choice")])


def untold(clip: Clip, rng: random.Random) -> Asked:
    """The prompt of answer generation: it can say sentences; of all else, that it cannot tell."""
    kind, seen = _untold_kind(rng), wording.describe(clip, rng)
    prompt = prompts.direct(drawn(kind, rng)[0])
    return Asked(prompt, seen if kind == "text" else f"{seen} {UNSURE}")


def line_untold(clip: Clip, rng: random.Random) -> Asked:
    """The same where a final line is asked for, which it does not write."""
    kind = _untold_kind(rng)
    asked, labels = drawn(kind, rng)
    request, seen = prompts.final_line_request(labels), wording.describe(clip, rng)
    if rng.random() < 0.3:
        return Asked(f"{asked}\n{request}", UNSURE)
    return Asked(prompts.direct(asked, request), seen if kind == "text" else f"{seen} {UNSURE}")


def steps(clip: Clip, rng: random.Random, line: bool = False) -> Asked:
    """The motions of a clip in their order."""
    labels = (SequenceLabel(names=tuple(wording.doing((phase,)) for phase in clip.program)),)
    asked, request = question("sequence", rng), prompts.line_request(labels, line)
    if line and rng.random() < 0.3:
        return Asked(f"{asked}\n{request}", prompts.final_line(labels))
    return Asked(prompts.direct(asked, request), _ended(wording.describe(clip, rng), labels, line))


def choose(clip: Clip, rng: random.Random, line: bool = False) -> Asked | None:
    """A lettered question about a motion in the prompt of answer generation, where one can be."""
    facets = wording.motion_facets(clip, rng)
    if not facets:
        return None
    facet = rng.choice(facets)
    options = facet.options(4, rng)
    stem = rng.choice(facet.stems).format(subject=clip.subject)
    labels = (ChoiceLabel(options=tuple(options), answer=options.index(facet.truth)),)
    asked, request = prompts.with_options(stem, options), prompts.line_request(labels, line)
    return Asked(prompts.direct(asked, request), _ended(wording.describe(clip, rng), labels, line))
