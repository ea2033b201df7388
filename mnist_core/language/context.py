"""Which language is spoken: that of the block of code, that of the visitor, or English."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

from mnist_core.language.catalogues import LANGUAGES, SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_spoken: ContextVar[str | None] = ContextVar("language", default=None)
_of_visitor: Callable[[], str | None] = lambda: None  # noqa: E731 - replaced by `provide`.


def provide(of_visitor: Callable[[], str | None]) -> None:
    """Name the function that knows the language of the visitor whose code runs; None where nobody's does."""
    global _of_visitor  # noqa: PLW0603 - one for the process: the core knows no screen.
    _of_visitor = of_visitor


def current() -> str:
    """The language that is spoken here, a key of `LANGUAGES`."""
    return _spoken.get() or _of_visitor() or SOURCE


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language within a block, whatever the visitor's is. An unknown one is English."""
    token = _spoken.set(language if language in LANGUAGES else SOURCE)
    try:
        yield
    finally:
        _spoken.reset(token)


def match(wanted: str | None) -> str | None:
    """The language of `LANGUAGES` for a language tag such as "de-AT"; None if there is none."""
    tag = (wanted or "").replace("_", "-").split("-")[0].lower()
    return tag if tag in LANGUAGES else None
