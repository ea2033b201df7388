"""Look at a data set: images, pixel values, the file, a map of similar images."""

import streamlit as st

from mnist_core.data import uploads
from mnist_core.errors import PlaygroundError
from pages.widgets.common import dataset_views, segments
from pages.widgets.state import controls, data_sets, editor_state
from pages.widgets.state.keys import Key

VIEWS = {
    "Images": dataset_views.training_images,
    "One image": dataset_views.image_in_numbers,
    "The file": dataset_views.idx_file,
    "Overview": dataset_views.tensor_table,
    "Map": dataset_views.digit_map,
    "Split": dataset_views.split_sizes,
}

SHOWN = Key("data-set-noted", "")


def take_own() -> None:
    """Upload a data set."""
    st.markdown(
        f"28x28 grey images in up to ten classes, at most {uploads.MAX_BYTES // 2**20} MB a file when unpacked: "
        "MNIST's four IDX files, with or without gzip, or two of them, or one .npz with x_train, y_train, x_test and "
        "y_test. Fashion-MNIST's files work as they are. They are deleted when you close or reload this tab."
    )
    files = st.file_uploader(
        "Your files",  # No list of extensions: IDX files often have none.
        accept_multiple_files=True,
        max_upload_size=uploads.MAX_BYTES // 2**20,
    )
    if files and st.button("Use this data", type="primary"):
        try:
            data_sets.take_uploaded({file.name: file.getvalue() for file in files})
        except PlaygroundError as error:
            st.error(str(error), icon=":material/error:")
        else:
            SHOWN.set(uploads.NAME)
            controls.reset("data-set-choice")
            st.toast("Your data set is ready. It is shown above.", icon=":material/check:")
            st.rerun()


st.title("Look at the data")
names = data_sets.names()
left, right = st.columns([3, 1], vertical_alignment="bottom")
with left:
    name = st.selectbox(
        "Data set",
        list(names),
        **controls.seeded_choice("data-set-choice", SHOWN.get_or_set(editor_state.draft().dataset), list(names)),
        format_func=names.__getitem__,
        on_change=lambda: SHOWN.set(controls.value_of("data-set-choice")),
    )
dataset = data_sets.get(name)
if dataset is not None:
    if right.button("Train on it", icon=":material/play_circle:"):
        editor_state.use_data_set(name)
        st.switch_page("pages/train.py")
    # Do not show the path: where files are on the server is private.
    st.caption(f"{len(dataset.train_labels):,} images to learn from and {len(dataset.test_labels):,} to test with.")
    VIEWS[segments.segmented_choice("View", "data-view", list(VIEWS))](dataset)
with st.expander("Bring your own data", icon=":material/upload:"):
    take_own()
