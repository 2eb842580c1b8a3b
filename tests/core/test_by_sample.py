"""Records of sharded folders beside the manifest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_star.core.errors import DataError
from video_star.core.jsonl import has_field, read_records, write_records, write_shards
from video_star.core.paths import Workspace
from video_star.core.records import Answer
from video_star.data.by_sample import BySample
from video_star.data.manifest import samples_of


def answer(sample_id: str, attempt: int = 0) -> Answer:
    return Answer(
        sample_id=sample_id,
        attempt=attempt,
        origin="direct",
        prompt_hash="0" * 16,
        text="A dog.",
        finish_reason="stop",
        n_tokens=2,
        seed=1,
    )


def store(folder: Path, counts: dict[str, int]) -> Path:
    answers = [answer(name, n) for name in sorted(counts) for n in range(counts[name])]
    write_shards(folder, answers, lambda one: one.sample_id)
    return folder


NAMES = st.text(st.sampled_from("ab/-0é"), min_size=1, max_size=4)


@given(counts=st.dictionaries(NAMES, st.integers(0, 3), max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_each_sample_gets_its_own_records(tmp_path: Path, counts: dict[str, int]) -> None:
    by_sample = BySample(store(tmp_path / "answers", counts), Answer)
    for name in sorted(counts):
        found = [(one.sample_id, one.attempt) for one in by_sample.of(name)]
        assert found == [(name, n) for n in range(counts[name])]
    by_sample.finish()


QUOTED = st.text(st.sampled_from('a/"\\\n\u2028é😀'), min_size=1, max_size=4)


@given(names=st.sets(QUOTED, min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_lines_that_hold_a_field_are_those_of_its_records(tmp_path: Path, names: set[str]) -> None:
    """Also where the text of another record reads like the field."""
    path = tmp_path / "answers.jsonl"
    texts = [json.dumps({"sample_id": name}) + f' "sample_id": "{name}" ' for name in sorted(names)]
    records = [
        answer(name).model_copy(update={"text": texts[-1 - place]})
        for place, name in enumerate(sorted(names))
    ]
    write_records(path, records)
    for name in names:
        found = list(read_records(path, Answer, has_field("sample_id", name)))
        assert found == [record for record in records if record.sample_id == name]
        begun = list(read_records(path, Answer, has_field("sample_id", name, whole=False)))
        assert begun == [record for record in records if record.sample_id.startswith(name)]


@pytest.mark.parametrize("unknown", ["a", "m", "z"])
def test_records_of_an_unknown_sample_are_named(tmp_path: Path, unknown: str) -> None:
    by_sample = BySample(store(tmp_path / "answers", {"b": 1, "x": 1, unknown: 1}), Answer)

    def read_all() -> None:
        for name in ("b", "x"):
            by_sample.of(name)
        by_sample.finish()

    with pytest.raises(DataError, match=f"{unknown}, which the manifest does not have"):
        read_all()


def test_a_manifest_out_of_order_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_records(workspace.manifest, tiny.tiny_samples(3)[::-1])
    with pytest.raises(DataError, match="it is sorted by id; run `video-star ingest` again"):
        list(samples_of(workspace))
