"""What the tests need of the machine beyond Python's packages: is it there, can it be installed, and does it matter?

Each such program has a module that finds and installs it. ``python -m tests.programs`` asks them all before the tests
are run.
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
    """Tell whether a missing program is a failure."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def fail_or_skip(message: str) -> NoReturn:
    """End a test that lacks a program: a failure in CI, a skip elsewhere."""
    if in_ci():
        pytest.fail(message)
    pytest.skip(message)


def find_or_install(
    name: str, tests: str, find: Callable[[], object], install: Callable[[], None] | None, remedy: str
) -> int:
    """Find a program or install it, and say which.

    Args:
        name: What it is, such as "Chromium or Chrome".
        tests: Who needs it, such as "browser tests".
        find: Gives where it is, None if it is nowhere.
        install: Installs it if that can be done, and prints what goes wrong; None to skip the installation.
        remedy: What to do if there is none, a sentence.

    Returns:
        1 if there is none and CI needs one, else 0.
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
    """Tell whether we may do everything here; on Windows, never."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def has_apt_get() -> bool:
    """Tell whether Debian's packages can be installed without asking anybody."""
    return is_root() and shutil.which("apt-get") is not None


def apt_get(package: str) -> None:
    """Install a package of Debian's and what it cannot do without; what goes wrong is printed and left at that."""
    _update()
    run_installation("apt-get", "install", "-qq", "--no-install-recommends", package)


@functools.cache
def _update() -> None:
    run_installation("apt-get", "update", "-qq")


def run_installation(*command: str) -> None:
    """Run a command of an installation without asking anything; of its errors print only the first line."""
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
    """Provide everything; return 1 if something is missing and CI needs it, else 0."""
    from tests import postgres
    from tests.e2e import browser

    return max([browser.main(), postgres.main()])


if __name__ == "__main__":
    sys.exit(main())
