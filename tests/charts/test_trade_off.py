"""The chart of accuracy against cost on the Compare page."""

from __future__ import annotations

import json

from mnist_core.charts import comparison as comparison_charts
from mnist_core.charts.style import ERROR, INK


def test_trade_off_colors_match_the_curves() -> None:
    spec = comparison_charts.trade_off("parameters", ["it's mine", 'a "b"'], (1e3, 1e6), (0.9, 1.0), is_log=True)
    json.dumps(spec)
    points = spec["layer"][1]["encoding"]["color"]["condition"]
    assert points["test"]["oneOf"] == points["scale"]["domain"] == ["it's mine", 'a "b"']
    assert points["scale"]["range"] == [INK, ERROR]
    assert spec["encoding"]["x"]["scale"] == {"domain": [1e3, 1e6], "nice": False, "type": "log"}
    assert "type" not in comparison_charts.trade_off("seconds", [], (0, 9), (0, 1))["encoding"]["x"]["scale"]
