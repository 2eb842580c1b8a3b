"""The page in a browser: safe with hostile texts, quick, usable by keyboard and on a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from report_workspace import HOSTILE, ODD, SAMPLES

from video_star.core.jsonl import read_shards
from video_star.core.paths import Workspace
from video_star.core.records import Verdict
from video_star.data.manifest import read_manifest
from video_star.report.samples import island

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Request

OPENS_WITHIN_MS = 2_000
SCRIPTS = 3
"""The import map, the data, and ours."""


@pytest.fixture
def opened(browser: Browser, page_file: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page; nothing in it may ask the network, open a dialog or fail."""
    wrong: list[str] = []
    contexts = []

    def dismiss(dialog: Dialog) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    def note_request(request: Request) -> None:
        if not request.url.startswith(("data:", page_file.as_uri())):
            wrong.append(request.url)

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", dismiss)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("request", note_request)
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def shown(page: Page) -> int:
    """How many samples the filters let through."""
    text = page.locator("#sample-table_info").inner_text()
    found = re.search(r"to [\d,]+ of ([\d,]+)", text)
    return int(found[1].replace(",", "")) if found else 0


def choose(page: Page, **values: str) -> int:
    """Set filters by name and return how many samples are left."""
    for name, value in values.items():
        page.locator(f"#filters select[name={name}]").select_option(value)
    return shown(page)


def names(page: Page) -> list[str]:
    """Ids of the rows that are shown."""
    return page.locator("#sample-table .open").all_inner_texts()


def test_hostile_texts_are_only_read(opened: Callable[..., Page]) -> None:
    page = opened()
    page.locator("#filters input").fill("tiny/0000")
    page.locator(".open").click()
    page.locator("#sample-table .life").wait_for()
    assert names(page) == [f"tiny/0000{HOSTILE}"]
    for part in ("h1", ".life .facts", ".life .attempt .text >> nth=0"):
        assert HOSTILE in page.locator(part).inner_text()
    assert "train <i>0.mp4" in page.locator(".life .facts").inner_text()
    page.locator("#filters input").fill("tiny/0014")
    page.locator(".open").click()
    assert f"clapping{HOSTILE}" in page.locator(".life .facts").inner_text()
    assert page.locator("#sample-table td:nth-child(2)").first.inner_text().endswith("hiking")
    counts = page.evaluate(
        "Object.fromEntries(['script', 'img', 'i', 'iframe', '[onerror]'].map("
        "(name) => [name, document.querySelectorAll(name).length]))"
    )
    assert counts == {"script": SCRIPTS, "img": 0, "i": 0, "iframe": 0, "[onerror]": 0}


def test_what_is_hostile_is_found_by_its_own_words(opened: Callable[..., Page]) -> None:
    page = opened()
    page.locator("#filters input").fill("<img src=x onerror=alert(1)>&lt;")
    assert shown(page) == SAMPLES // 10 + 1  # and the one with a hostile label
    page.locator("#filters input").fill("&amp;lt;")
    assert shown(page) == 0


def test_an_answer_neither_turns_what_follows_nor_fills_the_page(
    opened: Callable[..., Page],
) -> None:
    page = opened()
    page.locator("#filters input").fill("tiny/0008")
    page.locator(".open").click()
    text = page.locator(".life .attempt .text").first
    assert text.text_content() == ODD.replace("\u202e", "\\u202e").replace("\x1b", "\\u001b")
    box = text.bounding_box()
    assert box is not None
    assert box["height"] < 900  # of the screen


def test_many_rounds_scroll_in_their_table(opened: Callable[..., Page], page_file: Path) -> None:
    page = opened()
    data = json.loads(page.locator("#data").text_content() or "")
    old = island(data)
    data["rounds"] *= 8
    for sample in data["samples"]:
        sample["rounds"] *= 8
    wide = page_file.with_name(f"{page_file.name}.wide.html")
    text = page_file.read_text(encoding="utf-8")
    assert old in text
    wide.write_text(text.replace(old, island(data)), encoding="utf-8")
    page.goto(wide.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    page.locator(".open").nth(1).click()
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    box = page.locator(".life").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] < 1280  # an open sample is as wide as the page
    assert page.locator(".open").nth(1).evaluate("(own) => own.clientHeight") < 60


def test_it_opens_at_once(opened: Callable[..., Page]) -> None:
    times = [
        opened().evaluate("performance.getEntriesByType('navigation')[0].domComplete")
        for _ in range(3)
    ]
    assert min(times) < OPENS_WITHIN_MS


def test_filters_agree_with_the_verdicts(opened: Callable[..., Page], learned: Workspace) -> None:
    passed: dict[str, set[str]] = {}
    hinted: dict[str, set[str]] = {}
    doubtful: dict[str, set[str]] = {}
    hedged: dict[str, set[str]] = {}
    for name in ("r1", "r2"):
        paths = learned.round(name)
        direct = list(read_shards(paths.verdicts, Verdict))
        rationalized = list(read_shards(paths.rationale_verdicts, Verdict))
        passed[name] = {own.sample_id for own in direct if own.passed}
        hinted[name] = {own.sample_id for own in rationalized if own.passed}
        maybe = {own.sample_id for own in direct + rationalized if own.outcome == "doubtful"}
        doubtful[name] = maybe - passed[name] - hinted[name]
        hedged[name] = {own.sample_id for own in direct if own.reason == "hedged"}
    page = opened()
    for name, index in (("r1", "0"), ("r2", "1")):
        kept = passed[name] | hinted[name]
        assert choose(page, round=index, outcome="kept") == len(kept)
        assert choose(page, outcome="direct") == len(passed[name])
        assert choose(page, outcome="rationalized") == len(hinted[name])
        assert choose(page, outcome="doubtful") == len(doubtful[name])
        rest = SAMPLES - len(kept) - len(doubtful[name])
        assert choose(page, outcome="rejected") == rest
        assert choose(page, outcome="unanswered") == 0
        choose(page, outcome="")
    assert choose(page, changed="direct") == len(passed["r2"] - passed["r1"]) > 0
    before, after = (passed[name] | hinted[name] for name in ("r1", "r2"))
    assert choose(page, changed="passing") == len(after - before)
    assert choose(page, changed="failing") == len(before - after)
    assert choose(page, round="0", changed="", reason="hedged") == len(hedged["r1"]) > 0
    samples = [own for own in read_manifest(learned) if own.split == "train"]
    sets = {own.id for own in samples if own.labels[0].kind == "set"}
    assert choose(page, reason="", kind="set") == len(sets)
    assert choose(page, outcome="kept") == len(sets & (passed["r1"] | hinted["r1"])) > 0
    page.locator("#filters button").click()
    page.wait_for_function(
        "document.querySelector('#sample-table_info').innerText.includes('1,000')"
    )
    assert choose(page, dataset="odd<i>") == SAMPLES // 10


def test_columns_sort_by_id_and_by_outcome(opened: Callable[..., Page]) -> None:
    page = opened()
    first = page.locator("#sample-table tbody tr").first
    page.locator("#sample-table th").first.click()
    first.get_by_text("tiny/0999").wait_for()
    page.locator("#sample-table th", has_text="r1").click()
    first.get_by_text("direct").first.wait_for()
    cells = page.locator("#sample-table td[data-name=r1]").all_inner_texts()
    assert set(cells) == {"direct"}


def test_the_value_that_was_read_is_marked(opened: Callable[..., Page]) -> None:
    """Also behind a sign that JavaScript counts twice."""
    page = opened()
    page.locator("#filters input").fill("tiny/0001")
    page.locator(".open").click()
    text = page.locator(".attempt .text").first
    assert text.inner_text() == "\U0001f642 I see.\nAnswer: surfing"
    assert text.locator("mark.pass").inner_text() == "surfing"


def test_a_sample_shows_every_frame_with_its_time(opened: Callable[..., Page]) -> None:
    page = opened()
    page.locator(".open").nth(1).click()
    assert page.locator(".strip small").all_inner_texts()[0] == "0.00 s"
    places = page.locator(".strip .tile").evaluate_all(
        "(tiles) => tiles.map((tile) => [tile.style.backgroundPosition, tile.style.backgroundImage"
        ".startsWith('url(\"data:image/jpeg;base64,')])"
    )
    assert places == [
        [place, True] for place in ("0px 0px", "-96px 0px", "0px -96px", "-96px -96px")
    ]


def test_the_keyboard_is_enough(opened: Callable[..., Page]) -> None:
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("/")
    page.keyboard.type("tiny/000")
    assert shown(page) == 10
    page.locator(".open").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "tiny/0002"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    assert page.locator(".life").count() == 1
    assert page.evaluate("document.activeElement.ariaExpanded") == "true"
    page.keyboard.press("Escape")
    assert page.locator(".life").count() == 0
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.textContent") == "tiny/0001"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_down_only(opened: Callable[..., Page], scheme: str) -> None:
    page = opened(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, color_scheme=scheme
    )
    page.locator(".open").first.tap()
    page.locator(".life").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", shade))) < 3 * 128) == (scheme == "dark")
