"""Presets: parameters for a model and a machine, written over those of params.yaml.

A preset is a part of a params.yaml. What it does not name stays as it is: your data sets
(`ingest`), benchmarks and rounds. Comments of params.yaml are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from video_star.core.errors import UsageError
from video_star.core.jsonl import write_text
from video_star.core.params import Params, parse_params
from video_star.core.paths import Workspace


def apply_preset(workspace: Workspace, preset: Path) -> Params:
    """Write a preset over params.yaml; UsageError leaves the file as it was."""
    yaml = YAML()  # set so that lines which do not change stay as they were written
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), _null)
    params, over = _read(yaml, workspace.params), _read(yaml, preset)
    _write_over(params, over, preset.name)
    made = StringIO()
    yaml.dump(params, made)
    valid = parse_params(made.getvalue(), f"params.yaml with {preset.name}")
    write_text(workspace.params, made.getvalue())
    return valid


def _null(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _read(yaml: YAML, path: Path) -> Any:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); name a preset's file."
        ) from error
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: is not YAML ({' '.join(str(error).split())}).") from error
    if not isinstance(raw, Mapping):
        raise UsageError(f"{path}: holds no sections; compare it with params.yaml.")
    return raw


def _write_over(params: Any, over: Any, where: str, *at: str) -> None:
    """Values of `over` into `params`, section by section; an unknown key is refused."""
    for key, value in over.items():
        if key not in params:
            raise UsageError(f"{where}: {'.'.join([*at, key])} is no parameter; correct its name.")
        if isinstance(value, Mapping) and isinstance(params[key], Mapping):
            _write_over(params[key], value, where, *at, key)
        else:
            params[key] = value
