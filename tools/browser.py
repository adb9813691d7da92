"""Chromium, which prints the course and opens the site in a test. No package carries it."""

import os
import shutil
from typing import Any

from notebooks import ROOT

SITE = ROOT / "build/book"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

NAMES = "chromium", "chromium-browser", "google-chrome"
MISSING = (
    "Chromium was not found. Install it with your system's packages (Debian: apt-get "
    "install chromium), or set CHROMIUM to the path of a Chrome or Chromium."
)


def chromium() -> str | None:
    """The path of the program."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES)]
    return next((path for path in found if path), None)


def open_page(page: Any, name: str) -> None:
    """Open a page of the site, and wait for its formulas."""
    page.goto(name)
    page.evaluate("window.MathJax?.startup.promise.then(() => null)")


def serious(page: Any) -> list[str]:
    """What axe finds on a page that keeps somebody from using it."""
    from axe_playwright_python.sync_playwright import Axe

    checked = Axe().run(page, options={"resultTypes": ["violations"]}).response
    return [
        f"{rule['id']}: {rule['nodes'][0]['html']}"
        for rule in checked["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
