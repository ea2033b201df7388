"""Download a run: as a program, as a network, as figures, as a report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.export import keras_script, report
from mnist_core.language import gettext as _
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
    folded = st.expander(_("Download"), icon=":material/download:", on_change="rerun", key="home")
    if not folded.open:
        return
    with folded:
        name = _file_name(run_picker.saved_title(run))
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
        if st.toggle(_("Show the Keras script"), key="home-code"):
            st.code(keras_script.keras_script(run.config), language="python")


def download_files(run: Run) -> dict[str, list[Download]]:
    """The files of a run with a trained network, grouped under titles."""
    shot, config = run.snapshot, run.config
    network = shot.network
    if network is None:
        return {}
    pixels = _("from 0 to 255") if config.pixels == "raw" else _("from 0 to 1")
    file = f"{_file_name(run_picker.saved_title(run))}.py"
    programs = [
        Download(
            _("Keras script"),
            ".py",
            lambda: keras_script.keras_script(config, file),
            _("Trains the same network without the playground."),
        ),
        Download(_("Notebook"), ".ipynb", lambda: keras_script.notebook(config), _("The same for Jupyter or Colab.")),
        Download(_("Settings"), ".json", config.to_json, _("All settings of the run, to load them again here.")),
    ]
    if keras_script.needs_data_files(config):
        note = _("The images as IDX files, which the script and the notebook read from a folder.")
        programs.append(Download(_("Data"), "-data.zip", lambda: keras_script.data_files(run.dataset), note))
    return {
        _("Code"): programs,
        _("Model"): [
            Download(
                _("Keras model"),
                ".keras",
                lambda: keras_file(network),
                _(
                    "For keras.models.load_model, ready for evaluate and fit. It reads (n, 28, 28) pixels {pixels}.",
                    pixels=pixels,
                ),
            ),
            Download(_("Weights"), ".npz", network.to_npz, _("NumPy arrays in Keras's order, and the settings.")),
        ],
        _("Report"): [
            Download(
                _("Report"),
                ".html",
                lambda: report.report(run_picker.saved_title(run), config, run.dataset, shot),
                _("One page with settings, curves, matrix, figures and mistakes, to keep or to print."),
            ),
            Download(
                _("Figures"),
                "-figures.zip",
                lambda: report.figure_files(shot, run.dataset.class_names),
                _("Curves and matrix, as PNG and as SVG."),
            ),
            Download(
                _("History"), ".csv", lambda: report.history_csv(shot.epochs), _("Loss and accuracy of each epoch.")
            ),
        ],
    }


def _caveats(run: Run) -> list[str]:
    """Notes on how the program differs from the run."""
    caveats = []
    if not run.begins_random:
        caveats.append(_("This run continued from another network. The program starts with random weights."))
    if run.snapshot.rates:
        caveats.append(_("The learning rate was changed during the run. The program uses the first one."))
    if run.snapshot.status is not Status.FINISHED:
        caveats.append(_("This run stopped early. The program trains all {epochs} epochs.", epochs=run.config.epochs))
    return caveats


def _file_name(title: str) -> str:
    """A run's title as a file name without an extension."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "network"
