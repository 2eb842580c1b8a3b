"""The client of chat servers, against a real one on loopback, and replies that are kept on disk."""

from __future__ import annotations

import json
import subprocess
import sys
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


def test_a_server_that_wants_max_completion_tokens_gets_them() -> None:
    def answer(body: dict[str, Any]) -> Answer:
        if "max_tokens" in body:
            fault = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return 400, {}, json.dumps({"error": {"message": fault}})
        return said("yes")

    with serve(answer) as server:
        assert reply(server.url) == "yes"
    assert [body.get("max_completion_tokens") for body in server.bodies] == [None, 8]
    assert "max_tokens" not in server.bodies[-1]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(status: int) -> None:
    busy: Answer = (status, SOON, "busy")
    with serve(in_turn(busy, busy, said("yes"))) as server:
        assert reply(server.url) == "yes"
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("status", "requests"), [(503, 6), (404, 1), (307, 1)], ids=["busy", "wrong", "redirect"]
)
def test_a_server_that_does_not_answer_is_a_service_error(status: int, requests: int) -> None:
    with serve(lambda _: (status, {**SOON, "Location": "/v1/x"}, "no model <tiny>")) as server:
        problem = rf"tiny does not answer \(status {status}, no model <tiny>\)"
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
