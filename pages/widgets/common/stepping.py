"""The button Step, and the choice how far it goes: one batch, or to the end of the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.runs.network_run import StepSize
from pages.widgets.state import controls
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.config import RunConfig

_KEY = "step-size"
_NAMES = {StepSize.BATCH: Message("Step 1 batch"), StepSize.EPOCH: Message("1 epoch")}

# One batch at first: it is the smallest step that training takes, and shows one point.
_SIZE = Key("step-size-noted", StepSize.BATCH)


def size() -> StepSize:
    """How far a step goes, as the visitor has chosen."""
    return _SIZE.get()


def step_button(config: RunConfig, on_click: Callable[[], None] | None = None, *, disabled: bool = False) -> bool:
    """The button Step of the network with this config; returns whether it was pressed."""
    return st.button(
        _("Step"),
        icon=":material/skip_next:",
        on_click=on_click,
        disabled=disabled,
        help=_("Train on {details}, then pause.", details=_details(config)[size()]),
    )


def size_choice(config: RunConfig) -> None:
    """The choice of the size of a step, in one line."""
    sizes = list(StepSize)
    st.radio(
        _("Step trains on"),
        sizes,
        **controls.seeded_choice(_KEY, size(), sizes),
        format_func=lambda size: _(_NAMES[size]),
        on_change=_choose,
        horizontal=True,
        label_visibility="collapsed",
        width="content",
    )


def _details(config: RunConfig) -> dict[StepSize, str]:
    return {
        StepSize.BATCH: _("one batch of {batch_size} images", batch_size=config.batch_size),
        StepSize.EPOCH: _("all images, to the end of the epoch"),
    }


def _choose() -> None:
    chosen = controls.value_of(_KEY)
    if chosen is not None:
        _SIZE.set(chosen)
