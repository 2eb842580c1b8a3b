"""The client of chat servers, against a real one on loopback, and replies that are kept on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, said, serve

from video_star.core.chat import OpenAIChat, RecordedChat, ask_all, recorded
from video_star.core.errors import ServiceError, UsageError

HELLO = [{"role": "user", "content": "Hello"}]


def chat(url: str, **changes: Any) -> OpenAIChat:
    settings = {"temperature": 0.0, "max_tokens": 8, "first_wait_s": 0.001, **changes}
    return OpenAIChat(url, "tiny", **settings)


def echo(body: dict[str, Any]) -> Answer:
    return said(f"You said {body['messages'][-1]['content']}.")


def in_turn(*answers: Answer) -> Callable[[dict[str, Any]], Answer]:
    rest = list(answers)
    return lambda _: rest.pop(0)


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_model_messages_and_sampling_are_sent_and_the_text_comes_back() -> None:
    with serve(echo) as server:
        assert chat(server.url, more={"top_p": 0.5}).reply(HELLO) == "You said Hello."
    assert server.paths == ["/v1/chat/completions"]
    assert server.bodies == [
        {"model": "tiny", "messages": HELLO, "temperature": 0.0, "max_tokens": 8, "top_p": 0.5}
    ]


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(echo) as server:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        chat(server.url).reply(HELLO)
        monkeypatch.setenv("OPENAI_API_KEY", "abc")
        chat(server.url).reply(HELLO)
    assert server.keys == [None, "Bearer abc"]


def test_a_server_that_wants_max_completion_tokens_gets_them() -> None:
    def answer(body: dict[str, Any]) -> Answer:
        if "max_tokens" in body:
            fault = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return 400, {}, json.dumps({"error": {"message": fault}})
        return said("yes")

    with serve(answer) as server:
        assert chat(server.url).reply(HELLO) == "yes"
    assert [body.get("max_completion_tokens") for body in server.bodies] == [None, 8]
    assert "max_tokens" not in server.bodies[-1]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(status: int) -> None:
    busy: Answer = (status, {"Retry-After": "0"}, "busy")
    with serve(in_turn(busy, busy, said("yes"))) as server:
        assert chat(server.url).reply(HELLO) == "yes"
    assert len(server.bodies) == 3


def test_a_server_that_stays_busy_is_a_service_error() -> None:
    with serve(lambda _: (503, {}, "overloaded")) as server:
        with pytest.raises(ServiceError, match=r"tiny does not answer \(status 503, overloaded\)"):
            chat(server.url).reply(HELLO)
        assert len(server.bodies) == 5


def test_a_wrong_request_is_not_repeated() -> None:
    with serve(lambda _: (404, {}, "no model tiny")) as server:
        with pytest.raises(ServiceError, match="status 404, no model tiny"):
            chat(server.url).reply(HELLO)
        assert len(server.bodies) == 1


def test_no_server_is_a_service_error() -> None:
    with serve(echo) as server:
        url = server.url
    with pytest.raises(ServiceError, match="ConnectError"):
        chat(url).reply(HELLO)


@pytest.mark.parametrize("body", ["<html>", "{}", '{"choices": []}', "[1]"])
def test_what_is_no_chat_completion_is_a_service_error(body: str) -> None:
    with (
        serve(lambda _: (200, {}, body)) as server,
        pytest.raises(ServiceError, match="is no chat completion"),
    ):
        chat(server.url).reply(HELLO)


def test_a_reply_without_text_is_an_empty_one() -> None:
    with serve(lambda _: said(None)) as server:
        assert chat(server.url).reply(HELLO) == ""


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="'localhost:8000'"):
        chat("localhost:8000")


def test_many_are_asked_at_once_and_keep_their_order() -> None:
    texts = [f"number {i}" for i in range(20)]
    with serve(echo) as server:
        server.delay_s = 0.05
        replies = ask_all(chat(server.url), [user(text) for text in [*texts, *texts]], workers=4)
    assert replies == [f"You said {text}." for text in [*texts, *texts]]
    assert 1 < server.busiest <= 4
    assert len(server.bodies) == 20


def test_the_first_failure_ends_asking() -> None:
    with serve(lambda _: (400, {}, "no")) as server:
        server.delay_s = 0.02
        with pytest.raises(ServiceError):
            ask_all(chat(server.url), [user(str(i)) for i in range(200)], workers=2)
        assert len(server.bodies) < 50


def test_a_reply_is_asked_for_once_ever(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "replies.jsonl"
    with serve(echo) as server:
        first = recorded(chat(server.url), path)
        assert first.name == "tiny"
        assert [first.reply(HELLO), first.reply(HELLO)] == ["You said Hello."] * 2
        assert recorded(chat(server.url), path).reply(HELLO) == "You said Hello."
    assert len(server.bodies) == 1
    alone = RecordedChat(path, "tiny", {"max_tokens": 8, "temperature": 0.0})
    assert alone.reply(HELLO) == "You said Hello."
    assert json.loads(path.read_text())["messages"] == HELLO


@pytest.mark.parametrize("change", [{"temperature": 0.5}, {"max_tokens": 9}, {"more": {"x": 1}}])
def test_other_sampling_is_another_reply(tmp_path: Path, change: dict[str, Any]) -> None:
    with serve(echo) as server:
        recorded(chat(server.url), tmp_path / "r.jsonl").reply(HELLO)
        recorded(chat(server.url, **change), tmp_path / "r.jsonl").reply(HELLO)
    assert len(server.bodies) == 2


def test_a_missing_recorded_reply_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no reply of tiny is recorded for 'Hello'"):
        RecordedChat(tmp_path / "r.jsonl", "tiny", {}).reply(HELLO)


def test_a_line_that_a_kill_left_unfinished_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with serve(echo) as server:
        kept = recorded(chat(server.url), path)
        kept.reply(user("one"))
        kept.reply(user("two"))
        path.write_bytes(path.read_bytes()[:-9])
        again = recorded(chat(server.url), path)
        assert [again.reply(user(text)) for text in ("one", "two", "three")] == [
            f"You said {text}." for text in ("one", "two", "three")
        ]
    assert [body["messages"][0]["content"] for body in server.bodies] == [
        *("one", "two", "two", "three")
    ]
    alone = RecordedChat(path, "tiny", kept.sampling)
    assert alone.reply(user("two")) == "You said two."
    assert alone.reply(user("three")) == "You said three."


def test_threads_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    asked = [user("x" * 3000 + str(i)) for i in range(60)]
    with serve(echo) as server:
        replies = ask_all(recorded(chat(server.url), path), asked)
    assert len(path.read_text().splitlines()) == 60
    alone = RecordedChat(path, "tiny", {"temperature": 0.0, "max_tokens": 8})
    assert ask_all(alone, asked) == replies
