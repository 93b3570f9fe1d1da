"""The site in a real Chromium, opened from a folder, as ``make site`` has built it."""

import pytest
from browser.conftest import DESKTOP, PHONE, Browser
from browser.conftest import driver as driver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from .conftest import ROOT

HTML = ROOT / "build" / "site" / "html"
PAGES = (
    "index.html",
    "reference/hooks/register_attacks.html",
    "reference/api/attacks.html",
    "docs/components.html",
    "docs/cli.html",
)


@pytest.mark.browser
def test_the_site(driver):
    if not (HTML / "index.html").is_file():
        pytest.skip("there is no site (make site)")
    browser = Browser(driver, HTML)
    browser.complaints()
    for page in PAGES:
        browser.open(page)
        for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
            browser.emulate(size, scheme)
            assert browser.js("return document.documentElement.scrollWidth") <= size[0], page
    assert browser.complaints() == []

    # Navigation: from the first page to a tutorial, and on to its code.
    browser.open("index.html")
    link = browser.one(".sidebar-tree a[href='docs/tutorials/attack.html']")
    browser.js("arguments[0].click()", link)
    assert browser.one("h1").text.startswith("Write an attack")
    assert "class Margin(privbench.Attack):" in browser.one("article").text

    # Code is copied whole.
    browser.driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    browser.js("arguments[0].click()", browser.one("button.copybtn"))
    WebDriverWait(driver, 5).until(lambda _: browser.all("button.copybtn.success"))

    # Search finds a page without a server.
    box = browser.one(".sidebar-search")
    box.send_keys("canaries", Keys.ENTER)
    found = (By.CSS_SELECTOR, "ul.search li a")  # comes one by one
    WebDriverWait(driver, 10).until(
        lambda d: any("threat-models" in a.get_attribute("href") for a in d.find_elements(*found))
    )
    assert browser.complaints() == []

    # The theme is chosen and kept.
    def background():
        return browser.js("return getComputedStyle(document.body).backgroundColor")

    browser.open("index.html")
    light = background()
    toggle = browser.one(".content-icon-container button.theme-toggle")
    browser.js("arguments[0].click()", toggle)  # from automatic, here light, to dark
    assert background() != light
    browser.open("docs/rows.html")
    assert background() != light
    browser.js("localStorage.clear()")
