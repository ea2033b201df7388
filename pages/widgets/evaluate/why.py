"""Why a run reads a test image as it does, in a dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.charts.answers import answers_over_epochs, checked_answer_bars
from mnist_core.data.sources import outputs_to_show
from mnist_core.language import gettext as _
from mnist_core.runs.network_run import Run
from pages.widgets.common import explanations, pictures, time_machine, vega_chart
from pages.widgets.state import visitor_runs
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.data import Split
    from mnist_core.evaluation import Evaluation
    from mnist_core.network import TrainedNetwork
    from mnist_core.runs.job import Job

_EXPLAINED: Key[int | None] = Key("explained-noted", None)


def explain(index: int) -> None:
    """Open the dialog for a test image in the next rerun."""
    _EXPLAINED.set(index)


def explanation_dialog(run: Job, result: Evaluation) -> None:
    """The dialog, once after `explain`."""
    index = _EXPLAINED.get()
    _EXPLAINED.set(None)
    if index is None or index >= len(result.labels):
        return
    names = run.dataset.class_names
    title = _("Test image {index}: {thing}", index=index, thing=pictures.with_article(int(result.labels[index]), names))
    st.dialog(title, width="large")(_content)(run, result, index, names)


def _content(run: Job, result: Evaluation, index: int, names: Sequence[str]) -> None:
    split = run.split
    answers(result, split, index, names, "why-bars")
    image = split.test_images[index].astype(np.float32) / 255
    label, rival = _right_and_rival(result, index)
    network = _network(run)
    if isinstance(run, Run) and network is not None:
        st.markdown(_("**The pixels that decide**"))
        rank = _("its answer") if rival == result.predicted[index] else _("its next best answer")
        explanations.deciding_pixels(network, image, label, rival, names, rank)
        _over_epochs(run, index, (label, rival), names)
    st.markdown(_("**The training images most like it**"))
    explanations.similar_images(image, run.dataset, split.train_indices)


def answers(result: Evaluation, split: Split, index: int, names: Sequence[str], key: str) -> None:
    """A test image with its ten probabilities; `key` is that of the chart."""
    label, answer = int(result.labels[index]), int(result.predicted[index])
    st.markdown(
        _("It is **{thing}**, read as **{answer}**.", thing=pictures.with_article(label, names), answer=names[answer])
    )
    picture, bars = st.columns([1, 3], vertical_alignment="center")
    picture.image(
        pictures.ink_url(split.test_images[index], 5),
        width=140,
        alt=_("Test image {index}: {thing}.", index=index, thing=pictures.with_article(label, names)),
    )
    shown = outputs_to_show(names, answer)
    kinds = ["right" if digit == label else "wrong" if digit == answer else "other" for digit in shown]
    shares = result.probabilities[index, shown]
    table = pd.DataFrame({"digit": [names[digit] for digit in shown], "probability": shares.tolist(), "kind": kinds})
    vega_chart.vega_chart(
        checked_answer_bars([names[digit] for digit in shown]),
        table,
        key=key,
        alt=_("Bars: how probable each answer is to the network for this image."),
        place=bars,
    )


def _right_and_rival(result: Evaluation, index: int) -> tuple[int, int]:
    """The right answer, and what speaks against it: the network's answer if that is wrong, or else its next best."""
    label, (answer, second) = int(result.labels[index]), np.argsort(-result.probabilities[index])[:2].tolist()
    return label, second if answer == label else answer


def _network(run: Job) -> TrainedNetwork | None:
    """The run's network at the moment that the visitor looks at."""
    if not isinstance(run, Run):
        return None
    place = visitor_runs.moment_of(run)
    then = None if place is None else time_machine.network_at(run, place)
    return then or run.snapshot.network


def _over_epochs(run: Run, index: int, shown: tuple[int, int], names: Sequence[str]) -> None:
    """How probable the right answer and its rival were at each kept moment of the run, and at its end."""
    shot = run.snapshot
    if not run.past_moments or shot.started is None or shot.network is None:
        return
    image = run.split.test_images[index : index + 1]
    end = run.end
    rows = []
    for place in [*run.past_moments, *([end] if end else [])]:
        network = shot.network if place == end else time_machine.network_at(run, place)
        if network is None:
            return  # It has shown the error.
        probabilities = network.predict(image)[0]
        epochs = place.epoch - 1 + place.step / shot.started.steps_per_epoch
        rows += [(epochs, float(probabilities[digit]), names[digit]) for digit in shown]
    st.markdown(_("**Its answer over the epochs**"))
    table = pd.DataFrame(rows, columns=["epoch", "probability", "digit"])
    first, newest = rows[0], rows[-2]
    vega_chart.vega_chart(
        answers_over_epochs(names[shown[0]], names[shown[1]], newest[0]),
        table,
        key="why-epochs",
        alt=_(
            "Curves: the probability of {answer} goes from {first:.0%} to {last:.0%}.",
            answer=newest[2],
            first=first[1],
            last=newest[1],
        ),
    )
