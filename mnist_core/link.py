"""Links that people share: to a network with its recipe, and to one finished run; and codes to scan them by.

What a link means must not change, since links stand in lesson plans and on the board: `tests/test_link.py` holds old
ones beside what they mean.
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHARED = "shared"
"""The parameter that holds a shared run's token."""

OWN_START = "own"
"""What a link says for the seed when each visitor is to begin with another one."""

# What others add to a link on its way, and what Streamlit reads itself.
_ADDED = re.compile(r"utm_\w+|mc_[ce]id|[a-z]*clid|msclkid|igshid|embed|embed_options|shared|race|course")
# Of the names of computers, those that mean another one to everybody else.
_OWN = ("localhost", "0.0.0.0", "::1")


def to_config(page: str, config: RunConfig, own_start: bool = False) -> str:
    """The link that opens `page`, an address without parameters, with a config in its editor.

    With `own_start`, each visitor gets a seed of their own instead of the config's.
    """
    query = config.to_query() | ({"seed": OWN_START} if own_start else {})
    return f"{page}?{urllib.parse.urlencode(query, safe=',')}"


def to_run(page: str, token: str) -> str:
    """The link that opens `page`, an address without parameters, with a shared run."""
    return f"{page}?{urllib.parse.urlencode({SHARED: token})}"


def settings(query: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Those of an address's parameters, each with all its values, that are meant as settings of a run.

    Others, such as those that newsletters add, are left out; a slip of the pen is not.
    """
    return {name: values for name, values in query.items() if name in SETTINGS or _meant(name)}


def unknown(query: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The names of those parameters that mean nothing here, other than what newsletters and Streamlit add."""
    return tuple(name for name in query if name not in settings(query) and not _ADDED.fullmatch(name))


def read(query: Mapping[str, Sequence[str]], visitor: int = 0) -> RunConfig | None:
    """The config that an address's parameters hold, each with all its values; None without any setting among them.

    Args:
        query: the parameters.
        visitor: the visitor's own number, 0 or above. A link that says ``seed=own`` means the default seed plus this.

    Raises:
        ConfigError: naming the setting that is misspelt, given twice, unreadable or refused.
    """
    given = settings(query)
    for name, values in given.items():
        if name not in SETTINGS:
            raise ConfigError(name, "is not a setting of a run.", f"Write {_meant(name)}, or leave it out.")
        if len(values) != 1:
            raise ConfigError(name, "stands in the link more than once.", "Leave one of them.", ", ".join(values))
    if not given:
        return None
    texts = {name: values[0] for name, values in given.items()}
    if texts.get("seed") == OWN_START:
        texts["seed"] = str((RunConfig.seed + visitor) % int(SEED.high + 1))
    return RunConfig.from_query(texts)


def is_own(address: str) -> bool:
    """Whether an address reaches its server from the same computer only, so that others can do nothing with it."""
    host = urllib.parse.urlsplit(address).hostname or ""
    return host in _OWN or host.endswith(".localhost") or host.startswith("127.")


def code(link: str) -> str:
    """A link as a QR code: an SVG without a size of its own, dark on white, margin included, for any background."""
    # A seventh of it may be hidden by a head, a reflection or a bad lens.
    found = segno.make_qr(link, error="m", boost_error=False)
    picture = io.BytesIO()
    found.save(picture, kind="svg", dark="#000", light="#fff", border=4, omitsize=True, xmldecl=False, nl=False)
    return picture.getvalue().decode()


def _meant(name: str) -> str:
    """The setting that an unknown name is a slip of the pen for; empty for none."""
    near = difflib.get_close_matches(name.lower().replace("-", "_"), SETTINGS, 1, 0.8)
    return near[0] if near else ""
