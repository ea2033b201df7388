"""Files of a workspace other than runs, each under a name, such as a visitor's drawings. A new one replaces the old."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.errors import StoreError
from mnist_core.language import Message
from mnist_core.store.tables import files
from mnist_core.store.workspaces import workspace_key
from mnist_core.training import codec

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.store.database import Database
    from mnist_core.store.quotas import Quotas

MAX_FILE_BYTES = 64 * 2**20


class Files:
    """The files of one `RunStore`. Safe to use from any thread; the same errors as its methods."""

    def __init__(self, database: Database, quotas: Quotas, clock: Callable[[], float]) -> None:
        self._database = database
        self._quotas = quotas
        self._clock = clock

    def save(self, workspace: str, name: str, data: bytes) -> None:
        """Save a file. It counts towards the quotas; old runs are removed for it as for a run.

        Args:
            workspace: the owner's token.
            name: 1 to 16 characters.
            data: at most `MAX_FILE_BYTES`; without a byte, the file is removed.

        Raises:
            StoreError: also if it is too large, or there is no space for it.
        """
        if len(data) > MAX_FILE_BYTES:
            most, size = (f"{count / 2**20:,.0f} MB" for count in (MAX_FILE_BYTES, len(data)))
            raise StoreError("This is too large to be saved.", Message("At most {most} are saved.", most=most), size)
        key = workspace_key(workspace)
        where = (files.c.workspace == key, files.c.name == name)
        values = {"checksum": codec.checksum(data), "size": len(data), "updated": self._clock(), "data": data}
        with self._database.writing() as connection:
            if not data:
                connection.execute(files.delete().where(*where))
                return
            if not connection.execute(files.update().where(*where).values(values)).rowcount:
                try:
                    with connection.begin_nested():
                        connection.execute(files.insert().values(workspace=key, name=name, **values))
                except exc.IntegrityError:  # Another server was faster; the later one counts.
                    connection.execute(files.update().where(*where).values(values))
            self._quotas.record_visit(connection, key)
            self._quotas.enforce_for_workspace(connection, key, "")
            self._quotas.enforce_for_all(connection, key, "")

    def load(self, workspace: str, name: str) -> bytes | None:
        """The content of a file; None if there is none.

        Raises:
            StoreError: also if it is damaged.
        """
        where = (files.c.workspace == workspace_key(workspace), files.c.name == name)
        with self._database.reading() as connection:
            row = connection.execute(sa.select(files.c.checksum, files.c.data).where(*where)).one_or_none()
        if row is None:
            return None
        if not isinstance(row.data, bytes) or codec.checksum(row.data) != row.checksum:
            raise StoreError("What was saved of this is damaged.", "Delete it, or ask the person who runs this server.")
        return row.data

    def names(self, workspace: str) -> frozenset[str]:
        """The names of the workspace's files."""
        query = sa.select(files.c.name).where(files.c.workspace == workspace_key(workspace))
        with self._database.reading() as connection:
            return frozenset(connection.execute(query).scalars())
