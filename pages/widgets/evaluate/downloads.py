"""Download a run: as a program, as a network, as figures, as a report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.export import keras_script, report
from mnist_core.network.files import keras_file
from mnist_core.runs.network_run import Run
from mnist_core.training import Status
from pages.widgets.common import run_picker

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.runs.job import Job


@dataclass(frozen=True)
class Download:
    """A file to download.

    Args:
        label: of the button.
        ending: of the file's name.
        make: makes the file when it is downloaded.
        note: what it is for.
    """

    label: str
    ending: str
    make: Callable[[], str | bytes]
    note: str


def download_panel(run: Job) -> None:
    """An expander with all downloads of a network's run. Classical models have none."""
    if not isinstance(run, Run) or run.snapshot.network is None:
        return
    folded = st.expander("Download", icon=":material/download:", on_change="rerun", key="home")
    if not folded.open:
        return
    with folded:
        name = _file_name(run_picker.run_title(run))
        for title, offers in download_files(run).items():
            st.markdown(f"**{title}**")
            with st.container(horizontal=True):
                for one in offers:
                    # Made at the download, not in each rerun.
                    st.download_button(
                        one.label,
                        one.make,
                        f"{name}{one.ending}",
                        icon=":material/download:",
                        help=one.note,
                        on_click="ignore",
                        key=f"home-{one.ending}",
                    )
        for caveat in _caveats(run):
            st.caption(caveat)
        if st.toggle("Show the Keras script", key="home-code"):
            st.code(keras_script.keras_script(run.config), language="python")


def download_files(run: Run) -> dict[str, list[Download]]:
    """The files of a run with a trained network, grouped under titles."""
    shot, config = run.snapshot, run.config
    network = shot.network
    if network is None:
        return {}
    pixels = "from 0 to 255" if config.pixels == "raw" else "from 0 to 1"
    file = f"{_file_name(run_picker.run_title(run))}.py"
    programs = [
        Download(
            "Keras script",
            ".py",
            lambda: keras_script.keras_script(config, file),
            "Trains the same network without the playground.",
        ),
        Download("Notebook", ".ipynb", lambda: keras_script.notebook(config), "The same for Jupyter or Colab."),
        Download("Settings", ".json", config.to_json, "All settings of the run, to load them again here."),
    ]
    if keras_script.needs_data_files(config):
        note = "The images as IDX files, which the script and the notebook read from a folder."
        programs.append(Download("Data", "-data.zip", lambda: keras_script.data_files(run.dataset), note))
    return {
        "Code": programs,
        "Model": [
            Download(
                "Keras model",
                ".keras",
                lambda: keras_file(network),
                f"For keras.models.load_model, ready for evaluate and fit. It reads (n, 28, 28) pixels {pixels}.",
            ),
            Download("Weights", ".npz", network.to_npz, "NumPy arrays in Keras's order, and the settings."),
        ],
        "Report": [
            Download(
                "Report",
                ".html",
                lambda: report.report(run_picker.run_title(run), config, run.dataset, shot),
                "One page with settings, curves, matrix, figures and mistakes, to keep or to print.",
            ),
            Download(
                "Figures",
                "-figures.zip",
                lambda: report.figure_files(shot, run.dataset.class_names),
                "Curves and matrix, as PNG and as SVG.",
            ),
            Download("History", ".csv", lambda: report.history_csv(shot.epochs), "Loss and accuracy of each epoch."),
        ],
    }


def _caveats(run: Run) -> list[str]:
    """Notes on how the program differs from the run."""
    caveats = []
    if not run.begins_random:
        caveats.append("This run continued from another network. The program starts with random weights.")
    if run.snapshot.rates:
        caveats.append("The learning rate was changed during the run. The program uses the first one.")
    if run.snapshot.status is not Status.FINISHED:
        caveats.append(f"This run stopped early. The program trains all {run.config.epochs} epochs.")
    return caveats


def _file_name(title: str) -> str:
    """A run's title as a file name without an extension."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "network"
