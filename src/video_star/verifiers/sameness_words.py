"""Words that answers use to say whether two things are the same one."""

from __future__ import annotations

from video_star.verifiers.wording import word_set

SAME = word_set("same identical unchanged coincide coincides selfsame")
NEARLY = word_set("nearly almost virtually practically")
"""Before "the same" these say that it is alike, not that it is one."""
CONTAINERS = word_set(
    "box boxes region regions frame frames clip clips video videos image images shot shots picture "
    "pictures view views scene scenes way"
)
"""Where the two things are seen."""
DIFFERENT = word_set(
    "nonidentical mismatch mismatches mismatched different differ differs distinct separate "
    "unrelated dissimilar differing"
)
DIFFERENCE = word_set("difference differences")
CHANGES = word_set(
    "another else change changes changed replace replaces replaced swap swaps swapped switch "
    "switches switched exchange exchanges exchanged substituted"
)
"""These say, or ask, that another one has come."""
REPLACED = word_set("replaced swapped switched exchanged substituted")
AGAIN = word_set("reused reappear reappears reappeared")
MATCH = word_set("match matches")
PAIR = word_set(
    "they two both objects boxes people persons these clips videos ones items don doesn't "
    "don't do does"
)
ATTRIBUTES = word_set(
    "color colors colour colours shape shapes size sizes type types kind kinds sort sorts category "
    "class brand style styles place places position positions location locations room scene scenes "
    "time times moment moments angle angles view views viewpoint viewpoints perspective direction "
    "directions way ways manner pose poses clothes clothing outfit outfits shirt shirts jacket "
    "coat hat height weight material texture pattern patterns look looks appearance frame frames "
    "background backgrounds distance distances lighting light side sides spot motion speed lane "
    "orientation box boxes region regions area areas point points shot shots image images "
    "stage stages part parts hand hands state states condition video videos clip clips camera "
    "model models make breed species variety design day days date night season weather "
    "cameras length age build hair features contexts context environment setting settings"
)
"""What can be the same, or different, of two things without telling whether they are one."""
AFTER_ENDS = word_set(
    "as in from and is are was were though too again here across throughout between of to for on "
    "at that who which with or"
)
"""Where the noun after "the same" ends."""
OWNING = word_set(
    "have has had having wear wears wearing share shares sharing with in at on from near under "
    "behind holding hold holds using use uses carry carries carrying ride rides riding drive "
    "drives driving"
)
"""Before "the same X" these make X an attribute: "in the same room"."""
BEINGS = word_set(
    "object objects person persons individual individuals man woman men women people thing things "
    "item items one ones entity entities action actions activity animal boy girl child"
)
KINDS_OF_BEINGS = (
    word_set("action actions activity"),
    word_set(
        "object objects person persons individual individuals man woman men women people boy girl"
    ),
)
"""Where a question asks about one of these kinds, another kind is an attribute."""
COUNTING = word_set("is are were show shows be there see contain it's there's they're that's")
FURTHER = word_set("second new")
"""In "it is a second ball"."""
DOUBTS = (
    *(("may", "not"), ("might", "not")),
    *(("may", "or", "may", "not"), ("might", "or", "might", "not"), ("or", "not")),
    *(("not", "sure"), ("not", "certain"), ("not", "clear"), ("not", "necessarily")),
    *(("hard", "to"), ("difficult", "to"), ("impossible", "to"), ("cannot", "tell")),
    *(("can't", "tell"), ("cannot", "say"), ("can't", "say"), ("cannot", "determine")),
    *(("can't", "determine"), ("don't", "know"), ("do", "not", "know"), ("not", "possible", "to")),
    *(("cannot", "be", "determined"), ("not", "tell"), ("not", "determine"), ("not", "say")),
    *(("can't", "confirm"), ("cannot", "confirm"), ("not", "confirm"), ("can't", "verify")),
    *(("cannot", "verify"), ("not", "verify"), ("cannot", "be", "confirmed")),
    *(("unable", "to"), ("can't", "be", "determined"), ("cannot", "be", "sure")),
)
DOUBT_WORDS = word_set("unclear uncertain unsure undetermined unknown ambiguous")
WEAK = word_set(
    "may might could possibly perhaps maybe seem seems seemed look looks looked appear appears "
    "appeared thought believed assumed guessed glance initially first suppose going tempted"
)
REVISING = word_set(
    "but however actually therefore thus hence so conclusion conclude closer fact instead wait "
    "really overall finally answer correction ultimately yet nevertheless still no disagree"
)
CONCEDING = word_set("although though despite even while whereas albeit")
CLAUSE_STARTS = word_set("but however so therefore thus because although though while whereas")
YES = word_set("yes yeah yep correct true affirmative right \u2713 \u2714 \u2705 \u2611")
NO = word_set("no nope incorrect false negative \u2717 \u2718 \u274c \u2715 \u2612")
FRAME = word_set(
    "i would i'd say think believe guess my the answer is so it final well that's best"
)
"""Words that may stand before a bare yes or no."""
VERDICTS = word_set("verdict conclusion result decision label output summary identity match")
"""Keys before an answer: "verdict: different"."""
YES_PHRASES = frozenset(
    {
        *(("absolutely",), ("definitely",), ("certainly",), ("of", "course"), ("indeed",)),
        *(("i", "think", "so"), ("i", "believe", "so"), ("exactly",), ("sure",)),
    }
)
NO_PHRASES = frozenset(
    {
        *(("i", "don't", "think", "so"), ("i", "do", "not", "think", "so"), ("not", "at", "all")),
        *(("not", "really"), ("definitely", "not"), ("absolutely", "not"), ("certainly", "not")),
        *(("of", "course", "not"), ("far", "from", "it"), ("i", "think", "not"), ("never",)),
    }
)
SUBJECTS = word_set("it they these this that those the he she i we both")
TELLING = word_set("is was be it's that's just simply actually really clearly")
"""Right before "another X" these tell what the thing is."""
AUXILIARIES = word_set("is are was were do does did it's they're")
OPENING = AUXILIARIES | word_set("has have had can isn't aren't wasn't doesn't don't didn't hasn't")
"""First words of questions that ask for yes or no."""
WRONG = word_set("wrong incorrect false mistaken disagree untrue")
SHOWN = word_set("used shown seen visible present featured appear appears return returns there")
"""What the same thing does not do where two things are seen: "the same cup is not used"."""
BOTH = word_set("both twice again either")
