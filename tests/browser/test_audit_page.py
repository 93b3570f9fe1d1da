"""The page of an audit in a real Chromium: hover, keyboard, phone width, and what is printed."""

import base64

import numpy as np
import pytest

import privbench

PHONE, DESKTOP = 375, 1280


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    rng = np.random.default_rng(0)
    member = rng.random((6, 300)) < 0.5
    labels = rng.integers(0, 3, 300)
    logits = rng.normal(size=(6, 300, 3))
    logits[:, np.arange(300), labels] += 1 + 2 * member
    column = np.array(["<img src=x onerror=alert(1)>", "x" * 200, "short"])[np.arange(300) % 3]
    arrays = {"logits": logits, "labels": labels, "member": member, "column": column}
    report = privbench.audit(arrays, attacks=["loss", "gap", "quantile"], slices=["column"])
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report.to_html("privbench audit x.npz"))
    return path.as_uri()


@pytest.fixture
def opened(driver, page):
    """Opens the page in a window of a given width."""

    def opened(width):
        window = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
        driver.get(page)
        return driver

    return opened


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_nothing_is_wider_than_the_window(opened, width):
    driver = opened(width)
    wide = driver.execute_script(
        "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .tip') &&"
        " e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.outerHTML.slice(0, 99))"
    )
    assert wide == []
    assert driver.get_log("browser") == []


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_a_word_is_explained_on_focus_and_on_hover(opened, width):
    from selenium.webdriver import ActionChains

    driver = opened(width)
    term = driver.find_element("css selector", ".term")
    tip = term.find_element("css selector", ".tip")
    assert not tip.is_displayed()
    driver.execute_script("arguments[0].focus()", term)
    assert tip.is_displayed()
    assert "training set of a given model" in tip.text
    right = driver.execute_script("return arguments[0].getBoundingClientRect().right", tip)
    assert right <= width
    driver.execute_script("arguments[0].blur()", term)
    assert not tip.is_displayed()
    ActionChains(driver).move_to_element(term).perform()
    assert tip.is_displayed()


def test_it_prints_on_a_few_pages_of_a4(opened):
    driver = opened(DESKTOP)
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = base64.b64decode(printed["data"])
    assert 3 <= pdf.count(b"/Type /Page\n") <= 8
    assert b"/MediaBox [0 0 594" in pdf or b"/MediaBox [0 0 595" in pdf  # points: 210 mm
