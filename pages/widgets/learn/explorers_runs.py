"""Things to see in the courses after a run: what its network has learned, and how it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.charts.answers import answer_bars
from mnist_core.charts.network import signed_mosaic
from mnist_core.config import CLASSES, IMAGE_SIZE
from mnist_core.data.sources import DIGITS, has_published_figures, noun_of
from mnist_core.evaluation import predictor
from mnist_core.lessons import articles, demos, trust
from pages.widgets.common import pictures, run_curves
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step
    from mnist_core.network import TrainedNetwork
    from mnist_core.runs.network_run import Run
    from pages.widgets.common.run_curves import Named

_SURE = 0.99
_MOST_SURE_MISTAKES = 8
_FIFTY = 50
# Large enough that one step changes answers.
_RATE = 0.5
_MOST_NEURONS = 16
_DRAW: Key[int] = Key("drawn-few-noted", 0)
_STEPS: Key[int] = Key("training-steps-noted", 0)


def _first(runs: Named) -> Run:
    return next(iter(runs.values()))


def _network(run: Run) -> TrainedNetwork:
    network = run.snapshot.network
    assert network is not None  # The runs have ended.
    return network


def patterns(dataset: Dataset, _: Step, runs: Named) -> None:
    """The ten patterns of weights of the run without a hidden layer."""
    run = next(run for run in runs.values() if not run.config.layers)
    weights = _network(run).weights[0].T.reshape(CLASSES, IMAGE_SIZE, IMAGE_SIZE)
    used = [label for label, name in enumerate(dataset.class_names) if not name.startswith("unused")]
    largest = np.abs(weights).max() or 1
    urls = [pictures.png_url(signed_mosaic((weights[k] / largest)[None], 1, 84)) for k in used]
    names = [dataset.class_names[k] for k in used]
    alt = [f"The weights of the {noun_of(dataset.class_names)} {name}, one for each pixel" for name in names]
    st.image(urls, caption=names, width=88, alt=alt)
    st.caption("Blue: ink here raises the score. Orange: ink here lowers it.")


def own_matrix(dataset: Dataset, _: Step, runs: Named) -> None:
    """The confusion matrix of the visitor's network, and a way to its mistakes."""
    run = _first(runs)
    result = run.snapshot.evaluation
    assert result is not None
    only_errors = st.toggle("Only the mistakes", key="own-matrix-errors")
    names = dataset.class_names
    pictures.counts_matrix(result.confusion, "own-matrix", only_errors, noun=noun_of(names), names=names)
    run_curves.mistakes_button(run)


def sure(dataset: Dataset, _: Step, runs: Named) -> None:
    """Pictures of no digit, as the visitor's network and the built-in one answer, and sure answers that are wrong."""
    run, shown = _first(runs), demos.pictures_of_no_digit()
    if dataset.class_names == DIGITS:
        name = str(st.segmented_control("Picture", list(shown), default=next(iter(shown)), required=True))
        image = shown[name]
        answers = {"Your network": _network(run).predict(image[None])[0]}
        answers["The built-in network"] = predictor.shipped()(image).probabilities
        left, *columns = st.columns([1, 2, 2], vertical_alignment="top")
        left.image(pictures.ink_url(image, 5), caption=name, width=120, alt=f"A drawing of {name}")
        for column, (title, found) in zip(columns, answers.items(), strict=True):
            with column:
                _answer(title, dict(enumerate(np.ravel(found).tolist())), DIGITS)
        if st.button("Draw your own letter", icon=":material/draw:", type="tertiary"):
            st.switch_page("pages/draw.py")
    result = run.snapshot.evaluation
    assert result is not None
    best = result.probabilities.max(axis=1)
    is_sure, is_wrong = best >= _SURE, result.probabilities.argmax(axis=1) != result.labels
    wrong = np.flatnonzero(is_sure & is_wrong)
    wrong = wrong[np.argsort(-best[wrong], kind="stable")]
    st.markdown(
        f"On the test images your network gave **{int(is_sure.sum()):,}** answers with 99 % or more. "
        f"**{len(wrong):,}** of them are wrong."
    )
    images, names = dataset.test_images, dataset.class_names
    some = wrong[:_MOST_SURE_MISTAKES]
    captions = [f"**{names[result.probabilities[k].argmax()]}** {best[k]:.1%}" for k in some]
    alt = [f"Test image {k}, {pictures.with_article(int(result.labels[k]), names)}" for k in some]
    if len(some):
        pictures.image_row([images[k] for k in some], captions, 64, alt=alt)


def best_of_ten(dataset: Dataset, _: Step, runs: Named) -> None:
    """The network that reads most of a few test images, and how it reads the others; for one draw and for many."""
    right = {}
    for name, run in runs.items():
        result = run.snapshot.evaluation
        assert result is not None
        right[name] = result.probabilities.argmax(axis=1) == result.labels
    drawn = demos.draw(trust.FEW_IMAGES, len(dataset.test_labels), _DRAW.get())
    few, rest = int(drawn.sum()), int((~drawn).sum())
    winner = demos.best_of(right, drawn)
    st.markdown(
        f"Of these {few} images, **{winner.name}** reads most: **{winner.few:.1%}**. Of the {rest:,} new images it "
        f"reads **{winner.rest:.1%}**."
    )
    lines = [
        f"| {name} | {one[drawn].mean():.1%} | {one[~drawn].mean():.1%} |"
        for name, one in sorted(right.items(), key=lambda item: -item[1][drawn].mean())
    ]
    st.markdown("\n".join([f"| Network | {few} images | {rest:,} new images |", "|:--|--:|--:|", *lines]))
    st.button(f"Draw {few} others", icon=":material/casino:", on_click=lambda: _DRAW.set(_DRAW.get() + 1))
    on_few, on_rest = _mean_winner(tuple(run.id for run in runs.values()), right)
    st.markdown(
        f"In {demos.DRAWS} such draws, the winner reads **{on_few:.1%}** of its {few} images on average, and "
        f"**{on_rest:.1%}** of the new ones."
    )


@st.cache_data(show_spinner=False, max_entries=20)
def _mean_winner(run_ids: tuple[str, ...], _right: dict[str, npt.NDArray[np.bool_]]) -> tuple[float, float]:
    del run_ids  # The key.
    return demos.mean_winner(_right, trust.FEW_IMAGES)


def stored(dataset: Dataset, _: Step, runs: Named) -> None:
    """How large the training images are, and how large the network's file is, with the weights of its first neurons."""
    network = _network(_first(runs))
    images, count = dataset.train_images.nbytes, sum(one.size for one in network.weights)
    file = len(network.to_npz())
    with st.container(horizontal=True):
        st.metric(f"{len(dataset.train_labels):,} training images", f"{images / 1e6:.1f} MB")
        st.metric(f"The network: {count:,} numbers", f"{file / 1e6:.2f} MB")
        st.metric("Images larger by", f"{images / file:,.0f} times")
    weights = network.weights[0].T[:_MOST_NEURONS].reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
    url = pictures.png_url(signed_mosaic(weights / (np.abs(weights).max() or 1), 8, 64))
    st.image(url, caption=f"The weights of the first {len(weights)} neurons", alt="Blurred patterns, none is an image")


def answer_or_learn(dataset: Dataset, _: Step, runs: Named) -> None:
    """Let a network answer fifty images, or train one step on them, and count the weights that change."""
    start = _network(_first(runs)).weights
    images, labels = dataset.test_images[:_FIFTY], dataset.test_labels[:_FIFTY]
    kernel, bias = start[0], start[1]
    for _step in range(_STEPS.get()):
        kernel, bias = demos.learning_step(kernel, bias, images, labels, _RATE)
    right = int((demos.shares(kernel, bias, images).argmax(axis=1) == labels).sum())
    changed = int((kernel != start[0]).sum() + (bias != start[1]).sum())
    with st.container(horizontal=True):
        st.button(f"Answer {len(labels)} images", icon=":material/visibility:", on_click=_note_answering)
        st.button("Train one step on them", icon=":material/fitness_center:", on_click=_train_step)
        st.button("Start over", icon=":material/restart_alt:", on_click=_start_over, type="tertiary")
    with st.container(horizontal=True):
        st.metric("Images answered", f"{_ANSWERED.get() * len(labels):,}")
        st.metric("Training steps", f"{_STEPS.get()}")
        st.metric("Weights and biases that have changed", f"{changed:,} of {kernel.size + bias.size:,}")
        if _ANSWERED.get() or _STEPS.get():
            st.metric("Right", f"{right} of {len(labels)}")
    st.caption("The weights of pixels that are blank in all these images stay as they are: they had no part in it.")


_ANSWERED: Key[int] = Key("answered-fifties-noted", 0)


def _note_answering() -> None:
    _ANSWERED.set(_ANSWERED.get() + 1)


def _train_step() -> None:
    _STEPS.set(_STEPS.get() + 1)


def _start_over() -> None:
    _STEPS.set(0)
    _ANSWERED.set(0)


def answer(dataset: Dataset, _: Step, runs: Named) -> None:
    """The printed shares of one test image next to those of runs."""
    printed = articles.ARTICLES["torres"].answer
    assert printed is not None
    if not has_published_figures(dataset.name):
        st.caption(f"In this data set, image {printed.image} is another one. So you can only compare the two runs.")
    shown: dict[str, tuple[Mapping[int, float], Sequence[str]]] = {"Printed": (printed.probabilities, DIGITS)}
    for name, run in runs.items():
        result = run.snapshot.evaluation
        if result is not None:
            found = dict(enumerate(result.probabilities[printed.image].tolist()))
            shown[name] = (found, dataset.class_names)
    label = f"test image {printed.image}"
    alt = f"T{label[1:]}, {pictures.with_article(int(dataset.test_labels[printed.image]), dataset.class_names)}"
    st.image(pictures.ink_url(dataset.test_images[printed.image], 5), width=112, caption=label, alt=alt)
    for column, (title, (shares, names)) in zip(st.columns(len(shown)), shown.items(), strict=True):
        with column:
            _answer(title, shares, names)


def _answer(title: str, shares: Mapping[int, float], names: Sequence[str]) -> None:
    st.markdown(f"**{title}**")
    best = max(shares, key=shares.__getitem__)
    alt = f"Ten bars, the share of each {noun_of(names)}. The highest is the {names[best]} with {shares[best]:.0%}."
    st.vega_lite_chart(_bars(shares, names), answer_bars(names), key=f"answer-{title}", alt=alt)


def _bars(shares: Mapping[int, float], names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame({"digit": [names[k] for k in shares], "probability": shares.values()})
    table["best"] = table["probability"] == table["probability"].max()
    return table
