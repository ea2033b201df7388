"""Find or install the browser for the end-to-end tests.

``python -m tests.e2e.browser`` does so from the command line.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from tests import programs

SHELL = "chromium-headless-shell"
"""Debian's Chromium without a window. It draws the same pages in little more than half of the time."""

WITH_WINDOW = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
"""Names or paths of browsers as people use them, tried before Playwright's own browser."""


def find(names: Sequence[str] = (SHELL, *WITH_WINDOW)) -> str | None:
    """Return the path of a Chromium or Chrome that starts, None if there is none.

    If the environment variable ``CHROMIUM`` is set, only that path is tried. Otherwise these names or paths are tried,
    then Playwright's own browser.
    """
    chosen = os.environ.get("CHROMIUM")
    for program in (chosen,) if chosen else names:
        path = shutil.which(program)
        if path and _starts(path):
            return path
    if chosen:
        return None
    path = _playwrights_own()
    return path if path and _starts(path) else None


def install() -> None:
    """Install a browser: Debian's as root, else Playwright's. Errors are printed, not raised."""
    libraries = []
    if programs.has_apt_get():
        for package in (SHELL, "chromium"):
            programs.apt_get(package)
            if find():
                return
        libraries = ["--with-deps"]
    programs.run_installation(sys.executable, "-m", "playwright", "install", "--no-shell", *libraries, "chromium")


def main() -> int:
    """Find or install a browser and print its path; return 1 in CI if there is none, else 0."""
    chosen = os.environ.get("CHROMIUM")
    if programs.in_ci() and programs.has_apt_get() and not chosen and shutil.which(SHELL) is None:
        programs.apt_get(SHELL)  # Any browser will do, but this one saves CI minutes.
    return programs.find_or_install(
        "Chromium or Chrome",
        "browser tests",
        find,
        None if chosen else install,
        (f"CHROMIUM={chosen} does not start. " if chosen else "")
        + "Install one, or give the path of one in CHROMIUM, and run this again.",
    )


def _starts(path: str) -> bool:
    """Return whether the program prints its version: Ubuntu's chromium-browser may only refer to a snap."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights_own() -> str | None:
    """Return the path of Playwright's browser, installed or not; in a new process, since it starts the driver."""
    question = (
        "from playwright.sync_api import sync_playwright as start\n"
        "with start() as playwright: print(playwright.chromium.executable_path)"
    )
    answer = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


if __name__ == "__main__":
    sys.exit(main())
