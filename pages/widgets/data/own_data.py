"""A data set of the visitor's own: drawn here, or from files."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data import uploads
from mnist_core.data.sources import MAX_NAME, classes_of, ten_names
from mnist_core.drawing import collection, own_drawings, preprocessing, test_set
from mnist_core.errors import DataError, PlaygroundError
from mnist_core.language import gettext as _
from pages.widgets.common import board, pictures
from pages.widgets.state import controls, data_sets, own_work
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.data import Dataset
    from mnist_core.drawing.own_drawings import OwnDrawings
    from pages.widgets.common.board import Drawn

_MOST_SHOWN = 12
_GOOD = 10  # of each class

# The class names that were typed but refused, and why.
_REFUSED = Key("own-names-refused-noted", ("", ""))


def drawn_data(on_taken: Callable[[], None]) -> None:
    """Name two or more classes, draw some of each, and use them as a data set. `on_taken` is called after that."""
    st.markdown(
        _(
            "Teach a network your own symbols. **1.** Name 2 to 10 classes. **2.** Draw about "
            "{good} of each. **3.** Press **Use these drawings** and train a network on them.",
            good=_GOOD,
        )
    )
    own = own_work.drawings()
    _names_input(own)
    if not own.class_names:
        st.caption(_("The drawing area appears when the classes have names."))
        return
    left, right = st.columns([1, 1], gap="medium")
    with left:
        sheet = board.drawing_board()
    with right:
        _class_buttons(own, sheet)
        for label in classes_of(own.class_names):
            _examples_of(own, label)
    _use_button(own, on_taken)


def _names_input(own: OwnDrawings) -> None:
    # After a refusal the typed text stays, so that it can be mended.
    typed, refusal = _REFUSED.get()
    st.text_input(
        _("Class names, with commas between them"),
        **controls.seeded("own-names", typed or _text_of(own.class_names)),
        placeholder=_("heart, star"),
        help=_("At most {most} letters each. You can rename classes or add some later.", most=MAX_NAME),
        on_change=_take_names,
    )
    if refusal:
        st.error(_(refusal), icon=":material/error:")


def _text_of(class_names: tuple[str, ...]) -> str:
    return ", ".join(class_names[label] for label in classes_of(class_names))


def _take_names() -> None:
    text = controls.value_of("own-names")
    try:
        names = ten_names([name for name in text.split(",") if name.strip()])
        if any(one.label not in classes_of(names) for one in own_work.drawings().examples):
            raise DataError("A class without a name still has drawings.", "Name it, or delete them.")
    except DataError as error:
        _REFUSED.set((text, error.message))
        return
    _REFUSED.set(("", ""))
    own_work.change_drawings(lambda now: own_drawings.renamed(now, names))
    controls.set_value("own-names", _text_of(names))


def _class_buttons(own: OwnDrawings, sheet: Drawn) -> None:
    """A button for each class, which adds the drawing to its examples and clears the sheet."""
    image, hint = None, _("Draw one of them first.")
    try:
        if sheet.rgba is not None:
            drawn = preprocessing.to_mnist(sheet.rgba)
            image = None if drawn.is_empty else drawn.image
    except PlaygroundError as error:
        hint = _(error.message)

    def add(label: int) -> None:
        if image is None:
            return

        def with_it(now: OwnDrawings) -> OwnDrawings:
            examples = test_set.add_drawing(now.examples, image, label, sheet.strokes, now.class_names)
            return dataclasses.replace(now, examples=tuple(examples[-own_drawings.MAX_DRAWINGS :]))

        own_work.change_drawings(with_it)
        board.clear_board()

    st.markdown(_("**What is it?**"))
    with st.container(horizontal=True, gap="small"):
        for label in classes_of(own.class_names):
            st.button(
                own.class_names[label], key=f"own-class-{label}", disabled=image is None, on_click=add, args=(label,)
            )
    st.caption(hint if image is None else _("Choose its class: the drawing is added below, and the sheet is cleared."))


def _examples_of(own: OwnDrawings, label: int) -> None:
    examples = [one for one in own.examples if one.label == label]
    name = own.class_names[label]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{name}**: {len(examples)}", width="content")
        st.button(
            _("Delete the last"),
            key=f"own-delete-{label}",
            type="tertiary",
            disabled=not examples,
            on_click=_delete_last,
            args=(label,),
        )
    if examples:
        last = examples[-_MOST_SHOWN:]
        pictures.image_row(
            [one.image for one in last], [""] * len(last), 40, [_("Your drawing of {name}.", name=name)] * len(last)
        )


def _delete_last(label: int) -> None:
    def without(own: OwnDrawings) -> OwnDrawings:
        places = [place for place, one in enumerate(own.examples) if one.label == label]
        kept = [one for place, one in enumerate(own.examples) if place not in places[-1:]]
        return dataclasses.replace(own, examples=tuple(kept))

    own_work.change_drawings(without)
    _retry_names()


def _delete_all() -> None:
    own_work.change_drawings(lambda now: dataclasses.replace(now, examples=()))
    _retry_names()


def _retry_names() -> None:
    """Take names that were refused, since a drawing that stood against them is gone."""
    if _REFUSED.get() != ("", ""):
        _take_names()


def _use_button(own: OwnDrawings, on_taken: Callable[[], None]) -> None:
    counts = [sum(one.label == label for one in own.examples) for label in classes_of(own.class_names)]
    is_enough = min(counts) >= collection.LEAST_OF_EACH
    trouble = own_work.trouble(own_work.DRAWINGS)
    if trouble:
        st.warning(_("Your drawings are not being saved. {trouble}", trouble=trouble), icon=":material/warning:")
    with st.container(horizontal=True, vertical_alignment="center"):
        wants = st.button(_("Use these drawings"), type="primary", disabled=not is_enough, key="own-use")
        st.button(
            _("Delete all"), key="own-delete-all", disabled=not own.examples, type="tertiary", on_click=_delete_all
        )
    st.caption(
        _(
            "Draw at least {least_of_each} of each; {good} are much better.",
            least_of_each=collection.LEAST_OF_EACH,
            good=_GOOD,
        )
        if not is_enough
        else _(
            "A fifth of your drawings is kept for testing. The others are also turned, slanted, "
            "moved and drawn with other pens, which makes about {training_images:,} training "
            "images.",
            training_images=collection.TRAINING_IMAGES,
        )
    )
    if wants:
        # On a new server TensorFlow may still be loading.
        with st.spinner(_("Making your data set ...")):
            try:
                data_sets.take_own(collection.make_dataset(own.examples, own.class_names))
            except PlaygroundError as error:
                st.error(_(error.message), icon=":material/error:")
                return
        on_taken()


def files_as_data(on_taken: Callable[[], None]) -> None:
    """Upload files as a data set. `on_taken` is called after that."""
    st.markdown(
        _(
            "Grey images of 28x28 pixels in up to ten classes, at most {most} MB a file when "
            "unpacked. Give MNIST's four IDX files, or two of them, with or without gzip. Or give "
            "one .npz with x_train, y_train, x_test and y_test; class_names is optional. "
            "Fashion-MNIST's files work as they are.",
            most=uploads.MAX_BYTES // 2**20,
        )
    )
    files = st.file_uploader(
        _("Your files"),  # No list of extensions: IDX files often have none.
        accept_multiple_files=True,
        max_upload_size=uploads.MAX_BYTES // 2**20,
    )
    if files and st.button(_("Use this data"), type="primary"):
        try:
            data_sets.take_uploaded({file.name: file.getvalue() for file in files})
        except PlaygroundError as error:
            st.error(_(error.message), icon=":material/error:")
        else:
            on_taken()


def is_drawn(dataset: Dataset) -> bool:
    """Whether a data set was made of the visitor's drawings."""
    return dataset.name == uploads.NAME and dataset.train_groups is not None


def keeping(dataset: Dataset) -> None:
    """For the visitor's own data set: whether it is saved, and buttons to download and delete it."""
    trouble = own_work.trouble(own_work.DATA)
    if trouble:
        st.warning(_("Your data set is not being saved. {trouble}", trouble=trouble), icon=":material/warning:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_("Your own data, saved with your runs.") if not trouble else _("Your own data."), width="content")
        st.download_button(
            _("Download"),
            lambda: uploads.pack(dataset),
            "own-data.npz",
            icon=":material/download:",
            on_click="ignore",
            help=_("One NPZ file, as Keras has them. You can upload it again."),
        )
        st.button(
            _("Delete"),
            icon=":material/delete:",
            on_click=data_sets.delete_own,
            help=_("Delete your own data set. Your drawings and your runs stay."),
        )
