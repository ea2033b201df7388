"""The proxy of docs/haproxy.cfg, in front of servers that a test has started.

It needs Debian's package `haproxy`, or that program on the path. ``python -m tests.haproxy`` finds it, or installs it
if possible.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import programs

CONFIG = Path(__file__).parents[1] / "docs" / "haproxy.cfg"


def find() -> str | None:
    """Return the path of the program, None if it is missing."""
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


def main() -> int:
    """Find or install the program and print its path; return 1 in CI if it is missing, else 0."""
    return programs.find_or_install(
        "HAProxy",
        "tests of several servers",
        find,
        _install if programs.has_apt_get() else None,
        "Install it (on Debian and Ubuntu the package haproxy), and run this again.",
    )


def _install() -> None:
    programs.apt_get("haproxy")


@contextlib.contextmanager
def running(port: int, servers: tuple[int, int], folder: Path, config: Path = CONFIG) -> Iterator[None]:
    """Run the proxy at a port of this machine, in front of two others; its messages go to a file in `folder`."""
    program = find()
    if program is None:
        programs.fail_or_skip("No HAProxy found; `make test` as root on Debian or Ubuntu installs it.")
    settings = {"PLAYGROUND_BIND": f"127.0.0.1:{port}"}
    settings |= {f"PLAYGROUND_{name}": f"127.0.0.1:{one}" for name, one in zip(("ONE", "TWO"), servers, strict=True)}
    with (folder / "haproxy.txt").open("w") as output:
        process = subprocess.Popen(
            [program, "-db", "-f", str(config)], env=os.environ | settings, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
