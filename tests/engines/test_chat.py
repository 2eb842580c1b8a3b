"""The client of chat servers, against a real one on loopback, and replies that are kept on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, said, serve

from video_star.core.chat import OpenAIChat
from video_star.core.errors import ServiceError, UsageError

HELLO = [{"role": "user", "content": "Hello"}]
SOON = {"Retry-After": "0.001"}
NOBODY = "http://127.0.0.1:9/v1"


def chat(url: str, **changes: Any) -> OpenAIChat:
    return OpenAIChat(url, "tiny", **{"temperature": 0.0, "max_tokens": 8, **changes})


def reply(url: str, **changes: Any) -> str:
    (text,) = chat(url, **changes).replies([HELLO])
    return text


def echo(body: dict[str, Any]) -> Answer:
    return said(f"You said {body['messages'][-1]['content']}.")


def in_turn(*answers: Answer) -> Callable[[dict[str, Any]], Answer]:
    rest = list(answers)
    return lambda _: rest.pop(0)


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_model_messages_and_sampling_are_sent_and_the_text_comes_back() -> None:
    with serve(echo) as server:
        assert reply(server.url, more={"top_p": 0.5}) == "You said Hello."
    assert server.paths == ["/v1/chat/completions"]
    assert server.bodies == [
        {"model": "tiny", "messages": HELLO, "temperature": 0.0, "max_tokens": 8, "top_p": 0.5}
    ]


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(echo) as server:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        reply(server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "abc")
        reply(server.url)
    assert server.keys == [None, "Bearer abc"]


NEW_NAME = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)
NO_TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0 with this model. "
    "Only the default (1) value is supported."
)
"""What OpenAI says of gpt-5 and the o-series, one trouble at a time."""


def reasoner(body: dict[str, Any]) -> Answer:
    """A server that takes neither max_tokens nor a temperature."""
    faults = [NEW_NAME] if "max_tokens" in body else []
    faults += [NO_TEMPERATURE] if body.get("temperature", 1) != 1 else []
    if faults:
        return 400, {}, json.dumps({"error": {"message": faults[0]}})
    return said("yes")


def test_a_model_that_reasons_is_asked_as_it_wants_and_refuses_once(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with serve(reasoner) as server:
        asked = chat(server.url, file=path)
        assert asked.replies([HELLO]) == asked.replies([HELLO]) == ["yes"]
        assert asked.replies([user("Again")]) == ["yes"]
        assert asked.refused == {"max_tokens", "temperature"}
        assert len(server.bodies) == 4
    assert server.bodies[-1].keys() == {"model", "messages", "max_completion_tokens"}
    kept = chat(NOBODY, file=path)
    assert kept.replies([HELLO]) == ["yes"]
    assert kept.refused == {"max_tokens", "temperature"}


def test_many_threads_may_be_refused_at_once() -> None:
    with serve(reasoner) as server:
        server.delay_s = 0.02
        assert chat(server.url).replies([user(str(i)) for i in range(20)]) == ["yes"] * 20


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        ("temperature must be at most 2", 1),
        ("max_tokens is too large: 8. This model supports at most 4 completion tokens", 1),
        ("gpt-5 models don't support temperature=0.0. Only temperature=1 is supported.", 2),
        ("'max_completion_tokens' and 'max_tokens' are not supported", 2),
    ],
)
def test_only_what_a_model_does_not_take_is_left_out(fault: str, asked: int) -> None:
    with serve(lambda _: (400, {}, fault)) as server:
        with pytest.raises(ServiceError, match="name another model"):
            reply(server.url)
        assert len(server.bodies) == asked


def with_secrets(url: str) -> str:
    return url.replace("//", "//ann:s3cret%2F@") + "?api_key=k3y%2B1&version=2"


SECRETS = ("ann", "s3cret", "k3y")


def test_credentials_of_a_url_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "abc")
    with serve(echo) as server:
        assert reply(with_secrets(server.url)) == "You said Hello."
    assert server.paths == ["/v1/chat/completions?api_key=k3y%2B1&version=2"]
    assert server.keys == [f"Basic {b64encode(b'ann:s3cret/').decode()}"]


@pytest.mark.parametrize("status", [200, 400, 503])
def test_credentials_of_a_url_are_in_no_message_log_or_file(
    tmp_path: Path, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    faults = "bad key k3y+1 (k3y%2B1) of ann:s3cret/ (s3cret%2F)"
    with serve(lambda _: (status, SOON, faults)) as server:
        asked = chat(with_secrets(server.url), file=tmp_path / "r.jsonl")
        with pytest.raises(ServiceError) as caught:
            asked.replies([HELLO])
    shown = f"{caught.value} {asked!r} {caplog.text}"
    assert server.url in shown
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_key_that_a_server_repeats_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abc")
    with (
        serve(lambda _: (401, {}, "Incorrect API key provided: sk-abc.")) as server,
        pytest.raises(ServiceError, match=r"provided: \.\.\.\."),
    ):
        reply(server.url)


@pytest.mark.parametrize(
    "url", ["https://ann:s3/cret@host/v1", "htp://ann:s3cret@host", "http://ann:s3cret", "http://["]
)
def test_a_wrong_url_is_refused_without_its_credentials(url: str) -> None:
    with pytest.raises(UsageError, match="write it like") as caught:
        chat(url)
    assert "s3" not in str(caught.value)


def test_a_reply_in_parts_is_the_text_of_it() -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "yes"}]
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": parts}}]})
    with serve(lambda _: (200, {}, body)) as server:
        assert reply(server.url) == "yes"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(status: int) -> None:
    busy: Answer = (status, SOON, "busy")
    with serve(in_turn(busy, busy, said("yes"))) as server:
        assert reply(server.url) == "yes"
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("status", "requests", "advice"),
    [
        (401, 1, "give its key in OPENAI_API_KEY"),
        (404, 1, "correct its url"),
        (307, 1, "correct its url"),
        (503, 6, "see its log"),
    ],
    ids=["no key", "wrong", "redirect", "busy"],
)
def test_a_server_that_does_not_answer_is_a_service_error(
    status: int, requests: int, advice: str
) -> None:
    with serve(lambda _: (status, {**SOON, "Location": "/v1/x"}, "no model <tiny>")) as server:
        problem = rf"tiny does not answer \(status {status}, no model <tiny>\); .*{advice}"
        with pytest.raises(ServiceError, match=problem):
            reply(server.url)
        assert len(server.bodies) == requests


def test_no_server_is_a_service_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(ServiceError, match="ConnectError"):
        reply(NOBODY)


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
@pytest.mark.parametrize("body", ["<html>", "{}", '{"choices": []}', "[1]", '{"choices": [{}]}'])
def test_what_is_no_chat_completion_is_a_service_error(body: str, kind: str) -> None:
    with (
        serve(lambda _: (200, {"Content-Type": kind}, body)) as server,
        pytest.raises(ServiceError, match="is no chat completion"),
    ):
        reply(server.url)


def test_a_reply_without_text_is_an_empty_one() -> None:
    with serve(lambda _: said(None)) as server:
        assert reply(server.url) == ""


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="'localhost:8000'"):
        chat("localhost:8000")


def test_many_are_asked_at_once_and_keep_their_order() -> None:
    texts = [f"number {i}" for i in range(20)]
    with serve(echo) as server:
        server.delay_s = 0.05
        replies = chat(server.url).replies([user(text) for text in [*texts, *texts]], workers=4)
    assert replies == [f"You said {text}." for text in [*texts, *texts]]
    assert 1 < server.busiest <= 4
    assert len(server.bodies) == 20


def test_the_first_failure_ends_asking() -> None:
    with serve(lambda _: (400, {}, "no")) as server:
        server.delay_s = 0.02
        with pytest.raises(ServiceError):
            chat(server.url).replies([user(str(i)) for i in range(200)], workers=2)
        assert len(server.bodies) < 50


def test_a_reply_is_asked_for_once_ever(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "replies.jsonl"
    with serve(echo) as server:
        first = chat(server.url, file=path)
        assert first.replies([HELLO]) == first.replies([HELLO]) == ["You said Hello."]
    assert len(server.bodies) == 1
    assert reply(NOBODY, file=path) == "You said Hello."
    assert json.loads(path.read_text())["messages"] == HELLO


def test_replies_of_earlier_versions_are_found(tmp_path: Path) -> None:
    line = {
        "key": "6b834c763157f09db0c00633e8282bfb8b86e62a642b8396954f3780deb5f279",
        "model": "tiny",
        "messages": HELLO,
        "reply": "kept",
    }
    (tmp_path / "r.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert reply(NOBODY, file=tmp_path / "r.jsonl") == "kept"


@pytest.mark.parametrize("change", [{"temperature": 0.5}, {"max_tokens": 9}, {"more": {"x": 1}}])
def test_other_sampling_is_another_reply(tmp_path: Path, change: dict[str, Any]) -> None:
    with serve(echo) as server:
        reply(server.url, file=tmp_path / "r.jsonl")
        reply(server.url, file=tmp_path / "r.jsonl", **change)
    assert len(server.bodies) == 2


def test_a_line_that_a_kill_left_unfinished_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    asked = [user(text) for text in ("one", "two", "three")]
    with serve(echo) as server:
        first = chat(server.url, file=path).replies(asked[:2])
        path.write_bytes(path.read_bytes()[:-9])
        replies = chat(server.url, file=path).replies(asked)
        assert replies == [f"You said {text}." for text in ("one", "two", "three")]
        assert replies[:2] == first
    assert len(server.bodies) == 4
    assert chat(NOBODY, file=path).replies(asked) == replies


def test_threads_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    asked = [user("x" * 3000 + str(i)) for i in range(60)]
    with serve(echo) as server:
        replies = chat(server.url, file=path).replies(asked)
    assert len(path.read_text().splitlines()) == 60
    assert chat(NOBODY, file=path).replies(asked) == replies


def test_only_asking_a_server_imports_its_client() -> None:
    code = (
        "import sys, video_star.core.chat, video_star.verification.judge\n"
        "import video_star.evaluation.benchmarks.judging\n"
        "video_star.core.chat.OpenAIChat('http://127.0.0.1:9/v1', 'm', 0.0, 8)\n"
        "sys.exit('openai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
