"""`video-star score`: score answers that were written elsewhere; no model is loaded.

video-star score tempcompass --questions DIR --predictions DIR --judge recorded:DIR --out FILE
video-star score video-qa --questions FILE --answers FILE --predictions FILE --judge URL
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from video_star.core.errors import DataError

app = typer.Typer(
    no_args_is_help=True, help="Score answers of any model to a benchmark; loads no model."
)

SHOWN = 20
"""Problems on the terminal; --out has all."""

JudgeModel = Annotated[str | None, typer.Option(help="The judge's name on the server at that URL.")]
JudgeReplies = Annotated[
    Path | None, typer.Option(help="File that keeps a server's replies, to go on from.")
]
JudgeMaxTokens = Annotated[
    int | None,
    typer.Option(min=1, help="Of a server's reply; a model that reasons needs some thousands."),
]
Out = Annotated[Path | None, typer.Option(help="JSON file for the whole report.")]
Resamples = Annotated[int, typer.Option(min=100, help="Of the 95 % intervals.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the 95 % intervals.")]


@app.command()
def tempcompass(
    questions: Annotated[Path, typer.Option(help="Folder with the four official question files.")],
    predictions: Annotated[
        Path,
        typer.Option(help="Answers: official {task}.json, lmms-eval logs or VLMEvalKit tables."),
    ],
    judge: Annotated[
        str, typer.Option(help="none | recorded:FOLDER of official results | URL of a server.")
    ] = "none",
    judge_model: JudgeModel = None,
    judge_replies: JudgeReplies = None,
    judge_max_tokens: JudgeMaxTokens = None,
    meta: Annotated[
        Path | None,
        typer.Option(help="meta_info.json; by default in the questions' folder or above it."),
    ] = None,
    out: Out = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Rate missing answers 0, as officially done.")
    ] = False,
    resamples: Resamples = 1000,
    seed: Seed = 17,
) -> None:
    """Official TempCompass scores of any model's answers."""
    from video_star.evaluation.benchmarks import tempcompass_scoring as scoring

    inputs = scoring.Inputs(questions, predictions, meta)
    asked = (judge, judge_model, judge_replies, judge_max_tokens)
    _score(scoring, inputs, asked, (resamples, seed), allow_missing, out)


@app.command()
def video_qa(
    questions: Annotated[Path, typer.Option(help="test_q.json: video_name, question, question_id")],
    answers: Annotated[Path, typer.Option(help="test_a.json: answer, question_id")],
    predictions: Annotated[
        Path,
        typer.Option(help="id, question, pred: JSON, JSON lines, a table; or lmms-eval logs."),
    ],
    judge: Annotated[
        str, typer.Option(help="none | recorded:FOLDER of {id}.json files | URL of a server.")
    ] = "none",
    judge_model: JudgeModel = None,
    judge_replies: JudgeReplies = None,
    judge_max_tokens: JudgeMaxTokens = None,
    aligned: Annotated[
        bool,
        typer.Option("--aligned", help="Answers without question_id are in the questions' order."),
    ] = False,
    out: Out = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Take missing answers for wrong ones.")
    ] = False,
    resamples: Resamples = 1000,
    seed: Seed = 17,
) -> None:
    """Open-ended answers by Video-ChatGPT's protocol (MSVD, MSRVTT, TGIF, ActivityNet, ...)."""
    from video_star.evaluation.benchmarks import video_qa_scoring as scoring

    inputs = scoring.Inputs(questions, answers, predictions, aligned)
    asked = (judge, judge_model, judge_replies, judge_max_tokens)
    _score(scoring, inputs, asked, (resamples, seed), allow_missing, out)


def _score(
    scoring: Any,
    inputs: Any,
    judge: tuple[str, str | None, Path | None, int | None],
    bootstrap: tuple[int, int],
    allow_missing: bool,
    out: Path | None,
) -> None:
    """Score with the module of a benchmark; write and print the report."""
    from rich.console import Console

    from video_star.core.jsonl import dump_json, write_text
    from video_star.evaluation.metrics import Bootstrap

    opened = scoring.PROTOCOL.from_option(*judge)
    scored = scoring.score(inputs, opened, Bootstrap(*bootstrap), allow_missing)
    if out is not None:
        write_text(out, dump_json(scored.report))
    _print_problems(scored.report["notes"], scored.problems, out)
    if scored.stopping:
        hint = "" if allow_missing else " (missing ones may be rated 0 with --allow-missing)"
        count = sum(scored.stopping.values())
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in scored.stopping.items())
        raise DataError(
            f"{inputs.predictions}: {count:,} problem{'s' if count > 1 else ''} with the answers "
            f"({kinds}), so nothing was scored; correct them{hint}."
        )
    Console().print(scoring.render(scored.report))


def _print_problems(notes: Sequence[str], problems: Sequence[object], out: Path | None) -> None:
    """Notes and the first problems on stderr."""
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    for problem in problems[:SHOWN]:
        typer.echo(f"problem: {problem}", err=True)
    if len(problems) > SHOWN:
        where = f"all are in {out}" if out else "--out FILE lists all"
        typer.echo(f"... and {len(problems) - SHOWN:,} more problems; {where}", err=True)
