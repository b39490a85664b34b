"""The page in a real browser: `make browser`."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_labels import Line, committed, labelled_lines

from emonet.__main__ import main

pytestmark = pytest.mark.browser
ATTACK = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines: list[Line] = [(ATTACK, ATTACK, "joy"), ("Bo", "The boat is gone.", "sadness")] * 20
    folder = tmp_path_factory.mktemp("report")
    output = committed(folder / "out", *(labelled_lines(lines, at) for at in (1, 2)))
    assert main(["report", str(output), "--output", str(folder / "report.html")]) == 0
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium; apt-get install chromium")
    with api.sync_playwright() as playwright:
        # the sandbox wants rights that containers do not give
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def page(browser: Any, page_file: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The opened page; what it asks for and complains of stands in `asked` and `said`."""
    context = browser.new_context(color_scheme=request.param, accept_downloads=True)
    page = context.new_page()
    page.asked, page.said = [], []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.on("console", lambda said: page.said.append(said.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("dialog", lambda dialog: (page.said.append("a dialog"), dialog.dismiss()))
    open_page(page, page_file)
    yield page
    context.close()


def open_page(page: Any, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_function("document.documentElement.dataset.state")


def test_the_page_draws_itself_asks_nobody_and_runs_nothing_of_a_text(
    page: Any, page_file: Path
) -> None:
    assert page.evaluate("document.documentElement.dataset.state") == "open"
    assert page.asked == [page_file.as_uri()]
    assert page.said == []
    assert page.locator("main svg").count() >= 7
    assert page.locator("main img").count() == 0
    assert page.locator("#results tr td:nth-child(3)").first.inner_text() == ATTACK


def test_words_are_found_from_the_keyboard(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("BOAT")
    assert page.locator("#hits").inner_text().strip() == "40 lines."
    page.locator("#label").select_option(label="joy")
    assert page.locator("#hits").inner_text().strip() == "0 lines."


def test_a_correction_outlives_the_page_and_is_saved_as_csv(
    page: Any, page_file: Path, tmp_path: Path
) -> None:
    page.locator("#results select").nth(1).select_option("neutral")
    open_page(page, page_file)
    assert page.locator("#results select").nth(1).input_value() == "neutral"
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(tmp_path / "corrections.csv")
    with (tmp_path / "corrections.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["episode_id"] == "Tolsay Ferry/s01e01"
    assert (row["utterance"], row["predicted"], row["label"]) == ("1", "sadness", "neutral")
    page.locator("#forget").click()
    assert page.locator("#save").is_disabled()


def test_axe_finds_nothing_serious(page: Any) -> None:
    axe = os.environ.get("EMONET_AXE")
    if axe is None:
        pytest.skip("EMONET_AXE names no axe.min.js; `make browser` gets it")
    page.evaluate(Path(axe).read_text())
    found = page.evaluate("axe.run()")["violations"]
    serious = [one for one in found if one["impact"] in {"serious", "critical"}]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in serious] == []
