"""The README's picture, the overview of a report: ``python -m benchmarks.report_picture``."""

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.report_page import chromium


def main() -> None:
    """Open the page in Chromium and save its first view, which is one screen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, default=Path("results/report.html"))
    parser.add_argument("--picture", type=Path, default=Path("docs/report.png"))
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
        page.goto(given.report.resolve().as_uri() + "#overview")
        page.screenshot(path=given.picture)
        browser.close()


if __name__ == "__main__":
    main()
