"""`video-star trace` in a terminal: the life of a sample, round by round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from video_star.core.excerpt import visible
from video_star.core.records import LabelVerdict, Outcome, Split, Verdict
from video_star.tracking.lives import PASSING, Attempt, Life, Prompt, RoundLife, Standing, Taken

STYLES: dict[Outcome, str] = {"pass": "green", "fail": "red", "doubtful": "yellow"}
WORDS: dict[Standing, str] = {
    "direct": "an answer passed",
    "rationalized": "an explanation of the label passed",
    "doubtful": "doubtful",
    "rejected": "rejected",
    "unanswered": "not answered",
}
NO_LEAK: dict[Split, str] = {
    "train": "none: no test sample and no benchmark has its video",
    "test": "none: no train sample has its video",
}


def print_life(life: Life) -> None:
    """Print a life; every text of data and models is shown as it is, never as markup."""
    console = Console(highlight=False)
    console.print(text_of(life.id, "bold"))
    line = "-" if console.options.ascii_only else "─"  # rich forgets it of one without a title
    console.print(Rule(characters=line, style="dim"))
    console.print(_grid(_about(life)))
    shown: set[str] = set()
    for own in life.rounds:
        if rows := list(_rows(own, life, shown)):
            console.print()
            console.print(Rule(_title(own), align="left", style="dim"))
            console.print(_grid(rows))


Rows = Iterable[tuple[str, RenderableType]]


def _grid(rows: Rows) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(style="dim", no_wrap=True, width=10)
    grid.add_column(ratio=1, overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def text_of(text: str, style: str = "") -> Text:
    """A foreign text, as it is."""
    return Text(visible(text), style=style, overflow="fold")


def _about(life: Life) -> Rows:
    sample = life.sample
    if sample is None:
        yield "sample", Text("not in the manifest", style="red")
    else:
        yield "sample", text_of(f"{sample.split} sample of {sample.dataset}")
        for label in sample.labels:
            yield "label", text_of(f"{label.kind}: {label.say()}", "bold")
    for source in life.sources:
        rows = [row for row in life.rows if row.file == source]
        yield "source", text_of(source)
        for row in rows:
            yield "", text_of(f"line {row.line}: {row.text}", "dim")
    if sample is not None and life.watched is not None:
        part = ""
        if sample.start_s is not None or sample.end_s is not None:
            start, end = sample.start_s or 0, sample.end_s
            part = f", from {start:g} s" + ("" if end is None else f" to {end:g} s")
        yield "video", text_of(f"{sample.video}{part}")
        yield "sha256", text_of(life.watched.sha256 or "unknown")
        watched = life.watched
        if watched.problem is not None:
            yield "frames", text_of(watched.problem, "red")
        elif watched.times is None:
            yield "frames", Text("a folder of images, without a clock")
        else:
            times = " ".join(f"{time:.2f}" for time in watched.times)
            yield "frames", Text(f"at {times} s ({watched.source})")
        leaks = text_of("; ".join(life.leaks), "red") if life.leaks else Text(NO_LEAK[sample.split])
        yield "leaks", leaks
        yield "question", text_of(life.question.text if life.question else sample.question)
    if life.hint is not None:
        yield "with hint", text_of(life.hint.text)


def _title(own: RoundLife) -> Text:
    title = Text(own.round, style="bold")
    if own.standing is not None:
        style = "green" if own.standing in PASSING else "red"
        kept = ", learned from" if own.examples else ""
        title.append(f"  {WORDS[own.standing]}{kept}", style=style)
    return title


def _rows(own: RoundLife, life: Life, shown: set[str]) -> Rows:
    for attempt in own.answers:
        yield from _attempt("answer", attempt, life.question)
    for attempt in own.rationales:
        yield from _attempt("explained", attempt, life.hint)
    if own.examples:
        yield "taught", Text(f"{len(own.examples)} conversations")
        forms = Counter(example.form for example in own.examples)
        for form, n in forms.items():
            first = next(one for one in own.examples if one.form == form)
            yield "", indented(Group(Text(f"{form} ({n})", "dim"), text_of(first.completion)))
    if own.learner is not None:
        model, onward = own.learner.model, own.learner.goes_on_from
        text = visible(model.adapter or model.weights or model.base)
        text += "" if onward is None else f", trained on the model of {onward}"
        yield "learned", Text(f"{text}\n{model.tuned_digest}", overflow="fold")
    for taken in own.predictions:
        yield from _taken(taken, life.id, shown)
    for failure in own.failures:
        yield "failed", text_of(f"{failure.step}: {failure.error}: {failure.message}", "red")


def indented(text: RenderableType) -> RenderableType:
    """What a model was told or said."""
    return Padding(text, (0, 0, 0, 2))


def _attempt(name: str, attempt: Attempt, asked: Prompt | None) -> Rows:
    answer, verdict = attempt.answer, attempt.verdict
    heading, labels = Text("not judged yet"), list(verdict.labels if verdict else ())
    if verdict is not None:
        heading = _told(verdict.outcome, verdict.reason)  # that of its label, or of the guard
        if [(one.outcome, one.reason) for one in labels] == [(verdict.outcome, verdict.reason)]:
            heading = _label(labels.pop())
    if answer.finish_reason == "length":
        heading.append(f", cut off at {answer.n_tokens} tokens", style="yellow")
    if asked is not None and answer.prompt_hash != asked.prompt_hash:
        heading.append(", asked in other words than above", style="yellow")
    parts: list[RenderableType] = [heading, indented(marked(answer.text, verdict))]
    parts += map(_label, labels)
    yield f"{name} {answer.attempt + 1}" if answer.attempt else name, Group(*parts)


def marked(text: str, verdict: Verdict | None) -> Text:
    """The answer, with the values that were read from it marked."""
    places = sorted(label.place for label in verdict.labels if label.place) if verdict else []
    marked, end = Text(overflow="fold"), 0
    for start, stop in places:
        if start >= end:
            marked.append(visible(text[end:start]))
            marked.append(visible(text[start:stop]), style="bold reverse")
            end = stop
    marked.append(visible(text[end:]))
    return marked


def _label(label: LabelVerdict) -> Text:
    read = "nothing read" if label.extracted is None else f'read "{label.extracted}"'
    score = f"score {label.score:.3g} (needs {label.threshold:.3g})"
    return _told(label.outcome, f"{label.kind}, {label.reason}, {read}, {score}")


def _told(outcome: Outcome, text: str) -> Text:
    return Text.assemble((outcome, STYLES[outcome]), visible(f": {text}"), overflow="fold")


def _taken(taken: Taken, sample_id: str, shown: set[str]) -> Rows:
    """An item of a benchmark; its prompt once, as later rounds mostly ask the same."""
    form = taken.item_id.removeprefix(sample_id).removeprefix("/")
    parts: list[RenderableType] = [text_of(taken.benchmark + (f", {form}" if form else ""))]
    for score in taken.scores:
        value = "unscored" if score.value is None else f"{score.value:g}"
        style = "" if score.value is None else "green" if score.value > 0 else "red"
        told = visible(f"{score.metric} "), (value, style), visible(f": {score.reason}")
        parts.append(Text.assemble(*told))
    if (given := taken.prediction) is not None:
        if given.prompt not in shown:
            parts.append(indented(text_of(given.prompt, "dim")))
        shown.add(given.prompt)
        parts.append(indented(text_of("> " + given.text.replace("\n", "\n> "))))
    yield "tested", Group(*parts)
