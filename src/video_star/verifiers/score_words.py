"""Which measure a number of an answer belongs to: the words around it, and what they make of it."""

from __future__ import annotations

from collections.abc import Sequence

from video_star.verifiers.inflection import stem
from video_star.verifiers.quantities import Quantity
from video_star.verifiers.text import STOP_WORDS
from video_star.verifiers.tokens import Token, skip_approximate, skip_silent, word_at
from video_star.verifiers.wording import word_set

REACH = 12
"""Tokens over which the word that a number belongs to is looked for."""
SCORE_NAMES = word_set(
    "score points point rating rate mark total grade result pts tally prediction "
    "evaluation assessment verdict"
)
_SCORES = frozenset(stem(word) for word in SCORE_NAMES)
VERBS = word_set(
    "score scores scored scoring receive receives received receiving award awards awarded awarding "
    "get gets got earn earns earned earning give gives gave given giving rate rates rated rating "
    "deserves deserve gains grade graded marked achieves achieved obtains obtained totals "
    "estimate estimated predict predicted assign assigned"
    " lower lowered raise raised adjust adjusted revise revised reduce reduced settle settled "
    "bring brings brought drop put puts places placed go say finishes finished ends ended "
    "posted posts value valued judge judged assess assessed evaluate evaluated evaluates reach "
    "reaches reached collect collects collected merit merits warrants worth nets netted attains "
    "attained secures secured reads amounts yields leaves leaving display displays displayed show "
    "shows showed change changed correct corrected"
)
_LINKS = STOP_WORDS | word_set(
    "about around roughly approximately approx nearly almost just only exactly precisely equal "
    "equals comes out would could should will must can may might final overall value number "
    "estimated predicted rather maybe perhaps probably likely somewhere between either close also "
    "been "
    "seems appears given which not good high low solid very quite got total level hence thus "
    "dive diver performance jump routine judges whole combined approximate expected resulting"
)
_LINK_MARKS = frozenset(":=?*\"'`_|~-\u2248()[]{}\u2013\u2014>")
RATED = word_set(
    "rate rates rated put puts places placed value values valued judge judged grade graded "
    "mark marked reward rewarded rewards assess assessed "
    "evaluate evaluated score scored estimate estimated give gives gave "
    "given award awards awarded assign assigned assigns set"
)
"""Verbs that take who is rated before the number: "put the drummer at 7", "give her vault a 13"."""
MEASURES = word_set(
    "score difficulty execution degree dd rating mark entry flight takeoff approach height speed "
    "synchronization synchronisation artistry style technique technical splash age number position "
    "rank round attempt"
)
"""Names of what numbers measure; another one before a number takes it."""
_REMARKED = word_set("splash entry flight takeoff approach execution technique style")
"""What is remarked on between a score and its number."""
_GENERIC = word_set("score rating mark degree number")
_NUMBERED = word_set("dive attempt round judge diver number no video clip question athlete")
"""Before an integer these make it a name: "dive 5"."""
NOT_GIVEN = word_set(
    "needs need needed misses missed missing loses lost lose losing lacks lacked deduct deducts "
    "deducted deducting deduction deductions short behind ahead by difference gap margin bonus "
    "penalty there"
)
"""Before "70 points" these make them something else than the score."""
_COPULAS = word_set("is was be equals")
_COMES_TO = word_set("amounts amounted reaches reached reads")
_PASSIVE = word_set("is was are were be been being has have can could would should may also")
_OTHERS = word_set(
    "judge each next per previous another "
    " average mean median maximum minimum highest lowest best worst "
    "max min possible winner winning champion rival competitor others opponent other's record "
    "threshold starting execution difficulty technical "
    "artistic entry synchronization synchronisation component partial sub perfect"
)
_BOUNDS = word_set("least most above below over under exceeding than beyond minus plus within upto")
_DIFFERENT = word_set("less fewer more behind ahead short lower higher")
_SOFTENERS = word_set("just slightly bit little barely")
JOINTS = frozenset({"or", "and", ",", "but", "nor", "/", "&"})
OPERATORS = frozenset({"x", "\u00d7", "*", "+", "\u00f7", "times", "multiplied", "plus"})


def is_name(word: str, names: frozenset[str]) -> bool:
    return bool(word) and stem(word) in names


def is_named_after(tokens: Sequence[Token], i: int, names: frozenset[str]) -> bool:
    """ "65.6 points", "a 65.6 final score", "3.2 in difficulty"."""
    for j in range(i, min(i + 4, len(tokens))):
        if tokens[j].kind != "word":
            return False
        if is_name(tokens[j].text, names):
            return word_at(tokens, j - 1) == "in" or not _takes_a_number(tokens, j + 1)
        if tokens[j].text not in ("for", "in", "of", "final", "overall", "total", "degree", "dive"):
            return False
    return False


def _takes_a_number(tokens: Sequence[Token], i: int) -> bool:
    """Whether the name that ends before token i has a number of its own: "65.6, difficulty 3.2"."""
    for j in range(i, min(i + 4, len(tokens))):
        if tokens[j].kind in ("number", "clock"):
            # In "1.9 difficulty and 50 points" each stands before its name.
            following = word_at(tokens, j + 1)
            return following not in MEASURES and stem(following) not in _SCORES
        if tokens[j].text not in _LINKS and tokens[j].text not in (":", "="):
            return False
    return False


def owner_of(tokens: Sequence[Token], q: Quantity, names: frozenset[str]) -> tuple[str, int]:
    """What a number belongs to by the words before it: "own", "verb", "other" or ""."""
    i = q.first - 1
    stop = max(-1, q.first - REACH)
    joint = ""
    while i > stop:
        token = tokens[i]
        word = token.text
        opening = _opening(tokens, i)
        if opening is not None or (token.kind == "number" and _is_numbered(tokens, i)):
            i = i - 2 if opening is None else opening - 1
            continue
        if word == "overall" and word_at(tokens, i + 1) in (":", "="):
            return "own" if stem("score") in names else "", i
        if token.kind in ("number", "clock"):
            # The second of "55 or 95" belongs where the first one does.
            i = i - 1 if joint else _before_equation(tokens, i)
            joint = ""
            continue
        if word in ("it", "this", "that") and _opens_clause(tokens, i):
            return _meant_by_it(tokens, i, names)
        if is_name(word, names):
            return ("own", i) if joint in ("", ",") else ("", -1)
        if word in MEASURES and joint == "," and word not in _GENERIC:
            return "", -1
        if word in MEASURES:
            # "difficulty score" is a difficulty.
            qualified = word in _GENERIC and is_name(word_at(tokens, i - 1), names)
            return ("own", i - 1) if qualified else ("other", i)
        if word in VERBS:
            return ("", -1) if joint else _passive(tokens, i, names) or ("verb", i)
        if word in JOINTS:
            joint = word
        elif word not in _LINKS and not (token.kind == "mark" and word in _LINK_MARKS):
            return "", -1
        i -= 1
    return "", -1


def _passive(tokens: Sequence[Token], i: int, names: frozenset[str]) -> tuple[str, int] | None:
    """Whose number it is in "its difficulty is rated at 2.4"."""
    j = i - 1
    while word_at(tokens, j) in _PASSIVE:
        j -= 1
    if tokens[i].text not in (RATED if j < i - 1 else _COMES_TO):
        return None
    if is_name(word_at(tokens, j), names):
        return "own", j
    return ("other", j) if word_at(tokens, j) in MEASURES else None


def subject_of(tokens: Sequence[Token], q: Quantity, names: frozenset[str]) -> int | None:
    """The name in "the score, given the splash, would be 70" or "my rating for the cooking: 85"."""
    i = skip_approximate(tokens, q.first - 1, -1)
    if word_at(tokens, i) not in _COPULAS | {":", "="}:
        return None
    for j in range(i - 1, max(-1, i - 2 * REACH), -1):
        token = tokens[j]
        ended = token.text in (".", "!", "?", ";", "while", "but") or token.text in _COPULAS
        if ended or token.kind in ("number", "clock"):
            return None
        if is_name(token.text, names):
            return j
        if token.text in MEASURES and (j > i - 3 or token.text not in _REMARKED):
            return None
    return None


def _is_numbered(tokens: Sequence[Token], i: int) -> bool:
    """ "dive 5", but not "rate this dive 92"."""
    articles = ("this", "the", "that", "a", "his", "her")
    return word_at(tokens, i - 1) in _NUMBERED and word_at(tokens, i - 2) not in articles


def _opening(tokens: Sequence[Token], i: int) -> int | None:
    """Where the parentheses open that close at i: "score (0-100): 75"."""
    if tokens[i].text not in (")", "]"):
        return None
    for j in range(i - 1, max(-1, i - 8), -1):
        if tokens[j].text in ("(", "["):
            return j
    return None


def _opens_clause(tokens: Sequence[Token], i: int) -> bool:
    return i == 0 or word_at(tokens, i - 1) in (",", ".", ";", "but", "and", "so", "think")


def _meant_by_it(tokens: Sequence[Token], i: int, names: frozenset[str]) -> tuple[str, int]:
    """What "it is 60" speaks of: the measure that was named last."""
    for j in range(i - 1, max(-1, i - 3 * REACH), -1):
        if is_name(tokens[j].text, names):
            return "own", j
        if tokens[j].text in MEASURES:
            return "other", j
    return "", -1


def _before_equation(tokens: Sequence[Token], i: int) -> int:
    """The index before "3.2 x 20.5 =", or before "not 90,"; -1 where the number is no such part."""
    following = word_at(tokens, i + 1)
    if following not in ("=", "equals", "is", "gives") and following not in OPERATORS:
        return -1
    parts = (*OPERATORS, "by")
    summed = False
    while i >= 0:
        # In "difficulty 5.6 + execution 7.8 = 13.4" each part has its name.
        named = tokens[i].text in MEASURES and (summed or word_at(tokens, i - 1) in OPERATORS)
        if tokens[i].kind not in ("number", "clock") and tokens[i].text not in parts and not named:
            break
        summed = summed or named
        i -= 1
    return i


def is_operand(tokens: Sequence[Token], q: Quantity) -> bool:
    after = skip_silent(tokens, q.last + 1)
    then = skip_approximate(tokens, after + 1)
    number_then = then < len(tokens) and tokens[then].kind == "number"
    if word_at(tokens, after) in OPERATORS and (number_then or word_at(tokens, then) == "by"):
        return True
    before = q.first - 1
    lead = word_at(tokens, before)
    return lead in (*OPERATORS, "by") and before > 0 and (
        tokens[before - 1].kind == "number" or lead == "by"
    )  # fmt: skip


def is_bounded(tokens: Sequence[Token], q: Quantity) -> bool:
    """ "at least 60", "over 60"; but "just over 60" is about 60."""
    lead = skip_silent(tokens, q.first - 1, -1)
    for j in (lead, lead - 1):
        if word_at(tokens, j) in _BOUNDS:
            return word_at(tokens, j - 1) not in _SOFTENERS
        if word_at(tokens, j) not in ("a", "the", "of"):
            break
    after = word_at(tokens, q.last + 1)
    if not q.decimal and _is_numbered(tokens, q.first):
        return True
    if after in SCORE_NAMES and word_at(tokens, q.last + 2) in _DIFFERENT:
        return True  # "4 points less than the leader"
    if word_at(tokens, lead) == "(" and after == ")" and word_at(tokens, q.last + 2) in (":", "="):
        return True
    scale = [t.text for t in tokens[max(0, q.first - 5) : q.first]]
    return "scale" in scale or word_at(tokens, lead) == "/" or scale[-2:] == ["out", "of"]


def is_scale(tokens: Sequence[Token], q: Quantity, last: Quantity) -> bool:
    """ "(0-100):" is the scale of the score that follows."""
    closed = word_at(tokens, q.first - 1) == "(" and word_at(tokens, last.last + 1) == ")"
    return closed and word_at(tokens, last.last + 2) in (":", "=", "is")


def is_of_another(tokens: Sequence[Token], at: int, names: frozenset[str]) -> bool:
    """Whether the words before or after the name make it the score of something else."""
    for j in range(at - 1, max(-1, at - 6), -1):
        word = tokens[j].text
        if tokens[j].kind == "mark" and word not in SOFT_MARKS:
            break
        if tokens[j].kind in ("number", "clock"):
            joined = any(t.text in JOINTS for t in tokens[j:at])
            return word_at(tokens, j - 1) in _OTHERS and not joined  # "judge 1 gives"
        if word in _OTHERS and not is_name(word, names):
            return True
    following = [t.text for t in tokens[at + 1 : at + 5]]
    return following[:1] in (["of"], ["for"], ["from"]) and not _OTHERS.isdisjoint(
        word for word in following[1:] if not is_name(word, names)
    )


SOFT_MARKS = frozenset("*\"'`_")
