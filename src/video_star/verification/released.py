"""What the authors' released code accepts (orrzohar/Video-STaR, videostar/verifier.py, July 2024).

`verify.method: released` reproduces its rules with their defects, so that anybody can compare:

- class, set, choice: each word of the label that is no stop word (here of scikit-learn, there of
  spaCy) and longer than two letters has some word of the answer with an edit ratio above 85, in any
  order: a denied, hedged or reversed answer passes, and a label of short or stop words alone passes
  with any answer.
- span: a stretch that begins or ends with the clip never passes.
- score: any number of the answer counts. Its code raises where the answer has no number or the
  label is 0, and drops the sample: here it fails.
- box: compared as if corners were centre, width and height.

Left out, as it needs models that the package does not bring: spans and object names were first
searched by an extractive question-answering model, and numbers of spans by a recogniser of times.
Here the whole answer is read, and times in seconds are divided by the length of the clip.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from rapidfuzz import fuzz

from video_star.core.labels import Label
from video_star.core.labels.base import Found, fails, passes
from video_star.core.labels.thresholds import Thresholds
from video_star.core.labels.values import box_iou, iou
from video_star.core.labels.words import all_words, sentences
from video_star.core.params import VerifyParams
from video_star.verification.base import Case, Known

IN_ORDER = 0.25
"""Least cosine of a step of a sequence."""
ALL = 0.999
"""Exceeded by a share of words that is all of them, and by what is true."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_BOX = re.compile(r"\[\s*((?:\d+\.\d+\s*,\s*){3}\d+\.\d+)\s*\]")
_SAME = re.compile(r"\b(?:be|is|are|was|were)\s+(not\s+)?the\s+same\b")


def verify(label: Label, case: Case, params: VerifyParams, known: Known) -> Found:
    """The verdict of the released rules."""
    limits, text = params.limits, case.text
    numbers = [float(number) for number in _NUMBER.findall(text)]
    match label.kind:
        case "class":
            names = (label.name, *label.synonyms)
            return _last([max(_share(name, text, limits) for name in names)])
        case "set":
            return _last([min(_share(name, text, limits) for name in label.names)])
        case "choice":
            return _last([_share(label.options[label.answer], text, limits)])
        case "sequence":
            return _sentences(label.names, text, known, IN_ORDER, ordered=True)
        case "text":
            wanted = [label.text[start:end] for start, end in sentences(label.text)]
            return _sentences(wanted, text, known, limits.text_similarity, ordered=False)
        case "span":
            length = label.duration or 1.0
            pairs = pairwise(number / length for number in numbers)
            true = (label.start / length, label.end / length)
            ious = [iou(pair, true) for pair in pairs if 0 < pair[0] < pair[1] < 1]
            return _last(ious, limits.span_iou)
        case "time":
            width = limits.time_tolerance * (label.duration or 1.0)
            return _last([abs(number - label.at) <= width for number in numbers])
        case "score":
            width = limits.score_tolerance * abs(label.value)
            return _last([any(abs(n - label.value) <= width for n in numbers if label.value)])
        case "box":
            boxes = [[float(part) for part in box.split(",")] for box in _BOX.findall(text)]
            true_box = _corners(label.xyxy)
            return _last([box_iou(_corners(box), true_box) for box in boxes], limits.box_iou)
        case "same":
            return _last([(not denied) == label.same for denied in _SAME.findall(text.lower())])
    return fails("no rule")


def _last(scores: Sequence[float], least: float = ALL) -> Found:
    """The last of the values counts; its score must exceed the least."""
    if not scores:
        return fails("no value")
    return passes(scores[-1], None) if scores[-1] > least else fails("no match", scores[-1])


def _share(name: str, text: str, limits: Thresholds) -> float:
    """Share of the words of a name that some word of the text is like."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # takes a second

    wanted = [w for w in all_words(name) if w not in ENGLISH_STOP_WORDS and len(w) > 2]
    said, least = {*all_words(text)}, 100 * limits.class_similarity
    found = [any(round(fuzz.ratio(word, other)) > least for other in said) for word in wanted]
    return sum(found) / len(found) if found else 1.0


def _sentences(
    wanted: Sequence[str], text: str, known: Known, least: float, ordered: bool
) -> Found:
    given = [text[start:end] for start, end in sentences(text)]
    if not given or known.embed is None:
        return fails("no match")
    cosines = known.embed(wanted) @ known.embed(given).T
    nearest = np.argmax(cosines, axis=1)
    if ordered and any(one > other for one, other in pairwise(nearest)):
        return fails("other order")
    score = float(np.clip(cosines.max(axis=1).min(), 0, 1))
    return passes(score, None) if score >= least else fails("no match", score)


def _corners(box: Sequence[float]) -> tuple[float, ...]:
    """A box read as centre x, centre y, width and height, as corners."""
    x, y, wide, high = box
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2
