"""The limits of `mnist_core.limits` for the visitor of the current page."""

from __future__ import annotations

import functools

import streamlit as st
from streamlit import runtime

from mnist_core import environment, limits


def spend(kind: str) -> None:
    """Count something that the visitor starts. Visitors on the server's own machine have no limits.

    Raises:
        LimitError: there were too many from the visitor's address.
    """
    address = _address()
    if address is not None:
        _shared().spend(kind, address)


def give_back(kind: str) -> None:
    """Take back one `spend` of the visitor, of something that was not started after all."""
    address = _address()
    if address is not None:
        _shared().give_back(kind, address)


def _address() -> str | None:
    """The visitor's IP address; None on the server's own machine, and in page tests."""
    if not runtime.exists():
        return None
    header = ",".join(st.context.headers.get_all("X-Forwarded-For"))
    forwarded = [one.strip() for one in header.split(",") if one.strip()]
    return (
        limits.client_address(st.context.ip_address or "", forwarded, int(environment.whole_number("MNIST_PROXIES", 0)))
        or None
    )


@functools.cache
def _shared() -> limits.Limits:
    return limits.Limits(
        {
            kind: int(environment.whole_number(f"MNIST_MAX_{kind.upper()}_PER_HOUR", most))
            for kind, most in limits.AN_HOUR.items()
        }
    )
