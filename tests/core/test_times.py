"""When steps were done: kept beside the tracked files, and only while they are what was done."""

from __future__ import annotations

from pathlib import Path

from video_star.core.jsonl import write_text
from video_star.core.paths import Workspace
from video_star.core.times import Span, keep_time, time_of, time_of_round


def test_a_round_lasts_from_its_first_step_to_its_last(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for step, started, ended in (("verify", 10.5, 12), ("generate", 2, 10.25)):
        write_text(workspace.round("r1").report(step), step)
        keep_time(workspace, step, "r1", started, ended)
    assert time_of(workspace, "verify", "r1") == Span(10_500, 12_000)
    assert time_of_round(workspace, ("generate", "verify", "curate"), "r1") == Span(2_000, 12_000)
    assert time_of_round(workspace, ("curate",), "r1") is None


def test_no_time_is_told_of_what_came_from_elsewhere_or_was_cut_short(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    report = workspace.round("r1").report("verify")
    write_text(report, "here")
    keep_time(workspace, "verify", "r1", 1, 2)
    write_text(report, "from the cache")
    assert time_of(workspace, "verify", "r1") is None
    write_text(report, "here")
    assert time_of(workspace, "verify", "r1") == Span(1_000, 2_000)
    (kept,) = (tmp_path / ".work" / "times").rglob("*.json")
    kept.write_text(kept.read_text()[:20])
    assert time_of(workspace, "verify", "r1") is None
