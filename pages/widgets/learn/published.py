"""The figures that the tutorials printed, next to this server's results with the same settings."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data.sources import has_published_figures, noun_of
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.lessons import articles, courses
from mnist_core.lessons.articles import ARTICLES, Article
from mnist_core.lessons.course import Trial
from pages.widgets.common import pictures, run_curves, trials
from pages.widgets.learn import lessons
from pages.widgets.state import controls
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mnist_core.data import Dataset
    from mnist_core.runs.network_run import Run

VIEW = Message("Tutorials, checked")
"""What the Learn page calls this view."""
_PRINTED, _RUN_HERE = Message("Printed"), Message("Run here")
EXAMINED = {"kite": "shares", "kite-retold": "printed-matrix", "torres": "longer"}
"""For some articles, the key of the step that examines its most important mistake."""

_ARTICLE = Key("article-noted", "")


def published_view(dataset: Dataset) -> None:
    """The figures of one article, with buttons to run its recipe or all recipes."""
    st.markdown(_("What the tutorials printed, next to the results of the same settings on this server."))
    if not has_published_figures(dataset.name):
        st.info(
            _("The printed figures are for MNIST. These runs use other images, so their figures may differ."),
            icon=":material/info:",
        )
    _offer_all(dataset)
    keys = list(ARTICLES)
    key = st.selectbox(
        _("Tutorial"),
        keys,
        **controls.seeded_choice("article-choice", _ARTICLE.get_or_set(keys[0]), keys),
        format_func=lambda key: f"{_(ARTICLES[key].title)} ({_(ARTICLES[key].source)})",
        on_change=lambda: _ARTICLE.set(controls.value_of("article-choice")),
    )
    article = ARTICLES[key]
    ended = trials.trials_view(
        (Trial(_RUN_HERE, article.config),), dataset, functools.partial(run_curves.training_curves, article=article)
    )
    run = ended.get(_RUN_HERE)
    _table(article, run)
    if run is not None:
        with st.container(horizontal=True):
            run_curves.mistakes_button(run)
            if st.button(_("Open this network in Train"), icon=":material/play_circle:", type="tertiary"):
                lessons.open_in_train(article.config, dataset)
    if article.confusion is not None:
        _matrices(article.confusion, run)
    if article.mistakes:
        st.subheader(_("Worth a second look"))
    for mistake in article.mistakes:
        st.markdown(f"**{_(mistake.title)}.** {_(mistake.text)}")
    if key in EXAMINED:
        st.button(_("Try it in the course"), icon=":material/school:", on_click=_examine, args=(EXAMINED[key],))


def _examine(step: str) -> None:
    found = courses.find_step(step)
    assert found is not None
    lessons.open_step(*found)
    lessons.go_to_view(lessons.VIEW)


def _offer_all(dataset: Dataset) -> None:
    every = tuple({article.config: Trial(key, article.config) for key, article in ARTICLES.items()}.values())
    there = trials.trial_runs(every, dataset)
    if len(there) < len(every) and st.button(
        _("Run all {count} recipes", count=len(every)), icon=":material/playlist_play:"
    ):
        uninterrupted(lambda: trials.start_trials(every, dataset))
        st.rerun()
    trials.refusal_message()


def _table(article: Article, run: Run | None) -> None:
    shot = run.snapshot if run else None
    rows = articles.compare(
        article,
        shot.epochs if shot else (),
        shot.evaluation if shot else None,
        shot.seconds_an_epoch if shot else None,
    )
    lines = [
        f"| {_(row.figure)} | {articles.format_published(row)} | {articles.format_value(row.ours, row.unit)} |"
        for row in rows
    ]
    st.markdown("\n".join([f"| | {_(_PRINTED)} | {_(_RUN_HERE)} |", "|:--|--:|--:|", *lines]))


def _matrices(printed: npt.NDArray[np.int64], run: Run | None) -> None:
    st.subheader(_("Confusion matrices"))
    ours = run.snapshot.evaluation.confusion if run and run.snapshot.evaluation else None
    views = [_PRINTED, *([_RUN_HERE] if ours is not None else [])]
    left, right = st.columns(2, vertical_alignment="bottom")
    view = left.segmented_control(_("Matrix"), views, default=views[0], required=True, format_func=_)
    only_errors = right.toggle(_("Only the mistakes"), key="published-errors")
    if view == _RUN_HERE and run is not None and ours is not None:
        names = run.dataset.class_names
        pictures.counts_matrix(ours, "published-matrix", only_errors, noun=noun_of(names), names=names)
    else:
        pictures.counts_matrix(printed, "published-matrix", only_errors)
