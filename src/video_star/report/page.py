"""One self-contained page of a workspace: it opens from disk and asks no network.

Everything is in the file: table software (DataTables, as itables brings it), curves, frames and
data. The data are JSON in an element that runs nothing; the browser is told to run only our two
scripts and to load nothing, so no text of data or models can do more than be read.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from itables.utils import read_package_file
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from video_star.core.engine import Clip
from video_star.core.errors import UsageError
from video_star.core.jsonl import write_text
from video_star.core.params import Params
from video_star.core.paths import Workspace
from video_star.core.progress import Progress, Silent
from video_star.core.urls import without_credentials
from video_star.report.charts import benchmark_charts, line_chart, loss_charts, yield_charts
from video_star.report.choice import Choice
from video_star.report.samples import Tally, island, read_lost, read_samples
from video_star.report.sheets import sheet_of
from video_star.report.table import first_rows, other_rows
from video_star.tracking.rounds_table import rounds_rows
from video_star.video.cache import Decoded, open_frames

LIMIT = 20_000_000
"""Bytes of a page: what a browser opens at once and a mail takes."""
LOST_ROOM = 1_000_000
"""Bytes of it for samples that were lost."""
AHEAD = 16
"""Clips that are read while others are drawn."""
SENTENCE = 1_000
"""Bytes of what is added when the samples are chosen, besides these."""
SLACK = 40
"""Bytes around each part of the data."""


def write_report(
    workspace: Workspace,
    params: Params,
    out: Path,
    rounds: Sequence[str] = (),
    progress: Progress | None = None,
    limit: int = LIMIT,
) -> Path:
    """Write the page of the rounds (all evaluated ones where none are named) and return its path.

    UsageError for a round that is not evaluated, DataError for files that are not what steps write.
    The same rounds give the same bytes.
    """
    rows = rounds_rows(workspace)
    evaluated = [row.round for row in rows]
    if unknown := [name for name in rounds if name not in evaluated]:
        raise UsageError(
            f"{', '.join(unknown)}: no evaluated round; there are {', '.join(evaluated)}."
        )
    rows = [row for row in rows if not rounds or row.round in rounds]
    names = [row.round for row in rows]
    learning = [name for name in names if workspace.round(name).verdicts.is_dir()]
    choice, lost, tally = Choice(limit), Choice(LOST_ROOM), Tally()
    read_samples(workspace, learning, choice, tally)
    reasons = read_lost([workspace.round(name) for name in rounds or params.evaluated], lost)
    lost_texts = list(lost)
    values: dict[str, object] = {
        "cycle": params.cycle,
        "base": without_credentials(params.model.base),
        "rounds": names,
        "total": choice.seen,
        "benchmarks": benchmark_charts(rows),
        "yields": yield_charts(tally, learning),
        "training": line_chart(tally, learning) + loss_charts(list(map(workspace.round, names))),
        "first": first_rows(rows),
        "rest": other_rows(rows),
        "has_lost": bool(lost_texts),
        "lost": _lost_sentence(len(lost_texts), reasons),
    }
    parts = {"rounds": island(learning), "lost": f"[{','.join(sorted(lost_texts))}]"}
    empty = _rendered(values, parts)
    home = workspace.allowing(params.settings.video_roots)
    room = limit - len(empty.encode()) - SENTENCE
    samples, sheets = _samples_within(room, list(choice), home, params, progress or Silent())
    values["choice"] = _choice_sentence(len(samples), choice.seen, limit)
    parts["samples"] = f"[{','.join(samples)}]"
    parts["sheets"] = f"{{{','.join(sheets)}}}"
    write_text(out, _rendered(values, parts))
    return out


def _samples_within(
    room: int, texts: Sequence[str], workspace: Workspace, params: Params, progress: Progress
) -> tuple[list[str], list[str]]:
    """The first samples that fit, in id order, and the frames of their clips.

    Both as JSON, the frames behind the names by which the samples mention them.
    """
    clips: dict[str, Clip] = {}
    for sample in map(json.loads, texts):
        video, start, end = sample["clip"]
        clips.setdefault(sample["sheet"], Clip(workspace.video(video), start, end))
    shown: dict[str, str] = {}
    sheets: dict[str, str] = {}
    frames = open_frames(workspace, params)
    with closing(frames.prefetch(clips.values(), AHEAD)) as decoded:
        for text in texts:
            sample = json.loads(text)
            new = {}
            if sample["sheet"] not in sheets:  # clips are decoded in the order of the samples
                new[sample["sheet"]] = island(_sheet(next(decoded), workspace))
            room -= len(text.encode()) + sum(len(sheet) + SLACK for sheet in new.values())
            if room < 0:
                break
            shown[sample["id"]] = text
            sheets.update(new)
            progress.update(len(shown), len(texts), "samples")
    named = [f"{island(name)}:{sheet}" for name, sheet in sheets.items()]
    return [shown[name] for name in sorted(shown)], named


def _sheet(decoded: Decoded, workspace: Workspace) -> object:
    """The frames of a clip, or why there are none."""
    if decoded.frames is None:
        return str(decoded.error).replace(f"{workspace.data}/", "")
    return sheet_of(decoded.frames).model_dump()


def _rendered(values: Mapping[str, object], parts: Mapping[str, str]) -> str:
    """The page; `parts` are those of its data, each JSON that `island` made."""
    folder = Path(__file__).parent
    script = (folder / "page.js").read_text(encoding="utf-8")
    tables = b64encode(read_package_file("html", "dt_bundle.js").encode()).decode()
    modules = island({"imports": {"datatables": f"data:text/javascript;base64,{tables}"}})
    data = ",".join(f"{island(name)}:{part}" for name, part in parts.items())
    page = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True)
    return page.get_template("page.html").render(
        values,
        css=Markup((folder / "page.css").read_text(encoding="utf-8")),
        importmap=Markup(modules),
        script=Markup(script),
        hashes=Markup(" ".join(map(_allowed, (modules, script)))),
        data=Markup(f"{{{data}}}"),
    )


def _allowed(script: str) -> str:
    """A script as the page's content security policy names it."""
    return f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _choice_sentence(shown: int, of: int, limit: int) -> str:
    frames = "with the frames that the model saw (made smaller where they are many or large)"
    if shown == of:
        return f"All {of:,} training samples, {frames}."
    return (
        f"{shown:,} of {of:,} training samples, {frames}: as many as keep the page under "
        f"{limit / 1e6:g} MB, drawn evenly from all data sets, label kinds and courses of "
        "outcomes, so what is rare is shown more often than it is. Curves and tables count all."
    )


def _lost_sentence(shown: int, reasons: Counter[str]) -> str:
    if not reasons:
        return "No step lost a sample."
    counts = ", ".join(f"{reason} {n:,}" for reason, n in reasons.most_common())
    part = "" if shown == reasons.total() else f" {shown:,} are shown, evenly of every step."
    return (
        f"What steps could not use, and what they note of samples that they could: {counts}.{part}"
    )
