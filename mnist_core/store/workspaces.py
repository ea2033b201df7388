"""Workspaces: who owns a run, without names and passwords.

A workspace is a secret token of 128 random bits. Anyone who has the token can use the workspace. The database holds
only its SHA-256, so a copy of the database opens no workspace. People write the token down as a recovery code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from mnist_core.errors import RunNotFoundError, WorkspaceError
from mnist_core.language import Message

_TOKEN_BYTES = 16
RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
# Crockford's base 32: no letters that look like a digit or like another letter.
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_GROUPS, _GROUP = 6, 5
# The remaining bits of the code are a checksum: one typing error in four million goes unnoticed.
_CHECK_BITS = _GROUPS * _GROUP * 5 - _TOKEN_BYTES * 8


def new_workspace() -> str:
    """A new workspace's token: 22 letters, digits, ``-`` and ``_``, so it can be part of an address."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def is_workspace(text: str) -> bool:
    """Whether `text` has the form of a token of `new_workspace`."""
    return _TOKEN.fullmatch(text) is not None


def workspace_key(token: str) -> str:
    """The key of a workspace in the database: the SHA-256 of its token, 64 hexadecimal digits.

    Raises:
        WorkspaceError: `token` does not have the form of a token of `new_workspace`.
    """
    return hashlib.sha256(_secret(token)).hexdigest()


def key_of(token: str, run_id: str) -> str:
    """As `workspace_key`, and check that `run_id` has the form of an id before the database gets it.

    Raises:
        WorkspaceError: `token` is not a workspace's token.
        RunNotFoundError: `run_id` is not an id.
    """
    key = workspace_key(token)
    if not RUN_ID.fullmatch(run_id):
        raise RunNotFoundError
    return key


def recovery_code(token: str) -> str:
    """The token in a form that people can copy by hand: six groups of five capital letters and digits.

    Raises:
        WorkspaceError: `token` does not have the form of a token of `new_workspace`.
    """
    secret = _secret(token)
    number = int.from_bytes(secret, "big") << _CHECK_BITS | _check(secret)
    symbols = "".join(SYMBOLS[number >> 5 * place & 31] for place in reversed(range(_GROUPS * _GROUP)))
    return "-".join(symbols[start : start + _GROUP] for start in range(0, len(symbols), _GROUP))


def from_recovery_code(text: str) -> str:
    """The token of a recovery code. Case, spaces and dashes do not matter; O is read as 0, I and L as 1.

    Raises:
        WorkspaceError: the code is incomplete, or a symbol is wrong.
    """
    symbols = spoken_code(text)
    if len(symbols) != _GROUPS * _GROUP or set(symbols) - set(SYMBOLS):
        # Do not repeat what was received: it may be most of a secret.
        raise WorkspaceError(
            "This is not a recovery code.",
            Message(
                "A code has {groups} groups of {group} letters and digits. Copy all of it.",
                groups=_GROUPS,
                group=_GROUP,
            ),
            Message("{count} letters and digits", count=len(symbols)),
        )
    number = 0
    for symbol in symbols:
        number = number << 5 | SYMBOLS.index(symbol)
    secret = (number >> _CHECK_BITS).to_bytes(_TOKEN_BYTES, "big")
    if number & (1 << _CHECK_BITS) - 1 != _check(secret):
        raise WorkspaceError(
            "There is a mistake in this recovery code.",
            "Compare it with what you wrote down, letter by letter.",
        )
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def spoken_code(text: str) -> str:
    """A code as it was meant: people type it in any case, with spaces and dashes, and with letters that it has not."""
    return re.sub(r"[\s\u2010-\u2015-]", "", text).upper().translate(_MISREAD)


def share_token(token: str, run_id: str) -> str:
    """The token of the link to one shared run: 22 letters, digits, ``-`` and ``_``.

    It is always the same for the same run, so it need not be saved. It opens nothing else in the workspace.

    Raises:
        WorkspaceError: `token` does not have the form of a token of `new_workspace`.
    """
    digest = hmac.digest(_secret(token), b"shared run " + run_id.encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).rstrip(b"=").decode()


def random_start(token: str) -> int:
    """A number from 0 to 2**31 - 1 that is always the same for a workspace and different for others.

    The token cannot be computed from it.

    Raises:
        WorkspaceError: `token` does not have the form of a token of `new_workspace`.
    """
    return int.from_bytes(hmac.digest(_secret(token), b"random start", "sha256")[:4], "big") >> 1


def _secret(token: str) -> bytes:
    if not _TOKEN.fullmatch(token):
        raise WorkspaceError("This is not a workspace.", "Enter your recovery code, or start a new workspace.")
    return base64.urlsafe_b64decode(token + "==")


def _check(secret: bytes) -> int:
    """The checksum of a recovery code, `_CHECK_BITS` bits."""
    return int.from_bytes(hashlib.sha256(b"recovery code" + secret).digest(), "big") >> 256 - _CHECK_BITS
