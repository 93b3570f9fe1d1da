"""A site made by hand, opened from a folder in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from leaderboard.sites import site
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from privbench.leaderboard.pages import write_site

DESKTOP, PHONE = (1280, 900), (390, 844)


class Browser:
    """A window that shows pages of the site."""

    def __init__(self, driver: webdriver.Chrome, folder: Path) -> None:
        self.driver = driver
        self.folder = folder

    def open(self, page: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        """Open a page, such as ``boards/x.html#q=y``, as if for the first time."""
        self.driver.get("about:blank")  # a link to another fragment would not load the page again
        self.emulate(size, scheme)
        self.driver.get((self.folder / "index.html").as_uri().replace("index.html", page))

    def emulate(self, size: tuple[int, int], scheme: str) -> None:
        """Show the page in a window of a size, on a system with a color scheme."""
        width, height = size
        window = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        return [element.text for element in self.all(css)]

    def js(self, code: str, *arguments: object) -> object:
        return self.driver.execute_script(code, *arguments)

    @property
    def address(self) -> str:
        return self.driver.current_url

    def complaints(self) -> list[str]:
        """Return what the console says since the last call: errors, and refusals of the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_site(site(), folder)
    return folder


@pytest.fixture(scope="module")  # so that other tests have no child processes
def driver() -> Iterator[webdriver.Chrome]:
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("no chromium and chromedriver (apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(chromedriver)) as driver:
        yield driver


@pytest.fixture
def browser(driver: webdriver.Chrome, site_folder: Path) -> Browser:
    found = Browser(driver, site_folder)
    found.complaints()
    return found
