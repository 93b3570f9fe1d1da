"""Take the picture of README.md, ``docs/leaderboard.png``, of the committed site.

    .venv/bin/python docs/picture.py

It needs Chromium and chromedriver.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).parent.parent
WIDTH, HEIGHT = 1280, 850


def main() -> None:
    """Open the first page of the site and save what a reader sees first."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False},
        )
        driver.get((ROOT / "results" / "site" / "index.html").as_uri())
        driver.save_screenshot(str(ROOT / "docs" / "leaderboard.png"))
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
