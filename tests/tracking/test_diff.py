"""What changed between two rounds: every number against a count over the files as a whole."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny
from test_trace import life, run

from video_star.core.errors import DataError
from video_star.core.jsonl import read_record, read_records, read_shards
from video_star.core.paths import Workspace
from video_star.core.records import Score, Verdict
from video_star.evaluation.metrics import RoundMetrics
from video_star.tracking.difference import difference
from video_star.tracking.lives import Difference


def diff(workspace: Workspace, before: str, after: str, examples: int = 3) -> Difference:
    return difference(tiny.context_of(workspace), before, after, examples)


def passing(workspace: Workspace, name: str) -> set[str]:
    paths = workspace.round(name)
    folders = (paths.verdicts, paths.rationale_verdicts)
    return {v.sample_id for own in folders for v in read_shards(own, Verdict) if v.passed}


def test_samples_are_those_whose_verdicts_changed(lived_in: Workspace) -> None:
    found = diff(lived_in, "r1", "r2").samples
    assert found is not None
    old, new = passing(lived_in, "r1"), passing(lived_in, "r2")
    assert (old - new, new - old) == ({"mine/lost"}, {"mine/found"})
    assert [own.sample.id for own in found.newly_passing] == ["mine/found"]
    assert [own.sample.id for own in found.newly_failing] == ["mine/lost"]
    everything, by_kind = found.kinds
    assert (everything.kind, by_kind.kind) == ("", "class")
    assert (everything.samples, everything.passing) == (4, (len(old), len(new)))
    assert (everything.newly_passing, everything.newly_failing) == (1, 1)
    assert found.standings == {
        "direct": {"direct": 1, "rejected": 1},
        "doubtful": {"rationalized": 1},
        "rejected": {"rejected": 1},
    }
    assert found.learned_from == (2, 1)
    assert found.newly_passing[0].after.rationales[0].answer.text.endswith("Answer: clapping")


@pytest.mark.parametrize(("before", "after"), [("r0", "r1"), ("r1", "r2"), ("r0", "r2")])
def test_differences_are_those_that_evaluate_wrote(
    lived_in: Workspace, before: str, after: str
) -> None:
    written = read_record(lived_in.round(after).metrics, RoundMetrics)
    found = diff(lived_in, before, after).metrics
    assert [f"{own.benchmark}/{own.metric}" for own in found] == [*written.metrics]
    for own in found:
        name = f"{own.benchmark}/{own.metric}"
        assert own.difference == written.comparisons[name][before]
        assert own.after == written.metrics[name]


def test_items_are_those_whose_scores_changed(lived_in: Workspace) -> None:
    def values(name: str) -> dict[str, float | None]:
        path = lived_in.round(name).predictions / "held_out" / "scores.jsonl"
        return {score.item_id: score.value for score in read_records(path, Score)}

    found = diff(lived_in, "r0", "r2")
    old, new = values("r0"), values("r2")
    assert (old["mine/tested"], new["mine/tested"]) == (0, 1)
    assert (old["mine/tested/longer"], new["mine/tested/longer"]) == (1, 0)
    assert [own.item_id for own in found.newly_right] == ["mine/tested"]
    assert [own.item_id for own in found.newly_wrong] == ["mine/tested/longer"]
    assert [text.split()[-1] for text in found.newly_right[0].texts] == ["hiking", "jumping"]
    row = found.metrics[0]
    assert (row.items, row.newly_right, row.newly_wrong) == (2, 1, 1)


def test_examples_are_as_many_as_asked_for_and_the_same_each_time(lived_in: Workspace) -> None:
    none = diff(lived_in, "r1", "r2", examples=0)
    assert none.samples is not None
    assert none.samples.newly_passing == ()
    assert none.newly_wrong == ()
    assert none.samples.kinds[0].newly_passing == 1
    assert diff(lived_in, "r1", "r2") == diff(lived_in, "r1", "r2")


def test_a_round_against_itself_has_no_changes(lived_in: Workspace) -> None:
    found = diff(lived_in, "r2", "r2")
    assert found.samples is not None
    assert (found.samples.kinds[0].newly_passing, found.samples.kinds[0].newly_failing) == (0, 0)
    assert [(own.newly_right, own.newly_wrong) for own in found.metrics] == [(0, 0)]


def test_the_base_has_scores_and_no_verdicts(lived_in: Workspace) -> None:
    assert diff(lived_in, "r0", "r1").samples is None
    shown = run(lived_in, "diff", "r0", "r1").stdout
    assert "one of the rounds has no verdicts" in shown
    assert "held_out" in shown


def test_samples_are_compared_when_all_their_answers_are_judged(copied: Workspace) -> None:
    shutil.rmtree(copied.round("r2").rationale_verdicts)
    assert diff(copied, "r1", "r2").samples is None
    assert life(copied, "mine/found").rounds[2].standing is None


def test_a_round_that_is_not_evaluated_yet_is_compared_by_sample(copied: Workspace) -> None:
    copied.round("r2").metrics.unlink()
    assert diff(copied, "r1", "r2").metrics == ()
    assert "one of the rounds is not evaluated" in run(copied, "diff", "r1", "r2").stdout


def test_without_anything_to_compare_it_says_what_to_run(copied: Workspace) -> None:
    copied.round("r2").metrics.unlink()
    with pytest.raises(DataError, match=r"video-star evaluate r2"):
        diff(copied, "r0", "r2")
    shutil.rmtree(copied.round("r2").folder)
    done = run(copied, "diff", "r1", "r2")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


def test_an_unknown_round_is_one_sentence(lived_in: Workspace) -> None:
    done = run(lived_in, "diff", "r1", "r\x1b9")
    assert done.returncode == 2
    assert "there are r0, r1, r2" in done.stderr
    assert "\x1b" not in done.stderr


def test_the_terminal_shows_counts_with_shares_and_json_the_same(lived_in: Workspace) -> None:
    shown = run(lived_in, "diff", "r1", "r2").stdout
    assert "2 (50.0%)" in shown
    assert "newly failing  mine/lost" in shown
    assert max(map(len, shown.splitlines())) <= 80
    parsed = json.loads(run(lived_in, "diff", "r1", "r2", "--json").stdout)
    assert Difference.model_validate(parsed) == diff(lived_in, "r1", "r2")
