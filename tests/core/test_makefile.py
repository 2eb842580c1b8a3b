"""Where a checkout may lie: `make` works there, or says in one sentence that it cannot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a folder that holds nothing else."""
    folder.mkdir()
    shutil.copy(MAKEFILE, folder)
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["sp ace", "it's", "ünï 视频", "a & b;c", "(1) [x] ~!@=+,"])
def test_a_folder_of_any_usual_name_will_do(tmp_path: Path, name: str) -> None:
    # The folder's own programs come first, so `down` finds that there are none.
    done = make(tmp_path / name, "down")
    assert (done.returncode, done.stdout) == (0, "nothing is installed, so nothing runs\n")
    assert [path.name for path in (tmp_path / name).iterdir()] == ["Makefile"]


@pytest.mark.parametrize("sign", ["#", "%", "?", ":", '"', "$", "\\", "`", "{", "}"])
def test_a_folder_that_others_do_not_take_is_refused_in_one_sentence(
    tmp_path: Path, sign: str
) -> None:
    folder = tmp_path / f"a {sign}b"
    done = make(folder, "setup")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"The path of this folder has {sign} in it" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["Makefile"]


def test_an_environment_in_a_path_with_a_space_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = make(tmp_path / "a", "setup", "VENV=b c")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cannot use a path with a space" in done.stderr
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["Makefile"]
