"""How good a network or a classical model is, and which images it gets wrong."""

import streamlit as st

from mnist_core.evaluation import Evaluation
from mnist_core.language import format_number
from mnist_core.language import gettext as _
from mnist_core.runs.job import Job
from pages.widgets.common import projector, run_picker, time_machine
from pages.widgets.evaluate import bring_back, built_in, downloads, mistakes, sharing, why
from pages.widgets.state import visitor_runs


def details(run: Job, result: Evaluation) -> None:
    """Metrics of each class, the most confident mistakes, single images, and downloads."""
    split, noun, names = run.split, mistakes.class_noun(run), run.dataset.class_names
    digits, confident, one = st.tabs(
        [
            _("Digit by digit") if noun == "digit" else _("Class by class"),
            _("Most confident mistakes"),
            _("One image"),
        ]
    )
    with digits:
        mistakes.class_metrics(result, noun, names)
    with confident:
        mistakes.read_images(result, split, result.mistakes, names, "confident-images")
    with one:
        mistakes.one_test_image(result, split, names)
    downloads.download_panel(run)


with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title(_("Evaluate: where is it wrong?"), width="content")
    switch = st.container(width="content")
is_shared, is_built_in = sharing.is_shared_run_in_address(), False
menu, moment = st.columns([3, 2], gap="large")
with menu:
    run = sharing.shared_run() if is_shared else run_picker.run_menu()
    if run is None and not is_shared and run_picker.has_no_run():
        run, is_built_in = built_in.built_in_run(), True
with moment:
    result = time_machine.evaluation_at_moment(run) if run is not None else None
with switch:
    if result is not None or projector.is_on():
        projector.projector_button()
if run is not None and result is not None:
    split, noun, names = run.split, mistakes.class_noun(run), run.dataset.class_names
    with st.container(horizontal=True, vertical_alignment="center"):
        st.metric(_("Test accuracy"), format_number(result.accuracy, ".2%"))
        st.metric(_("Test loss"), format_number(result.loss, ".4f"))
        st.metric(_("Mistakes"), _("{count:,} of {every:,}", count=len(result.mistakes), every=len(result.labels)))
        if not is_shared and not is_built_in:
            sharing.share_run_popover(run)
    left, right = st.columns([3, 2], gap="large")
    with left:
        mistakes.matrix_view(result, noun, names)
    with right:
        mistakes.cell_images(result, split, noun, names)
    if run in visitor_runs.trained_networks():
        st.page_link("pages/draw.py", label=_("Draw a digit for it"), icon=":material/draw:")
    if not projector.is_on():
        details(run, result)
    why.explanation_dialog(run, result)
if not is_shared and not projector.is_on():
    bring_back.network_upload()
