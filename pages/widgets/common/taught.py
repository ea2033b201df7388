"""What teaching a network some drawings has changed: before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.drawing import own_drawings, test_set
from mnist_core.language import gettext as _
from mnist_core.language import ngettext
from pages.widgets.state import own_work

if TYPE_CHECKING:
    from mnist_core.drawing.test_set import LabelledDrawing
    from mnist_core.network import TrainedNetwork
    from mnist_core.runs.network_run import Run


def lesson_result(run: Run) -> None:
    """A message below an ended run of a network that was taught drawings; nothing for other runs."""
    text = "" if run.begins_random else lesson_text(run)
    if text:
        st.success(text, icon=":material/school:")


def lesson_text(run: Run) -> str:
    """How many of the drawings that a run was taught its network reads right, and its test accuracy, before and after.

    Empty if it was not taught any, has not ended, or its drawings were deleted.
    """
    lesson, network = own_work.drawings().lessons.get(run.id), run.snapshot.network
    if lesson is None or network is None:
        return ""
    taught = [one for one in own_work.drawings().tests if own_drawings.digest(one.image) in lesson.drawings]
    if not taught:
        return ""
    before = sum(own_drawings.digest(one.image) in lesson.right_before for one in taught)
    names = tuple((own_drawings.digest(one.image), one.label) for one in taught)
    after = _count(run.id, names, network, taught)
    texts = [
        ngettext(
            "You taught it {count} drawing. Right before: {before}. Right now: {after}.",
            "You taught it {count} drawings. Right before: {before}. Right now: {after}.",
            len(taught),
            before=before,
            after=after,
        ),
        _("This is not a test: it has seen them. Draw new ones to test it."),
    ]
    result = run.snapshot.evaluation
    if result is not None and lesson.accuracy_before is not None:
        now = _("Test images: {before:.2%} before, {now:.2%} now.", before=lesson.accuracy_before, now=result.accuracy)
        texts.append(now)
    return " ".join(texts)


@st.cache_data(show_spinner=False, max_entries=200)
def _count(
    run_id: str, names: tuple[tuple[str, int], ...], _network: TrainedNetwork, _drawings: list[LabelledDrawing]
) -> int:
    del run_id, names  # The key.
    return test_set.count_correct(_network, _drawings)
