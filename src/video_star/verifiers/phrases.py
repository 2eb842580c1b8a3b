"""Finding a name in an answer: windows of words that together say the name.

A window holds one word for each content word of the name. It counts where its words belong
together: none of them denied, asked or supposed, all in one sentence, and nothing between them
that starts something else ("holds a guitar and is playing chess" does not say "playing guitar").
Names of many words are specific enough to be found in looser company. The rules for windows never
look at a threshold, so a lower one can only let more windows count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from video_star.verifiers.adjoining import adjoin
from video_star.verifiers.inflection import dictionary_forms, similarity
from video_star.verifiers.text import STOP_WORDS, Reading, word_set
from video_star.verifiers.verbs import is_doer, is_linked, is_other_use, leans_back
from video_star.verifiers.wanted import Wanted

Window = tuple[int, ...]
"""Places of the words of one mention, ascending."""

LOOSE = 4
"""Content words from which on a name may be spread over two neighbouring sentences."""
_DOERS = ("er", "ers")
_OR_TAILS = word_set("rather so")
"""After "or" these correct or soften; they offer no alternative."""
_OR_STEPS = STOP_WORDS | word_set("maybe perhaps possibly either even possible alternatively")


@dataclass(frozen=True)
class Found:
    """The best window of a name in an answer."""

    score: float
    places: Window
    """Indices of its words, ascending; empty where there is no window."""


NOTHING = Found(0.0, ())


class Answer:
    """An answer to search names in."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.words = dictionary_forms(reading.words)
        self._has_or = "or" in self.words
        self._is_sure = not self._has_or and not reading.guessed
        self._halves: set[int] = set()
        initials: dict[str, list[int]] = {}
        for i, word in enumerate(self.words):
            initial = word[0]
            if initial in initials:
                initials[initial].append(i)
            else:
                initials[initial] = [i]
        self._initials = initials

    def best(self, wanted: Wanted, closed: Set[int], hedge: bool = False) -> Found:
        """The window with the highest least similarity, the last of the tightest ones.

        `closed` are places of words that count for no name; `hedge` lets alternatives count.
        """
        hits = self._hits(wanted, closed)
        if hits is None:
            return NOTHING
        fits = partial(self._stands, wanted, hedge)
        if max(map(len, hits)) == 1:
            return self._only(wanted, [rated[0] for rated in hits], fits)
        if len(hits) == 1:
            fit = [(rate, i) for rate, i in hits[0] if fits((i,))]
            return Found(max(fit)[0], self._whole((max(fit)[1],))) if fit else NOTHING
        for level in sorted({rate for rated in hits for rate, _ in rated}, reverse=True):
            windows = [w for w in self._windows(wanted, hits, level) if fits(w)]
            if windows:
                tightest = min(windows, key=lambda w: (w[-1] - w[0], -w[0]))
                return Found(level, self._whole(tightest))
        return NOTHING

    def _only(
        self, wanted: Wanted, hits: Sequence[tuple[float, int]], fits: Callable[[Window], bool]
    ) -> Found:
        """The only window that there can be: one word for each word of the name."""
        slots = {i: word for word, (_, i) in zip(wanted.words, hits, strict=True)}
        window = self._cohering(wanted, sorted(slots), slots) if len(slots) == len(hits) else None
        if window is None or not fits(window):
            return NOTHING
        return Found(min(rate for rate, _ in hits), self._whole(window))

    def levels(self, wanted: Wanted, closed: Set[int]) -> frozenset[float]:
        """Similarities at which windows of the name can change."""
        hits = self._hits(wanted, closed)
        return frozenset(rate for rated in hits or () for rate, _ in rated)

    def windows(
        self, wanted: Wanted, closed: Set[int], level: float, hedge: bool = False
    ) -> list[Window]:
        """All windows whose words are at least as similar as `level`, in their order."""
        hits = self._hits(wanted, closed)
        if hits is None:
            return []
        found = self._windows(wanted, hits, level)
        return sorted(self._whole(w) for w in found if self._stands(wanted, hedge, w))

    def _hits(self, wanted: Wanted, closed: Set[int]) -> list[list[tuple[float, int]]] | None:
        """Similarity and place of the words for each word of the name; None if one has none."""
        hits: list[list[tuple[float, int]]] = []
        said, initials, n = self.words, self._initials, len(wanted.words)
        for slot, word in enumerate(wanted.words):
            if word[0] not in initials:
                return None
            rated, is_said = [], False
            for i in initials[word[0]]:
                same = said[i] == word
                rate = 1.0 if same else similarity(said[i], word)
                if rate < 1 and said[i].endswith(_DOERS) and is_doer(said, self.reading, i, word):
                    rate = 1.0
                if not rate or (i in closed and not self._may_be_denied(i, wanted)):
                    continue
                if (same and n > 1) or not is_other_use(said, i, word, n == 1):
                    rated.append((rate, i))
                    is_said = is_said or rate == 1
            if slot in wanted.negative:
                rated = [(rate, i) for rate, i in rated if i in self.reading.denied]
            if not is_said and word in wanted.own:
                apart = [i for i in self._written_apart(word) if i not in closed]
                rated += [(1.0, i) for i in apart]
                self._halves.update(apart)
            if not rated:
                return None
            hits.append(rated)
        return hits

    def _may_be_denied(self, i: int, wanted: Wanted) -> bool:
        """Whether a denied word counts, because the name itself denies something."""
        return bool(wanted.negative) and i in self.reading.denied

    def _whole(self, window: Window) -> Window:
        """The window with the second halves of words that are written apart."""
        if self._halves.isdisjoint(window):
            return window
        return tuple(sorted({*window, *(i + 1 for i in window if i in self._halves)}))

    def _written_apart(self, word: str) -> Iterator[int]:
        """Places where a word of the name is written as two ("cart wheel")."""
        for i in self._initials.get(word[0], ()):
            start = self.words[i]
            if 1 < len(start) < len(word) - 1 and word.startswith(start):
                rest = self.words[i + 1 : i + 2]
                if rest and similarity(start + rest[0], word) == 1 and not self.reading.mark(i + 1):
                    yield i

    def _windows(
        self, wanted: Wanted, hits: Sequence[Sequence[tuple[float, int]]], level: float
    ) -> Iterator[Window]:
        """Smallest windows with a word for each word of the name, those whose words cohere."""
        slots: dict[int, str] = {}
        for word, rated in zip(wanted.words, hits, strict=True):
            slots.update({i: word for rate, i in rated if rate >= level})
        needed = Counter(wanted.words)
        places = sorted(slots)
        have: Counter[str] = Counter()
        missing = len(wanted.words)
        left = 0
        for right, place in enumerate(places):
            have[slots[place]] += 1
            missing -= have[slots[place]] <= needed[slots[place]]
            while not missing:
                first = slots[places[left]]
                if have[first] > needed[first]:
                    have[first] -= 1
                    left += 1
                    continue
                window = self._cohering(wanted, places[left : right + 1], slots)
                if window:
                    yield window
                have[first] -= 1
                missing += 1
                left += 1

    def _cohering(
        self, wanted: Wanted, places: Sequence[int], slots: dict[int, str]
    ) -> Window | None:
        """The window, one word each, if its words belong together."""
        left = list(wanted.words)
        window: list[int] = []
        for place in reversed(places):
            if slots[place] in left:
                left.remove(slots[place])
                window.append(place)
        window.reverse()
        if len(window) == 1:
            return tuple(window)
        if window[-1] - window[0] == len(window) - 1 and self._is_plain(window):
            return tuple(window)
        linked = is_linked(self.words, self.reading, window) or (
            len(window) == 2
            and slots[window[1]].endswith("ing")
            and leans_back(self.words, self.reading, wanted.own, *window)
        )
        apart = self.reading.sentences[window[-1]] - self.reading.sentences[window[0]]
        if apart and not (linked or (apart == 1 and len(window) >= LOOSE)):
            return None
        if len(window) >= LOOSE or linked:
            return tuple(window)
        order = wanted.words.index
        fit = all(
            adjoin(
                self.words,
                self.reading,
                wanted,
                one,
                other,
                order(slots[one]) <= order(slots[other]),
            )
            for one, other in pairwise(window)
        )
        return tuple(window) if fit else None

    def _is_plain(self, run: Sequence[int]) -> bool:
        """Whether a run of words has no mark inside, and no number that stands for a count."""
        breaks, words = self.reading.breaks, self.words
        return not breaks or not (
            words[run[0]][0].isdigit() or any(i in breaks or words[i][0].isdigit() for i in run[1:])
        )

    def _stands(self, wanted: Wanted, hedge: bool, window: Window) -> bool:
        """Whether no particle turns the window's action round, and no "or" leaves it open."""
        if wanted.opposed:
            # "turns the light on and turns it off": the thing alone is shared.
            shared = len(window) > 2 and is_linked(self.words, self.reading, window)
            start = window[1] if shared else window[0]
            if not wanted.opposed.isdisjoint(self.words[start : window[-1] + 2]):
                return False
        if hedge or self._is_sure:
            return True
        if not self.reading.guessed.isdisjoint(window):
            return False
        return not self._has_or or not (
            self._or_follows(self._whole(window)[-1]) or self._or_precedes(window[0])
        )

    def _or_follows(self, last: int) -> bool:
        for i in range(last + 1, min(last + 3, len(self.words))):
            if self.reading.sentences[i] != self.reading.sentences[last]:
                return False
            if self.words[i] == "or":
                return _OR_TAILS.isdisjoint(self.words[i + 1 : i + 2])
            if self.words[i] not in _OR_STEPS:
                return False
        return False

    def _or_precedes(self, first: int) -> bool:
        for i in range(first - 1, max(first - 7, -1), -1):
            if self.reading.sentences[i] != self.reading.sentences[first]:
                return False
            if self.words[i] in ("or", "either"):
                return True
            if self.words[i] not in _OR_STEPS or self.reading.mark(i + 1):
                return False
        return False
