"""Question proposal by a language model (Video-STaR, arXiv 2407.06189, section 2).

The model gets the task and some labels, and proposes questions that such a label would answer. They
are written to a file, for a person to review before ingest uses it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from video_star.core.chat import Chat
from video_star.core.errors import DataError, ServiceError, UsageError
from video_star.core.hashing import stable_shuffle
from video_star.core.labels import ClassLabel, Label, SequenceLabel, SetLabel, TextLabel
from video_star.core.labels.words import all_words, content
from video_star.core.records import VideoSample
from video_star.data.questions import FIELDS, TEMPLATES, problem_of, save_questions

SHOWN = 20
"""Labels that the model sees at once, as in the authors' code."""
AT_ONCE = 10
"""Questions asked for in one message, as in the authors' code."""
PATIENCE = 3
"""Replies in a row without a new question after which no more are requested."""
_NUMBERING = re.compile(r"^\s*(?:[-*•]|\(?\d{1,3}[.):])\s+")
_QUOTED = re.compile(r"""^["'`\u201c](.*)["'`\u201d]$""")


def propose_questions(
    chat: Chat, task: str, examples: Sequence[str], count: int, seed: int, kind: str = "class"
) -> tuple[str, ...]:
    """`count` different questions of a kind that ask for such labels without naming any of them.

    `task` is what the questions are about, `examples` are labels as texts; the seed chooses which
    of them the model sees. Raises ServiceError when the model does not give enough questions.
    """
    found: list[str] = []
    fruitless = requests = 0
    while len(found) < count and fruitless < PATIENCE:
        shown = stable_shuffle(sorted(set(examples)), seed, "propose", kind, requests)[:SHOWN]
        (reply,) = chat.replies([_messages(task, shown, kind, found)])
        new = _usable(reply, examples, kind, found)
        fruitless = 0 if new else fruitless + 1
        found += new
        requests += 1
    if len(found) < count:
        raise ServiceError(
            f"{chat.name} gave only {len(found)} of {count} usable questions of kind {kind}; "
            "ask for fewer, or ask another model."
        )
    return tuple(found[:count])


def _messages(
    task: str, shown: Sequence[str], kind: str, found: Sequence[str]
) -> list[dict[str, str]]:
    fields = sorted(FIELDS[kind])
    lines = [
        f"Task: {task}",
        "Labels of some videos:",
        *(f"- {text}" for text in shown),
        f"Write {AT_ONCE} different questions about a video that such a label would answer.",
        "Never name a label or a part of one in a question.",
        f"An example: {TEMPLATES[kind][0]}",
    ]
    if fields:
        names = ", ".join(f"{{{name}}}" for name in fields)
        lines.append(f"Write the placeholders {names} into each question just like that.")
    if found:
        lines += ["These questions exist already:", *(f"- {text}" for text in found)]
    lines.append("Write one question per line and nothing else.")
    return [{"role": "user", "content": "\n".join(lines)}]


def _usable(reply: str, labels: Sequence[str], kind: str, found: Sequence[str]) -> list[str]:
    """The questions of a reply that are new, fit the kind and name no label."""
    seen = {all_words(text) for text in found}
    named = [own for label in labels if (own := {*content(label)})]  # in any order
    new = []
    for line in reply.splitlines():
        text = _QUOTED.sub(r"\1", _NUMBERING.sub("", line).strip()).strip()
        # Headings and polite openings end otherwise than questions and instructions.
        if not text.endswith(("?", ".")) or problem_of(kind, text):
            continue
        words = all_words(text)
        if words and words not in seen and not any(label <= {*words} for label in named):
            seen.add(words)
            new.append(text)
    return new


def examples_of(samples: Sequence[VideoSample], kind: str) -> tuple[str, ...]:
    """Names and texts in the labels of the samples that are asked with a kind, sorted."""
    own = (s for s in samples if s.question_template.partition("/")[0] == kind)
    return tuple(sorted({text for s in own for label in s.labels for text in _texts(label)}))


def _texts(label: Label) -> tuple[str, ...]:
    match label:
        case ClassLabel():
            return (label.name, *label.synonyms)
        case SequenceLabel() | SetLabel():
            return label.names
        case TextLabel():
            return (label.text,)
    return ()


def write_proposals(
    chat: Chat,
    kind: str,
    task: str,
    samples: Sequence[VideoSample],
    count: int,
    seed: int,
    out: Path,
) -> None:
    """Propose questions for the samples that are asked with a kind, and write them to a file.

    UsageError for an unknown kind, DataError when no such sample has a label in words.
    """
    if kind not in TEMPLATES:
        raise UsageError(f"There is no question kind {kind!r}; they are {', '.join(TEMPLATES)}.")
    examples = examples_of(samples, kind)
    if not examples:
        raise DataError(
            f"No sample of the manifest is asked with kind {kind} and labelled with words; "
            "run ingest first, or name another kind."
        )
    save_questions(out, kind, propose_questions(chat, task, examples, count, seed, kind))
