"""The visitor's own test set: drawings that they have said the digit of."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import datasets, finetuning, labelled
from mnist_core.errors import PlaygroundError
from pages.widgets import data, pictures, runs, session

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mnist_core.labelled import LabelledDrawing
    from mnist_core.live_run import Run
    from mnist_core.network import TrainedNetwork
    from mnist_core.prediction import Predictor
    from mnist_core.strokes import Strokes

_MOST = 500
_MOST_SHOWN = 24
_TAUGHT = " + your digits"
_WANTED = "wants-teaching"


def drawings() -> list[LabelledDrawing]:
    """Those labelled so far, the oldest first."""
    found: list[LabelledDrawing] = session.kept("own-digits", [])
    return found


def ask(image: npt.NDArray[np.float32], lines: Strokes) -> None:
    """Ask which digit the drawing was; the answer puts it into the test set."""
    # Another key for each drawing and answer, so that the next time no digit is chosen yet.
    answers = session.kept("labels-given", 0)
    key = f"label-{hash(image.tobytes())}-{answers}"

    def keep() -> None:
        label = session.chosen(key)
        if label is not None:
            session.keep("own-digits", labelled.with_label(drawings(), image, label, lines)[-_MOST:])
            session.keep("labels-given", answers + 1)
            st.toast(f"Kept as {label}.", icon=":material/check:")

    help_text = f"Puts the drawing into a test set of your own, which holds the last {_MOST}."
    st.pills("What was it?", range(10), key=key, help=help_text, on_change=keep)


def show(predictors: dict[str, Predictor]) -> None:
    """The test set, how many of it each network reads right, and what can be done with it."""
    own = drawings()
    if not own:
        return
    st.markdown(f"{len(own)} drawing{'s' if len(own) > 1 else ''} that you have said the digit of.")
    pictures.row([one.image for one in own[-_MOST_SHOWN:]], [str(one.label) for one in own[-_MOST_SHOWN:]])
    shown = f"The last {_MOST_SHOWN}. " if len(own) > _MOST_SHOWN else ""
    st.caption(f"{shown}Your drawings are deleted when you close or reload this tab.")
    for name, predictor in predictors.items():
        _standing(name, predictor.network, own)
    with st.container(horizontal=True):
        st.download_button(
            "As IDX files",
            labelled.as_idx(own),
            "own-digits.zip",
            icon=":material/download:",
            help="Images and labels in the form of MNIST's own test files.",
            on_click="ignore",
        )
        st.download_button(
            "As strokes",
            labelled.as_strokes(own),
            "own-digits.jsonl",
            icon=":material/download:",
            help="One drawing a line, for benchmarks/handwriting.py.",
            on_click="ignore",
            disabled=not any(one.strokes for one in own),
        )
        st.button("Delete the last", on_click=lambda: session.keep("own-digits", drawings()[:-1]))
        st.button("Delete all", on_click=lambda: session.keep("own-digits", []))


def _standing(name: str, network: TrainedNetwork, own: list[LabelledDrawing]) -> None:
    """How many of the drawings a network reads right, and a way to teach it them."""
    known = _learned_from(network)
    fresh = [one for one in own if one.image.tobytes() not in known]
    text, button = st.columns([3, 1], vertical_alignment="center")
    right = labelled.read_right(network, fresh)
    standing = (
        f"**{right} of {len(fresh)}** read right ({right / len(fresh):.0%})" if fresh else "nothing to test it with"
    )
    if len(fresh) < len(own):
        standing += f". Not counted: {len(own) - len(fresh)} that it has learned from. Draw new ones to test it."
    text.markdown(f"{name}: {standing}")
    wants = button.button(
        "Teach it",
        icon=":material/school:",
        key=f"teach-{name}",
        disabled=session.is_training(),
        help="A new run goes on from what this network knows, with these drawings among some of its old images. "
        "It takes a few seconds.",
    )
    # What it is to rehearse may have to be fetched first; the wish is not forgotten meanwhile.
    if wants or session.kept(_WANTED, None) == name:
        session.keep(_WANTED, name)
        _teach(name, network, own)


def _teach(name: str, network: TrainedNetwork, own: list[LabelledDrawing]) -> None:
    dataset = data.get(network.config.dataset)
    if dataset is None:
        if network.config.dataset not in datasets.NAMES or data.loading(network.config.dataset).done.is_set():
            session.keep(_WANTED, None)  # It cannot be had, as the page says now.
        return
    session.keep(_WANTED, None)
    from mnist_core.runs import TITLE_LENGTH  # Its database library is slow to import, and drawing needs none.

    config = dataclasses.replace(finetuning.recipe(network.config), dataset=dataset.name)
    try:
        lesson = finetuning.lesson(network.config, dataset, own)
        base = _run_of(network)
        called = (runs.title(base) if base else name).removesuffix(_TAUGHT)
        title = called[: TITLE_LENGTH - len(_TAUGHT)] + _TAUGHT
        run = session.start(config, lesson, state=finetuning.start(network), title=title)
    except PlaygroundError as error:
        st.error(str(error), icon=":material/error:")
        return
    known = _learned_from(network) | {one.image.tobytes() for one in own}
    session.keep("taught", session.kept("taught", {}) | {run.id: known})
    st.switch_page("pages/train.py")


def _run_of(network: TrainedNetwork) -> Run | None:
    """The visitor's run that left this network; None for the shipped one."""
    return next((run for run in session.networks() if run.snapshot.network is network), None)


def _learned_from(network: TrainedNetwork) -> frozenset[bytes]:
    """The pixels of the drawings that a network has learned from, which no longer test it."""
    run = _run_of(network)
    known: frozenset[bytes] = session.kept("taught", {}).get(run.id, frozenset()) if run else frozenset()
    return known
