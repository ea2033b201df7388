"""Counts of the answers to the check of the Learn page, for all visitors together: nothing says who answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.store.tables import check_counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_core.store.database import Database


class Checks:
    """The counts of one `RunStore`. Safe to use from any thread; the same errors as its methods."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, time: str, answers: Mapping[str, int]) -> None:
        """Count the answers of one visitor.

        Args:
            time: "before" or "after" the course.
            answers: the answer to each item, a place in its choices, by the item's key (1 to 16 characters).
        """
        with self._database.writing() as connection:
            for item, choice in answers.items():
                which = (check_counts.c.time == time, check_counts.c.item == item, check_counts.c.choice == choice)
                one_more = check_counts.update().where(*which).values(count=check_counts.c.count + 1)
                if not connection.execute(one_more).rowcount:
                    try:
                        with connection.begin_nested():
                            values = {"time": time, "item": item, "choice": choice, "count": 1}
                            connection.execute(check_counts.insert().values(**values))
                    except exc.IntegrityError:  # Another server was faster.
                        connection.execute(one_more)

    def counts(self) -> dict[tuple[str, str, int], int]:
        """How often each answer was given, by time, item and choice."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(check_counts)).all()
        return {(row[0], row[1], row[2]): row[3] for row in rows}
