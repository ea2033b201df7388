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
from mnist_core.language import Message, format_number
from mnist_core.language import gettext as _
from mnist_core.lessons import articles, demos, trust
from pages.widgets.common import pictures, run_curves, vega_chart
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


def patterns(dataset: Dataset, _step: Step, runs: Named) -> None:
    """The ten patterns of weights of the run without a hidden layer."""
    run = next(run for run in runs.values() if not run.config.layers)
    weights = _network(run).weights[0].T.reshape(CLASSES, IMAGE_SIZE, IMAGE_SIZE)
    used = [label for label, name in enumerate(dataset.class_names) if not name.startswith("unused")]
    largest = np.abs(weights).max() or 1
    urls = [pictures.png_url(signed_mosaic((weights[k] / largest)[None], 1, 84)) for k in used]
    names = [dataset.class_names[k] for k in used]
    alt = [
        _("The weights of the {noun} {name}, one for each pixel", noun=noun_of(dataset.class_names), name=name)
        for name in names
    ]
    st.image(urls, caption=names, width=88, alt=alt)
    st.caption(_("Blue: ink here raises the score. Orange: ink here lowers it."))


def own_matrix(dataset: Dataset, _step: Step, runs: Named) -> None:
    """The confusion matrix of the visitor's network, and a way to its mistakes."""
    run = _first(runs)
    result = run.snapshot.evaluation
    assert result is not None
    only_errors = st.toggle(_("Only the mistakes"), key="own-matrix-errors")
    names = dataset.class_names
    pictures.counts_matrix(result.confusion, "own-matrix", only_errors, noun=noun_of(names), names=names)
    run_curves.mistakes_button(run)


def sure(dataset: Dataset, _step: Step, runs: Named) -> None:
    """Pictures of no digit, as the visitor's network and the built-in one answer, and sure answers that are wrong."""
    run, shown = _first(runs), demos.pictures_of_no_digit()
    if dataset.class_names == DIGITS:
        name = str(
            st.segmented_control(_("Picture"), list(shown), default=next(iter(shown)), required=True, format_func=_)
        )
        image = shown[name]
        answers: dict[str, npt.NDArray[np.float32]] = {Message("Your network"): _network(run).predict(image[None])[0]}
        answers[Message("Built-in network")] = predictor.shipped()(image).probabilities
        left, *columns = st.columns([1, 2, 2], vertical_alignment="top")
        left.image(pictures.ink_url(image, 5), caption=_(name), width=120, alt=_("A drawing of {name}", name=_(name)))
        for column, (title, found) in zip(columns, answers.items(), strict=True):
            with column:
                _answer(title, dict(enumerate(np.ravel(found).tolist())), DIGITS)
        if st.button(_("Draw your own letter"), icon=":material/draw:", type="tertiary"):
            st.switch_page("pages/draw.py")
    result = run.snapshot.evaluation
    assert result is not None
    best = result.probabilities.max(axis=1)
    is_sure, is_wrong = best >= _SURE, result.probabilities.argmax(axis=1) != result.labels
    wrong = np.flatnonzero(is_sure & is_wrong)
    wrong = wrong[np.argsort(-best[wrong], kind="stable")]
    st.markdown(
        _(
            "On the test images your network gave **{sure:,}** answers with 99% or more. "
            "**{wrong:,}** of them are wrong.",
            sure=int(is_sure.sum()),
            wrong=len(wrong),
        )
    )
    images, names = dataset.test_images, dataset.class_names
    some = wrong[:_MOST_SURE_MISTAKES]
    captions = [f"**{names[result.probabilities[k].argmax()]}** {format_number(best[k], '.1%')}" for k in some]
    alt = [
        _("Test image {index}, {thing}", index=k, thing=pictures.with_article(int(result.labels[k]), names))
        for k in some
    ]
    if len(some):
        pictures.image_row([images[k] for k in some], captions, 64, alt=alt)


def best_of_ten(dataset: Dataset, _step: Step, runs: Named) -> None:
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
        _(
            "Of these {few} images, **{name}** reads most: **{on_few:.1%}**. Of the {rest:,} new "
            "images it reads **{on_rest:.1%}**.",
            few=few,
            name=_(winner.name),
            on_few=winner.few,
            rest=rest,
            on_rest=winner.rest,
        )
    )
    lines = [
        f"| {_(name)} | {format_number(one[drawn].mean(), '.1%')} | {format_number(one[~drawn].mean(), '.1%')} |"
        for name, one in sorted(right.items(), key=lambda item: -item[1][drawn].mean())
    ]
    st.markdown(
        "\n".join([_("| Network | {few} images | {rest:,} new images |", few=few, rest=rest), "|:--|--:|--:|", *lines])
    )
    st.button(_("Draw {few} others", few=few), icon=":material/casino:", on_click=lambda: _DRAW.set(_DRAW.get() + 1))
    on_few, on_rest = _mean_winner(tuple(run.id for run in runs.values()), right)
    st.markdown(
        _(
            "In {draws} such draws, the winner reads **{on_few:.1%}** of its {few} images on "
            "average, and **{on_rest:.1%}** of the new ones.",
            draws=demos.DRAWS,
            on_few=on_few,
            few=few,
            on_rest=on_rest,
        )
    )


@st.cache_data(show_spinner=False, max_entries=20)
def _mean_winner(run_ids: tuple[str, ...], _right: dict[str, npt.NDArray[np.bool_]]) -> tuple[float, float]:
    del run_ids  # The key.
    return demos.mean_winner(_right, trust.FEW_IMAGES)


def stored(dataset: Dataset, _step: Step, runs: Named) -> None:
    """How large the training images are, and how large the network's file is, with the weights of its first neurons."""
    network = _network(_first(runs))
    images, count = dataset.train_images.nbytes, sum(one.size for one in network.weights)
    file = len(network.to_npz())
    with st.container(horizontal=True):
        st.metric(
            _("{count:,} training images", count=len(dataset.train_labels)),
            _("{images:.1f} MB", images=images / 1000000.0),
        )
        st.metric(_("The network: {count:,} numbers", count=count), _("{file:.2f} MB", file=file / 1000000.0))
        st.metric(_("Images larger by"), _("{images:,.0f} times", images=images / file))
    weights = network.weights[0].T[:_MOST_NEURONS].reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
    url = pictures.png_url(signed_mosaic(weights / (np.abs(weights).max() or 1), 8, 64))
    st.image(
        url,
        caption=_("The weights of the first {count} neurons", count=len(weights)),
        alt=_("Blurred patterns, none is an image"),
    )


def answer_or_learn(dataset: Dataset, _step: Step, runs: Named) -> None:
    """Let a network answer fifty images, or train one step on them, and count the weights that change."""
    start = _network(_first(runs)).weights
    images, labels = dataset.test_images[:_FIFTY], dataset.test_labels[:_FIFTY]
    kernel, bias = start[0], start[1]
    for _at in range(_STEPS.get()):
        kernel, bias = demos.learning_step(kernel, bias, images, labels, _RATE)
    right = int((demos.shares(kernel, bias, images).argmax(axis=1) == labels).sum())
    changed = int((kernel != start[0]).sum() + (bias != start[1]).sum())
    with st.container(horizontal=True):
        st.button(_("Answer {count} images", count=len(labels)), icon=":material/visibility:", on_click=_note_answering)
        st.button(_("Train one step on them"), icon=":material/fitness_center:", on_click=_train_step)
        st.button(_("Start over"), icon=":material/restart_alt:", on_click=_start_over, type="tertiary")
    with st.container(horizontal=True):
        st.metric(_("Images answered"), format_number(_ANSWERED.get() * len(labels), ","))
        st.metric(_("Training steps"), f"{_STEPS.get()}")
        st.metric(
            _("Weights and biases that have changed"),
            _("{changed:,} of {size:,}", changed=changed, size=kernel.size + bias.size),
        )
        if _ANSWERED.get() or _STEPS.get():
            st.metric(_("Read right"), _("{right} of {count}", right=right, count=len(labels)))
    st.caption(_("The weights of pixels that are blank in all these images stay as they are: they had no part in it."))


_ANSWERED: Key[int] = Key("answered-fifties-noted", 0)


def _note_answering() -> None:
    _ANSWERED.set(_ANSWERED.get() + 1)


def _train_step() -> None:
    _STEPS.set(_STEPS.get() + 1)


def _start_over() -> None:
    _STEPS.set(0)
    _ANSWERED.set(0)


def answer(dataset: Dataset, _step: Step, runs: Named) -> None:
    """The printed shares of one test image next to those of runs."""
    printed = articles.ARTICLES["torres"].answer
    assert printed is not None
    if not has_published_figures(dataset.name):
        st.caption(
            _(
                "In this data set, image {image} is another one. So you can only compare the two runs.",
                image=printed.image,
            )
        )
    shown: dict[str, tuple[Mapping[int, float], Sequence[str]]] = {Message("Printed"): (printed.probabilities, DIGITS)}
    for name, run in runs.items():
        result = run.snapshot.evaluation
        if result is not None:
            found = dict(enumerate(result.probabilities[printed.image].tolist()))
            shown[name] = (found, dataset.class_names)
    label = _("test image {image}", image=printed.image)
    thing = pictures.with_article(int(dataset.test_labels[printed.image]), dataset.class_names)
    alt = f"{label[:1].upper()}{label[1:]}, {thing}"
    st.image(pictures.ink_url(dataset.test_images[printed.image], 5), width=112, caption=label, alt=alt)
    for column, (title, (shares, names)) in zip(st.columns(len(shown)), shown.items(), strict=True):
        with column:
            _answer(title, shares, names)


def _answer(title: str, shares: Mapping[int, float], names: Sequence[str]) -> None:
    st.markdown(f"**{_(title)}**")
    best = max(shares, key=shares.__getitem__)
    alt = _(
        "Ten bars, the share of each {noun}. The highest is the {best} with {share:.0%}.",
        noun=noun_of(names),
        best=names[best],
        share=shares[best],
    )
    vega_chart.vega_chart(answer_bars(names), _bars(shares, names), key=f"answer-{title}", alt=alt)


def _bars(shares: Mapping[int, float], names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame({"digit": [names[k] for k in shares], "probability": shares.values()})
    table["best"] = table["probability"] == table["probability"].max()
    return table
