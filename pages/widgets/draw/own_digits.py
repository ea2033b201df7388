"""The visitor's own test sets: their labelled drawings, one set for each choice of class names."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.data import datasets
from mnist_core.data.sources import DIGITS, classes_of, noun_of
from mnist_core.drawing import own_drawings, test_set
from mnist_core.errors import PlaygroundError
from mnist_core.language import Message, ngettext
from mnist_core.language import gettext as _
from mnist_core.training import finetuning
from pages.widgets.common import pictures, run_picker, taught
from pages.widgets.common.misconception import misconception_link
from pages.widgets.state import controls, data_sets, own_work, visitor_runs
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from mnist_core.drawing.strokes import Strokes
    from mnist_core.drawing.test_set import LabelledDrawing
    from mnist_core.evaluation import Predictor
    from mnist_core.runs.network_run import Run

_MOST_SHOWN = 24
# Added to the title of a network that learned from them.
_TAUGHT = {"digit": Message(" + your digits"), "class": Message(" + your drawings")}

_WANTED: Key[str | None] = Key("wants-teaching-noted", None)


def labelled_drawings(names: tuple[str, ...] = DIGITS) -> Sequence[LabelledDrawing]:
    """The drawings that are labelled with these class names, the oldest first."""
    return [one for one in own_work.drawings().tests if one.class_names == names]


def _change(change: Callable[[tuple[LabelledDrawing, ...]], Iterable[LabelledDrawing]]) -> None:
    """Replace the drawings of all test sets by what `change` makes of them."""
    own_work.change_drawings(
        lambda own: dataclasses.replace(own, tests=tuple(change(own.tests))[-own_drawings.MAX_DRAWINGS :])
    )


def _delete(drawings: Sequence[LabelledDrawing]) -> None:
    _change(lambda tests: [one for one in tests if one not in drawings])


def label_question(image: npt.NDArray[np.float32] | None, lines: Strokes = (), names: tuple[str, ...] = DIGITS) -> None:
    """Ask which digit was drawn, or which of the ten class names. The answer adds the drawing to the test set.

    Without an image the question is disabled, so that it keeps its place.
    """
    before = None if image is None else test_set.label_of(labelled_drawings(names), image)
    key = f"label-{None if image is None else hash((image.tobytes(), names))}-{before}"

    def add() -> None:
        label = controls.value_of(key)
        if image is not None and label is not None:
            _change(lambda tests: test_set.add_drawing(tests, image, label, lines, names))

    st.pills(
        _("Correct answer? Saves it to your test set"),
        classes_of(names),
        format_func=names.__getitem__,
        key=key,
        default=before,
        required=before is not None,
        help=_(
            "Your test set holds your last {most} drawings. A network learns from them only if you teach it.",
            most=own_drawings.MAX_DRAWINGS,
        ),
        on_change=add,
        disabled=image is None,
    )
    if before is not None:
        saved = _(
            "Saved to your test set as {thing}. No network has changed.", thing=pictures.with_article(before, names)
        )
        st.caption(f":material/check: {saved}")
        misconception_link("drawing")


def own_test_set(predictors: dict[str, Predictor], names: tuple[str, ...] = DIGITS) -> None:
    """The test set with these class names, its networks' accuracy, and buttons to download, teach and delete."""
    own = labelled_drawings(names)
    if not own:
        thing = _("a digit") if names == DIGITS else _("something")
        st.caption(_("Draw {thing}, then choose the correct answer below its bars.", thing=thing))
        return
    st.markdown(ngettext("{count} labelled drawing", "{count} labelled drawings", len(own)))
    last = own[-_MOST_SHOWN:]
    alt = [_("Your drawing, labelled as {thing}.", thing=pictures.with_article(one.label, names)) for one in last]
    pictures.image_row([one.image for one in last], [names[one.label] for one in last], alt=alt)
    shown = _("The last {most}. ", most=_MOST_SHOWN) if len(own) > _MOST_SHOWN else ""
    trouble = own_work.trouble(own_work.DRAWINGS)
    if trouble:
        st.warning(_("Your drawings are not being saved. {trouble}", trouble=trouble), icon=":material/warning:")
    st.caption(_("{shown}Your drawings are saved with your runs.", shown=shown))
    for name, predictor in predictors.items():
        if predictor.class_names == names:
            _standing(name, predictor, own)
    with st.container(horizontal=True):
        st.download_button(
            _("As IDX files"),
            test_set.to_idx_zip(own),
            "own-digits.zip",
            icon=":material/download:",
            help=_("Images and labels in MNIST's file format."),
            on_click="ignore",
        )
        st.download_button(
            _("As strokes"),
            test_set.to_jsonl(own),
            "own-digits.jsonl",
            icon=":material/download:",
            help=_("Strokes as JSON lines (for developers)."),
            on_click="ignore",
            disabled=not any(one.strokes for one in own),
        )
        st.button(_("Delete the last"), on_click=lambda: _delete(own[-1:]))
        st.button(_("Delete all"), on_click=lambda: _delete(own))


def _standing(name: str, predictor: Predictor, own: Sequence[LabelledDrawing]) -> None:
    """How many drawings a network reads right, and a button to teach it."""
    known = _learned_from(predictor)
    fresh = [one for one in own if own_drawings.digest(one.image) not in known]
    text, button = st.columns([3, 1], vertical_alignment="center")
    right = test_set.count_correct(predictor.network, fresh)
    if not fresh:
        standing = _("No new drawings to test on: it was trained on all {count}.", count=len(own))
    else:
        standing = _(
            "**{right} of {count}** read right ({share:.0%})", right=right, count=len(fresh), share=right / len(fresh)
        )
        if len(fresh) < len(own):
            standing += _(". Not counted: {count} that it was trained on.", count=len(own) - len(fresh))
    text.markdown(f"{name}: {standing}")
    run = _run_of(predictor)
    lesson = taught.lesson_text(run) if run is not None else ""
    if lesson:
        text.caption(lesson)
    wants = button.button(
        _("Teach it"),
        icon=":material/school:",
        key=f"teach-{name}",
        disabled=visitor_runs.is_training(),
        help=_(
            "A new run continues from this network. It trains on these drawings and some old images. "
            "It takes a few seconds."
        ),
    )
    # Remember the press while the old training images are still being loaded.
    if wants or _WANTED.get() == name:
        _WANTED.set(name)
        _teach(name, predictor, own)


def _teach(name: str, predictor: Predictor, own: Sequence[LabelledDrawing]) -> None:
    network, base = predictor.network, _run_of(predictor)
    dataset = data_sets.get(network.config.dataset)
    if dataset is None:
        # Ask for the error: the images may have arrived a moment after `get` gave up waiting.
        if network.config.dataset not in datasets.NAMES or data_sets.loading_data_set(network.config.dataset).error:
            _WANTED.set(None)  # The page shows why.
        return
    config = dataclasses.replace(finetuning.recipe(network.config), dataset=dataset.name)
    suffix = _TAUGHT[noun_of(predictor.class_names)]
    called = (run_picker.saved_title(base) if base else "Built-in network").removesuffix(suffix)
    title = run_picker.title_with(called, suffix)
    answers = network.predict(np.stack([one.image for one in own])).argmax(axis=1)
    right = [own_drawings.digest(one.image) for one, answer in zip(own, answers, strict=True) if answer == one.label]
    # At an earlier moment of the run, its test accuracy was another.
    is_end = base is not None and base.snapshot.network is network
    tested = base.snapshot.evaluation if base is not None and is_end else None
    lesson = own_drawings.Lesson(
        _learned_from(predictor) | {own_drawings.digest(one.image) for one in own},
        frozenset(right),
        tested.accuracy if tested else None,
    )

    def start() -> None:
        _WANTED.set(None)
        mixed = finetuning.training_set(network.config, dataset, own)
        run = visitor_runs.start_run(config, mixed, state=finetuning.start(network), title=title)
        own_work.remember_lesson(run.id, lesson)

    try:
        uninterrupted(start)
    except PlaygroundError as error:
        st.error(_(error.message), icon=":material/error:")
        return
    st.switch_page("pages/train.py")


def _run_of(predictor: Predictor) -> Run | None:
    """The visitor's run that trained this network; None for the built-in one."""
    return next((run for run in visitor_runs.trained_networks() if run.id == predictor.run_id), None)


def _learned_from(predictor: Predictor) -> frozenset[str]:
    """The digests of the drawings that a network was trained on, which must not test it."""
    lesson = own_work.drawings().lessons.get(predictor.run_id)
    return lesson.drawings if lesson else frozenset()
