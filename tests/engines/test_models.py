"""model.json: weights by content, no path of the machine, missing parts named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from video_star.core.errors import DataError, UsageError
from video_star.core.model_paths import (
    base_location,
    base_ref,
    location_of,
    read_ref,
    tuned_ref,
    write_ref,
)
from video_star.core.params import ModelParams
from video_star.core.records import ModelRef


def params(base: str) -> ModelParams:
    return ModelParams(base=base, revision=None, dtype="float32", trust_remote_code=False)


@pytest.fixture
def root(tmp_path: Path, tiny_base: Path) -> Path:
    shutil.copytree(tiny_base, tmp_path / "base")
    return tmp_path


@pytest.fixture
def adapter(root: Path) -> Path:
    folder = root / "rounds" / "r1" / "model" / "adapter"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


def test_the_base_is_known_by_content_and_not_by_place(root: Path) -> None:
    here = base_ref(params("base"), root)
    shutil.copytree(root / "base", root / "else")
    assert base_ref(params("else"), root).base_digest == here.base_digest
    (root / "else" / "chat_template.jinja").write_text("changed")
    assert base_ref(params("else"), root).base_digest != here.base_digest


def test_an_absolute_path_is_not_written(root: Path) -> None:
    ref = base_ref(params(str(root / "base")), root)
    write_ref(root / "model.json", ref)
    assert str(root) not in (root / "model.json").read_text()
    assert Path(base_location(params("base"), root)).is_absolute()


def test_a_folder_without_a_model_is_refused(root: Path) -> None:
    (root / "empty").mkdir()
    with pytest.raises(UsageError, match=r"model\.base: .*empty holds no config\.json"):
        base_ref(params("empty"), root)


def test_a_name_that_is_nowhere_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="hf download no/such-model --local-dir"):
        base_ref(params("no/such-model"), root)


def test_a_reference_survives_writing_and_reading(root: Path, adapter: Path) -> None:
    ref = tuned_ref(base_ref(params("base"), root), "adapter", adapter, root)
    path = adapter.parent / "model.json"
    write_ref(path, ref)
    assert read_ref(path, root) == ref
    assert ref.adapter == "rounds/r1/model/adapter"
    assert ref.key != base_ref(params("base"), root).key


def test_a_missing_adapter_is_named(root: Path, adapter: Path) -> None:
    path = adapter.parent / "model.json"
    write_ref(path, tuned_ref(base_ref(params("base"), root), "adapter", adapter, root))
    (adapter / "adapter_model.safetensors").write_bytes(b"others")
    with pytest.raises(DataError, match=r"not the adapter that model\.json names"):
        read_ref(path, root)
    shutil.rmtree(adapter)
    with pytest.raises(DataError, match="holds no adapter; run the finetune step"):
        read_ref(path, root)


def test_a_missing_or_broken_reference_names_the_step(root: Path) -> None:
    path = root / "rounds" / "r2" / "model" / "model.json"
    with pytest.raises(DataError, match="run `finetune` of r2 first"):
        read_ref(path, root)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(DataError, match=r"no valid ModelRef .*; delete the file and run the step"):
        read_ref(path, root)


def test_weights_of_its_own_take_the_place_of_the_base(root: Path, adapter: Path) -> None:
    folder = root / "rounds" / "r1" / "model" / "weights"
    shutil.copytree(root / "base", folder)
    (folder / "model.safetensors").write_bytes(b"other weights")
    base = base_ref(params("base"), root)
    ref = tuned_ref(base, "weights", folder, root)
    path = root / "rounds" / "r1" / "model" / "model.json"
    write_ref(path, ref)
    assert read_ref(path, root) == ref
    assert (ref.weights, ref.adapter) == ("rounds/r1/model/weights", None)
    assert ref.key not in {base.key, tuned_ref(base, "adapter", adapter, root).key}
    assert location_of(ref, params("base"), root) == folder.resolve()
    assert location_of(base, params("base"), root) == (root / "base").resolve()
    (folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match="not the weights that"):
        read_ref(path, root)
    shutil.rmtree(folder)
    with pytest.raises(DataError, match="holds no weights"):
        read_ref(path, root)
    with pytest.raises(ValueError, match="not both"):
        ModelRef.model_validate(ref.model_dump() | {"adapter": "a"})


def test_a_reference_from_before_there_were_weights_is_read(root: Path) -> None:
    path = root / "rounds" / "r0" / "model" / "model.json"
    ref = base_ref(params("base"), root)
    write_ref(path, ref)
    older = {k: v for k, v in json.loads(path.read_text()).items() if "weights" not in k}
    path.write_text(json.dumps(older))
    assert read_ref(path, root) == ref
