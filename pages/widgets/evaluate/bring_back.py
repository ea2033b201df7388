"""Upload files that were downloaded here: networks and settings."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.data import datasets
from mnist_core.errors import DataError, PlaygroundError
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.network import files
from mnist_core.runs.network_run import Run
from pages.widgets.state import data_sets, editor_state, visitor_runs
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.network import TrainedNetwork

_BROUGHT_BACK = Key("brought-back-noted", 0)


def network_upload() -> None:
    """An uploader in an expander. A network becomes a run of the visitor, settings go into the editor."""
    folded = st.expander(_("Upload a model or settings"), icon=":material/upload_file:")
    with folded:
        st.markdown(
            _(
                "Upload a file from **Download**. A `.keras` or `.npz` network is tested and added to your runs. A "
                "`.json` file fills the editor."
            )
        )
        file = st.file_uploader(
            _("File"),
            ["keras", "npz", "json"],
            key=f"bring-back-{_BROUGHT_BACK.get()}",
            max_upload_size=files.MAX_BYTES // 2**20,
            label_visibility="collapsed",
        )
        if file is None:
            return
        try:
            with st.spinner(_("Reading it …")):
                _take(file.getvalue(), file.name)
        except PlaygroundError as error:
            st.error(_(error.message), icon=":material/error:")


def _take(content: bytes, name: str) -> None:
    if name.lower().endswith(".json"):
        config = files.read_config(content, name)
        if config.dataset not in data_sets.names():
            config = dataclasses.replace(config, dataset=editor_state.draft().dataset)
        editor_state.load_config(config, Message("From a file"))
        page = "pages/train.py"
    else:
        run = _run(files.read_network(content, name), name)
        visitor_runs.add_new_run(run)
        page = "pages/evaluate.py"
    _BROUGHT_BACK.set(_BROUGHT_BACK.get() + 1)  # A new key empties the uploader.
    st.switch_page(page)


def _run(network: TrainedNetwork, name: str) -> Run:
    """A network from a file as an ended run, tested on its own data set or else on another one of this server."""
    for data_set in (network.config.dataset, editor_state.first_config().dataset):
        dataset = data_sets.peek_data_set(data_set)
        if dataset is not None:
            tested = dataclasses.replace(network, config=dataclasses.replace(network.config, dataset=dataset.name))
            # File names are untrusted, and this is shown as Markdown.
            plain = re.sub(r"[^\w .()-]", "", name)[:80]
            title = datasets.NAMES.get(dataset.name, Message("Your own"))
            message = Message("Read from the file {file}, and tested on {title}.", file=plain, title=title)
            run = Run.of_network(tested, dataset, message)
            run.title = Message("{title} from {file}", title=presets.title_of(run.config), file=plain)
            return run
    raise DataError("There are no images to test it with yet.", "Wait until the data set is loaded, and try again.")
