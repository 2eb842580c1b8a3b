"""Word forms: whether two words are one word, inflected or mistyped.

Regular endings are taken off by rule and common irregular verbs and plurals are listed; what is
left to chance is a typing error, judged by the rapidfuzz ratio of the words.
"""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz import fuzz

_LEFT = frozenset({"the", "a", "his", "her", "their", "its", "home"})
_LEAVING = frozenset({"he", "she", "it", "they", "who", "and", "then", "we", "i"})
"""Words between which "left" is what someone did, and no direction."""
_LONG_STEM = 5
"""Letters a stem needs before a near match is more likely a typing error than another word."""
_VOWELS = frozenset("aeiou")
_UNDOUBLED = frozenset("wxy")
"""Final consonants that are never doubled before an ending."""
_IRREGULAR_FORMS = (
    "ate/eaten=eat bent=bend bit/bitten=bite blew/blown=blow broke/broken=break brought=bring "
    "built=build burnt=burn bought=buy came=come caught=catch children=child chose/chosen=choose "
    "crept=creep dealt=deal dove=dive drank/drunk=drink drawn/drew=draw drove/driven=drive "
    "dug=dig fallen/fell=fall fed=feed feet=foot flew/flown=fly forgot/forgotten=forget "
    "entries/entry=enter "
    "fought=fight froze/frozen=freeze gave/given=give gone/went=go grew/grown=grow held=hold "
    "hid/hidden=hide hung=hang kept=keep knelt=kneel knew/known=know knives=knife "
    "leaned/leant=lean leapt=leap lent=lend loaves=loaf made=make men=man mice=mouse paid=pay "
    "ran=run ridden/rode=ride risen=rise sang/sung=sing sat=sit sent=send shaken/shook=shake "
    "shelves=shelf shone=shine slept=sleep slid=slide sold=sell spent=spend spoken/spoke=speak "
    "spun=spin stolen/stole=steal stood=stand struck=strike stuck=stick swam/swum=swim "
    "swept=sweep swore/sworn=swear swung=swing taken/took=take taught=teach teeth=tooth "
    "threw/thrown=throw told=tell tore/torn=tear underwent=undergo went=go wept=weep wives=wife "
    "lit=light heard=hear lost=lose shot=shoot woke/woken=wake began/begun=begin beaten=beat "
    "met=meet found=find sank/sunk=sink sprang/sprung=spring sewn=sew mown=mow sown=sow "
    "rang/rung=ring ground=grind laid=lay sought=seek clung=cling flung=fling strung=string "
    "wrung=wring spilt=spill bled=bleed fled=flee bound=bind felt=feel shrank/shrunk=shrink "
    "geese=goose scarves=scarf calves=calf hooves=hoof halves=half thieves=thief "
    "wolves=wolf women=woman won=win wore/worn=wear wove/woven=weave written/wrote=write "
)
_IRREGULAR: dict[str, str] = {
    form: base
    for forms, base in (entry.split("=") for entry in _IRREGULAR_FORMS.split())
    for form in forms.split("/")
}


def dictionary_form(word: str) -> str:
    """The base of a listed irregular form ("threw" to "throw"), otherwise the word itself."""
    return _IRREGULAR.get(word, word)


def dictionary_forms(words: tuple[str, ...]) -> tuple[str, ...]:
    """The dictionary form of each word."""
    if _IRREGULAR.keys().isdisjoint(words) and "left" not in words:
        return words
    return tuple(
        # "she left the house" is a form of "leave", "moves left. The ..." is not.
        "leave"
        if word == "left" and before in _LEAVING and after in _LEFT
        else _IRREGULAR.get(word, word)
        for before, word, after in zip(("", *words[:-1]), words, (*words[1:], ""), strict=True)
    )


def stem(word: str) -> str:
    """The word without its inflection, doubled letters written once ("hopping" to "hop")."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return "".join(c for i, c in enumerate(word) if i == 0 or c != word[i - 1])


def root(word: str) -> str:
    """The stem of the dictionary form ("worn" and "wears" to "wear")."""
    return stem(dictionary_form(word))


def bases(word: str) -> frozenset[str]:
    """Words that a word can be a regular form of, itself included ("hopping": "hop", "hopp")."""
    found = {word}
    for ending in ("ing", "ed", "s"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= 2:
            found |= _before_ending(rest, ending)
    return frozenset(found)


def _before_ending(rest: str, ending: str) -> set[str]:
    if ending == "s":
        if rest.endswith("s"):
            return set()
        found = {rest}
        if rest.endswith("ie"):
            found.add(rest[:-2] + "y")
        if rest.endswith(("se", "xe", "ze", "che", "she", "oe")):
            found.add(rest[:-1])
        return found
    if not any(c in _VOWELS or c == "y" for c in rest):
        return set()
    found = {rest + "e"}
    if not _must_double(rest):
        found.add(rest)
    if len(rest) > 3 and rest[-1] == rest[-2]:
        found.add(rest[:-1])
    if ending == "ed" and rest.endswith("i"):
        found.add(rest[:-1] + "y")
    if ending == "ing" and rest.endswith("y"):
        found.add(rest[:-1] + "ie")
    return found


def _must_double(base: str) -> bool:
    """Whether a short base doubles its last letter before -ing and -ed ("hop", not "hope")."""
    if len(base) < 3 or base[-1] in _VOWELS or base[-1] in _UNDOUBLED:
        return False
    vowels = [c in _VOWELS for c in base]
    return vowels[-2] and sum(vowels) == 1


@lru_cache(maxsize=1 << 18)
def similarity(word: str, wanted: str) -> float:
    """0..1: how surely one word is the other one, inflected or mistyped.

    1 for forms of one word. A ratio alone takes "surging" for "surfing": words that differ in
    their stems need long stems that are as similar as the words. Numbers are equal or different.
    """
    if word == wanted:
        return 1.0
    word, wanted = dictionary_form(word), dictionary_form(wanted)
    if word == wanted:
        return 1.0
    if word[0] != wanted[0] or word[0].isdigit():
        return 0.0
    if not bases(word).isdisjoint(bases(wanted)):
        return 1.0
    short, long = sorted((word, wanted), key=len)
    if long.startswith(short) and len(long) - len(short) > 1:
        return 0.0  # A word derived from the other one: "personal", "guitarist".
    ratio = fuzz.ratio(word, wanted) / 100
    one, other = stem(word), stem(wanted)
    if one == other:
        return ratio
    if min(len(one), len(other)) < _LONG_STEM:
        return 0.0
    return min(ratio, fuzz.ratio(one, other) / 100)
