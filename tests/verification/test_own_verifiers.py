"""Users' own verifiers: found by module and function, and never able to stop a step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from judged_answers import GROUP, verify_params

from video_star.core.errors import UsageError
from video_star.core.labels import ClassLabel
from video_star.core.records import LabelVerdict
from video_star.verification import Case, judge, known_of

LABEL = ClassLabel(name="diving")
MODULE = '''
from video_star.core.labels.base import fails, passes
from video_star.verification.base import verdict

number = 7


def shouts(label, case, params, known):
    """Passes what is said in capitals."""
    loud = case.text.isupper()
    found = passes(1.0, (0, len(case.text))) if loud else fails("low")
    return verdict(label, case, found, params, "shouts", 3)


def raises(label, case, params, known):
    raise RuntimeError("no")


def says_true(label, case, params, known):
    return True
'''


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace with a module of verifiers."""
    (tmp_path / "own_checks.py").write_text(MODULE)
    (tmp_path / "broken_checks.py").write_text("import no_such_package\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("own_checks", "broken_checks"):
        sys.modules.pop(name, None)


def judged(home: Path, name: str, text: str) -> LabelVerdict:
    params = verify_params(verifiers={"class": name})
    known = known_of([(GROUP, (LABEL,))], params, home)
    return judge(Case(text, "What happens?", (LABEL,), GROUP), params, known).labels[0]


def test_a_function_of_the_workspace_judges_in_place_of_ours(home: Path) -> None:
    found = judged(home, "own_checks:shouts", "SURFING")
    assert (found.passed, found.verifier, found.version) == (True, "shouts", 3)
    assert judged(home, "own_checks:shouts", "diving").reason == "low"


def test_other_kinds_keep_their_rules(home: Path) -> None:
    params = verify_params(verifiers={"text": "own_checks:shouts"})
    known = known_of([(GROUP, (LABEL,))], params, home)
    assert judge(Case("This is diving.", "", (LABEL,), GROUP), params, known).passed


@pytest.mark.parametrize("function", ["raises", "says_true"])
def test_a_verifier_that_fails_costs_the_label_and_not_the_step(
    home: Path, function: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = judged(home, f"own_checks:{function}", "diving")
    assert (found.passed, found.reason) == (False, "verifier error")
    assert found.verifier == f"own_checks:{function}"
    assert "failed on 'diving'" in caplog.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module:verify", r"cannot be imported \(ModuleNotFoundError"),
        ("broken_checks:verify", "no_such_package"),
        ("own_checks:gone", r"cannot be imported \(AttributeError"),
        ("own_checks:number", "is no function but int"),
        ("diving", "write module:function"),
    ],
)
def test_a_verifier_that_cannot_be_had_is_named(home: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"verify.verifiers.class: .*{said}"):
        judged(home, name, "diving")


def test_a_kind_that_does_not_exist_is_named(home: Path) -> None:
    params = verify_params(verifiers={"colour": "own_checks:shouts"})
    with pytest.raises(UsageError, match="colour: there is no such label kind"):
        known_of([], params, home)


def test_a_module_of_the_workspace_hides_no_installed_package(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "yaml.py").write_text("raise SystemExit")
    monkeypatch.delitem(sys.modules, "yaml")
    judged(home, "own_checks:shouts", "diving")
    import yaml

    assert yaml.safe_load("a: 1") == {"a": 1}
