"""Sentence embeddings for `text` labels, by any sentence-transformers model.

Weights are read from safetensors only and no code of a model is ever run. Nothing heavy is imported
before the first sentence is embedded.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from video_star.core.errors import DataError, UsageError

PACKAGE = "package:"
"""How a model inside an installed package is named: package:NAME/FOLDER."""
KEPT = 1 << 15
"""Sentences whose embeddings are kept: labels and stock phrases repeat (50 MB at 384 numbers)."""
BATCH = 64
"""Sentences per forward pass."""


class Embedder:
    """Texts to unit vectors, float32 [n, d]; the model is loaded when the first text comes.

    Texts are folded first, so case and white space change nothing.
    """

    def __init__(self, name: str, location: str, device: str | None = None) -> None:
        self.name = name
        self.location = location
        self.device = device
        self._encode: Callable[[list[str]], NDArray[np.float32]] | None = None
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector per text, in order; DataError when the model cannot be opened."""
        folded = [fold(text) for text in texts]
        vectors: dict[str, NDArray[np.float32]] = {}
        for text in folded:
            if text in self._kept:
                vectors[text] = self._kept[text]
                self._kept.move_to_end(text)
        new = [text for text in dict.fromkeys(folded) if text not in vectors]
        if new:
            if self._encode is None:
                self._encode = _load(self.name, self.location, self.device)
            vectors.update(zip(new, self._encode(new), strict=True))
            self._kept.update((text, vectors[text]) for text in new)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return np.stack([vectors[text] for text in folded]) if folded else np.zeros((0, 0), "f4")


def fold(text: str) -> str:
    """The text as it is embedded: one case, single blanks, nothing that is not Unicode text."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(unicodedata.normalize("NFKC", clean).casefold().split())


def open_embedder(name: str, home: Path = Path(), device: str | None = None) -> Embedder:
    """The model that verify.embedding_model names; its weights are loaded at the first use.

    A folder is looked for below `home`, the workspace; what is no folder is taken for a hub name.
    UsageError for a package or folder that is not there, DataError for one without safetensors.
    """
    if name.startswith(PACKAGE):
        return Embedder(name, str(_checked(name, _in_package(name))), device)
    if (home / name).is_dir():
        return Embedder(name, str(_checked(name, home / name)), device)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise UsageError(f"verify.embedding_model: there is no folder {name}; correct its path.")
    return Embedder(name, name, device)


def _in_package(name: str) -> Path:
    """The folder inside an installed package, found without importing it."""
    package, _, folder = name.removeprefix(PACKAGE).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise UsageError(
            f"verify.embedding_model: no package {package!r} is installed; install it, "
            "or name another model."
        )
    path = Path(places[0]) / folder
    if not path.resolve().is_relative_to(Path(places[0]).resolve()) or not path.is_dir():
        raise UsageError(
            f"verify.embedding_model: package {package} has no folder {folder!r}; correct the name."
        )
    return path


def _checked(name: str, folder: Path) -> Path:
    if not (folder / "config.json").is_file() or not any(folder.rglob("*.safetensors")):
        raise DataError(
            f"verify.embedding_model: {name} is no model with safetensors weights; "
            "name a folder that sentence-transformers has saved."
        )
    return folder


def _load(
    name: str, location: str, device: str | None
) -> Callable[[list[str]], NDArray[np.float32]]:
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        model: Any = SentenceTransformer(
            location,
            device=device,
            trust_remote_code=False,
            local_files_only=Path(location).is_dir(),
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # whatever transformers finds wrong with the files
        raise DataError(
            f"verify.embedding_model: {name} cannot be opened "
            f"({' '.join(str(error).split())[:200]}); name one that sentence-transformers reads."
        ) from error
    model.eval()

    def encode(texts: list[str]) -> NDArray[np.float32]:
        vectors = model.encode(
            texts, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True
        )
        vectors = np.nan_to_num(np.asarray(vectors, np.float32))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)

    return encode
