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
from mnist_core.language import format_number, ngettext
from mnist_core.language import gettext as _
from mnist_core.lessons import articles, demos
from mnist_core.network import model
from pages.widgets.common import pictures, theme, vega_chart
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


def neuron(_dataset: Dataset, _step: Step, _runs: Named) -> None:
    """A neuron of two inputs, live."""
    left, right = st.columns(2)
    with left:
        inputs = [st.slider(_("Input {number}", number=k), 0.0, 1.0, value, 0.05) for k, value in ((1, 1.0), (2, 0.5))]
        name = st.selectbox(_("Activation"), list(ACTIVATIONS), format_func=_label)
    with right:
        weights = [
            st.slider(_("Weight {number}", number=k), -4.0, 4.0, value, 0.25) for k, value in ((1, 1.0), (2, 1.0))
        ]
        bias = st.slider(_("Bias"), -4.0, 4.0, 0.0, 0.25)
    parts = [x * w for x, w in zip(inputs, weights, strict=True)]
    total = sum(parts) + bias
    answer = float(demos.activate(name, total))
    terms = " + ".join(
        f"{format_number(x, 'g')} x {format_number(w, 'g')}" for x, w in zip(inputs, weights, strict=True)
    )
    st.markdown(
        f"{terms} + {format_number(bias, 'g')} = **{format_number(total, 'g')}** → {_label(name)} → "
        f"**{format_number(answer, '.3g')}**"
    )
    _activation_curve(name, total)


def activation(_dataset: Dataset, _step: Step, _runs: Named) -> None:
    """An activation, a point on it, and its gradient there."""
    names = list(ACTIVATIONS)
    left, right = st.columns(2)
    name = left.selectbox(_("Activation"), names, format_func=_label)
    total = right.slider(_("Sum"), -_REACH, _REACH, 2.0, 0.25)
    answer, gradient = float(demos.activate(name, total)), demos.gradient(name, total)
    st.markdown(
        _(
            "{label} of {total:g} is **{answer:.3g}**, and its slope (the gradient) there is **{gradient:.2g}**.",
            label=_label(name),
            total=total,
            answer=answer,
            gradient=gradient,
        )
    )
    _activation_curve(name, total)


def _label(name: str) -> str:
    return _(ACTIVATIONS[name].label)


def _activation_curve(name: str, total: float) -> None:
    reach = max(_REACH, math.ceil(abs(total)))
    xs = np.linspace(-reach, reach, 121)
    places = np.append(xs, total)
    table = pd.DataFrame({"x": places, "y": demos.activate(name, places)})
    table["is_point"] = table.index == len(xs)
    spec = lesson_charts.curve_with_point(reach, *((-1.2, 1.2) if ACTIVATIONS[name].bounded else (-2.0, reach)))
    vega_chart.vega_chart(
        spec, table, alt=_("The activation {label} as a curve, with a dot at the chosen sum.", label=_label(name))
    )


def layers(dataset: Dataset, step: Step, _runs: Named) -> None:
    """A diagram of hidden layers of any number and size, with the number of parameters."""
    start = step.config or RunConfig()
    first = start.layers[0]
    left, right = st.columns(2)
    count = left.slider(_("Hidden layers"), 0, 3, len(start.layers))
    units = right.slider(_("Neurons in each"), 1, 512, 4)  # Not the number in the question.
    hidden_layers = (dataclasses.replace(first, units=units),) * count
    shown = dataclasses.replace(start, dataset=dataset.name, layers=hidden_layers)
    hidden = ngettext(
        "{count} hidden layer of {units} neurons", "{count} hidden layers of {units} neurons", count, units=units
    )
    alt = _("A network drawn layer by layer: 784 pixels, {hidden}, 10 outputs.", hidden=hidden)
    sizes = [model.PIXELS, *[units] * count, CLASSES]
    terms = [
        f"({format_number(before, ',')} + 1) x {format_number(size, ',')}" for before, size in itertools.pairwise(sizes)
    ]
    st.markdown(
        _(
            "{terms} = **{parameters:,}** weights and biases",
            terms=" + ".join(terms),
            parameters=network.parameter_count(shown),
        )
    )
    st.caption(_("Each bracket: inputs + 1 for the bias."))
    vega_chart.vega_chart(network_diagram(shown, theme.text_color()), alt=alt)


def softmax(dataset: Dataset, _step: Step, _runs: Named) -> None:
    """Sliders for the scores of three classes; the other scores are 0."""
    from scipy.special import softmax as probabilities_of

    names = dataset.class_names
    scores = np.zeros(CLASSES)
    for column, (digit, score) in zip(st.columns(3), ((4, 5.0), (7, 1.0), (9, 3.0)), strict=True):
        scores[digit] = column.slider(_("Score of the {name}", name=names[digit]), -8.0, 8.0, score, 0.5)
    found = probabilities_of(scores)
    table = pd.DataFrame({"digit": names, "probability": found})
    table["best"] = table.index == int(found.argmax())
    st.caption(
        _(
            "{terms} = {total:.3f}. The other seven scores are 0.",
            terms=" + ".join(format_number(value, ".3f") for value in found),
            total=found.sum(),
        )
    )
    best = names[found.argmax()]
    alt = _(
        "Ten bars, the share of each {noun}. The highest is the {best} with {share:.0%}.",
        noun=noun_of(names),
        best=best,
        share=found.max(),
    )
    vega_chart.vega_chart(answer_bars(names), table, alt=alt)


def loss(dataset: Dataset, _step: Step, _runs: Named) -> None:
    """The two losses of one image against the score of the right class; the other scores are 0."""
    noun = noun_of(dataset.class_names)
    score = st.slider(_("Score of the right {noun}", noun=noun), -_SCORES, _SCORES, -4.0, 0.5)
    scores = np.append(np.linspace(-_SCORES, _SCORES, 81), score)
    found = demos.losses(scores)
    share = float(demos.share_of(scores)[-1])
    verdict = _("right") if score > 0 else _("wrong") if score < 0 else _("a guess: all ten scores are equal")
    cross, squared = (float(values[-1]) for values in found)
    st.markdown(
        _(
            "Its share is **{share:.1%}**, so the answer is {verdict}. Cross-entropy "
            "**{cross:.3f}**, mean squared error **{squared:.4f}**.",
            share=share,
            verdict=verdict,
            cross=cross,
            squared=squared,
        )
    )
    names = (_("Cross-entropy"), _("Mean squared error"))
    for column, name, values, top in zip(st.columns(2), names, found, (9.0, 0.12), strict=True):
        table = pd.DataFrame({"score": scores, "value": values})
        table["is_point"] = table.index == len(scores) - 1
        alt = _(
            "{name} over the score of the right {noun}. It falls as the score rises; a dot marks the chosen score.",
            name=name,
            noun=noun,
        )
        with column:
            st.markdown(f"**{name}**")
            vega_chart.vega_chart(lesson_charts.loss_curve(_SCORES, top), table, key=f"loss-{name}", alt=alt)
    st.caption(_("The other nine scores are 0."))


def descent(_dataset: Dataset, _step: Step, _runs: Named) -> None:
    """Gradient descent with one weight."""
    rate = st.slider(_("Learning rate"), 0.01, 1.1, 0.05, 0.01)
    path = demos.gradient_descent(rate)
    valley = np.linspace(-_VALLEY, _VALLEY, 81)
    table = pd.DataFrame({"weight": np.concatenate([valley, path])})
    table["loss"] = table["weight"] ** 2
    table["step"] = np.concatenate([np.full(len(valley), -1), np.arange(len(path))])
    st.markdown(
        _("After {count} steps the loss has gone from 1 to **{loss:.3g}**.", count=len(path) - 1, loss=path[-1] ** 2)
    )
    alt = _(
        "A valley: the loss over one weight, with the {count} steps of gradient descent as dots.", count=len(path) - 1
    )
    vega_chart.vega_chart(lesson_charts.descent_path(_VALLEY), table, alt=alt)


def one_step(_dataset: Dataset, _step: Step, _runs: Named) -> None:
    """A neuron with nine inputs: change one of its weights by hand, or let it take steps of gradient descent."""
    path = _PATH.get()
    weights = np.array(path[-1])
    left, right = st.columns(2)
    inputs = [_("An inked pixel"), _("A blank pixel")]
    with left:
        which = st.segmented_control(
            _("Move the weight of"), inputs, default=inputs[0], required=True, key="moved-input"
        )
        at = _MOVED[inputs.index(str(which))]
        # Its own slider for each step: after one, it starts from the new weight.
        name = f"moved-weight-{at}-{len(path)}"
        weights[at] = st.slider(_("Its weight"), -1.0, 1.5, float(weights[at]), 0.05, key=name)
        answer, error = demos.neuron_error(weights)
        gradient = float(demos.neuron_gradient(weights)[at])
        direction = _("to the right") if gradient < 0 else _("to the left")
        with st.container(horizontal=True):
            st.metric(_("Answer, should be 1"), format_number(answer, ".2f"))
            st.metric(_("Error"), format_number(error, ".3f"))
        st.markdown(
            _("The slope here is **{gradient:.2f}**.", gradient=gradient)
            + (
                _(" Downhill is **{direction}**.", direction=direction)
                if gradient
                else _(" The error does not depend on this weight.")
            )
        )
        with st.container(horizontal=True):
            st.button(_("Let the network do it"), icon=":material/south_east:", on_click=_take_step, args=(weights,))
            st.button(_("Start over"), icon=":material/restart_alt:", on_click=_PATH.forget, type="tertiary")
    with right:
        picture, shown = st.columns([1, 3])
        picture.image(
            pictures.ink_url(demos.SEVEN.reshape(3, 3), 20), width=60, alt=_("A 7 of 3 by 3 pixels, five inked")
        )
        shown.caption(_("The picture: five inked pixels are 1, four blank ones 0. One weight for each pixel."))
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
        alt = _(
            "The error over this weight, with a dot at {weight:.2f} and the slope there, {gradient:.2f}.",
            weight=weights[at],
            gradient=gradient,
        )
        vega_chart.vega_chart(lesson_charts.error_and_slope(), pd.concat([table, line]), key="one-step-error", alt=alt)
    if len(path) > 1:
        errors = [demos.neuron_error(np.array(one))[1] for one in path]
        st.caption(
            _("Error after each step: {errors}", errors=", ".join(format_number(one, ".3f") for one in errors[-11:]))
        )


def _take_step(weights: npt.NDArray[np.float64]) -> None:
    after = weights - _STEP_RATE * demos.neuron_gradient(weights)
    before = _PATH.get()
    _PATH.set((*before[:-1], tuple(weights.tolist()), tuple(after.tolist())))


def matrices(_dataset: Dataset, _step: Step, _runs: Named) -> None:
    """The two printed matrices, whole or only the mistakes."""
    printed = {key: one for key, one in articles.ARTICLES.items() if one.confusion is not None}
    left, right = st.columns(2)
    key = left.selectbox(_("Matrix"), list(printed), format_func=lambda key: _(printed[key].title))
    confusion = printed[key].confusion
    assert confusion is not None
    only_errors = right.toggle(_("Only the mistakes"), key="printed-errors")
    pictures.counts_matrix(confusion, "printed-matrix", only_errors)


def two_classes(_dataset: Dataset, _step: Step, _runs: Named) -> None:
    """The Kite tutorial's matrix for one digit against all others."""
    confusion = articles.ARTICLES["kite"].confusion
    assert confusion is not None
    digit = st.selectbox(_("Is it a …"), range(CLASSES), 5)
    _four_outcomes(
        demos.one_vs_rest(confusion, digit),
        pictures.with_article(digit),
        _("not {thing}", thing=pictures.with_article(digit)),
    )


def mushrooms(_dataset: Dataset, _step: Step, _runs: Named) -> None:
    """A threshold between edible and poisonous, and the mistakes that each choice makes."""
    threshold = st.slider(_("Poisonous from this value on"), 0.0, 1.0, 0.7, 0.01, format="%.2f")
    values, poisonous = demos.mushrooms()
    kinds = [_("edible"), _("poisonous")]
    table = pd.DataFrame({"value": values, "kind": np.where(poisonous, *kinds[::-1]), "threshold": threshold})
    found = demos.classify_mushrooms(threshold)
    st.markdown(
        _(
            "**{false_negatives}** poisonous mushrooms are eaten, {false_positives} good ones are thrown away.",
            false_negatives=found.false_negatives,
            false_positives=found.false_positives,
        )
    )
    alt = _(
        "Histograms of edible and poisonous mushrooms, which overlap, with a threshold at {threshold:.2f}.",
        threshold=threshold,
    )
    vega_chart.vega_chart(lesson_charts.threshold_histograms(kinds, _HISTOGRAM_TOP), table, alt=alt)
    _four_outcomes(found, kinds[1], kinds[0])


def _four_outcomes(found: demos.BinaryCounts, positive: str, negative: str) -> None:
    lines = [
        _("| | called {positive} | called {negative} |", positive=positive, negative=negative),
        "|:--|--:|--:|",
        _(
            "| **is {positive}** | {true_positives:,} TP | {false_negatives:,} FN |",
            positive=positive,
            true_positives=found.true_positives,
            false_negatives=found.false_negatives,
        ),
        _(
            "| **is {negative}** | {false_positives:,} FP | {true_negatives:,} TN |",
            negative=negative,
            false_positives=found.false_positives,
            true_negatives=found.true_negatives,
        ),
    ]
    st.markdown("\n".join(lines))
    with st.container(horizontal=True):
        st.metric(_("Accuracy"), format_number(found.accuracy, ".1%"), help=_("(TP + TN) / all"))
        st.metric(
            _("Recall"),
            format_number(found.recall, ".1%"),
            help=_("TP / (TP + FN): the share of the positives that were found."),
        )
        st.metric(
            _("Precision"),
            format_number(found.precision, ".1%"),
            help=_("TP / (TP + FP): the share of the positive answers that are right."),
        )
