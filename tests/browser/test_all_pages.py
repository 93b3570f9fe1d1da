"""What holds on all pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import DESKTOP, PHONE, Browser
from .pages import ALL, BOARD

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
LINKS = """return [...document.querySelectorAll("a[href], link[href], script[src]")].map(
    (element) => element.getAttribute("href") ?? element.getAttribute("src"))"""
RUN_AXE = """const done = arguments[0];
axe.run({preload: false, resultTypes: ["violations"]}).then((found) => done(found.violations))"""


@pytest.mark.parametrize("page", ALL)
def test_it_is_accessible_fits_a_phone_and_has_nothing_to_complain_of(
    browser: Browser, page: str
) -> None:
    for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        browser.open(page, size, scheme)
        assert browser.js("return document.documentElement.scrollWidth") <= size[0]
        browser.js(AXE)
        violations: list[Any] = browser.driver.execute_async_script(RUN_AXE)
        found = [(v["id"], [node["html"] for node in v["nodes"][:3]]) for v in violations]
        assert found == []
    assert browser.complaints() == []
    assert browser.js("return typeof boom") == "undefined"


def test_menus_and_columns_are_accessible(browser: Browser) -> None:
    browser.open(BOARD, scheme="dark")
    for css in (".menu summary", ".columns summary"):
        browser.one(css).click()
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


def test_every_link_leads_somewhere(site_folder: Path, browser: Browser) -> None:
    for page in ALL:
        browser.open(page)
        links = browser.js(LINKS)
        assert isinstance(links, list)
        for link in links:
            name, _, anchor = link.partition("#")
            if name.startswith(("data:", "https:")) or link == "#main":
                continue
            target = (site_folder / page).parent / name
            assert target.resolve().is_file(), (page, link)
            if anchor and "=" not in anchor:
                assert f'id="{anchor}"' in target.read_text(encoding="utf-8"), (page, link)
