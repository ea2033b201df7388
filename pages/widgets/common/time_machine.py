"""The time machine: a run's network, and its test results, at a moment that was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.errors import PlaygroundError, RunNotFoundError
from mnist_core.evaluation.metrics import evaluate_on_test
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.network import TrainedNetwork
from mnist_core.runs.network_run import Run
from mnist_core.training.moments import START
from pages.widgets.state import controls, visitor_runs

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.evaluation import Evaluation
    from mnist_core.runs.job import Job
    from mnist_core.training.moments import Place

_MOST_EVALUATIONS = 50  # Each holds 0.4 MB of answers.
_END = Message("the end")


def moment_slider(run: Run, label: str = Message("Moment of the run")) -> Place | None:
    """A slider over the kept moments of an ended run, if there are any; returns the chosen one, or None for the end."""
    places = run.past_moments
    if not places:
        return None
    by_name: dict[str, Place | None] = {moment_text(run, place): place for place in places}
    by_name[_(_END)] = None
    key = f"moment-{run.id}"
    before = visitor_runs.moment_of(run)
    chosen = st.select_slider(
        _(label),
        list(by_name),
        key=controls.seed(key, _(_END) if before is None else moment_text(run, before), list(by_name)),
        value=controls.value_of(key),
        on_change=lambda: visitor_runs.look_at_moment(run, by_name.get(controls.value_of(key))),
        help=_("Time machine: go back to an earlier moment of the training."),
    )
    return by_name[chosen]


def moment_text(run: Run, place: Place) -> str:
    """A moment in words: "the start", "epoch 0.25", "epoch 3"."""
    started = run.snapshot.started
    if place == START or started is None:
        return _("the start")
    epochs = place.epoch - 1 + place.step / started.steps_per_epoch
    return _("epoch {epochs:.2f}", epochs=epochs) if epochs < 1 else _("epoch {epochs:.0f}", epochs=epochs)


def network_at(run: Run, place: Place) -> TrainedNetwork | None:
    """The network of a run at a kept moment; if it cannot be read, shows an error and returns None."""
    try:
        weights = run.moments.weights(place)
    except RunNotFoundError:
        weights = None
    except PlaygroundError as error:
        st.error(_(error.message), icon=":material/error:")
        return None
    if weights is None:
        st.error(_("This moment is no longer kept. What you see is the end of the run."), icon=":material/error:")
        return None
    return TrainedNetwork(run.config, weights)


def evaluation_at_moment(run: Job) -> Evaluation | None:
    """The test results of a run at the moment that the visitor chooses with a slider; at first those of the end."""
    place = moment_slider(run) if isinstance(run, Run) else None
    if place is None or not isinstance(run, Run):
        return run.snapshot.evaluation
    network = network_at(run, place)
    if network is None:
        return run.snapshot.evaluation
    with st.spinner(_("Testing the network of that moment ...")):
        return _evaluated(run.id, place, network, run.dataset)


@st.cache_resource(show_spinner=False, max_entries=_MOST_EVALUATIONS)
def _evaluated(run_id: str, place: Place, _network: TrainedNetwork, _dataset: Dataset) -> Evaluation:
    del run_id, place  # The key.
    return evaluate_on_test(_network, _dataset)
