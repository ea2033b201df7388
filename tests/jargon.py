"""Check that messages for visitors contain no programmers' jargon."""

from __future__ import annotations

import re

# An object's address, NumPy's name of a type or shape, a path on the server, a Python class name.
_JARGON = re.compile(
    r"\b0x[0-9a-f]{2}|array of shape|\b(uint8|float32|int64)\b|(?<!\w)/\w|\w/\w|\bndarray\b|<\w+|_UnfitError"
)


def assert_no_jargon(message: str) -> None:
    """Fail if the message contains an object's address, a path or jargon, or is too long."""
    found = _JARGON.search(message)
    assert not found, f"{found and found.group()!r} in: {message}"
    assert len(message) < 700
