"""The page as a file: complete, bounded, the same bytes for the same rounds."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_workspace import HOSTILE, SAMPLES

from video_star.core.errors import DataError, UsageError
from video_star.core.jsonl import write_records
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.records import Failure
from video_star.report.choice import Choice
from video_star.report.page import write_report
from video_star.report.samples import Tally, read_samples
from video_star.report.sheets import SHEET_PIXELS, sheet_of
from video_star.tracking.rounds_table import rounds_rows
from video_star.video.decode import Frames


def data_of(path: Path) -> Any:
    """The data of a page, cut out as a browser does: up to the first end of a script."""
    text = path.read_text(encoding="utf-8")
    return json.loads(text.partition('id="data">')[2].partition("</script")[0])


def write(workspace: Workspace, out: Path, *rounds: str, limit: int = 20_000_000) -> str:
    """The text of a page of a workspace."""
    params = load_params(workspace.params)
    return write_report(workspace, params, out, rounds, limit=limit).read_text(encoding="utf-8")


@pytest.fixture
def own(learned: Workspace, tmp_path: Path) -> Workspace:
    """A copy to change."""
    return Workspace(shutil.copytree(learned.root, tmp_path / "own"))


def test_all_samples_are_there_with_their_frames(page_file: Path) -> None:
    data = data_of(page_file)
    assert len(data["samples"]) == SAMPLES
    assert [own["id"] for own in data["samples"]] == sorted(own["id"] for own in data["samples"])
    assert {own["sheet"] for own in data["samples"]} == set(data["sheets"])
    assert {(sheet["count"], *sheet["seen"]) for sheet in data["sheets"].values()} == {(4, 28, 28)}


def test_the_same_rounds_give_the_same_bytes(
    learned: Workspace, page_file: Path, tmp_path: Path
) -> None:
    write(learned, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == page_file.read_bytes()


def test_nothing_in_the_file_is_fetched(page_file: Path) -> None:
    text = page_file.read_text(encoding="utf-8")
    markup = re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', markup)


@pytest.mark.parametrize("limit", [1_300_000, 1_600_000])
def test_a_page_stays_under_its_limit_and_says_what_it_leaves_out(
    learned: Workspace, tmp_path: Path, limit: int
) -> None:
    text = write(learned, tmp_path / "small.html", limit=limit)
    shown = len(data_of(tmp_path / "small.html")["samples"])
    assert 0 < shown < SAMPLES
    assert 0.98 * limit < len(text.encode()) <= limit
    assert f"{shown:,} of {SAMPLES:,} training samples" in text


def test_a_small_page_shows_every_course_of_outcomes(
    learned: Workspace, page_file: Path, tmp_path: Path
) -> None:
    def courses(path: Path) -> Counter[tuple[str, ...]]:
        return Counter(
            (own["dataset"], *own["kinds"], *(round_["standing"] for round_ in own["rounds"]))
            for own in data_of(path)["samples"]
        )

    write(learned, tmp_path / "small.html", limit=1_300_000)
    small, whole = courses(tmp_path / "small.html"), courses(page_file)
    assert set(small) == set(whole)
    level = max(small.values())
    assert all(n in (min(whole[course], level), level - 1) for course, n in small.items())


def test_counts_are_those_of_the_table_of_rounds(learned: Workspace) -> None:
    tally = Tally()
    read_samples(learned, ["r1", "r2"], Choice(0), tally)
    for row in rounds_rows(learned)[1:]:
        name = row.round
        assert tally.samples(name) == SAMPLES
        assert tally.standings[name, "", "direct"] == SAMPLES * (row.direct_yield or 0)
        assert tally.standings[name, "", "rationalized"] == pytest.approx(
            SAMPLES * (row.rationalized_yield or 0)
        )
        for kind, shares in row.kinds.items():
            direct = tally.standings[name, kind, "direct"]
            assert direct == pytest.approx(shares.direct * tally.samples(name, kind))
        lines = [tally.lines[name, "direct", has] for has in (True, False)]
        assert lines[0] / sum(lines) == row.line_share


def test_rounds_that_are_named_are_shown_alone(learned: Workspace, tmp_path: Path) -> None:
    write(learned, tmp_path / "one.html", "r0", "r2")
    assert data_of(tmp_path / "one.html")["rounds"] == ["r2"]
    with pytest.raises(UsageError, match=r"r7: no evaluated round; there are r0, r1, r2\."):
        write(learned, tmp_path / "one.html", "r1", "r7")


def test_the_base_alone_has_a_page_of_samples_without_answers(
    learned: Workspace, tmp_path: Path
) -> None:
    write(learned, tmp_path / "base.html", "r0")
    data = data_of(tmp_path / "base.html")
    assert data["rounds"] == []
    assert len(data["samples"]) == SAMPLES


def test_answers_about_other_samples_than_the_manifest_has_are_refused(own: Workspace) -> None:
    lines = own.manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    own.manifest.write_text("".join(lines[:-100]), encoding="utf-8")
    with pytest.raises(DataError, match="which the manifest does not have"):
        write(own, own.report)


def test_a_video_that_is_gone_costs_its_frames_only(own: Workspace) -> None:
    (own.data / "clips" / "train-3.mp4").unlink()
    write(own, own.report)
    data = data_of(own.report)
    assert len(data["samples"]) == SAMPLES
    problems = [sheet for sheet in data["sheets"].values() if isinstance(sheet, str)]
    assert len(problems) == 1
    assert problems[0].startswith("clips/train-3.mp4")


def test_what_was_lost_is_listed_with_reasons_also_of_a_round_that_goes_on(own: Workspace) -> None:
    lost = [
        Failure(sample_id=f"tiny/{n}{HOSTILE}", step="generate", error="VideoError", message="torn")
        for n in range(3)
    ]
    write_records(own.round("r2").failures("generate"), lost)
    own.round("r2").metrics.unlink()
    text = write(own, own.report)
    assert data_of(own.report)["rounds"] == ["r1"]
    assert [row["sample_id"] for row in data_of(own.report)["lost"]] == [
        failure.sample_id for failure in lost
    ]
    assert "VideoError 3." in text


@pytest.mark.parametrize(("frames", "side"), [(1, 2000), (8, 224), (64, 336), (768, 56)])
def test_frames_of_any_number_and_size_make_a_small_picture(frames: int, side: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (frames, side, side, 3), dtype=np.uint8)
    sheet = sheet_of(Frames(pixels, None, None))
    assert sheet.count == frames
    assert sheet.count * sheet.width * sheet.height <= SHEET_PIXELS
    assert sheet.seen == (side, side)
