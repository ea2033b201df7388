"""Links to share: to a network with its settings, or to a finished run; and their QR codes.

The meaning of a link must never change, since links are printed in lesson plans. `tests/test_links.py` holds old links
with their meaning.
"""

from __future__ import annotations

import difflib
import io
import re
import urllib.parse
from typing import TYPE_CHECKING

import segno

from mnist_core.config import SEED, SETTINGS, RunConfig
from mnist_core.errors import ConfigError
from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHARED = "shared"
"""The parameter that holds a shared run's token."""

OWN_START = "own"
"""The value of ``seed`` in a link that gives each visitor another seed."""

# Parameters that other services add to links, and those that Streamlit reads.
_ADDED = re.compile(r"utm_\w+|mc_[ce]id|[a-z]*clid|msclkid|igshid|embed|embed_options|shared|race|course|view|language")
# Host names that mean a different computer for everybody else.
_OWN = ("localhost", "0.0.0.0", "::1")


def to_config(page: str, config: RunConfig, own_start: bool = False) -> str:
    """The link to `page`, an address without parameters, that puts a config into the editor.

    With `own_start`, each visitor gets another seed instead of the config's.
    """
    query = config.to_query() | ({"seed": OWN_START} if own_start else {})
    return f"{page}?{urllib.parse.urlencode(query, safe=',')}"


def to_run(page: str, token: str) -> str:
    """The link to `page`, an address without parameters, that opens a shared run."""
    return f"{page}?{urllib.parse.urlencode({SHARED: token})}"


def settings(query: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """The parameters of an address that are settings of a run, each with all its values.

    Parameters that others add, such as newsletters, are left out. Misspelt settings are not.
    """
    return {name: values for name, values in query.items() if name in SETTINGS or _meant(name)}


def unknown(query: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The names of parameters without a meaning here, except those that newsletters and Streamlit add."""
    return tuple(name for name in query if name not in settings(query) and not _ADDED.fullmatch(name))


def read(query: Mapping[str, Sequence[str]], visitor: int = 0) -> RunConfig | None:
    """The config in the parameters of an address; None if no parameter is a setting.

    Args:
        query: the parameters, each with all its values.
        visitor: the visitor's number, at least 0. ``seed=own`` in a link means the default seed plus this number.

    Raises:
        ConfigError: naming the setting that is misspelt, given twice, unreadable or refused.
    """
    given = settings(query)
    for name, values in given.items():
        if name not in SETTINGS:
            raise ConfigError(
                name, "is not a setting of a run.", Message("Write {meant}, or leave it out.", meant=_meant(name))
            )
        if len(values) != 1:
            raise ConfigError(name, "is in the link more than once.", "Leave only one of them.", ", ".join(values))
    if not given:
        return None
    texts = {name: values[0] for name, values in given.items()}
    if texts.get("seed") == OWN_START:
        texts["seed"] = str((RunConfig.seed + visitor) % int(SEED.high + 1))
    return RunConfig.from_query(texts)


def is_own(address: str) -> bool:
    """Whether an address works on the server's own computer only, so that others cannot use it."""
    host = urllib.parse.urlsplit(address).hostname or ""
    return host in _OWN or host.endswith(".localhost") or host.startswith("127.")


def code(link: str) -> str:
    """A link as a QR code: an SVG without a fixed size, dark on white with a margin, so it works on any background."""
    # Level M: the code can still be read when about 15 % of it is hidden.
    found = segno.make_qr(link, error="m", boost_error=False)
    picture = io.BytesIO()
    found.save(picture, kind="svg", dark="#000", light="#fff", border=4, omitsize=True, xmldecl=False, nl=False)
    return picture.getvalue().decode()


def _meant(name: str) -> str:
    """The setting whose name an unknown name nearly is; empty for none."""
    near = difflib.get_close_matches(name.lower().replace("-", "_"), SETTINGS, 1, 0.8)
    return near[0] if near else ""
