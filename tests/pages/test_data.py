"""The Data page without a browser: every view, and uploaded files."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.data import datasets, idx
from pages.widgets.state import data_sets
from tests.pages.visitor import press

IMAGES = np.random.default_rng(1).integers(0, 256, (50, 28, 28), np.uint8)
LABELS = (np.arange(50) % 3).astype(np.uint8)


@pytest.fixture
def page(app: AppTest) -> AppTest:
    data_sets.loading_data_set("embedded").done.wait()
    return app.switch_page("pages/data.py").run()


def show(page: AppTest, view: str) -> AppTest:
    page.session_state["data-view"] = view.lower().removeprefix("one ").removeprefix("the ")
    return page.run()


def texts(page: AppTest) -> str:
    return "\n".join(element.value for kind in (page.markdown, page.caption, page.code) for element in kind)


def captions(page: AppTest) -> list[str]:
    return [image.caption for element in page.get("image") for image in element.proto.imgs]


def upload(page: AppTest, **files: bytes) -> AppTest:
    (uploader,) = page.file_uploader
    uploader.set_value([(name, content, "application/octet-stream") for name, content in files.items()]).run()
    return press(page, "Use this data")


def test_images_of_one_digit_with_index_and_label(page: AppTest) -> None:
    page.selectbox(key="data-digit").set_value(7).run()
    assert not page.exception
    expected = np.flatnonzero(datasets.load("embedded").train_labels == 7)[:60]
    assert captions(page) == [f"{i:,}: 7" for i in expected]


def test_one_image_in_numbers(page: AppTest) -> None:
    show(page, "One image")
    page.number_input(key="data-image-embedded").set_value(12).run()
    assert not page.exception
    dataset = datasets.load("embedded")
    assert f"**a {dataset.train_labels[12]}**".replace("a 8", "an 8") in texts(page)
    row, scaled, one_hot = (code.value for code in page.code)
    assert list(map(int, row.split())) == dataset.train_images[12, 14].tolist()
    assert np.allclose(list(map(float, scaled.split())), dataset.train_images[12, 14] / 255, atol=0.005)
    assert np.flatnonzero(list(map(int, one_hot.split()))).tolist() == [dataset.train_labels[12]]


def test_file_header_with_its_real_size(page: AppTest) -> None:
    show(page, "The file")
    assert not page.exception
    assert f"{16 + 12_000 * 784:,} bytes" in texts(page)
    assert "| 4 to 7 | `00 00 2e e0` | how many images | 12,000 |" in texts(page)
    page.segmented_control[1].set_value("labels").run()
    assert not page.exception
    assert f"{8 + 12_000:,} bytes" in texts(page)
    assert "| 3 | `01` | number of dimensions | 1 |" in texts(page)


@pytest.mark.parametrize("view", ["Overview", "Map", "Split"])
def test_view_opens(page: AppTest, view: str) -> None:
    show(page, view)
    assert not page.exception
    expected = {"Overview": "(12000, 28, 28)", "Map": "2,000 training images", "Split": "validation share 0"}
    assert expected[view] in texts(page)


def test_uploaded_files_are_shown_and_trained_on(page: AppTest) -> None:
    upload(page, images=gzip.compress(idx.pack(IMAGES)), labels=idx.pack(LABELS))
    assert not page.exception
    assert page.selectbox(key="data-set-choice").value == "own"
    assert "43 training images and 7 test images." in texts(page)
    # Three classes were in the files.
    assert page.selectbox(key="data-digit").options == ["all", "0", "1", "2"]
    press(page, "Train on it")
    assert not page.exception
    assert page.session_state["draft"].dataset == "own"


def test_mismatched_files_keep_the_previous_ones(page: AppTest) -> None:
    upload(page, images=idx.pack(IMAGES), labels=idx.pack(LABELS))
    before = page.session_state["own-work-noted"].dataset
    upload(page, images=idx.pack(IMAGES), labels=idx.pack(LABELS[:9]))
    assert not page.exception
    assert "one label for each image" in page.error[0].value
    assert page.session_state["own-work-noted"].dataset is before


def test_too_large_data_set_is_refused(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_sets, "_MOST_UPLOADED", IMAGES.nbytes - 1)
    upload(page, images=idx.pack(IMAGES), labels=idx.pack(LABELS))
    assert not page.exception
    assert "are at their limit of" in page.error[0].value
    assert "own" not in page.selectbox(key="data-set-choice").options


def test_two_dimensional_map_explains_its_axes(page: AppTest) -> None:
    show(page, "Map")
    assert "left to right is where images differ most" in texts(page)
    assert "mean nothing" not in texts(page)


def test_first_image_has_number_0(page: AppTest) -> None:
    box = next(box for box in page.number_input if box.label == "Start at image")
    assert box.value == 0
    box.set_value(60).run()
    assert captions(page)[0].startswith("60: ")


def test_views_fit_one_row_on_a_phone(page: AppTest) -> None:
    (views,) = page.button_group
    assert len(views.options) == 6
    assert views.proto.HasField("wrap")
    assert not views.proto.wrap


def test_view_and_image_in_the_address(app: AppTest) -> None:
    data_sets.loading_data_set("embedded").done.wait()
    app.query_params["view"], app.query_params["image"] = "image", "999"
    page = app.switch_page("pages/data.py").run()
    assert page.number_input[0].value == 999
    page.number_input[0].set_value(7).run()
    assert "".join(page.query_params["image"]) == "7"
    show(page, "The file")
    assert "".join(page.query_params["view"]) == "file"
    assert "image" not in page.query_params


@pytest.mark.parametrize(("view", "image"), [("other", "1"), ("image", "-1"), ("image", "99999999999"), ("image", "²")])
def test_unknown_view_or_image_in_the_address(app: AppTest, view: str, image: str) -> None:
    data_sets.loading_data_set("embedded").done.wait()
    app.query_params["view"], app.query_params["image"] = view, image
    page = app.switch_page("pages/data.py").run()
    assert not page.exception
    assert "".join(page.query_params["view"]) in ("images", "image")
