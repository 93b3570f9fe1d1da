"""What holds on all pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import DESKTOP, PHONE, Browser
from .pages import ALL, BOARD

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
RUN_AXE = """const done = arguments[0];
axe.run({preload: false, resultTypes: ["violations"]}).then((found) => done(found.violations))"""


@pytest.mark.parametrize("page", ALL)
def test_it_is_accessible_fits_a_phone_and_has_nothing_to_complain_of(
    browser: Browser, page: str
) -> None:
    browser.open(page)
    browser.js(AXE)
    for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        browser.emulate(size, scheme)
        assert browser.js("return document.documentElement.scrollWidth") <= size[0]
        violations: list[Any] = browser.driver.execute_async_script(RUN_AXE)
        found = [(v["id"], [node["html"] for node in v["nodes"][:3]]) for v in violations]
        assert found == []
    assert browser.complaints() == []
    assert browser.js("return typeof boom") == "undefined"


def test_menus_and_columns_are_accessible(browser: Browser) -> None:
    browser.open(BOARD, scheme="dark")
    for css in (".menu summary", ".columns summary"):
        browser.one(css).click()
    browser.js("document.querySelector('.menu').open = true")  # the second click closed it
    browser.js(AXE)
    assert [v["id"] for v in browser.driver.execute_async_script(RUN_AXE)] == []


def test_the_theme_is_chosen_and_kept(browser: Browser) -> None:
    def background() -> object:
        return browser.js("return getComputedStyle(document.body).backgroundColor")

    browser.open("index.html")
    light = background()
    browser.one("#theme").click()
    assert background() != light
    browser.open("errata.html")
    assert background() != light
    browser.one("#theme").click()
    assert background() == light
    browser.js("localStorage.clear()")


def test_pages_are_complete_without_scripts(browser: Browser) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(BOARD)
        assert len(browser.all("#board tbody tr")) == 6
        assert len(browser.all("svg a.point title")) == 6
        assert not browser.one("#tools").is_displayed()
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
