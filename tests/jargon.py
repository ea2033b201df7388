"""What a visitor reads: no words that only programmers know."""

from __future__ import annotations

import re

# An object's address, a type or a shape in NumPy's words, a path on the server, a name in Python's form.
_JARGON = re.compile(
    r"\b0x[0-9a-f]{2}|array of shape|\b(uint8|float32|int64)\b|(?<!\w)/\w|\w/\w|\bndarray\b|<\w+|_UnfitError"
)


def assert_no_jargon(message: str) -> None:
    """A message without an object's address, a path, or the words of a programmer."""
    found = _JARGON.search(message)
    assert not found, f"{found and found.group()!r} in: {message}"
    assert len(message) < 700
