"""Pictures from files: a simulated photo of a drawing, and files that are refused."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_core.drawing import handwriting, photo, strokes, to_mnist
from mnist_core.errors import DrawingError
from tests.jargon import assert_no_jargon

LINES = strokes.fit_to_canvas(handwriting.form_strokes("12 30 60 83 65 09|99", np.random.default_rng(0), jitter=0), 0.6)
CLEAN = strokes.render(LINES, 16, side=400)


def packed(pixels: Any, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert("RGB") if kind == "JPEG" else picture).save(buffer, kind, **options)
    return buffer.getvalue()


def photo_of(light: Any, seed: int = 1) -> Any:
    """The drawing on grey paper lit by `light` (400, 400), with camera noise."""
    ink = 1 - CLEAN[..., 0] / 255
    scene = (0.85 - 0.65 * ink) * light * 255 + np.random.default_rng(seed).normal(0, 4, ink.shape)
    return np.repeat(scene.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def correlation(data: bytes) -> float:
    """Return the correlation of the 28x28 images of a file and of the clean drawing."""
    one, other = (to_mnist(canvas).image.ravel() for canvas in (photo.read(data), CLEAN))
    return float(np.corrcoef(one, other)[0, 1])


X, Y = np.meshgrid(np.linspace(0, 1, 400), np.linspace(0, 1, 400))
LIGHTS = {
    "even": np.ones((400, 400)),
    "dim": np.full((400, 400), 0.4),
    "from the left": 1 - 0.7 * X,
    "a lamp in a corner": 0.35 + 0.65 * np.exp(-3 * (X**2 + Y**2)),
    "a soft shadow": 1 - 0.5 / (1 + np.exp(-12 * (X + Y - 1))),
}


@pytest.mark.parametrize("case", LIGHTS)
def test_photo_in_any_light(case: str) -> None:
    assert correlation(packed(photo_of(LIGHTS[case]), "JPEG", quality=80)) > 0.95


def test_clean_picture() -> None:
    assert correlation(packed(CLEAN)) > 0.98


def test_chalk_on_a_blackboard() -> None:
    assert correlation(packed(255 - photo_of(LIGHTS["from the left"]), "JPEG")) > 0.9


def test_transparent_picture_is_used_unchanged() -> None:
    glass = CLEAN.copy()
    glass[..., 3] = 255 - CLEAN[..., 0]
    glass[..., :3] = 40
    np.testing.assert_array_equal(photo.read(packed(glass)), glass)


def test_empty_page() -> None:
    page = (200 * LIGHTS["from the left"] + np.random.default_rng(2).normal(0, 3, (400, 400))).clip(0, 255)
    assert to_mnist(photo.read(packed(page.astype(np.uint8), "JPEG"))).is_empty


def test_large_photo_is_shrunk_and_rotated() -> None:
    large = np.asarray(Image.fromarray(photo_of(LIGHTS["even"])).resize((1600, 1600)))[:, :1400]
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: rotate by 90 degrees.
    turned = packed(np.rot90(large), "JPEG", exif=exif)
    canvas = photo.read(turned)
    assert canvas.shape == (512, 448, 4)
    assert correlation(turned) > 0.9


TURNED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_every_exif_orientation_is_upright(orientation: int, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    glass = CLEAN.copy()
    glass[..., 3] = 255 - CLEAN[..., 0]
    turned = TURNED[orientation](glass if name == "PNG" else photo_of(LIGHTS["even"]))
    assert correlation(packed(np.ascontiguousarray(turned), name, exif=exif)) > 0.95


def of_another_format() -> bytes:
    return packed(np.zeros((4, 4), np.uint8), "GIF")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no picture", id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0" * 40, id="broken head"),
        pytest.param(packed(CLEAN)[:2000], id="cut off"),
        pytest.param(of_another_format(), id="another format"),
    ],
)
def test_file_that_is_not_a_picture_is_refused(data: bytes) -> None:
    with pytest.raises(DrawingError, match="cannot be read as a picture") as caught:
        photo.read(data)
    assert "PNG or JPEG" in caught.value.remedy
    assert_no_jargon(str(caught.value))


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo, "MAX_BYTES", 1000)
    with pytest.raises(DrawingError, match="MB"):
        photo.read(b"\0" * 1001)


def test_too_many_pixels_are_refused_before_decoding() -> None:
    bomb = io.BytesIO()
    Image.new("1", (12_000, 9_000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 20_000
    with pytest.raises(DrawingError, match="million pixels") as caught:
        photo.read(bomb.getvalue())
    assert "12000 x 9000" in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (28, 28)])
def test_picture_of_any_size(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    canvas = photo.read(packed(pixels))
    assert canvas.shape == (*shape, 4)
    assert canvas.dtype == np.uint8
    to_mnist(canvas)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_picture_of_any_colour_mode(mode: str) -> None:
    grey = Image.fromarray(CLEAN[..., 0])
    buffer = io.BytesIO()
    picture = Image.fromarray(CLEAN[..., 0].astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    picture.save(buffer, "PNG")
    assert correlation(buffer.getvalue()) > 0.9


def screenshot() -> Any:
    """A screenshot of a window: opaque and unevenly lit, with a transparent margin and a soft edge."""
    picture = photo_of(LIGHTS["from the left"])
    inside = np.dstack([picture, np.full((400, 400), 255, np.uint8)])
    inside[0, 0, 3] = 200
    return np.pad(inside, ((30, 30), (30, 30), (0, 0)))


def test_transparent_margin_is_not_a_drawing() -> None:
    assert correlation(packed(screenshot())) > 0.95


def test_one_translucent_pixel_is_not_a_transparent_drawing() -> None:
    assert correlation(packed(screenshot()[30:-30, 30:-30])) > 0.95


@pytest.mark.parametrize("tag", [0x0100, 0x0102, 0x011A, 0x014A])
def test_invalid_exif_beside_the_orientation(tag: int) -> None:
    # Two entries: the orientation, a short 6, and a numeric tag that holds text.
    entries = sorted([struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0), struct.pack("<HHI4s", tag, 2, 4, b"abc")])
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + b"".join(entries) + struct.pack("<I", 0)
    turned = np.rot90(photo_of(LIGHTS["even"]))
    assert correlation(packed(turned, "JPEG", exif=exif)) > 0.95


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "cannot be read", id="empty"),
        pytest.param(packed(CLEAN, "JPEG"), "cannot be read", id="another format"),
        pytest.param(packed(CLEAN)[:2000], "cannot be read", id="cut off"),
        pytest.param(packed(np.zeros((2049, 2049), np.uint8)), "million pixels", id="too large"),
    ],
)
def test_invalid_canvas_picture_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(DrawingError, match=problem) as caught:
        photo.read_canvas(data)
    assert caught.value.remedy == "Clear the canvas and draw again."


def test_canvas_is_read_exactly() -> None:
    rgba = np.random.default_rng(4).integers(0, 256, (28, 30, 4), np.uint8)
    np.testing.assert_array_equal(photo.read_canvas(packed(rgba)), rgba)
