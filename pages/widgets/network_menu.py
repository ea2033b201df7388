"""The menu of networks, which always names what is in the editor, and the way back from changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from pages.widgets import session

if TYPE_CHECKING:
    from mnist_core.config import RunConfig

_KEY = "preset"
_OWN = "own"


def choose(config: RunConfig) -> None:
    """The presets to choose from; first what is in the editor, if it is none of them."""
    there = presets.key_of(config) or _OWN
    names = {key: preset.name for key, preset in presets.PRESETS.items()}
    if there == _OWN:
        names = {_OWN: name(config), **names}
    session.choose(_KEY, there)
    st.selectbox(
        "Network",
        list(names),
        **session.seeded_choice(_KEY, there, list(names)),
        format_func=names.__getitem__,
        on_change=_load,
        help="Networks from the tutorials, with their settings, and a small convolutional one.",
    )


def name(config: RunConfig) -> str:
    """What the network in the editor is called."""
    start = session.origin()
    is_changed = start.is_changed(config)
    recipe = presets.recipe_of(start.config if is_changed else config)
    if recipe is None:
        called = f"{start.source}: {presets.title_of(config)}"
    elif is_changed or presets.preset_of(config):
        called = recipe.name
    else:
        called = f"{recipe.name}, seed {config.seed}"
    return f"{called} (changed)" if is_changed and not presets.preset_of(config) else called


def offer_undo(config: RunConfig) -> None:
    """A button that is always there, so that nothing moves when it is of use."""
    is_changed = session.origin().is_changed(config)
    brings_back = not is_changed and session.replaced_changes()
    st.button(
        "Bring back my changes" if brings_back else "Undo my changes",
        key="undo",
        icon=":material/undo:",
        on_click=session.undo,
        type="tertiary",
        disabled=not (is_changed or brings_back),
        help=f"Back to {_start_name()}." if is_changed else None,
    )


def _start_name() -> str:
    start = session.origin()
    recipe = presets.recipe_of(start.config)
    return recipe.name if recipe else f"{start.source}: {presets.title_of(start.config)}"


def _load() -> None:
    key = session.chosen(_KEY)
    if key in presets.PRESETS:
        session.load_preset(key)
