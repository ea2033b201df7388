"""The Compare page's pictures: every number in its cell, every run where it belongs."""

from __future__ import annotations

import json

import numpy as np

from mnist_core import comparison_figures
from mnist_core.figures import ERROR, INK, with_alpha


def test_difference_has_each_number_in_its_cell_with_its_sign() -> None:
    matrix = np.random.default_rng(1).integers(-30, 10, (10, 10))
    matrix[2, 3] = 0
    (trace,) = comparison_figures.difference_matrix(matrix, "black").data
    np.testing.assert_array_equal(np.asarray(trace.z), matrix)
    assert trace.text[2][3] == ""
    for row, texts in zip(matrix.tolist(), trace.text, strict=True):
        assert [int(text.replace("−", "-") or 0) for text in texts] == row
        assert all(text[0] in "+−" for text in texts if text)


def test_difference_is_as_blue_for_one_more_as_orange_for_one_less() -> None:
    matrix = np.zeros((10, 10), np.int64)
    matrix[0, 0] = -7
    (trace,) = comparison_figures.difference_matrix(matrix, "black").data
    assert (trace.zmin, trace.zmax) == (-7, 7)
    assert trace.colorscale[0][1] == with_alpha(ERROR, 0.85)
    assert trace.colorscale[-1][1] == with_alpha(INK, 0.85)
    (blank,) = comparison_figures.difference_matrix(np.zeros((10, 10), np.int64), "black").data
    assert blank.zmin < 0 < blank.zmax  # Of two that agree in everything, too.


def test_trade_off_colours_the_chosen_runs_as_the_curves_do() -> None:
    spec = comparison_figures.trade_off("parameters", ["it's mine", 'a "b"'], (1e3, 1e6), (0.9, 1.0), is_log=True)
    json.dumps(spec)
    points = spec["layer"][1]["encoding"]["color"]["condition"]
    assert points["test"]["oneOf"] == points["scale"]["domain"] == ["it's mine", 'a "b"']
    assert points["scale"]["range"] == [INK, ERROR]
    assert spec["encoding"]["x"]["scale"] == {"domain": [1e3, 1e6], "nice": False, "type": "log"}
    assert "type" not in comparison_figures.trade_off("seconds", [], (0, 9), (0, 1))["encoding"]["x"]["scale"]
