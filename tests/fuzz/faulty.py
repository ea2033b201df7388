"""Readers that fail on purpose, each in a different way at input 3, to test the campaign itself."""

from __future__ import annotations

import hashlib
import os
import random

from mnist_core.errors import DataError
from tests.fuzz.readers import Reader


def _mark(dice: random.Random, data: bytes) -> bytes:
    del dice
    return data


class _Third:
    """Calls `fail` for the third damaged input; the child first reads a valid one."""

    def __init__(self, fail: object) -> None:
        self.calls, self.fail = 0, fail

    def __call__(self, data: bytes) -> None:
        self.calls += 1
        if self.calls == 4:
            assert callable(self.fail)
            self.fail(data)
        if self.calls % 2:
            raise DataError("It is odd.", "Give another one.")


def _wrong_type(data: bytes) -> None:
    len(data[0])  # type: ignore[arg-type]


def _endless(data: bytes) -> None:
    """Loop in a C function, which no signal handler in Python can end."""
    hashlib.pbkdf2_hmac("sha256", data, data, 2**31 - 1)


def _greedy(data: bytes) -> None:
    bytearray(2**34)
    del data


def _dead(data: bytes) -> None:
    del data
    os.abort()


def _talkative(data: bytes) -> None:
    error = DataError("It is wrong.", "Correct it.")
    error.args = (str(data) * 1000,)
    raise error


READERS = {
    f"faulty-{name}": Reader(lambda: [b"sound"], _mark, _Third(fail))
    for name, fail in (
        ("type", _wrong_type),
        ("endless", _endless),
        ("greedy", _greedy),
        ("dead", _dead),
        ("talkative", _talkative),
    )
}
