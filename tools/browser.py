"""Chromium, which prints the course and opens the site in a test. No package carries it."""

import os
import shutil

NAMES = "chromium", "chromium-browser", "google-chrome"
MISSING = (
    "Chromium was not found. Install it with your system's packages (Debian: apt-get "
    "install chromium), or set CHROMIUM to the path of a Chrome or Chromium."
)


def chromium() -> str | None:
    """The path of the program."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES)]
    return next((path for path in found if path), None)
