"""What is shown of an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_star.core.errors import UsageError
from video_star.core.urls import engine_shown, from_environment, hide, without_credentials


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("sqlite:////tmp/mlflow.db", "sqlite:////tmp/mlflow.db"),
        ("mysql://user:secret@host/db", "mysql://host/db"),
        ("localhost:8000", "localhost:8000"),
        ("https://user:secret@host/v1", "https://host/v1"),
        ("https://secret@host:80", "https://host:80"),
        ("https://host/v1?api_key=secret", "https://host/v1"),
        ("https://host/v1#secret", "https://host/v1"),
        ("https://user:se@cret@host/v1", "https://host/v1"),
        ("https://user:se/cret@host/v1", "https://..."),
        ("https://user:12/cret@host/v1", "https://..."),
        ("https://user:se?cret@host/v1", "https://..."),
        ("https://user:secret", "https://..."),
        ("user:secret@host", "host"),
    ],
)
def test_an_address_is_shown_without_its_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


SIGNS = st.text("sS3/?#@:[]%&=. \n", max_size=8)


@given(before=SIGNS, after=SIGNS, host=st.sampled_from(["host", "10.0.0.1:80", "[::1]"]))
def test_no_password_is_shown_whatever_its_signs(before: str, after: str, host: str) -> None:
    password = f"{before}PASS{after}"
    assert "PASS" not in without_credentials(f"https://user:{password}@{host}/v1?key={password}")


def test_a_text_is_cleared_of_what_is_secret_as_written_and_as_meant() -> None:
    url = "https://user:a%2Fb@host/v1?key=c%2Bd"
    assert hide("user a%2Fb a/b c+d c%2Bd KEY", url, "KEY", None) == "... ... ... ... ... ..."


def test_a_short_secret_is_hidden_where_it_is_a_word() -> None:
    assert (
        hide("Connection refused for u:us", "http://u:us@host") == "Connection refused for ...:..."
    )
    assert hide("keysecretkey", "http://u:secret@host") == "key...key"


@pytest.mark.parametrize("written", ["$JUDGE_URL", "${JUDGE_URL}"])
def test_an_address_may_stand_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("JUDGE_URL", "https://user:secret@host/v1")
    assert from_environment(written) == "https://user:secret@host/v1"
    assert from_environment("http://host/$JUDGE_URL") == "http://host/$JUDGE_URL"
    assert without_credentials("$JUDGE_URL") == "$JUDGE_URL"
    monkeypatch.delenv("JUDGE_URL")
    with pytest.raises(UsageError, match=r"not set in the environment; export JUDGE_URL=URL"):
        from_environment(written)


@pytest.mark.parametrize(
    ("engine", "shown"),
    [
        ("transformers", None),
        ("scripted:rules.json", "scripted:rules.json"),
        ("openai:$SERVER model=m frames=video", "openai:$SERVER model=m frames=video"),
        (
            "openai:https://me:secret@host/v1?key=secret model=a/b frames=images",
            "openai:https://host/v1 model=a/b frames=images",
        ),
        ("other:https://me:secret@host", "other:https://host"),
    ],
)
def test_an_engine_is_shown_without_credentials(engine: str, shown: str | None) -> None:
    assert engine_shown(engine) == shown
