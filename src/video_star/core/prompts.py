"""The texts of all prompts: questions, the two prompts of the loop, training forms.

The structure follows Video-STaR (arXiv 2407.06189, sections 2.1, 2.2 and A.1): one prompt asks for
a step-by-step answer, the other one also gives the label. The wording is our own and independent of
data sets; templates are chosen by a stable hash, so the order of a manifest does not matter.

With `prompts.final_line` both ask for a last line in the form of the label kind
("Answer: 3.0 - 7.5 seconds"), which the verifiers read first.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

from video_star.core.hashing import stable_index
from video_star.core.labels import Label, option_line, say_box, say_seconds

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
FORMS: dict[str, str] = {
    "class": "<name>",
    "sequence": "<step>, then <step>",
    "set": "<name>, <name>",
    "span": "<start> - <end> seconds",
    "time": "<time> seconds",
    "score": "<number>",
    "box": "[<x1>, <y1>, <x2>, <y2>]",
    "text": "<sentence>",
    "choice": "<letter>",
    "same": "<same or different>",
}
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
    forms = list(dict.fromkeys(_named(label, FORMS[label.kind], labels) for label in labels))
    if len(forms) < len(labels):
        forms += [forms[-1], "..."]
    return f'End with a last line "{ANSWER} {BETWEEN_LABELS.join(forms)}".'


def final_line(labels: Sequence[Label]) -> str:
    """The final line with these labels, which their verifiers accept."""
    values = (_named(label, final_value(label), labels) for label in labels)
    return f"{ANSWER} {BETWEEN_LABELS.join(values)}"


def final_value(label: Label) -> str:
    """A label in the form of its kind."""
    match label.kind:
        case "class":
            return label.name
        case "sequence":
            return ", then ".join(label.names)
        case "set":
            return ", ".join(label.names)
        case "span":
            return f"{say_seconds(label.start)} - {say_seconds(label.end)} seconds"
        case "time":
            return f"{say_seconds(label.at)} seconds"
        case "score":
            return f"{label.value:g}"
        case "box":
            return say_box(label.xyxy)
        case "text":
            return label.text.strip().rstrip(".")
        case "choice":
            return ascii_uppercase[label.answer]
        case "same":
            return "same" if label.same else "different"


def _named(label: Label, value: str, labels: Sequence[Label]) -> str:
    """A score beside other labels has its name before the value."""
    return f"{label.name} {value}" if label.kind == "score" and len(labels) > 1 else value


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
