"""Whether an answer leaves open what it says: further possibilities, and denials of the event."""

from __future__ import annotations

from collections.abc import Mapping

from video_star.verifiers import standing_words as say
from video_star.verifiers.clauses import about, clause
from video_star.verifiers.inflection import root
from video_star.verifiers.standing import REACH, Mention, T, View
from video_star.verifiers.text import word_set, words_of


def is_half_of_a_choice(view: View, mention: Mention[T]) -> bool:
    """Whether "either ... or" offers something else beside it."""
    sentence = view.sentences[view.first(mention)]
    words = [w for w, n in zip(view.words, view.sentences, strict=True) if n == sentence]
    return "either" in words and "or" in words


_SHOWN = word_set("shown visible seen present depicted")


def denies(view: View, asked: Mapping[str, float]) -> bool:
    """Whether it says anywhere that what was asked about does not happen."""
    for i, word in enumerate(view.words):
        if word not in say.DENYING and not word.endswith("n't"):
            continue
        if not _SHOWN.isdisjoint(view.words[i + 1 : i + 2]):
            subject = [j for j in range(max(0, i - 7), i) if view.sentences[j] == view.sentences[i]]
            if any(asked.get(root(view.words[j]), 0) >= 1 for j in subject):
                return True  # "the child blowing out the candles is not shown"
        for j in range(i + 1, min(i + 6, len(view.words))):
            if view.sentences[j] != view.sentences[i] or j in view.holders:
                break
            if "until" in view.words[j : j + 3] or view.words[j] in say.TELL:
                break  # "does not open until 7 s", "cannot tell how it opens"
            if asked.get(root(view.words[j]), 0) >= 1:
                return True
    return False


def is_taken_back(view: View, mention: Mention[T], asked: Mapping[str, float]) -> bool:
    """Whether what follows a mention denies it, or its sentence denies who does it at all.

    "That is wrong.", "is out of the question", "is too high", "or not at all", "no kite flies".
    """
    at = view.last(mention)
    following = view.words[at + 1 : at + 5]
    if following[:2] == ("or", "never") or following[:4] == ("or", "not", "at", "all"):
        return True
    for i in range(at + 1, min(at + 6, len(view.words))):
        if view.sentences[i] != view.sentences[at]:
            return i == at + 1 and _says_wrong(view, i)
        word, then = view.words[i], view.words[i + 1 : i + 4]
        if (word, *then) == ("out", "of", "the", "question"):
            return True
        if word == "too" and then and then[0] in say.EXTREMES:
            return True
        if word not in say.AFTER_AUXILIARIES:
            break
    found = _has_no_subject, _is_without, _lacks
    return any(told(view, mention, asked) for told in found)


def _says_wrong(view: View, i: int) -> bool:
    """Whether a sentence from word i on says that the one before is wrong."""
    if view.words[i] not in ("that", "this", "which"):
        return False
    said = view.words[i + 1 : i + 4]
    if said and said[0] not in say.AFTER_AUXILIARIES and not said[0].endswith("n't"):
        return False
    denied = any(w in ("not", "never", "cannot") or w.endswith("n't") for w in said)
    right = not say.RIGHT.isdisjoint(said)
    return (denied and right) or (not denied and not say.WRONG.isdisjoint(said))


def _is_without(view: View, mention: Mention[T], asked: Mapping[str, float]) -> bool:
    """Whether it opens a sentence that denies the rest: "From 2 to 5 s nobody rings"."""
    first, at = view.first(mention), view.last(mention)
    opening = [i for i in range(max(0, first - REACH), first)
               if view.sentences[i] == view.sentences[first]]  # fmt: skip
    if any(view.words[i] not in say.FRAME for i in opening):
        return False
    for i in range(at + 1, min(at + REACH, len(view.words))):
        word = view.words[i]
        ended = view.sentences[i] != view.sentences[at] or i in view.holders
        following = view.words[i + 1 : i + 4]
        if word == "and" and following[:1] == ("no",):
            return any(root(w) in asked for w in following)
        if ended or word in say.SCOPE_ENDS | say.TURNS or (view.gaps[i] and i > at + 1):
            return False
        if word == "nobody" or (word == "no" and view.words[i - 1] in say.BE):
            return any(root(w) in asked for w in following)
        if word == "not" or word.endswith("n't"):
            away = following[:1] and following[0] in say.PRESENT
            return i > at + 1 and (bool(away) or any(asked.get(root(w), 0) >= 1 for w in following))
    return False


def _lacks(view: View, mention: Mention[T], asked: Mapping[str, float]) -> bool:
    """Whether its sentence goes on to deny what was asked: "held from 2 to 5 s, but not rung"."""
    at = view.last(mention)
    own = {root(view.words[i]) for i in clause(view, mention) if i < view.last(mention)}
    turned = denied = False
    for i in range(at + 1, min(at + REACH, len(view.words))):
        word = view.words[i]
        if view.sentences[i] != view.sentences[at] or i in view.holders:
            return False
        following = view.words[i + 1 : i + 2]
        if word == "without" and following and asked.get(root(following[0]), 0) >= 1:
            return root(following[0]) not in own
        denied = denied or (turned and (word in say.DENYING or word.endswith("n't")))
        turned = turned or word in say.TURNING
        if denied and asked.get(root(word), 0) >= 1:
            return root(word) not in own
    return False


def _has_no_subject(view: View, mention: Mention[T], asked: Mapping[str, float]) -> bool:
    first = view.first(mention)
    for i in range(first - 2, max(-1, first - REACH), -1):
        if view.sentences[i] != view.sentences[first] or view.gaps[i + 1]:
            return False
        if view.words[i] == "no" and root(view.words[i + 1]) in asked:
            return i == 0 or bool(view.gaps[i]) or view.sentences[i - 1] != view.sentences[i]
    return False


def comes_before(view: View, mention: Mention[T], asked: Mapping[str, float]) -> bool:
    """Whether what was asked only follows or precedes it: "it stands from 2 to 5 s, then turns"."""
    if about(view, mention, asked) >= 1:
        return False
    then = False
    begin = view.last(mention) + 1
    for i in range(begin, len(view.words)):
        if view.sentences[i] > view.sentences[begin - 1] + 1 or i in view.holders:
            return False
        word = view.words[i]
        then = then or word in say.THEN or (word == "before" and bool(view.gaps[i]))
        if not then and view.sentences[i] != view.sentences[begin - 1]:
            return False
        stems = {root(word), f"{word.removesuffix('ies')}y" if word.endswith("ies") else ""}
        if then and any(asked.get(one, 0) >= 1 for one in stems):
            return True
    return False


def is_of_the_opposite(view: View, mention: Mention[T], question: str) -> bool:
    """Whether its clause names the opposite of what was asked ("the girl" for "the boy")."""
    wanted = {root(word) for word in words_of(question)}
    first = view.first(mention)
    told = [i for i in clause(view, mention) if view.words[i] != "on" or _is_state(view, i)]
    said = {root(view.words[i]) for i in told}
    own = [view.words[i] for i in told if i < first]
    for one, other in (*say.OPPOSITES, *((b, a) for a, b in say.OPPOSITES)):
        if root(one) not in wanted or root(one) in said or root(other) in wanted:
            continue
        if any(root(word) == root(other) for word in own):
            return one not in say.PERSONS or say.PRONOUNS.isdisjoint(own)
    return False


def _is_state(view: View, i: int) -> bool:
    """Whether "on" is no preposition: "switches on at 5 s"."""
    return i + 1 in view.holders or view.words[i + 1 : i + 2] in (("at",), ("from",), ("between",))


def refuses(view: View, mention: Mention[T]) -> bool:
    """Whether it says that it cannot tell when that is: "but I am unable to say at what time".

    What is only not exact, and what "but" or "my guess" sets against it, is told all the same.
    """
    at = view.last(mention)
    for i, word in enumerate(view.words):
        unable = word in say.UNABLE or view.words[i : i + 2] in (("not", "able"), ("don't", "know"))
        if not unable:
            continue
        near = range(i, min(i + 2 * REACH, len(view.words)))
        same = [j for j in near if view.sentences[j] == view.sentences[i]]
        rest = [view.words[j] for j in same if at < i or j < at]
        told = [n for n, w in enumerate(rest[:5]) if w in say.TELL]
        what = [n for n, w in enumerate(rest[:8]) if w in say.WHEN]
        if not told or not what or not say.EXACT.isdisjoint(rest):
            continue
        if at < i or say.ALL_THE_SAME.isdisjoint(view.words[i + told[0] + 1 : at]):
            return True
    return False


def is_only_the_end(view: View, mention: Mention[T], asked: Mapping[str, float]) -> bool:
    """Whether what was asked stops before it: "stops peeling and rests until 8 s"."""
    first = view.first(mention)
    return any(
        view.words[i] in say.STOPS and asked.get(root(view.words[i + 1]), 0) >= 1
        for i in range(max(0, first - REACH), first - 1)
        if view.sentences[i] == view.sentences[first]
    )
