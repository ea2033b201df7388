"""Where the visitor is on a page, in its address: a reload, Back or a link leads there."""

from __future__ import annotations

import streamlit as st

from pages.widgets.state.keys import Key


def _written(parameter: str) -> Key[str]:
    """The value that the page wrote last."""
    return Key(f"address-{parameter}-noted", "")


def arrived_by_address(parameter: str) -> str:
    """The value that a link, a reload or Back has brought into the address, once; empty if the page wrote it."""
    value = str(st.query_params.get(parameter, ""))
    if value == _written(parameter).get():
        return ""
    _written(parameter).set(value)
    return value


def write_address(parameter: str, value: str) -> None:
    """Write a value into the address; an empty one removes the parameter."""
    _written(parameter).set(value)
    if value and st.query_params.get(parameter) != value:
        st.query_params[parameter] = value
    elif not value and parameter in st.query_params:
        del st.query_params[parameter]
