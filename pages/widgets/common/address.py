"""Where the visitor is on a page, in its address: a reload, Back or a link leads there."""

from __future__ import annotations

import streamlit as st

from pages.widgets.state.keys import Key


def _written(parameter: str) -> Key[str]:
    """The value that the page wrote last."""
    return Key(f"address-{parameter}-noted", "")


def arrived_by_address(parameter: str) -> str:
    """The value that a link, a reload or Back has brought into the address; empty if the page itself wrote it."""
    value = str(st.query_params.get(parameter, ""))
    return "" if value == _written(parameter).get() else value


def write_address(**values: str | None) -> None:
    """Write values into the address, all at once: each change is a step for Back in the browser.

    Args:
        values: by parameter. An empty one removes the parameter, None leaves it as it is.
    """
    known = {parameter: value for parameter, value in values.items() if value is not None}
    before = st.query_params.to_dict()
    after = {parameter: value for parameter, value in {**before, **known}.items() if value}
    for parameter, value in known.items():
        _written(parameter).set(value)
    if after != before:
        st.query_params.from_dict(after)
