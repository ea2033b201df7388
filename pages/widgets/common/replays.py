"""Replays: ended runs that are new to the visitor are replayed from their points in a few seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.language import gettext as _
from mnist_core.runs import replay
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mnist_core.runs.job import Job
    from mnist_core.runs.network_run import Run
    from mnist_core.runs.replay import Replayed

    Draw = Callable[[Mapping[str, Replayed]], None]

SECONDS = 4.0
_POLL_SECONDS = 0.4
clock = time.monotonic
"""The current time in seconds; tests replace it."""

_PREFERENCE = st.components.v2.component(
    "motion_preference",
    js="""export default function ({ parentElement, setStateValue }) {
        if (parentElement.isSent) return;  // This may run again in the same place.
        parentElement.isSent = true;
        setStateValue("is_reduced", matchMedia("(prefers-reduced-motion: reduce)").matches);
    }""",
)

_SEEN: Key[frozenset[str]] = Key("seen-runs-noted", frozenset())
_REPLAY: Key[tuple[tuple[str, ...], float] | None] = Key("replay-noted", None)


def mark_seen(runs: Iterable[Job]) -> None:
    """Remember that these runs need no replay: the visitor has seen them, or skipped the replay."""
    _SEEN.set(_seen() | {run.id for run in runs})


def _seen() -> frozenset[str]:
    """The ids of the runs that need no replay."""
    return _SEEN.get()


def _are_seen(runs: Mapping[str, Run]) -> bool:
    return _seen().issuperset(run.id for run in runs.values())


def replay_view(runs: Mapping[str, Run], draw: Draw, in_turn: bool = False, can_skip: bool = True) -> bool:
    """Replay ended runs if the visitor has not seen them; returns whether the replay is over.

    Args:
        runs: the runs, by name.
        draw: shows the runs as they were at one moment.
        in_turn: see `replay.frame`.
        can_skip: whether there is a button to skip it.
    """
    if _are_seen(runs):
        return True
    preference = _PREFERENCE(key="motion-preference", on_is_reduced_change=lambda: None)
    if preference.is_reduced is None:  # The browser answers in a moment. Until then nothing moves.
        draw(replay.frame(runs, 0, in_turn))
        return False
    if preference.is_reduced or _fraction(runs) >= 1:
        mark_seen(runs.values())
        return True
    st.fragment(_play, run_every=_POLL_SECONDS)(runs, draw, in_turn, can_skip)
    return False


def replay_button(runs: Mapping[str, Run]) -> None:
    """A button that replays runs."""
    st.button(_("Replay"), icon=":material/replay:", on_click=_again, args=(runs,), type="tertiary")


def _again(runs: Mapping[str, Run]) -> None:
    _SEEN.set(_seen() - {run.id for run in runs.values()})
    _REPLAY.set(None)


def _fraction(runs: Mapping[str, Run]) -> float:
    """The fraction of the replay that is over, from 0 to 1. The first call starts the replay."""
    ids = tuple(run.id for run in runs.values())
    playing = _REPLAY.get()
    if playing is None or playing[0] != ids:
        playing = (ids, clock())
        _REPLAY.set(playing)
    return (clock() - playing[1]) / SECONDS


def _play(runs: Mapping[str, Run], draw: Draw, in_turn: bool, can_skip: bool) -> None:
    fraction = _fraction(runs)
    if fraction >= 1 or _are_seen(runs):
        st.rerun()  # The whole page: it stops polling and shows the results.
    draw(replay.frame(runs, fraction, in_turn))
    st.progress(fraction, text=_("Replay: this server has already trained it."))
    if can_skip:
        seen = list(runs.values())
        st.button(_("Skip"), icon=":material/skip_next:", on_click=mark_seen, args=(seen,), type="tertiary")
