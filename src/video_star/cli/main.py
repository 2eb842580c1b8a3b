"""The command line: parse, call the step, print its report, map errors to exit codes.

    video-star generate r1        one step of one round (all steps: video-star --help)
    video-star rounds             the table of rounds so far
    video-star doctor             what is wrong with this installation, and how to fix it

No parameter of a step is a flag: params.yaml is the only place for numbers that change a result.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from importlib import metadata
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, TypeVar

import typer
from typer.core import TyperGroup

from video_star.cli import score as score_cli
from video_star.core import messages
from video_star.core.environment import quieten
from video_star.core.errors import DataError, UsageError, VideoStarError, explain_refusal
from video_star.core.paths import Workspace
from video_star.pipeline.choice import LAST_STEP
from video_star.pipeline.stages import STEPS

if TYPE_CHECKING:
    from video_star.core.context import StepContext
    from video_star.core.params import Params


class Commands(TyperGroup):
    """Says how to go on after an interrupt, which Typer alone ends without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("interrupted; the same command goes on where it stopped.", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
demo = typer.Typer(no_args_is_help=True, help="The small world that the demo runs in.")
app.add_typer(demo, name="demo")
app.add_typer(score_cli.app, name="score")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(metadata.version("video-star"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Any labelled video data set teaches any video-language model."""


SUMMARIES = {
    "ingest": "Read the labelled data sets into one manifest.",
    "base": "Check the base model and write down exactly which weights it has.",
    "generate": "Let the previous round's model answer each question, with its reasoning.",
    "verify": "Judge the answers against the labels.",
    "rationalize": "Tell the model the label where it failed, and let it explain.",
    "verify-rationales": "Judge the explanations against the labels.",
    "curate": "Turn what passed into training conversations.",
    "finetune": "Train an adapter or all weights on them with DeepSpeed, from the base.",
    "evaluate": "Measure the round's model on held-out videos.",
    "publish": "Show the round in MLflow and on the page of the rounds.",
}


def workspace() -> Workspace:
    """The workspace: the folder given by VIDEO_STAR_HOME, else the current one."""
    return Workspace(Path(os.environ.get("VIDEO_STAR_HOME", ".")).resolve())


def _opened() -> tuple[Workspace, Params]:
    """The workspace and its parameters; UsageError where one of them is wrong."""
    from video_star.core.params import load_params

    home = workspace()
    params = load_params(home.params)
    return home.allowing(params.settings.video_roots), params


def _context(*rounds: str) -> StepContext:
    """What commands read rounds with; UsageError for one that params.yaml does not have."""
    from video_star.core.progress import Silent
    from video_star.pipeline.runner import context_of

    home, params = _opened()
    for name in rounds:
        if name not in params.evaluated:
            raise UsageError(
                f"There is no round {name!r}; there are {', '.join(params.evaluated)} "
                "(rounds in params.yaml)."
            )
    return context_of(home, params, "r0", Silent())


AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
T = TypeVar("T")


def _show(
    found: T,
    as_json: bool,
    show: Callable[[T], None],
    plain: Callable[[Any], object] = lambda record: record.model_dump(mode="json"),
) -> None:
    """Print what was found for a person, or as JSON, whose objects `plain` makes of it."""
    if as_json:
        typer.echo(json.dumps(plain(found), indent=2))
    else:
        show(found)


def _add_step(step: str) -> None:
    default = "r0" if STEPS[step].rounds == "once" else ...

    def command(
        round_name: Annotated[str, typer.Argument(metavar="ROUND")] = default,  # type: ignore[assignment]
        force: Annotated[bool, typer.Option("--force", help="Even if it is up to date.")] = False,
    ) -> None:
        from video_star.cli.terminal import report_lines, show_progress
        from video_star.pipeline.dvc import is_recorded, record
        from video_star.pipeline.runner import run_step

        home = workspace()
        if not force and is_recorded(home, step, round_name):
            typer.echo(f"{step} {round_name}: up to date (--force runs it again)")
            return
        with show_progress(f"{step} {round_name}") as progress:
            report = run_step(step, round_name, home, progress)
        if not record(home, step, round_name):
            typer.echo("note: DVC did not take this over, so dvc repro will run it again", err=True)
        for line in report_lines(report):
            typer.echo(line)

    command.__doc__ = SUMMARIES[step]
    app.command(step, rich_help_panel="Steps, in their order")(command)


for _step in STEPS:
    _add_step(_step)


@app.command()
def rounds(as_json: AsJson = False) -> None:
    """Show the table of rounds: yields and metrics with their intervals."""
    from video_star.tracking.rounds_table import print_rounds, rounds_rows, rows_json

    _show(rounds_rows(workspace()), as_json, print_rounds, rows_json)


@app.command()
def trace(
    sample: Annotated[str, typer.Argument(metavar="SAMPLE", help="Its id in the manifest.")],
    as_json: AsJson = False,
) -> None:
    """Show what all rounds did with one sample: answers, verdicts, what learned from it."""
    from video_star.cli.trace import print_life
    from video_star.tracking.life import trace as life_of

    _show(life_of(_context(), sample), as_json, print_life)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="ROUND", help="The round before, as r1.")],
    after: Annotated[str, typer.Argument(metavar="ROUND", help="The round after, as r2.")],
    examples: Annotated[int, typer.Option(min=0, help="So many of each change.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two rounds: samples newly passing, items newly right, and back."""
    from video_star.cli.diff import print_difference
    from video_star.tracking.difference import difference

    _show(difference(_context(before, after), before, after, examples), as_json, print_difference)


@app.command()
def plan(
    samples: Annotated[
        int | None, typer.Option(min=1, help="Of a whole cycle with so many training samples.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what will run again and why, and what it will take: tokens, disk, memory, hours."""
    from video_star.cli.plan import plan_json, print_plan
    from video_star.pipeline.chain import update_chain
    from video_star.pipeline.plan import Plan

    home, params = _opened()
    update_chain(home, params)
    _show(Plan(home, params, samples), as_json, print_plan, plan_json)


@app.command()
def report(
    rounds: Annotated[
        str, typer.Option(metavar="r0,r2", help="Only these; else all that are evaluated.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(resolve_path=True, help="File to write; else report.html of the workspace."),
    ] = None,
) -> None:
    """Write one page to look at: curves, rounds, samples with frames and answers, what was lost."""
    from video_star.cli.terminal import show_progress
    from video_star.report.page import write_report

    home, params = _opened()
    named = [name for part in rounds.split(",") if (name := part.strip())]
    with show_progress("report") as progress:
        path = write_report(home, params, out or home.report, named, progress)
    typer.echo(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


class ExportFormat(StrEnum):
    """What `export` writes."""

    CHECKPOINT = "checkpoint"
    LLAVA = "llava"
    STAR_ANNOTATIONS = "star_annotations"


@app.command()
def export(
    what: Annotated[
        str, typer.Argument(metavar="ROUND|SPLIT", help="r1; train or test for star_annotations.")
    ],
    to: Annotated[
        Path, typer.Option(resolve_path=True, help="Folder for a checkpoint, else a JSON file.")
    ],
    file_format: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            help="checkpoint: model, model card and training set; llava: the training set alone; "
            "star_annotations: a split's samples in the authors' format.",
        ),
    ] = ExportFormat.CHECKPOINT,
    merged: Annotated[
        bool, typer.Option("--merged", help="Checkpoint of all weights, not an adapter.")
    ] = False,
) -> None:
    """Write a round for others: its checkpoint, model card and training set."""
    from video_star.data.export import export_llava, export_star_annotations

    home = workspace()
    if file_format is ExportFormat.CHECKPOINT:
        from video_star.tracking.export_round import export_round

        export_round(*_opened(), what, to, merged)
        typer.echo(f"wrote {what} to {to}")
    elif file_format is ExportFormat.LLAVA:
        typer.echo(f"wrote {export_llava(home, what, to)} conversations to {to}")
    else:
        typer.echo(f"wrote {export_star_annotations(home, what, to)} samples to {to}")


@app.command()
def judge(
    file: Annotated[str, typer.Argument(metavar="FILE.jsonl", help="- reads standard input.")],
    out: Annotated[
        Path | None,
        typer.Option(
            resolve_path=True, dir_okay=False, help="File to write; else they are printed."
        ),
    ] = None,
) -> None:
    """Judge answers from anywhere: lines of id, question, labels (as in manifests) and answer."""
    from video_star.core.jsonl import to_line, write_records
    from video_star.verification.judge_file import Judged, judge_lines

    home, params = _opened()
    if file != "-" and not Path(file).is_file():
        raise DataError(f"{file}: there is no such file; correct its path, or write - for stdin.")
    counts: Counter[str] = Counter()

    def warn(problem: str) -> None:
        counts["bad"] += 1
        typer.echo(f"{file}: {problem}", err=True)

    def judged(lines: BinaryIO) -> Iterator[Judged]:
        for one in judge_lines(lines, params, home.root, warn):
            counts.update(("judged", one.outcome))
            yield one

    with BytesIO(sys.stdin.buffer.read()) if file == "-" else Path(file).open("rb") as lines:
        if out is not None:
            write_records(out, judged(lines))
        else:
            for one in judged(lines):
                typer.echo(to_line(one), nl=False)
    typer.echo(
        f"judged {counts['judged']} answers, {counts['pass']} passed, {counts['doubtful']} "
        f"doubtful, {counts['bad']} bad lines",
        err=True,
    )
    if counts["bad"]:
        raise typer.Exit(1)


@app.command()
def propose(
    kind: Annotated[
        str, typer.Argument(help="Kind of question with labels in words: class, text, ...")
    ],
    url: Annotated[str, typer.Option(help="OpenAI-compatible server: http://HOST:PORT/v1.")],
    model: Annotated[str, typer.Option(help="Name of the model behind it.")],
    out: Annotated[
        Path, typer.Option(resolve_path=True, help="YAML file to write, or to add the kind to.")
    ],
    task: Annotated[str, typer.Option(help="What the questions are about.")] = (
        "Answer questions about what a video shows."
    ),
    wanted: Annotated[int, typer.Option(min=1, help="How many questions.")] = 50,
    temperature: Annotated[float, typer.Option(min=0.0, help="Of the model.")] = 1.0,
) -> None:
    """Let a language model propose questions for a kind of the manifest's samples."""
    from video_star.cli.propose import write_proposals
    from video_star.core.chat import OpenAIChat
    from video_star.data.manifest import read_manifest

    home, params = _opened()
    chat = OpenAIChat(url, model, temperature, max_tokens=1024)
    write_proposals(chat, kind, task, read_manifest(home), wanted, params.seed, out)
    typer.echo(
        f"wrote {wanted} questions of kind {kind} to {out}; read them, put the file into data/ "
        "and name it as ingest.questions"
    )


@app.command()
def doctor() -> None:
    """Say what is wrong with this installation, and how to fix it."""
    from video_star.cli.doctor import print_findings, run_doctor

    if not print_findings(run_doctor(workspace())):
        raise typer.Exit(1)


@app.command()
def families() -> None:
    """List the model families that are known, and what is known of each."""
    from video_star.models.table import markdown_table

    typer.echo(markdown_table(), nl=False)


@app.command()
def preset(
    file: Annotated[Path, typer.Argument(help="A part of a params.yaml, as in presets/.")],
) -> None:
    """Write the parameters of a preset over those of params.yaml; data and benchmarks stay."""
    from video_star.core.model_paths import base_location
    from video_star.core.presets import apply_preset

    home = workspace()
    params = apply_preset(home, file)
    typer.echo(f"params.yaml now has the parameters of {file.name}")
    base_location(params.model, home.root)  # says how to get the model when it is missing


@app.command()
def cycle(
    rounds: Annotated[int | None, typer.Argument(min=0, help="How many; else all.")] = None,
    until: Annotated[
        str, typer.Option(metavar="STEP", help="Where the last of these rounds stops.")
    ] = LAST_STEP,
    force: Annotated[
        list[str] | None,
        typer.Option(metavar="STEP[@ROUND]", help="Run it even if it is up to date."),
    ] = None,
) -> None:
    """Run all steps of all rounds through Prefect, which `up` starts, and follow them.

    The flow runs in Prefect's worker: ending this command does not end it.
    """
    from video_star.cli.cycle import run_cycle

    try:
        run_cycle(workspace(), rounds, until, force or (), typer.echo)
    except KeyboardInterrupt:
        typer.echo("The cycle goes on in the background; `make down` stops it.", err=True)
        raise typer.Exit(130) from None


@app.command()
def up() -> None:
    """Start Prefect (server, worker, deployment) and MLflow, on loopback only."""
    from video_star.services.local import start

    _opened()  # a mistake in params.yaml, or no workspace, costs no server start
    start(workspace(), typer.echo)


@app.command()
def down() -> None:
    """Stop what `up` started."""
    from video_star.services.local import stop

    stop(workspace(), typer.echo)


@demo.command("data")
def demo_data(
    out: Annotated[Path, typer.Argument(help="Folder to write.")] = Path("data"),
) -> None:
    """Render the demo's clips and annotation files, bit for bit the same each time."""
    from video_star.cli.terminal import show_progress
    from video_star_demo.files import SEED, write_data

    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty; remove it or name another folder.")
    with show_progress("demo data") as progress:
        n = write_data(out, SEED, progress)
    typer.echo(f"wrote {n} clips and their annotations to {out}")


@demo.command("base")
def demo_base(
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    work: Annotated[Path, typer.Option(help="Checkpoints of finished stages, to go on from.")] = (
        Path(".work/pretrain")
    ),
) -> None:
    """Train the demo's base model anew, from its seed (about an hour on 2 cores)."""
    import logging

    from video_star_demo.pretrain import THREADS, run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    run(out, work, THREADS)
    typer.echo(f"wrote the base model to {out}")


def main() -> None:
    """Run the command line; errors of ours end in one sentence, bugs keep their traceback."""
    quieten()
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")  # of a terminal that is not UTF-8
    if "DVC_STAGE" in os.environ:
        from video_star.core.processes import die_with_parent

        die_with_parent()
        if messages.are_read():
            messages.send(started=True)
    _exit_with(app)


def _exit_with(command: Callable[[], None]) -> None:
    try:
        command()
    except (VideoStarError, OSError, sqlite3.Error) as raised:
        error = raised if isinstance(raised, VideoStarError) else explain_refusal(raised)
        if error is None:
            raise
        if messages.are_read():
            messages.send(error=str(error), exit_code=error.exit_code)
        else:
            typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
