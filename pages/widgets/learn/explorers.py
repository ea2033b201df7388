"""Things to try in the courses: neurons, layers, training and metrics."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core import network
from mnist_core.charts import lessons as lesson_charts
from mnist_core.charts.answers import answer_bars
from mnist_core.charts.network import network_diagram
from mnist_core.config import ACTIVATIONS, CLASSES, RunConfig
from mnist_core.data.sources import noun_of
from mnist_core.lessons import articles, demos
from mnist_core.network import model
from pages.widgets.common import pictures, theme
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step
    from pages.widgets.common.run_curves import Named

_REACH = 6.0
_VALLEY = 2.0
_SCORES = 8.0
_HISTOGRAM_TOP = 130
_STEP_RATE = 0.05
# The inputs whose weights can be moved: one is inked, the other one blank.
_MOVED = (2, 3)
_PATH: Key[tuple[tuple[float, ...], ...]] = Key("one-step-path-noted", (tuple(demos.START.tolist()),))


def neuron(_: Dataset, __: Step, ___: Named) -> None:
    """A neuron of two inputs, live."""
    left, right = st.columns(2)
    with left:
        inputs = [st.slider(f"Input {k}", 0.0, 1.0, value, 0.05) for k, value in ((1, 1.0), (2, 0.5))]
        name = st.selectbox("Activation", list(ACTIVATIONS), format_func=_label)
    with right:
        weights = [st.slider(f"Weight {k}", -4.0, 4.0, value, 0.25) for k, value in ((1, 1.0), (2, 1.0))]
        bias = st.slider("Bias", -4.0, 4.0, 0.0, 0.25)
    parts = [x * w for x, w in zip(inputs, weights, strict=True)]
    total = sum(parts) + bias
    answer = float(demos.activate(name, total))
    terms = " + ".join(f"{x:g} x {w:g}" for x, w in zip(inputs, weights, strict=True))
    st.markdown(f"{terms} + {bias:g} = **{total:g}** → {_label(name)} → **{answer:.3g}**")
    _activation_curve(name, total)


def activation(_: Dataset, __: Step, ___: Named) -> None:
    """An activation, a point on it, and its gradient there."""
    names = list(ACTIVATIONS)
    left, right = st.columns(2)
    name = left.selectbox("Activation", names, format_func=_label)
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


def layers(dataset: Dataset, step: Step, _: Named) -> None:
    """A diagram of hidden layers of any number and size, with the number of parameters."""
    start = step.config or RunConfig()
    first = start.layers[0]
    left, right = st.columns(2)
    count = left.slider("Hidden layers", 0, 3, len(start.layers))
    units = right.slider("Neurons in each", 1, 512, 4)  # Not the number in the question.
    hidden_layers = (dataclasses.replace(first, units=units),) * count
    shown = dataclasses.replace(start, dataset=dataset.name, layers=hidden_layers)
    hidden = f"{count} hidden {'layer' if count == 1 else 'layers'} of {units} neurons"
    alt = f"A network drawn layer by layer: 784 pixels, {hidden}, 10 outputs."
    sizes = [model.PIXELS, *[units] * count, CLASSES]
    terms = [f"({before:,} + 1) x {size:,}" for before, size in itertools.pairwise(sizes)]
    st.markdown(f"{' + '.join(terms)} = **{network.parameter_count(shown):,}** weights and biases")
    st.caption("Each bracket: inputs + 1 for the bias.")
    st.vega_lite_chart(network_diagram(shown, theme.text_color()), alt=alt)


def softmax(dataset: Dataset, _: Step, __: Named) -> None:
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


def loss(dataset: Dataset, _: Step, __: Named) -> None:
    """The two losses of one image against the score of the right class; the other scores are 0."""
    noun = noun_of(dataset.class_names)
    score = st.slider(f"Score of the right {noun}", -_SCORES, _SCORES, -4.0, 0.5)
    scores = np.append(np.linspace(-_SCORES, _SCORES, 81), score)
    found = demos.losses(scores)
    share = float(demos.share_of(scores)[-1])
    verdict = "right" if score > 0 else "wrong" if score < 0 else "a guess: all ten scores are equal"
    cross, squared = (float(values[-1]) for values in found)
    st.markdown(
        f"Its share is **{share:.1%}**, so the answer is {verdict}. Cross-entropy **{cross:.3f}**, mean squared error "
        f"**{squared:.4f}**."
    )
    names = ("Cross-entropy", "Mean squared error")
    for column, name, values, top in zip(st.columns(2), names, found, (9.0, 0.12), strict=True):
        table = pd.DataFrame({"score": scores, "value": values})
        table["is_point"] = table.index == len(scores) - 1
        alt = f"{name} over the score of the right {noun}. It falls as the score rises; a dot marks the chosen score."
        with column:
            st.markdown(f"**{name}**")
            st.vega_lite_chart(table, lesson_charts.loss_curve(_SCORES, top), key=f"loss-{name}", alt=alt)
    st.caption("The other nine scores are 0.")


def descent(_: Dataset, __: Step, ___: Named) -> None:
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


def one_step(_: Dataset, __: Step, ___: Named) -> None:
    """A neuron with nine inputs: change one of its weights by hand, or let it take steps of gradient descent."""
    path = _PATH.get()
    weights = np.array(path[-1])
    left, right = st.columns(2)
    inputs = ["An inked pixel", "A blank pixel"]
    with left:
        which = st.segmented_control("Move the weight of", inputs, default=inputs[0], required=True, key="moved-input")
        at = _MOVED[inputs.index(str(which))]
        # Its own slider for each step: after one, it starts from the new weight.
        name = f"moved-weight-{at}-{len(path)}"
        weights[at] = st.slider("Its weight", -1.0, 1.5, float(weights[at]), 0.05, key=name)
        answer, error = demos.neuron_error(weights)
        gradient = float(demos.neuron_gradient(weights)[at])
        direction = "to the right" if gradient < 0 else "to the left"
        with st.container(horizontal=True):
            st.metric("Answer, should be 1", f"{answer:.2f}")
            st.metric("Error", f"{error:.3f}")
        st.markdown(
            f"The slope here is **{gradient:.2f}**."
            + (f" Downhill is **{direction}**." if gradient else " The error does not depend on this weight.")
        )
        with st.container(horizontal=True):
            st.button("Let the network do it", icon=":material/south_east:", on_click=_take_step, args=(weights,))
            st.button("Start over", icon=":material/restart_alt:", on_click=_PATH.forget, type="tertiary")
    with right:
        picture, shown = st.columns([1, 3])
        picture.image(pictures.ink_url(demos.SEVEN.reshape(3, 3), 20), width=60, alt="A 7 of 3 by 3 pixels, five inked")
        shown.caption("The picture: five inked pixels are 1, four blank ones 0. One weight for each pixel.")
        places = np.linspace(-1.0, 1.5, 51)
        moved = np.repeat(weights[None], len(places), axis=0)
        moved[:, at] = places
        errors = [demos.neuron_error(one)[1] for one in moved]
        table = pd.DataFrame({"weight": [*places, weights[at]], "error": [*errors, error]})
        table["is_point"] = table.index == len(places)
        low, high = max(-1.0, weights[at] - 0.3), min(1.5, weights[at] + 0.3)
        line = pd.DataFrame(
            {"weight": [low, high], "slope": [error + gradient * (x - weights[at]) for x in (low, high)]}
        )
        alt = f"The error over this weight, with a dot at {weights[at]:.2f} and the slope there, {gradient:.2f}."
        st.vega_lite_chart(pd.concat([table, line]), lesson_charts.error_and_slope(), key="one-step-error", alt=alt)
    if len(path) > 1:
        errors = [demos.neuron_error(np.array(one))[1] for one in path]
        st.caption(f"Error after each step: {', '.join(f'{one:.3f}' for one in errors[-11:])}")


def _take_step(weights: npt.NDArray[np.float64]) -> None:
    after = weights - _STEP_RATE * demos.neuron_gradient(weights)
    before = _PATH.get()
    _PATH.set((*before[:-1], tuple(weights.tolist()), tuple(after.tolist())))


def matrices(_: Dataset, __: Step, ___: Named) -> None:
    """The two printed matrices, whole or only the mistakes."""
    printed = {key: one for key, one in articles.ARTICLES.items() if one.confusion is not None}
    left, right = st.columns(2)
    key = left.selectbox("Matrix", list(printed), format_func=lambda key: printed[key].title)
    confusion = printed[key].confusion
    assert confusion is not None
    only_errors = right.toggle("Only the mistakes", key="printed-errors")
    pictures.counts_matrix(confusion, "printed-matrix", only_errors)


def two_classes(_: Dataset, __: Step, ___: Named) -> None:
    """The Kite tutorial's matrix for one digit against all others."""
    confusion = articles.ARTICLES["kite"].confusion
    assert confusion is not None
    digit = st.selectbox("Is it a …", range(CLASSES), 5)
    _four_outcomes(
        demos.one_vs_rest(confusion, digit), pictures.with_article(digit), f"not {pictures.with_article(digit)}"
    )


def mushrooms(_: Dataset, __: Step, ___: Named) -> None:
    """A threshold between edible and poisonous, and the mistakes that each choice makes."""
    threshold = st.slider("Poisonous from this value on", 0.0, 1.0, 0.7, 0.01, format="%.2f")
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
