"""What the authors' released code accepts (orrzohar/Video-STaR, videostar/verifier.py, July 2024).

`verify.method: released` reproduces its rules with their defects, so that anybody can compare:

- class, set, choice ("simple"): each word of the label that is no stop word of spaCy and longer
  than two letters has some word of the answer with an edit ratio above 85, in any order: a denied,
  hedged or reversed answer passes, and a label of short or stop words alone passes with any answer.
- sequence ("sentence_sequence"): each step has a cosine of 0.25 with some sentence, and the nearest
  sentences do not go backwards.
- span ("temporal_range"): the last two neighbouring numbers with 0 < start < end < 1 as parts of
  the clip; a stretch that begins or ends with the clip never passes.
- time ("timestamp"): the last number, within a tenth of the clip.
- score ("float"): any number of the answer within the tolerance counts. Its code raises where the
  answer has no number or the label is 0, and drops the sample: here it fails.
- box ("bbox"): the last [d.d, d.d, d.d, d.d], compared as if corners were centre, width and height.
- same ("same_or_not"): the last "be the same" or "be not the same".
- text ("sentence"): each sentence of the label has a cosine of 0.6 with some sentence.

Left out, as it needs models that the package does not bring: spans and object names were first
searched by an extractive question-answering model, and numbers of spans by a recogniser of times.
Here the whole answer is read, and times in seconds are divided by the length of the clip.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from rapidfuzz import fuzz

from video_star.core.labels import Label
from video_star.core.labels.base import Found, fails, passes
from video_star.core.labels.values import box_iou, iou
from video_star.core.labels.words import all_words, sentences
from video_star.core.params import VerifyParams
from video_star.verification.base import Case, Known

IN_ORDER = 0.25
"""Least cosine of a step of a sequence."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_BOX = re.compile(r"\[\s*((?:\d+\.\d+\s*,\s*){3}\d+\.\d+)\s*\]")
_SAME = re.compile(r"\b(?:be|is|are|was|were)\s+(not\s+)?the\s+same\b")


def verify(label: Label, case: Case, params: VerifyParams, known: Known) -> Found:
    """The verdict of the released rules."""
    limits, text = params.limits, case.text
    match label.kind:
        case "class":
            names = (label.name, *label.synonyms)
            return _found(max(_share(name, text, limits) for name in names), 1.0)
        case "set":
            return _found(min(_share(name, text, limits) for name in label.names), 1.0)
        case "choice":
            return _found(_share(label.options[label.answer], text, limits), 1.0)
        case "sequence":
            return _sentences(label.names, text, known, IN_ORDER, ordered=True)
        case "text":
            wanted = [label.text[start:end] for start, end in sentences(label.text)]
            return _sentences(wanted, text, known, limits.text_similarity, ordered=False)
        case "span":
            length = label.duration or 1.0
            parts = [number / length for number in _numbers(text)]
            pairs = [pair for pair in pairwise(parts) if 0 < pair[0] < pair[1] < 1]
            if not pairs:
                return fails("no value")
            true = (label.start / length, label.end / length)
            return _found(iou(pairs[-1], true), limits.span_iou, strict=True)
        case "time":
            numbers = _numbers(text)
            width = limits.time_tolerance * (label.duration or 1.0)
            if not numbers:
                return fails("no value")
            return _found(float(abs(numbers[-1] - label.at) <= width), 1.0)
        case "score":
            width = limits.score_tolerance * abs(label.value)
            close = any(abs(number - label.value) <= width for number in _numbers(text))
            return _found(float(close and label.value != 0), 1.0)
        case "box":
            boxes = _BOX.findall(text)
            if not boxes:
                return fails("no value")
            said = [float(part) for part in boxes[-1].split(",")]
            return _found(
                box_iou(_corners(said), _corners(label.xyxy)), limits.box_iou, strict=True
            )
        case "same":
            spoken = _SAME.findall(text.lower())
            if not spoken:
                return fails("no value")
            return _found(float((not spoken[-1]) == label.same), 1.0)
    return fails("no rule")


def _found(score: float, least: float, strict: bool = False) -> Found:
    close = score > least if strict else score >= least
    return passes(score, None) if close else fails("no match", score)


def _share(name: str, text: str, limits: Any) -> float:
    """Share of the words of a name that some word of the text is like."""
    wanted = [w for w in all_words(name) if w not in _stop_words() and len(w) > 2]
    said = set(all_words(text))
    least = 100 * limits.class_similarity
    found = [any(round(fuzz.ratio(word, other)) > least for other in said) for word in wanted]
    return sum(found) / len(found) if found else 1.0


def _sentences(wanted: Any, text: str, known: Known, least: float, ordered: bool) -> Found:
    given = [text[start:end].strip() for start, end in sentences(text)]
    if not given or known.embed is None:
        return fails("no match")
    cosines = known.embed(list(wanted)) @ known.embed(given).T
    nearest = np.argmax(cosines, axis=1)
    if ordered and any(one > other for one, other in pairwise(nearest)):
        return fails("other order")
    return _found(float(np.clip(cosines.max(axis=1).min(), 0, 1)), least)


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _corners(box: Sequence[float]) -> tuple[float, ...]:
    """A box read as centre x, centre y, width and height, as corners."""
    x, y, wide, high = box
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


@cache
def _stop_words() -> frozenset[str]:
    """spaCy 3.8's English list, as far as words of three letters and more go, by what it has in
    common with scikit-learn's and where the two differ."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    missing = (
        "bill cry describe detail fill find fire found interest mill sincere system thick thin"
    )
    more = "did does doing just make quite really regarding say unless used using various"
    return frozenset(ENGLISH_STOP_WORDS - set(missing.split()) | set(more.split()))
