"""The colors of compared runs, as people with red-green color blindness see them, on a light and on a dark page."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from mnist_core.charts import training

# Streamlit's backgrounds.
LIGHT, DARK = "#ffffff", "#171614"
# From linear RGB to linear RGB, severity 1.0: Machado, Oliveira and Fernandes 2009, table 1.
SIGHT = {
    "usual": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
}
# From linear sRGB to CIE XYZ with the white point D65 (IEC 61966-2-1).
TO_XYZ = np.array(
    ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
)

NAMES = ("a", "b", "c", "d", "e", "f", training.PUBLISHED)
COLORS = tuple(training.series(NAMES)["range"])


def linear(color: str) -> npt.NDArray[np.float64]:
    """Linear red, green and blue, 0 to 1."""
    values = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(color: str, sight: str) -> npt.NDArray[np.float64]:
    """CIELAB of a color as somebody sees it."""
    xyz = TO_XYZ @ np.clip(np.array(SIGHT[sight]) @ linear(color), 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array((116 * y - 16, 500 * (x - y), 200 * (y - z)))


def contrast(color: str, background: str) -> float:
    """The contrast ratio of WCAG 2."""
    dark, light = sorted(float(TO_XYZ[1] @ linear(one)) for one in (color, background))
    return (light + 0.05) / (dark + 0.05)


def test_simulation_knows_a_pair_that_looks_alike() -> None:
    """An old pair of ours, far apart for most people."""
    pair = "#1b9e77", "#c2417c"
    apart = {sight: np.linalg.norm(lab(pair[0], sight) - lab(pair[1], sight)) for sight in SIGHT}
    assert apart["usual"] > 80
    assert apart["deuteranopia"] < 10


@pytest.mark.parametrize("sight", SIGHT)
def test_colors_of_runs_differ_for_everybody(sight: str) -> None:
    assert len(set(COLORS)) == len(NAMES)
    for one, other in itertools.combinations(COLORS, 2):
        assert np.linalg.norm(lab(one, sight) - lab(other, sight)) > 20, (one, other)


@pytest.mark.parametrize("background", [LIGHT, DARK])
def test_colors_of_runs_stand_out_from_the_page(background: str) -> None:
    for color in COLORS:
        assert contrast(color, background) >= 3, color
