"""Things to try in the courses: neurons, layers, training and metrics."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core import config, network
from mnist_core.charts import lessons as lesson_charts
from mnist_core.charts.answers import answer_bars
from mnist_core.charts.network import network_diagram
from mnist_core.config import ACTIVATIONS, CLASSES
from mnist_core.data.sources import noun_of
from mnist_core.lessons import articles, demos
from mnist_core.network import model
from pages.widgets.common import pictures, theme

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step

_REACH = 6.0
_VALLEY = 2.0
_HISTOGRAM_TOP = 130


def neuron(_: Dataset, __: Step) -> None:
    """A neuron of two inputs, live."""
    left, right = st.columns(2)
    with left:
        inputs = [st.slider(f"Input {k}", 0.0, 1.0, value, 0.05) for k, value in ((1, 1.0), (2, 0.5))]
        name = st.selectbox("Activation", list(ACTIVATIONS), format_func=_label)
    with right:
        weights = [st.slider(f"Weight {k}", -4.0, 4.0, value, 0.25) for k, value in ((1, 1.0), (2, -1.0))]
        bias = st.slider("Bias", -4.0, 4.0, 0.0, 0.25)
    parts = [x * w for x, w in zip(inputs, weights, strict=True)]
    total = sum(parts) + bias
    answer = float(demos.activate(name, total))
    terms = " + ".join(f"{x:g} x {w:g}" for x, w in zip(inputs, weights, strict=True))
    st.markdown(f"{terms} + {bias:g} = **{total:g}** → {_label(name)} → **{answer:.3g}**")
    _activation_curve(name, total)


def activation(_: Dataset, step: Step) -> None:
    """An activation, a point on it, and its gradient there."""
    names = list(ACTIVATIONS)
    first = step.config.layers[0].activation
    left, right = st.columns(2)
    name = left.selectbox("Activation", names, names.index(first), format_func=_label)
    total = right.slider("Sum", -_REACH, _REACH, 2.0, 0.25)
    answer, gradient = float(demos.activate(name, total)), demos.gradient(name, total)
    st.markdown(
        f"{_label(name)} of {total:g} is **{answer:.3g}**, and its slope (the gradient) there is **{gradient:.2g}**."
    )
    _activation_curve(name, total)


def _label(name: str) -> str:
    return ACTIVATIONS[name].label


def _activation_curve(name: str, total: float) -> None:
    reach = max(_REACH, math.ceil(abs(total)))
    xs = np.linspace(-reach, reach, 121)
    places = np.append(xs, total)
    table = pd.DataFrame({"x": places, "y": demos.activate(name, places)})
    table["is_point"] = table.index == len(xs)
    spec = lesson_charts.curve_with_point(reach, *((-1.2, 1.2) if ACTIVATIONS[name].bounded else (-2.0, reach)))
    st.vega_lite_chart(table, spec, alt=f"The activation {_label(name)} as a curve, with a dot at the chosen sum.")


def layers(dataset: Dataset, step: Step) -> None:
    """A diagram of hidden layers of any number and size, with the number of parameters."""
    first = step.config.layers[0]
    left, right = st.columns(2)
    count = left.slider("Hidden layers", 0, 3, len(step.config.layers))
    units = right.slider("Neurons in each", 1, 512, 4)  # Not the number in the question.
    hidden_layers = (dataclasses.replace(first, units=units),) * count
    shown = dataclasses.replace(step.config, dataset=dataset.name, layers=hidden_layers)
    hidden = f"{count} hidden {'layer' if count == 1 else 'layers'} of {units} neurons"
    alt = f"A network drawn layer by layer: 784 pixels, {hidden}, 10 outputs."
    sizes = [model.PIXELS, *[units] * count, CLASSES]
    terms = [f"({before:,} + 1) x {size:,}" for before, size in itertools.pairwise(sizes)]
    st.markdown(f"{' + '.join(terms)} = **{network.parameter_count(shown):,}** weights and biases")
    st.caption("Each bracket: inputs + 1 for the bias.")
    st.vega_lite_chart(network_diagram(shown, theme.text_color()), alt=alt)


def softmax(dataset: Dataset, _: Step) -> None:
    """Sliders for the scores of three classes; the other scores are 0."""
    from scipy.special import softmax as probabilities_of

    names = dataset.class_names
    scores = np.zeros(CLASSES)
    for column, (digit, score) in zip(st.columns(3), ((4, 5.0), (7, 1.0), (9, 3.0)), strict=True):
        scores[digit] = column.slider(f"Score of the {names[digit]}", -8.0, 8.0, score, 0.5)
    found = probabilities_of(scores)
    table = pd.DataFrame({"digit": names, "probability": found})
    table["best"] = table.index == int(found.argmax())
    st.caption(f"{' + '.join(f'{value:.3f}' for value in found)} = {found.sum():.3f}. The other seven scores are 0.")
    best = names[found.argmax()]
    alt = f"Ten bars, the share of each {noun_of(names)}. The highest is the {best} with {found.max():.0%}."
    st.vega_lite_chart(table, answer_bars(names), alt=alt)


def loss(dataset: Dataset, _: Step) -> None:
    """The two losses of one image against the probability of the right class."""
    noun = noun_of(dataset.class_names)
    probability = st.slider(f"Probability of the right {noun}", 0.01, 0.99, 0.51, 0.01, format="%.2f")
    probabilities = np.linspace(0.005, 1, 200)
    names = [config.LOSSES["categorical_crossentropy"], config.LOSSES["mean_squared_error"]]
    rows = [
        pd.DataFrame({"probability": probabilities, "value": _losses(probabilities)[k], "name": names[k]})
        for k in (0, 1)
    ]
    dots = pd.DataFrame(
        {"probability": probability, "value": [x[0] for x in _losses(np.array([probability]))], "name": names}
    )
    table = pd.concat([*rows, dots], ignore_index=True)
    table["is_point"] = table.index >= len(table) - 2
    cross, squared = dots["value"]
    verdict = "right" if probability > 1 / CLASSES else "wrong"
    st.markdown(f"Cross-entropy **{cross:.3f}**, mean squared error **{squared:.4f}**; the answer is {verdict}.")
    alt = (
        f"Two curves over the probability of the right {noun}: cross-entropy falls steeply, the squared error is small."
    )
    st.vega_lite_chart(table, lesson_charts.two_curves("probability", names, 4.0), alt=alt)
    others = "digits" if noun == "digit" else "classes"
    st.caption(f"The other nine {others} share the rest equally.")


def _losses(probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rest = (1 - probability) / (CLASSES - 1)
    return -np.log(probability), ((1 - probability) ** 2 + (CLASSES - 1) * rest**2) / CLASSES


def descent(_: Dataset, __: Step) -> None:
    """Gradient descent with one weight."""
    rate = st.slider("Learning rate", 0.01, 1.1, 0.05, 0.01)
    path = demos.gradient_descent(rate)
    valley = np.linspace(-_VALLEY, _VALLEY, 81)
    table = pd.DataFrame({"weight": np.concatenate([valley, path])})
    table["loss"] = table["weight"] ** 2
    table["step"] = np.concatenate([np.full(len(valley), -1), np.arange(len(path))])
    st.markdown(f"After {len(path) - 1} steps the loss has gone from 1 to **{path[-1] ** 2:.3g}**.")
    alt = f"A valley: the loss over one weight, with the {len(path) - 1} steps of gradient descent as dots."
    st.vega_lite_chart(table, lesson_charts.descent_path(_VALLEY), alt=alt)


def batches(dataset: Dataset, __: Step) -> None:
    """How many steps the training takes."""
    images = len(dataset.train_labels)
    left, right = st.columns(2)
    size = int(left.number_input("Batch size", 1, images, min(128, images)))
    epochs = int(right.number_input("Epochs", 1, 100, 1))
    steps, last = math.ceil(images / size), images % size
    smaller = f", the last one with only {last}" if last else ""
    with st.container(horizontal=True):
        st.metric("Steps per epoch", f"{steps:,}")
        st.metric("Steps in all", f"{steps * epochs:,}")
        st.metric("Images seen in all", f"{images * epochs:,}")
    st.caption(f"{images:,} training images make {steps:,} batches{smaller}.")


def matrices(_: Dataset, __: Step) -> None:
    """The two printed matrices, whole or only the mistakes."""
    printed = {key: one for key, one in articles.ARTICLES.items() if one.confusion is not None}
    left, right = st.columns(2)
    key = left.selectbox("Matrix", list(printed), format_func=lambda key: printed[key].title)
    confusion = printed[key].confusion
    assert confusion is not None
    only_errors = right.toggle("Only the mistakes", key="printed-errors")
    pictures.counts_matrix(confusion, "printed-matrix", only_errors)


def two_classes(_: Dataset, __: Step) -> None:
    """The Kite tutorial's matrix for one digit against all others."""
    confusion = articles.ARTICLES["kite"].confusion
    assert confusion is not None
    digit = st.selectbox("Is it a …", range(CLASSES), 5)
    _four_outcomes(
        demos.one_vs_rest(confusion, digit), pictures.with_article(digit), f"not {pictures.with_article(digit)}"
    )


def mushrooms(_: Dataset, __: Step) -> None:
    """A threshold between edible and poisonous, and the mistakes that each choice makes."""
    threshold = st.slider("Call it poisonous from", 0.0, 1.0, 0.7, 0.01, format="%.2f")
    values, poisonous = demos.mushrooms()
    kinds = ["edible", "poisonous"]
    table = pd.DataFrame({"value": values, "kind": np.where(poisonous, *kinds[::-1]), "threshold": threshold})
    found = demos.classify_mushrooms(threshold)
    st.markdown(
        f"**{found.false_negatives}** poisonous mushrooms are eaten, {found.false_positives} good ones are thrown away."
    )
    alt = f"Histograms of edible and poisonous mushrooms, which overlap, with a threshold at {threshold:.2f}."
    st.vega_lite_chart(table, lesson_charts.threshold_histograms(kinds, _HISTOGRAM_TOP), alt=alt)
    _four_outcomes(found, "poisonous", "edible")


def _four_outcomes(found: demos.BinaryCounts, positive: str, negative: str) -> None:
    lines = [
        f"| | called {positive} | called {negative} |",
        "|:--|--:|--:|",
        f"| **is {positive}** | {found.true_positives:,} TP | {found.false_negatives:,} FN |",
        f"| **is {negative}** | {found.false_positives:,} FP | {found.true_negatives:,} TN |",
    ]
    st.markdown("\n".join(lines))
    with st.container(horizontal=True):
        st.metric("Accuracy", f"{found.accuracy:.1%}", help="(TP + TN) / all")
        st.metric("Recall", f"{found.recall:.1%}", help="TP / (TP + FN): the share of the positives that were found.")
        st.metric(
            "Precision",
            f"{found.precision:.1%}",
            help="TP / (TP + FP): the share of the positive answers that are right.",
        )
