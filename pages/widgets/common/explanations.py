"""Why a network gives its answer: the pixels that decide, and the training images most like the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.charts.network import signed_mosaic
from mnist_core.data.sources import noun_of
from mnist_core.evaluation import explanation
from mnist_core.language import gettext as _
from pages.widgets.common import pictures
from pages.widgets.common.misconception import misconception_link

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from mnist_core.data import Dataset
    from mnist_core.network import TrainedNetwork

_MOST_ALIKE = 8


def deciding_pixels(
    network: TrainedNetwork, image: npt.NDArray[np.float32], digit: int, other: int, names: Sequence[str], rank: str
) -> None:
    """The pixels that speak for one answer and against another.

    Args:
        network: the network.
        image: (28, 28) float32 in [0, 1].
        digit: the one answer.
        other: the other one.
        names: the ten class names.
        rank: what the other answer is, such as "the next best".
    """
    best, next_best = pictures.with_article(digit, names), pictures.with_article(other, names)
    if network.config.layers:
        shown = [explanation.integrated_gradients(network, image, digit, other)]
        text = _(
            ":blue[**Blue**] ink supports {best}, :orange[**orange**] ink {next_best}, {rank}. "
            "Added up, they say how much the image favours {name} over {other}.",
            best=best,
            next_best=next_best,
            rank=rank,
            name=names[digit],
            other=names[other],
        )
    else:
        shown = [explanation.integrated_gradients(network, image, one) for one in (digit, other)]
        text = _(
            "Each pixel times its weight, on the left for {best}, on the right for "
            "{next_best}: :blue[**blue**] ink supports it, :orange[**orange**] ink speaks "
            "against it. All these are added, plus the bias. The {noun} with the largest "
            "sum wins.",
            best=best,
            next_best=next_best,
            noun=noun_of(names),
        )
    strongest = max(float(np.abs(shown).max()), 1e-9)
    left, right = st.columns([1, 2], vertical_alignment="center")
    left.image(
        pictures.png_url(signed_mosaic(np.array(shown) / strongest, columns=len(shown), side=168)),
        alt=_(
            "The image: pixels that speak for {best} in blue, for {next_best} in orange.",
            best=best,
            next_best=next_best,
        )
        if network.config.layers
        else _(
            "Each pixel times its weight, for {best} and for {next_best}: blue speaks for it.",
            best=best,
            next_best=next_best,
        ),
    )
    right.markdown(text)


def similar_images(
    image: npt.NDArray[np.float32], dataset: Dataset, among: npt.NDArray[np.int32] | None = None
) -> None:
    """The training images most similar to an image.

    Args:
        image: (28, 28) float32 in [0, 1].
        dataset: the data set.
        among: indices into its training images; None for all.
    """
    order = explanation.nearest_images(image, dataset.train_images, len(dataset.train_images))
    found = order[:_MOST_ALIKE] if among is None else order[np.isin(order, among)][:_MOST_ALIKE]
    st.caption(_("The network cannot see these. It has only its weights."))
    misconception_link("stores")
    names = dataset.class_names
    labels = [int(dataset.train_labels[i]) for i in found]
    alt = [_("A training image of {thing}.", thing=pictures.with_article(label, names)) for label in labels]
    pictures.image_row([dataset.train_images[i] for i in found], [names[label] for label in labels], alt=alt)
