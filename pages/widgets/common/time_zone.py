"""The visitor's time zone."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def of_visitor() -> tzinfo:
    """The visitor's time zone if the browser sends a valid one, else UTC."""
    try:
        return ZoneInfo(str(st.context.timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
