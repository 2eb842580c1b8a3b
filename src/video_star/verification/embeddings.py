"""Sentence embeddings for `text` labels, by any sentence-transformers model.

Weights are read from safetensors only and no code of a model is ever run. Nothing heavy is imported
before the first sentence is embedded.
"""

from __future__ import annotations

import unicodedata
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
        self.name, self.location, self.device = name, location, device
        self._encode: Callable[[list[str]], NDArray[np.float32]] | None = None
        self._kept: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector per text, in order; DataError when the model cannot be opened."""
        folded = [fold(text) for text in texts]
        new = [text for text in dict.fromkeys(folded) if text not in self._kept]
        if new:
            self._encode = self._encode or _load(self.name, self.location, self.device)
            self._kept.update(zip(new, self._encode(new), strict=True))
        vectors = {text: self._kept.pop(text) for text in dict.fromkeys(folded)}
        self._kept.update(vectors)  # what was used last stands last
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return np.stack([vectors[text] for text in folded]) if folded else np.zeros((0, 0), "f4")


def fold(text: str) -> str:
    """The text as it is embedded: one case, single blanks, nothing that is not Unicode text."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(unicodedata.normalize("NFKC", clean).casefold().split())


def open_embedder(name: str, home: Path = Path(), device: str | None = None) -> Embedder:
    """The model that verify.embedding_model names; its weights are loaded at the first use.

    A folder is looked for below `home`, the workspace; what is no folder is taken for a hub name.
    UsageError for a package or folder that is not there.
    """
    folder = home / name
    if name.startswith(PACKAGE):
        package, _, inside = name.removeprefix(PACKAGE).partition("/")
        spec = find_spec(package) if package.isidentifier() else None  # and imports nothing
        folder = Path(spec.origin).parent / inside if spec and spec.origin else folder
    if folder.is_dir():
        return Embedder(name, str(folder), device)
    if name.startswith((PACKAGE, ".", "/", "~")) or name.count("/") > 1:
        raise UsageError(
            f"verify.embedding_model: there is no folder {name}; correct it or install its package."
        )
    return Embedder(name, name, device)


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

    def encode(texts: list[str]) -> NDArray[np.float32]:
        made = model.encode(texts, batch_size=BATCH, show_progress_bar=False)
        vectors = np.nan_to_num(np.asarray(made, np.float32))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)

    return encode
