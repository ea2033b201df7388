"""Look at a data set: images, pixel values, the file, a map of similar images. Draw or upload one of your own."""

import streamlit as st

from mnist_core.data import uploads
from mnist_core.language import gettext as _
from pages.widgets.common import address, dataset_views, segments
from pages.widgets.data import own_data
from pages.widgets.state import controls, data_sets, editor_state
from pages.widgets.state.keys import Key

VIEWS = {
    "images": (_("Images"), dataset_views.training_images),
    "image": (_("One image"), dataset_views.image_in_numbers),
    "file": (_("The file"), dataset_views.idx_file),
    "overview": (_("Overview"), dataset_views.tensor_table),
    "map": (_("Map"), dataset_views.digit_map),
    "split": (_("Split"), dataset_views.split_sizes),
}
"""The title and the function of each view, by its name in links."""

SHOWN = Key("data-set-noted", "")


def choose() -> None:
    """Remember the chosen data set. If it is the visitor's own and does not exist yet, open the place to draw it."""
    SHOWN.set(controls.value_of("data-set-choice"))
    if SHOWN.get() not in data_sets.names():
        controls.set_value("own-drawn", True)


def show_own() -> None:
    """Show the visitor's own data set, after it has changed."""
    SHOWN.set(uploads.NAME)
    controls.reset("data-set-choice")
    st.toast(_("Your data set is ready. It is shown above."), icon=":material/check:")
    st.rerun()


st.title(_("Look at the data"))
there = data_sets.names()
names = {**there, uploads.NAME: there.get(uploads.NAME, _("Your own: draw or upload it"))}
linked = address.arrived_by_address("data")
if linked in there:
    SHOWN.set(linked)
    controls.reset("data-set-choice")
left, right = st.columns([3, 1], vertical_alignment="bottom")
with left:
    name = st.selectbox(
        _("Data set"),
        list(names),
        **controls.seeded_choice("data-set-choice", SHOWN.get_or_set(editor_state.draft().dataset), list(names)),
        format_func=names.__getitem__,
        on_change=choose,
    )
dataset = data_sets.get(name) if name in there else None
if dataset is not None:
    if right.button(_("Train on it"), icon=":material/play_circle:"):
        # Of a few drawings, those that were held out are the test, not variants of one that was drawn for training.
        editor_state.use_data_set(name, **({"split": "official"} if own_data.is_drawn(dataset) else {}))
        st.switch_page("pages/train.py")
    # Do not show the path: where files are on the server is private.
    st.caption(
        _(
            "{training:,} training images and {test:,} test images.",
            training=len(dataset.train_labels),
            test=len(dataset.test_labels),
        )
    )
    if name == uploads.NAME:
        own_data.keeping(dataset)
    asked = address.arrived_by_address("view")
    if asked in VIEWS:
        segments.choose_segment("data-view", asked)
    dataset_views.go_to_image(dataset, address.arrived_by_address("image"))
    view = segments.segmented_choice(_("View"), "data-view", list(VIEWS), lambda view: VIEWS[view][0])
    VIEWS[view][1](dataset)
    image = str(dataset_views.shown_image(dataset)) if view == "image" else ""
    address.write_address(data=name, view=view, image=image)
draw = st.expander(_("Draw your own data"), icon=":material/draw:", on_change="rerun", key="own-drawn")
if draw.open:
    with draw:
        own_data.drawn_data(show_own)
with st.expander(_("Upload your own data"), icon=":material/upload:"):
    own_data.files_as_data(show_own)
