from __future__ import annotations

import pytest
from leaderboard.sites import HOSTILE
from selenium.webdriver.support.select import Select

from .conftest import Browser
from .pages import COMPARE, HOSTILE_DEFENSE

pytestmark = pytest.mark.browser


def row(browser: Browser, measure: str) -> list[str]:
    return [text.replace("\n", " ") for text in browser.texts(f"tr[data-measure='{measure}'] td")]


def choose(browser: Browser, side: str, name: str) -> None:
    Select(browser.one(f"select[name='{side}']")).select_by_visible_text(name)


def test_two_defenses_are_compared(browser: Browser) -> None:
    browser.open(COMPARE)
    choose(browser, "a", "none")
    choose(browser, "b", "vae-metric")
    found = row(browser, "auc")
    assert found[:2] == [".750 .740–.760", ".550 .540–.560"]
    assert found[2] == "+.200 +.180 +.220, unpaired"
    assert browser.one("#says").text == ("none, beside vae-metric: more accurate; more exposed.")
    assert browser.address.endswith("#a=small-none&b=small-vae-metric")
    canaries = browser.texts("tr[data-fact='canaries'] td")
    assert [text.endswith("] mislabel") for text in canaries[:2]] == [True, True]
    browser.one("#swap").click()
    assert row(browser, "auc")[2] == "-.200 -.220 -.180, unpaired"


def test_a_link_restores_the_choice(browser: Browser) -> None:
    browser.open(COMPARE + "#a=small-rounding&b=small-hostile")
    assert browser.one("#name-a").text == "rounding"
    assert "boom()" in browser.one("#name-b").text
    assert browser.one("#curve-a").get_attribute("d") != browser.one("#curve-b").get_attribute("d")


def test_a_defense_leads_to_its_comparison(browser: Browser) -> None:
    browser.open(HOSTILE_DEFENSE)
    browser.one("a[href*='compare/'][href*='#a=']").click()
    assert Select(browser.one("select[name='a']")).first_selected_option.text.startswith("<script>")


def test_names_are_text(browser: Browser) -> None:
    browser.open(COMPARE + "#a=small-hostile")
    assert HOSTILE.split("\u2028")[0] in browser.one("#says").get_attribute("textContent")
    assert browser.all("#result script, #all + div script") == []
