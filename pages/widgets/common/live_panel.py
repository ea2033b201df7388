"""The panel that draws a run in the browser. It is sent once, and asks `frame_route` for one frame after the other."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.charts.style import ERROR, INK, QUIET
from mnist_core.config import ACTIVATIONS
from mnist_core.language import current, gettext
from mnist_core.training.moments import Place
from pages.widgets.common import live_frame, projector
from pages.widgets.state import controls, own_work, saved_runs, visitor_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamlit.delta_generator import DeltaGenerator

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.network_run import Run
    from pages.widgets.common.live_frame import LiveRun, Untrained

_CURVES = "live-panel-curves"
_HERE = Path(__file__).parent
_FILES = [f"live_{name}.js" for name in ("words", "curves", "timeline", "network", "panel")]
_CODE = "\n".join((_HERE / name).read_text() for name in _FILES)
_STYLE = _HERE / "live_panel.css"

_SAID = re.compile(r'\bsay\(\s*((?:"[^"]*"\s*\+?\s*)+)')


def said(code: str) -> Iterator[tuple[int, str]]:
    """The texts that the code of a component says, in English, with the places where they stand."""
    for found in _SAID.finditer(code):
        yield found.start(), "".join(re.findall(r'"([^"]*)"', found[1]))


@functools.cache
def _panel_in(language: str) -> Callable[..., object]:
    """The component in a language: its code is sent once for a page, and holds its words."""
    # The names of activations come with each network, which is the same for all visitors.
    texts = [*(text for _at, text in said(_CODE)), *(one.label for one in ACTIVATIONS.values())]
    words = {text: translated for text in texts if (translated := gettext(text)) != text}
    return st.components.v2.component(
        f"live_panel_{language}",
        html=f'<div class="live" style="--ink: {INK}; --error: {ERROR}; --quiet: {QUIET}"></div>',
        css=_STYLE.read_text(),
        js=f"const LANGUAGE = {json.dumps(language)}, WORDS = {json.dumps(words)};\n{_CODE}",
    )


@dataclass(frozen=True)
class Places:
    """Where the parts of the panel go. Each has its own place, since a phone shows them in another order."""

    curves: DeltaGenerator
    network: DeltaGenerator
    images: DeltaGenerator


def state_of(run: Run, group: Sequence[Run]) -> str:
    """What the page is about to show of a run. Ask before it is drawn: the run may end in the meantime.

    Args:
        run: the run.
        group: all runs of the same network with different seeds, to draw their mean; or the run alone.
    """
    source = live_frame.live_run(run, saved_runs.trouble_of(run))
    source.join(group)
    return source.page(run)


def panel(run: Run, state: str, previous: Run | None, places: Places) -> None:
    """A run as it changes: its progress and curves, its layers, and its answers.

    Args:
        run: the run.
        state: of `state_of`. The panel asks for the page again when it is no longer true.
        previous: a run that is drawn behind the curves.
        places: where the parts go.
    """
    source = live_frame.live_run(run, saved_runs.trouble_of(run))

    def look() -> None:
        # In a callback: the page's script may be interrupted before it gets here.
        epoch, _point, step = str(controls.value_of(_CURVES)["moment"]).partition(".")
        is_place = epoch.isdecimal() and step.isdecimal()
        visitor_runs.look_at_moment(run, Place(int(epoch), int(step)) if is_place else None)

    moment, drawing = visitor_runs.moment_of(run), own_work.LAST_DRAWING.get()
    _draw(source.curves(run, state, previous, moment, projector.is_on(), drawing), source, places, look)


def untrained_panel(config: RunConfig, dataset: Dataset, places: Places) -> None:
    """The same of a network before it is trained: empty curves, random weights, and guesses."""
    source = live_frame.untrained(config, dataset)
    _draw(source.curves(projector.is_on(), own_work.LAST_DRAWING.get()), source, places)


def _draw(curves: bytes, source: LiveRun | Untrained, places: Places, look: Callable[[], None] = lambda: None) -> None:
    """Draw the panel; calls `look` when the visitor has chosen a moment."""
    show = _panel_in(current())
    with places.curves, st.container(key="live-panel"):
        # The panel asks for the page when the run has ended, for example; there is nothing else to do then.
        show(data=curves, key=_CURVES, on_outdated_change=lambda: None, on_moment_change=look)
    with places.network, st.container(key="live-network"):
        show(data=source.network, key="live-panel-network")
    with places.images, st.container(key="live-images"):
        show(data=source.images, key="live-panel-images")
