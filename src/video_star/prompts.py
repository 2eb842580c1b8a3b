"""All wording that reaches a model: questions, the two prompts of the loop, training forms.

The structure follows Video-STaR (arXiv 2407.06189, sections 2.1, 2.2 and A.1): one prompt asks for
a step-by-step answer, the other one also tells the label. The words are our own. Nothing here knows
any data set; templates are chosen by a stable hash, so the order of a manifest does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from video_star.labels import option_line
from video_star.stable import stable_index

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
    """The question for a class label and the name of its template, chosen by seed and sample id."""
    index = stable_index(len(CLASS_QUESTIONS), seed, "class-question", sample_id)
    return CLASS_QUESTIONS[index], f"class/{index}"


def direct(question: str) -> str:
    """Prompt of answer generation (paper 2.1): the question, with a request to reason."""
    return f"{question}\n{EXPLAIN}"


def with_label(question: str, label_text: str) -> str:
    """Prompt of label rationalization (paper 2.2): the label is told, the model explains it."""
    return f"{question}\nThe answer is: {label_text}.\n{EXPLAIN}"


def multiple_choice(question: str, options: Sequence[str]) -> str:
    """A question with one lettered option per line, in TempCompass' layout and with its suffix."""
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
"""The same for labels that are no names: spans, scores, boxes and so on."""
