"""The texts of all prompts: questions, the two prompts of the loop, training forms.

The structure follows Video-STaR (arXiv 2407.06189, sections 2.1, 2.2 and A.1): one prompt asks for
a step-by-step answer, the other one also gives the label. The wording is our own and independent of
data sets; templates are chosen by a stable hash, so the order of a manifest does not matter.

With `prompts.final_line` both ask for a last line in the form of the label kind
("Answer: 3.0 - 7.5 seconds"), which the verifiers read first.
"""

from __future__ import annotations

from collections.abc import Sequence

from video_star.core.hashing import stable_index
from video_star.core.labels import KINDS, Label, option_line

EXPLAIN = "Explain step by step."
BEST_OPTION = "Please directly give the best option:"
YES_OR_NO = "Please answer yes or no:"

CLASS_QUESTIONS: tuple[str, ...] = (
    "What is happening in this video?",
    "What action is shown in this video?",
    "Which activity can be seen here?",
    "What is being done in the clip?",
    "How would you name the action in this video?",
    "What kind of activity does the video show?",
    "Which action takes place in this clip?",
    "What is going on in the video?",
    "What is the main action of this clip?",
    "Which activity is being performed?",
    "What do you see happening here?",
    "What is the name of this activity?",
    "What action does the clip show?",
    "Which action is being performed in the video?",
    "What activity takes place in the video?",
    "What would you call this action?",
    "What is the activity in this clip?",
    "Which action is this?",
    "What is shown being done in this video?",
    "Which activity is this video about?",
)
"""Questions about an action class; `VideoSample.question_template` names one as `class/<index>`."""


def class_question(sample_id: str, seed: int) -> tuple[str, str]:
    """The question about a class label and the name of its template, chosen by seed and id."""
    index = stable_index(len(CLASS_QUESTIONS), seed, "class-question", sample_id)
    return CLASS_QUESTIONS[index], f"class/{index}"


ANSWER = "Answer:"
"""The start of a final line."""
FORMS: dict[str, str] = {kind: label.FORM for kind, label in KINDS.items()}
"""What follows ANSWER in the final line, by label kind."""
BETWEEN_LABELS = "; "
"""Separates the values of several labels in one final line."""


def line_request(labels: Sequence[Label], enabled: bool) -> str | None:
    """`final_line_request` if `prompts.final_line` is set."""
    return final_line_request(labels) if enabled else None


def final_line_request(labels: Sequence[Label]) -> str:
    """The sentence that asks for a final line in the form of the labels.

    It gives away their kinds only: several of one kind are "<name>; <name>; ...", not their number.
    """
    forms = list(dict.fromkeys(_values(labels, [label.FORM for label in labels])))
    if len(forms) < len(labels):
        forms += [forms[-1], "..."]
    return f'End with a last line "{ANSWER} {BETWEEN_LABELS.join(forms)}".'


def final_line(labels: Sequence[Label]) -> str:
    """The final line with these labels, which their verifiers accept."""
    values = _values(labels, [label.final_value() for label in labels])
    return f"{ANSWER} {BETWEEN_LABELS.join(values)}"


def _values(labels: Sequence[Label], values: list[str]) -> list[str]:
    if len(labels) < 2:
        return values
    return [label.beside(value) for label, value in zip(labels, values, strict=True)]


def direct(question: str, request: str | None = None) -> str:
    """Prompt of answer generation (paper 2.1): the question, with a request to reason.

    `request` is that of `final_line_request`, or None for the prompts of the paper.
    """
    return _lines(question, EXPLAIN, request)


def with_label(question: str, label_text: str, request: str | None = None) -> str:
    """Prompt of label rationalization (paper 2.2): with the label, for the model to explain."""
    return _lines(question, f"The answer is: {label_text}.", EXPLAIN, request)


def held_out(question: str, request: str | None = None) -> str:
    """Prompt of an open benchmark question: that of generation; without `request`, the question.

    A model learns to write the final line after its reasoning, so it is asked for both.
    """
    return question if request is None else direct(question, request)


def _lines(*lines: str | None) -> str:
    return "\n".join(line for line in lines if line is not None)


def multiple_choice(question: str, options: Sequence[str]) -> str:
    """A question with lettered options, in the layout and with the suffix of TempCompass."""
    return f"{with_options(question, options)}\n{BEST_OPTION}"


def with_options(question: str, options: Sequence[str]) -> str:
    """A question with one lettered option per line."""
    lines = [option_line(options, index) for index in range(len(options))]
    return "\n".join([question, *lines])


def yes_no(label_text: str) -> str:
    """Whether the video shows a label, with the suffix of TempCompass."""
    return f"Does the video show {label_text}?\n{YES_OR_NO}"


LABEL_ANSWERS: tuple[str, ...] = (
    "The video shows {label}.",
    "This is {label}.",
    "It shows {label}.",
    "What can be seen is {label}.",
)
"""Template answers that use the label alone (the paper's "Video-LLaVA+" baseline)."""

VALUE_ANSWERS: tuple[str, ...] = (
    "The answer is {label}.",
    "The right answer is {label}.",
    "Answer: {label}.",
)
"""The same for labels that are not names: spans, scores, boxes and so on."""
