"""What pyproject.toml claims, continuous integration runs; and constraints.txt pins all of it."""

from __future__ import annotations

import tomllib

import tiny
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((tiny.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_python_that_is_claimed_is_tested() -> None:
    workflow = yaml.safe_load((tiny.ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert tested == [f"3.{minor}" for minor in range(30) if f"3.{minor}.9" in allowed]
    claimed = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if "Python ::" in name]
    assert claimed == tested


def test_every_requirement_has_a_tested_version_within_its_range() -> None:
    lines = (tiny.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    pins = {canonicalize_name(name): version for name, version in pairs}
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        if not name.startswith("types-"):
            assert pins[name] in requirement.specifier, name
