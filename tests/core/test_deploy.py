"""What docs/cluster.md names is there and holds: scripts run, manifests and templates are whole.

Linters are used where they are installed: pip install 'video-star[deploy]'.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import yaml

from video_star.core.params import Zero
from video_star.core.paths import Workspace
from video_star.core.presets import apply_preset

DEPLOY = tiny.ROOT / "deploy"
PAGE = (tiny.ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
NOT_STRICT = {"completions", "parallelism"}
"""Fields of a Job that Prefect wants in its pod as well; Kubernetes ignores them there."""


def linter(name: str) -> str:
    """A program beside this Python or on the path, or the test is skipped."""
    place = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    found = shutil.which(name, path=place)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


# ---- the page


def test_the_page_names_every_file_and_no_other() -> None:
    named = set(re.findall(r"deploy/[\w./-]*\w", PAGE))
    files = {path.relative_to(tiny.ROOT).as_posix() for path in FILES}
    assert files - named == {"deploy/Dockerfile.dockerignore"}
    assert {name for name in named if not (tiny.ROOT / name).exists()} == set()


def commands() -> Iterator[list[str]]:
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def test_commands_of_the_page_are_commands() -> None:
    from dvc.cli.parser import get_main_parser
    from typer.main import get_command

    from video_star.cli.main import app

    known = get_command(app).commands  # type: ignore[attr-defined]
    parser = get_main_parser()
    checked = set()
    for words in commands():
        checked.add(words[0])
        if words[0] == "dvc":
            parser.parse_args(words[1:])  # exits when it knows one of them not
        elif words[0] == "video-star":
            command = known[words[1]]
            command.make_context(words[1], words[2:], resilient_parsing=True)
    assert {"dvc", "video-star"} <= checked


def test_settings_of_the_page_are_settings() -> None:
    raw = tiny.tiny_params()
    blocks = re.findall(r"```yaml\n(settings:\n.*?)```", PAGE, re.S)
    assert blocks
    for block in blocks:
        assert yaml.safe_load(block)["settings"].keys() <= raw["settings"].keys()
    for zero in re.findall(r"`(zero\d\w*)`", PAGE):
        assert zero in Zero.__args__  # type: ignore[attr-defined]


# ---- the image


def instructions() -> list[list[str]]:
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.M)
    return [line.split() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_the_image_is_made_of_files_that_are_there_and_sent() -> None:
    sent = {
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {name for words in instructions() if words[0] == "COPY" for name in words[1:-1]}
    assert copied == sent
    assert all((tiny.ROOT / name).exists() for name in copied)


def test_ray_has_one_version_everywhere() -> None:
    pins = dict(
        line.split("==")
        for line in (tiny.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    )
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    found = re.findall(r'ray\[default\]==([\d.]+)|rayVersion: "([\d.]+)"', text)
    assert {version for pair in found for version in pair if version} == {pins["ray"]}


def test_the_dockerfile_has_nothing_to_lint() -> None:
    run(linter("hadolint"), str(DEPLOY / "Dockerfile"))


# ---- Slurm


def test_the_slurm_script_has_nothing_to_lint() -> None:
    run("bash", "-n", str(DEPLOY / "slurm.sh"))
    run(linter("shellcheck"), str(DEPLOY / "slurm.sh"))


def test_the_slurm_script_starts_ray_and_writes_the_hostfile(tmp_path: Path) -> None:
    """With stand-ins for Slurm's commands; the hostfile is read by DeepSpeed's own reader."""
    from deepspeed.launcher.runner import fetch_hostfile

    bin_ = tmp_path / ".venv" / "bin"
    bin_.mkdir(parents=True)
    for name, body in (
        ("scontrol", "printf 'node-1\\nnode-2\\n'"),
        ("srun", 'printf "%s\\n" "$RAY_AUTH_TOKEN" "$@"'),
    ):
        (bin_ / name).write_text(f"#!/bin/bash\n{body}\n")
        (bin_ / name).chmod(0o755)
    slurm = {
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_JOB_NODELIST": "node-[1-2]",
        "SLURM_GPUS_ON_NODE": "8",
    }
    done = run("bash", str(DEPLOY / "slurm.sh"), env={"PATH": os.environ["PATH"], **slurm})
    assert fetch_hostfile(str(tmp_path / ".work" / "hostfile")) == {"node-1": 8, "node-2": 8}
    token, *given = done.stdout.splitlines()
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    assert given[:2] == ["ray", "symmetric-run"]
    assert given[given.index("--") + 1 :] == ["dvc", "repro"]
    symmetric = pytest.importorskip("ray.scripts.symmetric_run")
    context = symmetric.symmetric_run.make_context("_", given[2:], resilient_parsing=True)
    assert context.params["address"] == "node-1:6379"
    assert context.params["min_nodes"] == 2


def test_the_settings_for_slurm_fit_params_yaml(tmp_path: Path) -> None:
    shutil.copy(tiny.ROOT / "params.yaml", tmp_path / "params.yaml")
    settings = apply_preset(Workspace(tmp_path), DEPLOY / "slurm.yaml").settings
    assert (settings.executor, settings.hostfile) == ("ray:auto", ".work/hostfile")


# ---- Kubernetes


def manifests() -> dict[str, Any]:
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return {one["kind"]: one for path in files for one in yaml.safe_load_all(path.read_text())}


def rendered_job() -> dict[str, Any]:
    """What the work pool's template makes of a flow run, by Prefect's own code."""
    from prefect.workers.base import BaseJobConfiguration

    class Job(BaseJobConfiguration):
        namespace: str
        job_manifest: dict[str, Any]

    template = json.loads((DEPLOY / "prefect-pool.json").read_text(encoding="utf-8"))
    values = {"name": "run", "gpus": 4, "command": "prefect flow-run execute"}
    offline: Any = object()
    made = asyncio.run(Job.from_template_and_values(template, values, client=offline))
    return made.job_manifest


def pod_specs() -> list[dict[str, Any]]:
    cluster = manifests()["RayJob"]["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def test_a_ray_job_has_what_kuberay_requires() -> None:
    """The fields without `omitempty` in KubeRay's RayJobSpec, HeadGroupSpec, WorkerGroupSpec."""
    job = manifests()["RayJob"]
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    command = shlex.split(job["spec"]["entrypoint"])
    assert command == ["bash", "-c", "cd /workspace && exec dvc repro"]
    cluster = job["spec"]["rayClusterSpec"]
    assert {"rayStartParams", "template"} <= cluster["headGroupSpec"].keys()
    for group in cluster["workerGroupSpecs"]:
        assert {"groupName", "rayStartParams", "template"} <= group.keys()
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_every_pod_mounts_the_one_workspace_and_runs_the_one_image() -> None:
    claim = manifests()["PersistentVolumeClaim"]["metadata"]["name"]
    jobs = rendered_job()["spec"]["template"]["spec"]
    images = set()
    for spec in (*pod_specs(), jobs):
        claims = {
            v["name"]: v.get("persistentVolumeClaim", {}).get("claimName") for v in spec["volumes"]
        }
        assert claim in claims.values()
        (container,) = spec["containers"]
        images.add(container["image"])
        mounts = {mount["mountPath"]: claims[mount["name"]] for mount in container["volumeMounts"]}
        assert mounts["/workspace"] == claim
    assert len(images) == 1
    assert images.pop() in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert jobs["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": 4}


def test_kubernetes_takes_the_manifests() -> None:
    """By the published JSON schemas of its resources."""
    kubernetes = pytest.importorskip("kubernetes_validate")
    version = kubernetes.latest_version()
    kubernetes.validate(manifests()["PersistentVolumeClaim"], version, strict=True)
    for spec in pod_specs():
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": spec}
        kubernetes.validate(pod, version, strict=True)
    job = rendered_job()
    job["metadata"] = {k: v for k, v in job["metadata"].items() if v is not None}
    job["spec"]["template"]["spec"] = {
        k: v for k, v in job["spec"]["template"]["spec"].items() if k not in NOT_STRICT
    }
    job["spec"]["template"]["spec"]["containers"][0].pop("args")  # a list when the worker sends it
    kubernetes.validate(job, version, strict=True)


def test_prefects_worker_takes_the_template() -> None:
    worker = pytest.importorskip("prefect_kubernetes.worker")
    template = json.loads((DEPLOY / "prefect-pool.json").read_text(encoding="utf-8"))
    made = asyncio.run(
        worker.KubernetesWorkerJobConfiguration.from_template_and_values(
            template, {"name": "run"}, client=object()
        )
    )
    assert made.job_manifest["spec"]["template"]["spec"]["volumes"]
