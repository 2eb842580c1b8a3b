"""Words that decide how a mention stands in its answer."""

from __future__ import annotations

from video_star.verifiers.text import STOP_WORDS
from video_star.verifiers.wording import word_set

CLAUSE_DENIALS = word_set("not never cannot neither nor hardly impossible unlikely doubt doubtful")
NOUN_DENIALS = word_set("no without none nothing nobody nowhere")
BE = word_set("is are was were be been isn't aren't wasn't weren't there's")
CONTRASTS = {
    ("rather", "than"),
    ("instead", "of"),
    ("other", "than"),
    ("anything", "but"),
    ("far", "from"),
    ("opposed", "to"),
    ("apart", "from"),
    ("aside", "from"),
}
STRETCHES = word_set("range interval window period time span stretch segment")
CONTRAST_WORDS = word_set("unlike except excluding")
WRONG = word_set("wrong incorrect false mistaken impossible unlikely excluded invalid inaccurate")
EXTREMES = word_set("high low generous harsh much little early late long short strict")
"""After "is too" these deny what was said."""
RIGHT = word_set("right correct true accurate so case it")
"""After "that is not" these take back what was said."""
SCOPE_ENDS = word_set(
    "but while when because since so thus therefore although whereas yet hence however"
)
AFTER_AUXILIARIES = word_set(
    "is are was were be would could should can cannot may might will seems looks appears too "
    "clearly definitely also that this which"
)
SUPPOSED = word_set(
    "thought believed guessed assumed expected supposed seemed looked seems appeared glance "
    "impression say said suspected"
)
AT_FIRST = word_set("first initially originally earlier before sight glance")
FORMER = word_set("first initial original preliminary earlier")
GUESSES = word_set("estimate guess thought impression assumption rating answer idea instinct")
DENYING = word_set("not never cannot no nobody")
NOT_DENIALS = word_set("only just until merely simply")
CONCLUDERS = word_set(
    "answer conclusion conclude concluding altogether summary summing conclusively verdict"
)
REASONS = word_set("since because reason reasons explanation whereas")
"""What follows these explains an answer that has been given."""
OPENERS = word_set("so meaning therefore thus hence overall consequently accordingly ergo")
"""These conclude where they open a clause."""
CORRECTORS = word_set("actually correction sorry wait scratch instead precisely correct corrected")
SLIPS = word_set("no sorry wait scratch correction oops hmm hold nope")
"""After a value and a mark these say that it was a slip."""
IN_PAIRS = {("in", "total"), ("in", "short"), ("in", "sum"), ("i", "mean"), ("second", "thought")}
JOINERS = STOP_WORDS | word_set(
    "q either and or also maybe perhaps possibly again even about around roughly approximately "
    "between could might may can well likely probably alternatively else other near after at say "
    "until seconds second both plus additionally another once more i.e e.g namely equivalently "
    "ie eg but than although though almost nearly more less most"
)
"""Words between two mentions that leave them side by side."""
ALTERNATING = word_set("or alternatively maybe perhaps possibly also and could might may either")
"""One of these joins mentions over the end of a sentence."""
OPEN = word_set("also maybe perhaps possibly could might may or")
CONCEDING = word_set("although though whereas despite")
PEOPLE = word_set("some others viewers")
VIEWS = word_set("would might may could say think claim argue believe guess")
"""After people these tell what others would answer."""
TURNING = word_set("but though although however yet without")
THEN = word_set("then afterwards thereafter")
OPPOSITES = (
    *(("on", "off"), ("open", "close"), ("open", "shut"), ("boy", "girl"), ("man", "woman")),
    *(("men", "women"), ("enter", "leave"), ("awake", "asleep"), ("empty", "full")),
    *(("rise", "fall"), ("push", "pull")),
)
UNABLE = word_set("cannot can't couldn't unable")
TELL = word_set("tell determine say identify pinpoint find establish know")
WHEN = word_set("when moment time timestamp timing interval segment part")
"""What it is unable to tell."""
EXACT = word_set(
    "exact exactly precise precisely certain certainty sure stop stops end ends finish"
)
ALL_THE_SAME = word_set("but however though guess estimate probably likely best still say roughly")
REPORTS = word_set(
    "says claims claimed states thinks believes suggest suggests insists according expect expected"
)
"""These tell what someone else, or nobody any more, takes for true."""
PERSONS = word_set("boy girl man woman men women")
INTENDS = word_set("ready about prepares preparing wants plans going tries trying hopes")
PRONOUNS = word_set("he she it they him her them his who")
PRESENT = word_set("at there visible present")
TURNS = word_set("and until till before after then")
STOPS = word_set("stop stops stopped quit quits ceases ceased")
FRAME = JOINERS | word_set(
    "video clip seconds second time timestamp happen happens happened happening occur occurs "
    "occurred action event activity moment shown show shows seen see visible place "
    "when what which range interval span answer long during mark point instant segment "
    "start starts starting begin begins end ends ending located location object box bounding "
    "coordinates position roughly exactly there here into give please using me tell how much many "
    "where does did moves happening specific period footage then first finally next ago "
    "now currently later earlier before afterwards"
)
"""Words that say nothing about what was asked."""
REMARKING = word_set("note other others also previous next another")
"""First words of a line or a sentence about something else: "Other event: ..."."""
