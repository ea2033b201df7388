"""A temporary PostgreSQL server for the tests: it runs in a temporary folder and listens on a socket there.

It needs the programs of Debian's package `postgresql`, or `initdb` on the path. ``python -m tests.postgres`` finds
them, or installs them if possible.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from tests import programs

NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/none-for-tests.conf")
"""While this file exists, installing Debian's package creates no database and starts no service."""


@dataclass(frozen=True)
class Postgres:
    """A running server; `folder` holds its socket, data and log, `control` starts and stops it."""

    folder: Path
    control: Callable[..., None]

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def new_database(self, name: str = "") -> str:
        """Return the URL of a new, empty database."""
        name = name or f"test_{uuid.uuid4().hex}"
        self._make("DATABASE", name)
        return self.url(name)

    @contextlib.contextmanager
    def new_schema(self) -> Iterator[str]:
        """Give the URL of a new, empty schema: faster to create than a database, and smaller.

        At the end its connections are closed: a store that a test leaves to the garbage collection keeps them for as
        long as the collection takes, and the server allows a hundred.
        """
        name = f"test_{uuid.uuid4().hex}"
        self._make("SCHEMA", name)
        try:
            yield f"{self.url('postgres')}&options=-csearch_path%3D{name}&application_name={name}"
        finally:
            self._run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'")

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Stop the server as if its machine had failed, and start it again at the end."""
        self.control("-m", "immediate", "stop")
        try:
            yield
        finally:
            self.control("start")

    def _make(self, what: str, name: str) -> None:
        self._run(f"CREATE {what} {name}")

    def _run(self, statement: str) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


def find_programs() -> Path | None:
    """Return the folder with the programs of the newest PostgreSQL, None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def install() -> None:
    """Install Debian's package; errors are printed, not raised."""
    NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    NO_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        programs.apt_get("postgresql")
    finally:
        NO_CLUSTER.unlink()


def main() -> int:
    """Find or install the programs, and print their folder; return 1 in CI if there are none, else 0."""
    return programs.find_or_install(
        "PostgreSQL",
        "PostgreSQL tests",
        find_programs,
        install if programs.has_apt_get() else None,
        "Install it (on Debian and Ubuntu the package postgresql) or put its initdb on the PATH, and run this again.",
    )


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """Run a server. Without its programs, the test fails in CI and is skipped elsewhere."""
    folder_of_programs = find_programs()
    if folder_of_programs is None:
        programs.fail_or_skip("No PostgreSQL found; `make test` as root on Debian or Ubuntu installs it.")
    # Directly in /tmp: the server's user has no access to pytest's folder, and the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="playground-pg-"))
    user = group = None
    if programs.is_root():  # The server refuses to run as root.
        import pwd

        user = "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
        group = pwd.getpwnam(user).pw_gid
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        log = folder / "programs.log"
        with log.open("a") as output:
            done = subprocess.run(
                [folder_of_programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                check=False,
            )
        assert done.returncode == 0, log.read_text()

    data, log = str(folder / "data"), str(folder / "server.log")
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    control = partial(run, "pg_ctl", "-D", data, "-w", "-t", "120", "-l", log, "-o", settings)
    try:
        run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        control("start")
        try:
            yield Postgres(folder, control)
        finally:
            control("-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
