"""Drawings whose 28x28 image is computed by hand, and properties that hold for all drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mnist_core.drawing import to_mnist
from mnist_core.drawing.preprocessing import MAX_SIDE
from mnist_core.errors import DrawingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def painted(ink: Any, stroke: tuple[int, ...] = BLACK, paper: tuple[int, ...] = WHITE) -> NDArray[np.uint8]:
    """Return ink (h, w) from 0 to 1 in one colour on another, as opaque RGBA."""
    share = np.asarray(ink, np.float64)[..., None]
    rgb = np.rint(share * stroke + (1 - share) * paper)
    canvas = np.dstack([rgb, np.full(share.shape, 255)]).astype(np.uint8)
    canvas.flags.writeable = False  # Read-only: preprocessing must not change it.
    return canvas


def on_transparency(ink: Any, stroke: tuple[int, ...] = BLACK) -> NDArray[np.uint8]:
    """Return RGBA that is transparent without ink, like a canvas without a background."""
    alpha = np.rint(np.asarray(ink, np.float64) * 255)
    rgb = np.where(alpha[..., None] > 0, stroke, 0)
    return np.dstack([rgb, alpha]).astype(np.uint8)


def with_box(shape: tuple[int, int], *boxes: tuple[slice, slice]) -> NDArray[np.float64]:
    ink = np.zeros(shape)
    for box in boxes:
        ink[box] = 1
    return ink


def stroked(points: list[tuple[int, int]], pen: int, side: int = 280) -> NDArray[np.float64]:
    """Return the anti-aliased ink of one stroke with round ends."""
    image = Image.new("L", (4 * side, 4 * side))
    draw = ImageDraw.Draw(image)
    large = [(4 * x, 4 * y) for x, y in points]
    draw.line(large, fill=255, width=4 * pen, joint="curve")
    for x, y in large:
        draw.ellipse((x - 2 * pen, y - 2 * pen, x + 2 * pen, y + 2 * pen), fill=255)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX)) / 255


def centre_of_mass(image: NDArray[np.float32]) -> tuple[float, float]:
    rows, columns = np.indices(image.shape)
    return float((rows * image).sum() / image.sum()), float((columns * image).sum() / image.sum())


SEVEN = [(90, 80), (190, 80), (130, 220)]

strokes = st.lists(st.tuples(st.integers(40, 160), st.integers(40, 160)), min_size=2, max_size=5, unique=True)


def is_longer_than_a_dot(points: list[tuple[int, int]]) -> bool:
    """Return whether a stroke is clearly longer than a dot of a pen of 20."""
    return float(np.ptp(points, axis=0).max()) >= 60


def test_rectangle_is_scaled_and_centred() -> None:
    drawing = to_mnist(painted(with_box((280, 280), np.s_[30:130, 200:250])))
    # 100 by 50 becomes 20 by 10, with its centre at 9.5 and 4.5. From there to 14 it is 4.5 and 9.5, rounded
    # to even.
    expected = np.zeros((28, 28), np.float32)
    expected[4:24, 10:20] = 1
    np.testing.assert_array_equal(drawing.image, expected)
    assert drawing.warnings == ("The lines are very thick for this size. Gaps and loops may have closed.",)


def test_fractional_side_has_grey_edges() -> None:
    drawing = to_mnist(painted(with_box((100, 100), np.s_[10:50, 10:15])))
    # 40 by 5 becomes 20 by 2.5: three columns, the outer two covered by three quarters.
    scaled = drawing.steps[-2].image
    np.testing.assert_allclose(scaled, np.tile([0.75, 1, 0.75], (20, 1)), atol=1e-6)


def test_checks_smaller_than_a_pixel_are_averaged() -> None:
    ink = np.zeros((60, 60))
    ink[10:50, 10:30] = 1
    ink[10:50, 30:50] = np.kron(np.ones((20, 10)), [[1, 1], [1, 0]])
    expected = np.ones((20, 20))
    expected[:, 10:] = 0.75
    np.testing.assert_allclose(to_mnist(painted(ink)).steps[-2].image, expected, atol=1e-6)


def test_small_drawing_is_enlarged_by_whole_pixels() -> None:
    pattern = np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0]])
    ink = np.zeros((28, 28))
    ink[3:8, 9:14] = pattern
    np.testing.assert_allclose(to_mnist(painted(ink)).steps[-2].image, np.kron(pattern, np.ones((4, 4))))


def test_centre_of_mass_is_centred() -> None:
    # An L of 20 by 20 with arms 4 wide: 80 pixels in the upright arm, 64 in the rest of the foot.
    drawing = to_mnist(painted(with_box((40, 40), np.s_[5:25, 5:9], np.s_[21:25, 9:25])))
    row = (80 * 9.5 + 64 * 17.5) / 144  # 13.06: one row down
    column = (80 * 1.5 + 64 * 11.5) / 144  # 5.94: eight columns right
    expected = with_box((28, 28), np.s_[1:21, 8:12], np.s_[17:21, 12:28])
    np.testing.assert_array_equal(drawing.image, expected)
    assert centre_of_mass(drawing.image) == pytest.approx((row + 1, column + 8))


def test_ink_is_not_pushed_over_the_edge() -> None:
    # A heavy bar to the left of a long thin tail: centring its mass would cut off the tail.
    ink = with_box((200, 200), np.s_[50:150, 20:40], np.s_[98:102, 40:120])
    drawing = to_mnist(painted(ink))
    scaled = drawing.steps[-2].image
    assert scaled.shape == (20, 20)
    assert drawing.image.sum() == pytest.approx(scaled.sum())
    assert drawing.image[:, -1].any()


def test_mnist_digit_stays_unchanged() -> None:
    first = to_mnist(on_transparency(stroked(SEVEN, 18))).image
    again = to_mnist(painted(first, WHITE, BLACK)).image
    np.testing.assert_allclose(again, first, atol=0.1)


@pytest.mark.parametrize(
    "canvas",
    [
        pytest.param(np.zeros((280, 280, 4), np.uint8), id="transparent"),
        pytest.param(painted(np.zeros((280, 280))), id="white"),
        pytest.param(painted(np.ones((280, 280))), id="black"),
        pytest.param(painted(np.zeros((280, 280)), paper=(14, 17, 23)), id="dark theme after a reset"),
        pytest.param(painted(np.zeros((1, 1))), id="one pixel"),
        pytest.param(painted(np.linspace(0, 0.03, 280)[None].repeat(280, 0)), id="slightly uneven"),
    ],
)
def test_empty_canvas_is_empty(canvas: NDArray[np.uint8]) -> None:
    drawing = to_mnist(canvas)
    assert drawing.is_empty
    assert drawing.steps == ()
    assert drawing.warnings == ()
    assert drawing.image.shape == (28, 28)
    assert drawing.image.dtype == np.float32
    assert not drawing.image.any()


@pytest.mark.parametrize(
    ("stroke", "paper"),
    [
        pytest.param(WHITE, BLACK, id="white on black"),
        pytest.param((250, 250, 250), (14, 17, 23), id="dark theme"),
        pytest.param((255, 255, 0), WHITE, id="yellow on white"),
        pytest.param((0, 0, 255), (255, 0, 0), id="blue on red"),
        pytest.param((120, 120, 120), WHITE, id="grey pencil"),
    ],
)
def test_colour_and_polarity_do_not_matter(stroke: tuple[int, ...], paper: tuple[int, ...]) -> None:
    ink = stroked(SEVEN, 18)
    np.testing.assert_allclose(to_mnist(painted(ink, stroke, paper)).image, to_mnist(painted(ink)).image, atol=0.02)


@pytest.mark.parametrize("stroke", [BLACK, WHITE, (200, 30, 90)])
def test_alpha_of_strokes_is_their_ink(stroke: tuple[int, ...]) -> None:
    ink = stroked(SEVEN, 18)
    np.testing.assert_allclose(to_mnist(on_transparency(ink, stroke)).image, to_mnist(painted(ink)).image, atol=1e-6)


def test_fully_transparent_colour_is_ignored() -> None:
    canvas = on_transparency(stroked(SEVEN, 18))
    hidden = canvas.copy()
    hidden[hidden[..., 3] == 0, :3] = 255
    np.testing.assert_array_equal(to_mnist(hidden).image, to_mnist(canvas).image)


def test_half_transparent_strokes_become_full_ink() -> None:
    ink = stroked(SEVEN, 18)
    np.testing.assert_allclose(
        to_mnist(on_transparency(ink * 0.5)).image, to_mnist(on_transparency(ink)).image, atol=0.02
    )


def test_strokes_that_touch_the_border_do_not_become_background() -> None:
    ink = with_box((280, 280), np.s_[0:280, 0:40], np.s_[240:280, 0:140])
    drawing = to_mnist(painted(ink))
    assert drawing.image.sum() == pytest.approx(ink.sum() / 14**2, rel=1e-5)


@pytest.mark.parametrize("pen", [1, 2, 6, 18, 40])
def test_single_dot_stays_a_dot(pen: int) -> None:
    drawing = to_mnist(on_transparency(stroked([(70, 200)], pen)))
    assert not drawing.is_empty
    assert drawing.warnings == ("This is only a dot, not a digit.",)
    assert (drawing.image > 0).sum() <= 16
    assert drawing.image.max() == 1
    row, column = centre_of_mass(drawing.image)
    assert 13.5 <= row <= 14.5
    assert 13.5 <= column <= 14.5


def test_small_ring_and_short_line_are_not_dots() -> None:
    ring = Image.new("L", (280, 280))
    ImageDraw.Draw(ring).ellipse((100, 100, 130, 130), outline=255, width=5)
    line = stroked([(100, 100), (100, 112)], 14)
    for ink in (np.asarray(ring) / 255, line):
        drawing = to_mnist(on_transparency(ink))
        assert max(drawing.steps[-2].image.shape) == 20
        assert not any("dot" in warning for warning in drawing.warnings)


def test_stray_speck_is_removed_with_a_warning() -> None:
    ink = stroked(SEVEN, 18)
    speckled = ink.copy()
    speckled[10:14, 10:14] = 1
    drawing = to_mnist(painted(speckled))
    np.testing.assert_array_equal(drawing.image, to_mnist(painted(ink)).image)
    assert drawing.warnings == ("Small spots were removed.",)


def test_speck_darker_than_the_digit_does_not_weaken_it() -> None:
    ink = stroked(SEVEN, 18)
    speckled = ink * 0.4
    speckled[10:14, 10:14] = 1
    np.testing.assert_allclose(to_mnist(painted(speckled)).image, to_mnist(painted(ink)).image, atol=0.05)


def test_detached_stroke_is_kept() -> None:
    ink = stroked(SEVEN, 18) + stroked([(30, 160), (60, 160)], 18)
    drawing = to_mnist(painted(ink))
    assert drawing.steps[1].image.shape[1] > 170
    assert drawing.warnings == ()


def test_pixels_touching_at_corners_are_one_piece() -> None:
    ink = with_box((28, 28), np.s_[4:12, 4:12])
    ink[range(12, 20), range(12, 20)] = 1
    assert to_mnist(painted(ink)).steps[1].image.shape == (16, 16)


def test_dotted_digit_is_kept_whole() -> None:
    ink = np.zeros((280, 280))
    for x in range(60, 230, 30):
        for y in range(60, 230, 30):
            if x in (60, 210) or y in (60, 210):
                ink[y : y + 6, x : x + 6] = 1
    assert to_mnist(painted(ink)).steps[1].image.sum() == ink.sum()


@pytest.mark.parametrize(
    ("ink", "word"),
    [
        pytest.param(stroked([(100, 100), (100, 120)], 4), "tiny", id="tiny"),
        pytest.param(stroked(SEVEN, 18) * 0.2, "faint", id="faint"),
        pytest.param(stroked([(20, 20), (260, 20), (140, 260)], 3), "thin", id="thin"),
        pytest.param(stroked([(100, 100), (140, 100), (120, 150)], 40), "thick", id="thick"),
        pytest.param(stroked([(30, 140), (250, 140)], 18), "wider", id="wide"),
    ],
)
def test_warning(ink: NDArray[np.float64], word: str) -> None:
    (warning,) = to_mnist(on_transparency(ink)).warnings
    assert word in warning


def test_steps_lead_from_the_canvas_to_the_image() -> None:
    ink = stroked(SEVEN, 18)
    drawing = to_mnist(painted(ink))
    assert [step.image.shape for step in drawing.steps] == [(280, 280), (159, 119), (20, 15), (28, 28)]
    assert drawing.steps[-1].image is drawing.image
    np.testing.assert_allclose(drawing.steps[0].image, ink, atol=0.1)


@given(strokes, st.sampled_from([2, 6, 18, 40]))
@settings(max_examples=30, deadline=None)
def test_every_step_is_float32_from_zero_to_one(points: list[tuple[int, int]], pen: int) -> None:
    drawing = to_mnist(on_transparency(stroked(points, pen, 200)))
    assert len({step.name for step in drawing.steps}) == len(drawing.steps)
    for step in drawing.steps:
        assert step.image.dtype == np.float32
        assert step.image.min() >= 0
        assert step.image.max() == 1
        assert not step.image.flags.writeable


@given(strokes.filter(is_longer_than_a_dot), st.tuples(*[st.integers(0, 90)] * 4))
@settings(max_examples=40, deadline=None)
def test_position_and_canvas_do_not_matter(points: list[tuple[int, int]], margins: tuple[int, ...]) -> None:
    ink = stroked(points, 20, 200)
    above, below, left, right = margins
    moved = np.pad(ink, ((above, below), (left, right)))
    np.testing.assert_array_equal(to_mnist(on_transparency(moved)).image, to_mnist(on_transparency(ink)).image)


@given(strokes.filter(is_longer_than_a_dot), st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_resolution_does_not_matter(points: list[tuple[int, int]], factor: int) -> None:
    ink = stroked(points, 20, 200)
    fine = np.kron(ink, np.ones((factor, factor)))
    one, other = to_mnist(on_transparency(fine)), to_mnist(on_transparency(ink))
    np.testing.assert_allclose(one.image, other.image, atol=1e-5)
    assert one.warnings == other.warnings


@given(strokes.filter(is_longer_than_a_dot), st.sampled_from([2, 3]))
@settings(max_examples=20, deadline=None)
def test_size_does_not_matter(points: list[tuple[int, int]], factor: int) -> None:
    small = stroked(points, 10, 600)
    large = stroked([(x * factor, y * factor) for x, y in points], 10 * factor, 600)
    difference = np.abs(
        to_mnist(on_transparency(large)).steps[-2].image.sum() - to_mnist(on_transparency(small)).steps[-2].image.sum()
    )
    # The small pen is ten pixels wide, and its edge is accurate to half a pixel.
    assert difference < 0.1 * to_mnist(on_transparency(large)).image.sum()


@given(strokes, st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_polarity_does_not_matter(points: list[tuple[int, int]], pen: int) -> None:
    canvas = painted(stroked(points, pen, 200))
    inverted = canvas.copy()
    inverted[..., :3] = 255 - canvas[..., :3]
    np.testing.assert_array_equal(to_mnist(inverted).image, to_mnist(canvas).image)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_any_bytes_give_a_valid_image(height: int, width: int, seed: int) -> None:
    rgba = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    image = to_mnist(rgba).image
    assert image.shape == (28, 28)
    assert np.isfinite(image).all()
    assert image.min() >= 0
    assert image.max() in (0, 1)


@pytest.mark.parametrize(
    ("rgba", "received"),
    [
        pytest.param(None, "NoneType", id="no canvas"),
        pytest.param([[0, 0, 0, 0]], "list", id="list"),
        pytest.param(np.zeros((28, 28), np.uint8), "(28, 28)", id="grey"),
        pytest.param(np.zeros((28, 28, 3), np.uint8), "(28, 28, 3)", id="without alpha"),
        pytest.param(np.zeros((28, 28, 4)), "float64", id="floats"),
        pytest.param(np.zeros((0, 28, 4), np.uint8), "(0, 28, 4)", id="no rows"),
        pytest.param(np.zeros((1, MAX_SIDE + 1, 4), np.uint8), f"(1, {MAX_SIDE + 1}, 4)", id="too wide"),
    ],
)
def test_invalid_array_is_refused(rgba: Any, received: str) -> None:
    with pytest.raises(DrawingError) as caught:
        to_mnist(rgba)
    assert received in str(caught.value)
    assert caught.value.remedy
