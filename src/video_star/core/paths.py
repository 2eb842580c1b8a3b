"""All paths of a workspace.

data/                    the labelled data, tracked by data.dvc; read only
rounds/manifest.jsonl    the samples that ingest writes
rounds/rK/               one round, see RoundPaths
.work/                   scratch and caches: not tracked, safe to delete
mlflow/                  the tracking store
report.html              what `report` writes
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from video_star.core.errors import DataError


@dataclass(frozen=True)
class RoundPaths:
    """The files of one round."""

    root: Path
    name: str

    @property
    def folder(self) -> Path:
        return self.root / "rounds" / self.name

    @property
    def answers(self) -> Path:
        return self.folder / "answers"

    @property
    def verdicts(self) -> Path:
        return self.folder / "verdicts" / "direct"

    @property
    def rationales(self) -> Path:
        return self.folder / "rationales"

    @property
    def rationale_verdicts(self) -> Path:
        return self.folder / "verdicts" / "rationalized"

    @property
    def train(self) -> Path:
        return self.folder / "train"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def model_json(self) -> Path:
        return self.model / "model.json"

    @property
    def adapter(self) -> Path:
        return self.model / "adapter"

    @property
    def weights(self) -> Path:
        """All weights, in place of an adapter, after full finetuning."""
        return self.model / "weights"

    @property
    def loss(self) -> Path:
        """Training loss by step, JSON lines of {"step", "loss", "learning_rate"}."""
        return self.model / "loss.jsonl"

    @property
    def predictions(self) -> Path:
        return self.folder / "predictions"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.json"

    @property
    def mlflow_run(self) -> Path:
        """The runs of the round in the tracking store of this machine."""
        return self.root / "mlflow" / "rounds" / f"{self.name}.json"

    def report(self, step: str) -> Path:
        return self.folder / "reports" / f"{step}.json"

    def failures(self, step: str) -> Path:
        return self.folder / "failures" / f"{step}.jsonl"


@dataclass(frozen=True)
class Workspace:
    """A folder with params.yaml, data/ and rounds/."""

    root: Path
    video_roots: tuple[Path, ...] = ()
    """Folders outside of data/ whose videos may be used: settings.video_roots."""

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def manifest(self) -> Path:
        return self.root / "rounds" / "manifest.jsonl"

    @property
    def work(self) -> Path:
        return self.root / ".work"

    @property
    def frames(self) -> Path:
        return self.work / "frames"

    @property
    def answer_store(self) -> Path:
        return self.work / "answers"

    @property
    def report(self) -> Path:
        """The page that shows the rounds; of this machine, not tracked."""
        return self.root / "report.html"

    @property
    def mlflow(self) -> Path:
        return self.root / "mlflow"

    @property
    def mlflow_store(self) -> Path:
        """The runs, when params.yaml names no other store."""
        return self.mlflow / "mlflow.db"

    def round(self, name: str) -> RoundPaths:
        return RoundPaths(self.root, name)

    def video(self, relative: str) -> Path:
        """The file of a video; DataError when it is neither in data/ nor below a video root."""
        return inside(self.data, relative, self.video_roots)

    def allowing(self, video_roots: Iterable[str]) -> Workspace:
        """The same with folders outside of data/ whose videos may be used."""
        return replace(self, video_roots=tuple(map(Path, video_roots)))


def inside(folder: Path, name: str, roots: Sequence[Path] = ()) -> Path:
    """`folder / name`, where an absolute name stands for itself.

    DataError when that is, or is a link to what is, outside of the folder and of the roots.
    """
    path = folder / name
    real = Path(os.path.realpath(path))  # unlike resolve, it has no error of its own for a loop
    if real.is_symlink():
        raise DataError(f"{name}: is a link that leads to itself; correct the link.")
    allowed = (folder, *roots)
    if any(real.is_relative_to(os.path.realpath(root)) for root in allowed):
        return path
    plain = Path(os.path.normpath(path))
    if not any(plain.is_relative_to(os.path.normpath(root)) for root in allowed):
        raise DataError(
            f"{name}: leads out of {folder.name}/; use a path inside of it (for videos elsewhere "
            "there is settings.video_roots)."
        )
    raise DataError(
        f"{name}: is or lies behind a link to {real}, outside of {folder.name}/; allow its folder "
        "in settings.video_roots."
    )
