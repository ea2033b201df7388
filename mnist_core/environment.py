"""Whole numbers in environment variables. `docs/settings.md` lists all variables."""

from __future__ import annotations

import functools
import logging
import os

logger = logging.getLogger(__name__)


def whole_number(name: str, default: float, least: int = 0) -> float:
    """The number in an environment variable; the default if it is not set, too small, or something else.

    The log says once that a value is ignored.

    Args:
        name: of the variable.
        default: any number, also one that the variable cannot say, such as infinity.
        least: the smallest number that is not ignored.
    """
    found = _read(name, os.environ.get(name, ""), least)
    return default if found is None else found


@functools.lru_cache(maxsize=100)  # Some are read several times a second.
def _read(name: str, text: str, least: int) -> int | None:
    if text.isdecimal() and int(text) >= least:
        return int(text)
    if text:
        logger.warning("%s is %r and is ignored. It must be a whole number, at least %d.", name, text, least)
    return None
