"""First-layer pictures, counted by hand."""

import numpy as np

from mnist_core.explain import first_layer_pictures


def test_dense_unit_shows_its_784_weights_as_a_picture() -> None:
    kernel = np.zeros((784, 3), np.float32)
    kernel[28 * 5 + 7, 1] = -4.0  # row 5, column 7 of the second unit
    kernel[0, 1] = 2.0
    pictures = first_layer_pictures((kernel, np.zeros(3, np.float32)))
    assert pictures.shape == (3, 28, 28)
    assert pictures[1, 5, 7] == -1.0
    assert pictures[1, 0, 0] == 0.5
    assert not pictures[0].any()


def test_filter_shows_its_nine_weights() -> None:
    kernel = np.zeros((3, 3, 1, 2), np.float32)
    kernel[2, 0, 0, 1] = 0.25
    pictures = first_layer_pictures((kernel, np.zeros(2, np.float32)))
    assert pictures.shape == (2, 3, 3)
    assert pictures[1, 2, 0] == 1.0


def test_only_the_first_units_are_shown() -> None:
    assert len(first_layer_pictures((np.ones((784, 40), np.float32),), most=16)) == 16


def test_change_since_the_start_leaves_out_what_was_there() -> None:
    start = np.random.default_rng(0).normal(size=(784, 2)).astype(np.float32)
    now = start.copy()
    now[28, 0] += 1.0
    pictures = first_layer_pictures((now,), (start,))
    assert pictures[0, 1, 0] == 1.0
    assert np.count_nonzero(pictures) == 1
