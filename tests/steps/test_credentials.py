"""Credentials in the url of a judge stay in params.yaml: no file and no output of ours has them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from chat_server import said, serve
from stored import run, store

from video_star.core.errors import ServiceError
from video_star.core.jsonl import dump_json, write_text
from video_star.core.params import load_params
from video_star.core.paths import Workspace
from video_star.core.records import ModelRef
from video_star.data.manifest import read_manifest
from video_star.pipeline.steps.publish import flat_params

SECRETS = ("user-9", "s3cret", "k3y-7")


def planted(url: str) -> str:
    return url.replace("//", "//user-9:s3cret@") + "?api_key=k3y-7"


def files_with_secrets(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix()
        for path in found
        if any(secret.encode() in path.read_bytes() for secret in SECRETS)
    }


def none_of(texts: Iterable[str]) -> bool:
    return not any(secret in text for text in texts for secret in SECRETS)


def server_judge(url: str) -> dict[str, Any]:
    judge = {"use": "server", "url": planted(url), "model": "tiny", "decides": "all"}
    return {**judge, "max_tokens": 64}


def test_verifying_with_a_judge_writes_and_says_none(
    new_workspace: Callable[..., Workspace], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with serve(lambda _: said("Correct")) as server:
        workspace = new_workspace(verify__doubtful="judge", verify__judge=server_judge(server.url))
        samples = read_manifest(workspace, "train")
        store(workspace, {s.id: f"This is not {s.labels[0].name}." for s in samples})
        run(workspace)
        assert {path.partition("?")[2] for path in server.paths} == {"api_key=k3y-7"}
    (workspace.work / "judge" / "replies.jsonl").unlink()
    with serve(lambda body: (401, {}, f"user-9:s3cret and k3y-7 may not ask {body}")) as server:
        params = yaml.safe_load(workspace.params.read_text(encoding="utf-8"))
        params["verify"]["judge"] = server_judge(server.url)
        workspace.params.write_text(yaml.safe_dump(params), encoding="utf-8")
        with pytest.raises(ServiceError) as caught:
            run(workspace)
    assert none_of([str(caught.value), caplog.text])
    assert files_with_secrets(workspace.root) == {"params.yaml"}


def open_questions(folder: Path, url: str) -> list[str]:
    """A command that scores one open answer, and its files."""
    row = {"video_name": "v", "question_id": 1, "id": 1, "question": "a?", "answer": "b"}
    (folder / "rows.json").write_text(json.dumps([{**row, "pred": "c"}]), encoding="utf-8")
    files = [f"--{name}=rows.json" for name in ("questions", "answers", "predictions")]
    judge = [f"--judge={planted(url)}", "--judge-model=tiny", "--judge-replies=replies.jsonl"]
    return [sys.executable, "-m", "video_star", "score", "video-qa", *files, *judge, "--out=o.json"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [(said("{'pred': 'no', 'score': 0}"), 0), ((400, {}, "user-9 k3y-7 s3cret"), 7)],
    ids=["judged", "refused"],
)
def test_scoring_with_a_judge_writes_and_says_none(tmp_path: Path, answer: Any, code: int) -> None:
    with serve(lambda _: answer) as server:
        command = open_questions(tmp_path, server.url)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert none_of([done.stdout, done.stderr])
    assert files_with_secrets(tmp_path) == set()


@pytest.mark.parametrize("in_params", [True, False])
def test_a_url_in_the_environment_is_in_no_file(
    new_workspace: Callable[..., Workspace],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    in_params: bool,
) -> None:
    """So params.yaml, which DVC copies into dvc.lock, has none either."""
    with serve(lambda _: said("{'pred': 'no', 'score': 0}, Correct")) as server:
        monkeypatch.setenv("JUDGE_URL", planted(server.url))
        if in_params:
            judge = {**server_judge(server.url), "url": "$JUDGE_URL"}
            workspace = new_workspace(verify__doubtful="judge", verify__judge=judge)
            samples = read_manifest(workspace, "train")
            store(workspace, {s.id: f"This is not {s.labels[0].name}." for s in samples})
            run(workspace)
            shown = flat_params(load_params(workspace.params))["verify.judge.url"]
            assert (shown, files_with_secrets(workspace.root)) == ("$JUDGE_URL", set())
        else:
            command = open_questions(tmp_path, server.url)
            command = ["--judge=$JUDGE_URL" if "--judge=" in one else one for one in command]
            subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
            assert files_with_secrets(tmp_path) == set()
        assert {path.partition("?")[2] for path in server.paths} == {"api_key=k3y-7"}


@pytest.mark.parametrize("url", ["htp://host", "http://ho st", "http://host/a@b", "http://host:x"])
def test_a_url_that_is_none_is_refused_without_them(tmp_path: Path, url: str) -> None:
    command = open_questions(tmp_path, url)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert none_of([done.stdout, done.stderr])


def with_judges(workspace: Workspace) -> Workspace:
    """Judges in every section that may have one."""
    params = yaml.safe_load(workspace.params.read_text(encoding="utf-8"))
    params["verify"]["judge"] = server_judge("https://host:80/v1")
    judge = {"url": planted("https://host:80/v1"), "model": "tiny"}
    params["evaluate"]["benchmarks"]["kinetics_qa"]["judge"] = judge
    params["ingest"]["sources"].append({"reader": "x", "judges": [judge]})
    workspace.params.write_text(yaml.safe_dump(params), encoding="utf-8")
    return workspace


def test_parameters_for_mlflow_have_none(workspace: Workspace) -> None:
    shown = flat_params(load_params(with_judges(workspace).params))
    assert shown["verify.judge.url"] == "https://host:80/v1"
    assert shown["evaluate.benchmarks.kinetics_qa.judge.url"] == "https://host:80/v1"
    assert json.loads(shown["ingest.sources"])[-1]["judges"][0]["url"] == "https://host:80/v1"
    assert none_of(shown.values())


@pytest.mark.slow
def test_a_published_round_has_none(workspace: Workspace) -> None:
    paths = with_judges(workspace).round("r0")
    metric = {"value": 0.75, "low": 0.7, "high": 0.8, "n": 40}
    write_text(
        paths.metrics,
        json.dumps({"round": "r0", "metrics": {"kinetics_qa/a": metric}, "slices": {}}),
    )
    ref = ModelRef(
        base="base", revision=None, base_digest="b" * 64, adapter=None, adapter_digest=None
    )
    write_text(paths.model_json, dump_json(ref.model_dump()))
    run(workspace, "publish", "r0")
    assert (workspace.mlflow / "mlflow.db").exists()
    assert files_with_secrets(workspace.root) == {"params.yaml"}
