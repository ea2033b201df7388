"""Charts of Vega-Lite in the language of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.language import number_format

if TYPE_CHECKING:
    import pandas as pd
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.elements.vega_charts import VegaLiteState


def vega_chart(
    spec: dict[str, Any],
    table: pd.DataFrame | None = None,
    *,
    alt: str,
    key: str | None = None,
    place: DeltaGenerator | None = None,
) -> None:
    """Show a chart. Its axes and tooltips write numbers as the language that is spoken here.

    Args:
        spec: the description, see `mnist_core.charts`.
        table: the data, if they are not part of the description.
        alt: the chart in words.
        key: unique on the page; the browser keeps the chart while its data change.
        place: where it goes; None for here.
    """
    (place or st).vega_lite_chart(table, _localized(spec), key=key, alt=alt)


def selectable_chart(spec: dict[str, Any], table: pd.DataFrame | None = None, *, alt: str, key: str) -> VegaLiteState:
    """As `vega_chart`, for a description with a selection; returns what is selected, each time that it changes."""
    return st.vega_lite_chart(table, _localized(spec), key=key, alt=alt, on_select="rerun")


def _localized(spec: dict[str, Any]) -> dict[str, Any]:
    return {**spec, "config": {**spec.get("config", {}), "locale": {"number": number_format()}}}
