"""Finds the browser that the end-to-end tests drive, or installs one.

``python -m tests.e2e.browser`` does so from the command line, before the tests are run.
"""

import os
import shutil
import subprocess
import sys

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
"""Where a browser may be, by name or whole path: tried after ``CHROMIUM`` and before Playwright's own."""


def find() -> str | None:
    """Return the path of a Chromium or Chrome that starts, None if there is none.

    If the environment variable ``CHROMIUM`` is set, it alone counts.
    """
    chosen = os.environ.get("CHROMIUM")
    for program in (chosen,) if chosen else PROGRAMS:
        path = shutil.which(program)
        if path and _starts(path):
            return path
    if chosen:
        return None
    path = _playwrights_own()
    return path if path and _starts(path) else None


def install() -> None:
    """Install a browser: Debian's as root, else Playwright's; what goes wrong is printed and left at that."""
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None
    if as_root:
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-qq", "--no-install-recommends", "chromium")
        if find():
            return
    libraries = ["--with-deps"] if as_root else []
    _run(sys.executable, "-m", "playwright", "install", "--no-shell", *libraries, "chromium")


def in_ci() -> bool:
    """Tell whether a missing browser is a failure."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def main() -> int:
    """Find or install a browser and say which; return 1 if there is none and CI needs one, else 0."""
    chosen = os.environ.get("CHROMIUM")
    path = find()
    if path is None and not chosen:
        print("No Chromium or Chrome was found; installing one for the browser tests.", flush=True)
        install()
        path = find()
    if path:
        print(f"The browser tests use {path}")
        return 0
    reason = f"CHROMIUM={chosen} does not start." if chosen else "None was found, and none could be installed."
    print(
        f"There is no browser for the end-to-end tests. {reason}\n"
        "Install Chromium or Chrome, or give the path of one in CHROMIUM, and run this again.\n"
        + ("In CI this is a failure." if in_ci() else "Until then the browser tests are skipped."),
        file=sys.stderr,
    )
    return 1 if in_ci() else 0


def _starts(path: str) -> bool:
    """Tell whether the program says its version: Ubuntu's chromium-browser may only ask for a snap."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights_own() -> str | None:
    """Return where Playwright keeps its browser, there or not; a process of its own, as the driver starts."""
    question = (
        "from playwright.sync_api import sync_playwright as start\n"
        "with start() as playwright: print(playwright.chromium.executable_path)"
    )
    answer = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None


def _run(*command: str) -> None:
    """Run a command of the installation without asking anything; of its errors print only the first line."""
    print("$", *command, flush=True)
    done = subprocess.run(
        command,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
        print(f"This failed: {first}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
