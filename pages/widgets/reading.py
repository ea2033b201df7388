"""What networks make of a drawing: which of them are asked, their answers, and why."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core import doctor, drawing, explain, figures
from mnist_core.live_run import Run
from mnist_core.prediction import Prediction, Predictor, shipped
from pages.widgets import pictures, runs, session

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.datasets import Dataset
    from mnist_core.drawing import Drawing
    from mnist_core.network import TrainedNetwork

SHIPPED = "shipped"
_SHIPPED_NAME = "Built-in network"
_MOST_NETWORKS = 3
_MOST_FEATURES = 32
# Augmentation for a network that reads MNIST but not the visitor's hand: what gave most to Morgan's.
_SUGGESTED = 0.8


def choose() -> dict[str, Predictor]:
    """The networks that the visitor asks, by name: the shipped one, and their own that have learned something."""
    own = runs.readable(networks_only=True)
    names = own | {SHIPPED: _SHIPPED_NAME}
    preferred = session.preferred_run() if session.preferred_run() in own else next(iter(own), None)
    # Whoever has just trained a network wants to see it beside the one that reads well.
    at_first = [SHIPPED] if preferred is None else [preferred, SHIPPED]
    chosen = st.multiselect(
        "Networks",
        list(names),
        key=session.seed_several("networks", at_first, list(names)),
        default=session.chosen("networks"),
        format_func=names.__getitem__,
        max_selections=_MOST_NETWORKS,
        placeholder="Choose who reads it",
        help=f"Up to {_MOST_NETWORKS} read the same drawing side by side. Your own appear here once they are trained.",
    )
    session.keep("networks", (chosen, list(names)))
    asked = {names[i]: shipped() if i == SHIPPED else _predictor(i) for i in chosen}
    return {name: predictor for name, predictor in asked.items() if predictor is not None}


def _predictor(run_id: str) -> Predictor | None:
    """What answers for a run; None, after saying why, when it cannot be had."""
    run = runs.opened(run_id)
    network = run.snapshot.network if isinstance(run, Run) else None
    return Predictor(network) if network is not None else None


def answers(predictors: dict[str, Predictor], image: npt.NDArray[np.float32]) -> dict[str, Prediction]:
    """Each network's answer, side by side; returns them."""
    found = {name: predictor(image) for name, predictor in predictors.items()}
    for place, (name, prediction) in zip(st.columns(max(1, len(found))), found.items(), strict=False):
        with place:
            if len(found) > 1:
                st.caption(name)
            _answer(prediction)
    return found


def in_words(prediction: Prediction) -> str:
    """An answer in one sentence, which says so when it is none."""
    (digit, probability), (second, _) = prediction.top(2)
    if not prediction.is_sure:
        return f"Not sure. Perhaps {pictures.a(digit)} ({probability:.0%}), perhaps {pictures.a(second)}."
    sure = f"{probability:.1%}" if probability < 0.9995 else "over 99.9%"
    return f"**It reads {pictures.a(digit)}**, {sure} sure"


def _answer(prediction: Prediction) -> None:
    # These boxes are announced by screen readers whenever they change.
    if prediction.is_sure:
        st.info(in_words(prediction))
    else:
        st.warning(in_words(prediction))
    table = pd.DataFrame({"digit": [str(d) for d in range(10)], "probability": prediction.probabilities})
    table["best"] = table.index == int(prediction.digit)
    st.vega_lite_chart(table, figures.live_bars())


def suggest(predictors: dict[str, Predictor], found: dict[str, Prediction], image: npt.NDArray[np.float32]) -> None:
    """Augmentation, for a network of the visitor's that reads otherwise than the shipped one, which is sure."""
    plain = [name for name, one in predictors.items() if one is not shipped() and not one.network.config.augmentation]
    if not plain:
        return
    expected = shipped()(image)
    for name in plain:
        if expected.is_sure and found[name].digit != expected.digit:
            st.markdown(
                f"{name} has only seen its training images as they are. With augmentation it sees each of them turned, "
                "slanted and with other pens. That helps with other hands, a large network more than a small one."
            )
            again = dataclasses.replace(predictors[name].network.config, augmentation=_SUGGESTED)
            if st.button("Train it again with augmentation", icon=":material/model_training:", key=f"augment-{name}"):
                session.edit(again)
                st.switch_page("pages/train.py")


def way(drawn: Drawing) -> None:
    """The way from the canvas to 28x28, step by step."""
    for step in drawn.steps:
        picture, text = st.columns([1, 3], vertical_alignment="center")
        picture.image(pictures.paper(step.image, max(1, 196 // max(step.image.shape))), width=84)
        text.markdown(f"**{step.name}**  \n{step.explanation}")


def findings(rgba: npt.NDArray[np.uint8], predictor: Predictor) -> None:
    """What is unusual about the drawing, each with what the network would read without the remedy."""
    found = doctor.diagnose(rgba)
    if not found:
        st.markdown("Nothing unusual: size, place, lines and ink are as in MNIST.")
    for finding in found:
        other = drawing.to_mnist(rgba, finding.preparation).image
        picture, text = st.columns([1, 3], vertical_alignment="center")
        picture.image(pictures.paper(other, 7), width=84)
        digit, probability = predictor(other).top(1)[0]
        text.markdown(f"{finding.text}  \nBy {finding.trial}, it would be read as **{digit}** ({probability:.0%}).")


def why(network: TrainedNetwork, image: npt.NDArray[np.float32], prediction: Prediction) -> None:
    """Which pixels speak for the answer, and what each layer makes of the drawing."""
    (digit, _), (second, _) = prediction.top(2)
    if network.config.layers:
        shown = [explain.ink_credits(network, image, digit, second)]
        text = (
            f":blue[**Blue**] ink speaks for {pictures.a(digit)}, :orange[**orange**] ink for {pictures.a(second)}, "
            "the next best. Together they make up what your ink changes between the two, against blank paper."
        )
    else:
        shown = [explain.ink_credits(network, image, digit), explain.ink_credits(network, image, second)]
        text = (
            f"Each pixel times its weight, on the left for {pictures.a(digit)}, on the right for {pictures.a(second)}: "
            ":blue[**blue**] ink speaks for it, :orange[**orange**] against it. Their sum, and a number of the digit's "
            "own that it starts from (its bias), is all that counts: the largest wins."
        )
    strongest = max(float(np.abs(shown).max()), 1e-9)
    left, right = st.columns([1, 2], vertical_alignment="center")
    left.image(pictures.url(figures.mosaic(np.array(shown) / strongest, columns=len(shown), side=168)))
    right.markdown(text)
    *hidden, _ = explain.layer_outputs(network, image)
    for number, (layer, output) in enumerate(zip(network.config.layers, hidden, strict=True), 1):
        kind = "filters" if layer.is_convolution else "units"
        st.caption(f"Layer {number}: what its {layer.units} {kind} answer{_first(layer.units, kind)}")
        maps = np.moveaxis(output, -1, 0)[:_MOST_FEATURES] if output.ndim == 3 else output.reshape(-1, 1, 1)[:512]
        scaled = maps / max(float(np.abs(maps).max()), 1e-9)
        columns, side = (16, 36) if output.ndim == 3 else (32, 14)
        st.image(pictures.url(figures.mosaic(scaled, columns, side)), width="stretch")


def _first(units: int, kind: str) -> str:
    most = _MOST_FEATURES if kind == "filters" else 512
    return f", the first {most}" if units > most else ""


def alike(image: npt.NDArray[np.float32], dataset: Dataset) -> None:
    """The training images that are most like the drawing."""
    found = explain.nearest(image, dataset.train_images)
    pictures.row([dataset.train_images[i] for i in found], [str(dataset.train_labels[i]) for i in found])
