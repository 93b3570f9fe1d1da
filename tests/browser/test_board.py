from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from .conftest import Browser
from .pages import BOARD

pytestmark = pytest.mark.browser
NAMES = "#board tbody tr th > a:first-child"
BY_RANK = ["dp-sgd[epsilon=4]", "vae-metric", "hostile", "none", "public-only", "rounding"]


def names(browser: Browser) -> list[str]:
    return ["hostile" if "boom" in text else text for text in browser.texts(NAMES)]


def comes_to_show(browser: Browser, expected: list[str]) -> bool:
    """Wait for rows: the library draws them after the page has loaded, or after the click."""
    return bool(WebDriverWait(browser.driver, 5).until(lambda _: names(browser) == expected))


def head(name: str) -> str:
    return f'#board th[data-name="{name}"]'


def test_a_board_is_in_the_order_of_ranks_and_has_ties(browser: Browser) -> None:
    browser.open(BOARD)
    assert comes_to_show(browser, BY_RANK)
    ranks = browser.texts("#board tbody td.rank")
    assert ranks == ["1–2", "1–2", "3", "–", "–", "–"]


def test_columns_sort_by_value(browser: Browser) -> None:
    browser.open(BOARD)
    browser.one(head("accuracy")).click()
    rising = [
        "rounding",
        "public-only",
        "hostile",
        "dp-sgd[epsilon=4]",
        "vae-metric",
        "none",
    ]
    assert comes_to_show(browser, rising)
    assert browser.one(head("accuracy")).get_attribute("aria-sort") == "ascending"
    browser.one(head("accuracy")).click()
    assert comes_to_show(browser, rising[::-1])


def test_columns_sort_with_the_keyboard(browser: Browser) -> None:
    browser.open(BOARD)
    browser.one(head("auc") + " [tabindex='0']").send_keys(Keys.ENTER)
    by_auc = ["public-only", "dp-sgd[epsilon=4]", "vae-metric", "rounding", "hostile", "none"]
    assert comes_to_show(browser, by_auc)


def test_a_group_of_columns_does_not_sort(browser: Browser) -> None:
    browser.open(BOARD)
    browser.one("#board tr.groups th").click()
    assert comes_to_show(browser, BY_RANK)


def test_filters(browser: Browser) -> None:
    browser.open(BOARD)
    for field, text, left in (
        ("q", "vae", ["vae-metric"]),
        ("q", "4 dp", ["dp-sgd[epsilon=4]"]),
        ("acc", "0.7", ["dp-sgd[epsilon=4]", "vae-metric", "none"]),
        ("only", "Pareto front", ["dp-sgd[epsilon=4]", "vae-metric"]),
        ("only", "with a guarantee", ["dp-sgd[epsilon=4]"]),
    ):
        browser.one(f"#tools [name='{field}']").send_keys(text)
        assert comes_to_show(browser, left)
        assert browser.one("#count").text == f"{len(left)} of 6 defenses"
        assert len(browser.all("svg .point.dim")) == 6 - len(left)
        browser.one("#reset").click()
    assert comes_to_show(browser, BY_RANK)


def test_columns_are_chosen(browser: Browser) -> None:
    browser.open(BOARD)
    assert not browser.all(head("gap"))
    browser.one(".columns summary").click()
    browser.one("input[value='gap']").click()
    browser.one("input[value='margin']").click()
    assert browser.one(head("gap")).is_displayed()
    assert not browser.all(head("margin"))
    cells = browser.texts("#board tbody tr:first-child > *")
    assert len(cells) == len(browser.all("#board thead tr:last-child > *"))


def test_a_link_restores_the_view(browser: Browser) -> None:
    browser.open(BOARD)
    browser.one("#tools [name='q']").send_keys("e")
    browser.one("#tools [name='acc']").send_keys("0.6")
    shown = ["none", "hostile", "vae-metric", "dp-sgd[epsilon=4]", "public-only"]
    browser.one(head("auc")).click()
    assert comes_to_show(browser, shown[::-1])
    browser.one(head("auc")).click()
    assert comes_to_show(browser, shown)
    browser.one(".columns summary").click()
    browser.one("input[value='cost']").click()
    address = browser.address
    browser.open(address.rpartition("/site")[2].partition("/")[2])
    assert browser.address == address
    assert comes_to_show(browser, shown)
    assert browser.one("#tools [name='q']").get_attribute("value") == "e"
    assert not browser.all(head("cost"))
    browser.one("#reset").click()
    assert comes_to_show(browser, BY_RANK)
    assert "#" not in browser.address


def test_a_broken_link_shows_the_default_view(browser: Browser) -> None:
    browser.open(BOARD + "#sort=<b>:up&columns=x,,&only=y")
    assert comes_to_show(browser, BY_RANK)
    assert browser.complaints() == []


def test_hovering_a_point_names_it_and_a_row_and_its_point_mark_each_other(
    browser: Browser,
) -> None:
    browser.open(BOARD)
    point = browser.one("svg .point[data-entry='small-vae-metric']")
    ActionChains(browser.driver).move_to_element(
        point.find_element("css selector", ".mark")
    ).perform()
    assert browser.one("#tip").text == "vae-metric: accuracy .710, AUC .550"
    assert "near" in browser.one("#row-small-vae-metric").get_attribute("class")
    ActionChains(browser.driver).move_to_element(browser.one("#row-small-none th a")).perform()
    assert not browser.one("#tip").is_displayed()
    (marked,) = browser.all("svg .point.marked")
    assert marked.get_attribute("data-entry") == "small-none"


def test_focus_names_a_point_and_escape_hides_it(browser: Browser) -> None:
    browser.open(BOARD)
    browser.js("document.querySelector('svg .point').focus({preventScroll: true})")
    assert browser.one("#tip").text.startswith("dp-sgd[epsilon=4]: accuracy .700")
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not browser.one("#tip").is_displayed()


def test_a_flag_says_what_it_stands_for(browser: Browser) -> None:
    browser.open(BOARD)
    flag = browser.one("#row-small-vae-metric .flag")
    browser.js("arguments[0].focus()", flag)
    assert browser.one("#tip").text == "the outputs are random; average several queries"
    browser.js("document.activeElement.blur(); document.querySelector('.brand').focus()")
    assert flag.get_attribute("title") == "the outputs are random; average several queries"
