"""Programs that the tests need besides Python packages: a browser and PostgreSQL.

Each program has a module that finds or installs it. ``python -m tests.programs`` calls all of them before the tests.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import NoReturn

import pytest


def in_ci() -> bool:
    """Return whether the tests run in CI, where a missing program is a failure."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def fail_or_skip(message: str) -> NoReturn:
    """Fail the test in CI; skip it elsewhere."""
    if in_ci():
        pytest.fail(message)
    pytest.skip(message)


def find_or_install(
    name: str, tests: str, find: Callable[[], object], install: Callable[[], None] | None, remedy: str
) -> int:
    """Find a program or install it, and print its path.

    Args:
        name: Its name, such as "Chromium or Chrome".
        tests: The tests that need it, such as "browser tests".
        find: Returns its path, None if it is missing.
        install: Tries to install it and prints errors; None to skip the installation.
        remedy: A sentence on what to do if it is missing.

    Returns:
        1 in CI if it is missing, else 0.
    """
    found = find()
    if found is None and install is not None:
        print(f"No {name} was found; trying to install it for the {tests}.", flush=True)
        install()
        found = find()
    if found is not None:
        print(f"The {tests} use {found}")
        return 0
    consequence = "In CI this is a failure." if in_ci() else f"Until then the {tests} are skipped."
    print(f"There is no {name} for the {tests}.\n{remedy}\n{consequence}", file=sys.stderr)
    return 1 if in_ci() else 0


def is_root() -> bool:
    """Return whether we are root; False on Windows."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def has_apt_get() -> bool:
    """Return whether Debian packages can be installed without a password."""
    return is_root() and shutil.which("apt-get") is not None


def apt_get(package: str) -> None:
    """Install a Debian package with its required dependencies; errors are printed, not raised."""
    _update()
    run_installation("apt-get", "install", "-qq", "--no-install-recommends", package)


@functools.cache
def _update() -> None:
    run_installation("apt-get", "update", "-qq")


def run_installation(*command: str) -> None:
    """Run an installation command without prompts; print only the first line of its errors."""
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


def main() -> int:
    """Find or install all programs; return 1 in CI if one is missing, else 0."""
    from tests import haproxy, postgres
    from tests.e2e import browser

    return max([browser.main(), postgres.main(), haproxy.main()])


if __name__ == "__main__":
    sys.exit(main())
