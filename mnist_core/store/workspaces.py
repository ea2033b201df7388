"""Workspaces: to whom runs belong, without names and passwords.

A workspace is a secret token of 128 random bits. Whoever has it has the workspace; a store knows only its SHA-256, so
that nobody can get in with what stands in the database. People write the token down as a recovery code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from mnist_core.errors import WorkspaceError

_TOKEN_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
# Crockford's base 32: no letter that is easily taken for a digit, or for another letter.
_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_GROUPS, _GROUP = 6, 5
# What the symbols hold beyond the token tells a slip from a code: one in four million goes unnoticed.
_CHECK_BITS = _GROUPS * _GROUP * 5 - _TOKEN_BYTES * 8


def new_workspace() -> str:
    """A new workspace's token: 22 letters, digits, ``-`` and ``_``, fit for an address."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def is_workspace(text: str) -> bool:
    """Whether `text` is of the form that `new_workspace` gives."""
    return _TOKEN.fullmatch(text) is not None


def workspace_key(token: str) -> str:
    """What a store knows a workspace by: the SHA-256 of its token, 64 hexadecimal digits.

    Raises:
        WorkspaceError: `token` is not of the form that `new_workspace` gives.
    """
    return hashlib.sha256(_secret(token)).hexdigest()


def recovery_code(token: str) -> str:
    """The token in a form that people can copy by hand: six groups of five capital letters and digits.

    Raises:
        WorkspaceError: `token` is not of the form that `new_workspace` gives.
    """
    secret = _secret(token)
    number = int.from_bytes(secret, "big") << _CHECK_BITS | _check(secret)
    symbols = "".join(_SYMBOLS[number >> 5 * place & 31] for place in reversed(range(_GROUPS * _GROUP)))
    return "-".join(symbols[start : start + _GROUP] for start in range(0, len(symbols), _GROUP))


def from_recovery_code(text: str) -> str:
    """The token of a recovery code, whatever its case, spaces and dashes; O is read as 0, I and L as 1.

    Raises:
        WorkspaceError: it is not a whole code, or a symbol of it is wrong.
    """
    symbols = re.sub(r"[\s\u2010-\u2015-]", "", text).upper().translate(_MISREAD)
    if len(symbols) != _GROUPS * _GROUP or set(symbols) - set(_SYMBOLS):
        # What was received is a secret, or most of one, so it is not repeated.
        raise WorkspaceError(
            "This is no recovery code.",
            f"It has {_GROUPS} groups of {_GROUP} letters and digits; copy all of it.",
            f"{len(symbols)} letters and digits",
        )
    number = 0
    for symbol in symbols:
        number = number << 5 | _SYMBOLS.index(symbol)
    secret = (number >> _CHECK_BITS).to_bytes(_TOKEN_BYTES, "big")
    if number & (1 << _CHECK_BITS) - 1 != _check(secret):
        raise WorkspaceError(
            "Something in this recovery code is not right.",
            "Compare it with where you wrote it down, letter by letter.",
        )
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def share_token(token: str, run_id: str) -> str:
    """What opens one run of a workspace to whoever is given it: 22 letters, digits, ``-`` and ``_``.

    Always the same for the same run, so that nobody need keep it, and of no use for anything else in the workspace.

    Raises:
        WorkspaceError: `token` is not of the form that `new_workspace` gives.
    """
    digest = hmac.digest(_secret(token), b"shared run " + run_id.encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).rstrip(b"=").decode()


def random_start(token: str) -> int:
    """A number of the workspace's own, 0 to 2**31 - 1: the same for good, and another one for everybody else.

    It does not give the token away.

    Raises:
        WorkspaceError: `token` is not of the form that `new_workspace` gives.
    """
    return int.from_bytes(hmac.digest(_secret(token), b"random start", "sha256")[:4], "big") >> 1


def _secret(token: str) -> bytes:
    if not _TOKEN.fullmatch(token):
        raise WorkspaceError("This is no workspace.", "Enter your recovery code, or begin a new workspace.")
    return base64.urlsafe_b64decode(token + "==")


def _check(secret: bytes) -> int:
    """So many bits as the code has room for, which any slip changes."""
    return int.from_bytes(hashlib.sha256(b"recovery code" + secret).digest(), "big") >> 256 - _CHECK_BITS
