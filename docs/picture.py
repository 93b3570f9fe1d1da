"""Take the picture of README.md, ``docs/leaderboard.png``, of the committed site.

    .venv/bin/python docs/picture.py

It needs Chromium and chromedriver.
"""

from __future__ import annotations

from pathlib import Path

from selenium import webdriver

ROOT = Path(__file__).parent.parent
WIDTH, HEIGHT = 1280, 840


def main() -> None:
    """Open the first page of the site and save what a reader sees first."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options)
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
