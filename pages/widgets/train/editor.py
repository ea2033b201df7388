"""The controls that describe a run. Each is made from its `Setting` in `mnist_core.config`."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.config import (
    LAYER_KINDS,
    LAYER_SETTINGS,
    MAX_LAYERS,
    OPTIMIZERS,
    SETTINGS,
    LayerConfig,
    RunConfig,
    picture_sides,
    to_text,
)
from mnist_core.errors import ConfigError
from mnist_core.export import keras_script
from pages.widgets.state import controls, data_sets, editor_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mnist_core.config import Setting


def _key(name: str) -> str:
    return f"{name.replace('_', '-')}-{editor_state.edition()}"


def layer_controls(draft: RunConfig) -> RunConfig:
    """The hidden layers' controls; returns `draft` with what they say."""
    setting = SETTINGS["layers"]
    count = st.slider(
        setting.label,
        0,
        MAX_LAYERS,
        **controls.seeded(_key("layer-count"), len(draft.layers)),
        help=setting.help,
    )
    layers: list[LayerConfig] = []
    if count:
        for number, tab in enumerate(st.tabs([f"Layer {number + 1}" for number in range(count)])):
            with tab:
                before = draft.layers[number] if number < len(draft.layers) else LayerConfig()
                layers.append(_layer(number, before, layers))
    return dataclasses.replace(draft, layers=tuple(layers))


def _layer(number: int, before: LayerConfig, earlier: list[LayerConfig]) -> LayerConfig:
    kinds = {kind: LAYER_KINDS[kind] for kind in _possible_kinds(earlier)}
    kind = _choice(st, LAYER_SETTINGS["kind"], _key(f"kind-{number}"), before.kind, kinds)
    layer = dataclasses.replace(before, kind=kind)
    if layer.is_convolution != before.is_convolution:
        layer = dataclasses.replace(layer, units=layer.settings["units"].default)
    keys = {name: f"{name}-{number}" for name in layer.settings}
    # With the kind, since what is a usual number of units is too many filters.
    keys["units"] = f"units-{kind}-{number}"
    others = [setting for setting in layer.settings.values() if setting.name != "kind"]
    return dataclasses.replace(layer, **_controls(others, layer, keys))


def _possible_kinds(earlier: list[LayerConfig]) -> list[str]:
    """A convolution needs a picture: it comes first or after another one, while there is picture left."""
    if not all(layer.is_convolution for layer in earlier):
        return ["dense"]
    return [kind for kind in LAYER_KINDS if kind == "dense" or picture_sides([*earlier, LayerConfig(kind)])[-1] >= 1]


def section_controls(draft: RunConfig, name: str) -> RunConfig:
    """The controls of one section, such as "training"; returns `draft` with what they say."""
    settings = [setting for setting in SETTINGS.values() if setting.section == name]
    return dataclasses.replace(draft, **_controls(settings, draft, {}))


def keras_program(config: RunConfig) -> None:
    """The run as a Keras program, which changes as the controls do; folded away, and not made until it is wanted."""
    folded = st.expander("As Keras code", icon=":material/code:", on_change="rerun", key="code")
    if folded.open:
        with folded:
            st.code(keras_script.keras_script(config), language="python")


def _controls(settings: Iterable[Setting], draft: RunConfig | LayerConfig, keys: Mapping[str, str]) -> dict[str, Any]:
    """A control for each setting, in order; those of half the width are side by side.

    Args:
        settings: of `draft`.
        draft: the first values.
        keys: the controls' keys by the settings' names, where these are not enough.

    Returns:
        The values by name. A setting that needs another one has its default while that one is off.
    """
    values: dict[str, Any] = {}
    for is_half, group in itertools.groupby(settings, key=lambda setting: setting.is_half):
        places: Iterable[Any] = itertools.cycle(st.columns(2)) if is_half else itertools.repeat(st)
        for setting, place in zip(group, places, strict=False):
            name = setting.name
            is_off = bool(setting.needs) and not values[setting.needs]
            value = _control(place, setting, _key(keys.get(name, name)), getattr(draft, name), is_off)
            values[name] = setting.default if is_off else value
    return values


def _control(place: Any, setting: Setting, key: str, value: Any, is_off: bool) -> Any:
    """The control of a setting that holds `value` at first; returns what it holds."""
    choices = data_sets.names() if setting.name == "dataset" else setting.choices
    if choices is not None:
        return _choice(place, setting, key, value, choices)
    if setting.usual:
        return _usual_number(place, setting, key, value)
    if setting.is_slider:
        return _slider(place, setting, key, value)
    return _number(place, setting, key, value, is_off)


def _choice(place: Any, setting: Setting, key: str, value: str, choices: Mapping[str, str]) -> str:
    options = list(choices)
    chosen: str = place.selectbox(
        setting.label,
        options,
        **controls.seeded_choice(key, value, options),
        format_func=choices.__getitem__,
        on_change=_suggest_learning_rate if setting.name == "optimizer" else None,
        disabled=len(options) == 1,
        help=setting.help,
    )
    return chosen


def _suggest_learning_rate() -> None:
    chosen = controls.value_of(_key("optimizer"))
    if chosen is None:  # A browser has sent the value of a control that has been made again.
        return
    controls.set_value(_key("learning_rate"), to_text(OPTIMIZERS[chosen].default_learning_rate))


def _slider(place: Any, setting: Setting, key: str, value: float) -> float:
    assert setting.limits is not None
    return float(
        place.slider(
            setting.label,
            setting.limits.low,
            setting.limits.high,
            step=setting.step,
            **controls.seeded(key, value),
            help=setting.help,
        )
    )


def _number(place: Any, setting: Setting, key: str, value: float, is_off: bool) -> float:
    """A box for a number, with buttons for the next ones.

    To the browser a whole number has a fraction too: it would cut "12.5" to 12 and "1e4" to 1 without a word.
    """
    limits = setting.limits
    assert limits is not None
    place.number_input(
        setting.label,
        float(limits.low),
        float(limits.high),
        step=float(setting.step),
        format="%.0f" if limits.whole else "%g",
        **controls.seeded(key, float(value)),
        on_change=_round if limits.whole else None,
        args=(setting.label, key),
        help=f"{setting.help} From {limits.text}.",
        disabled=is_off,
    )
    number = float(controls.value_of(key))
    return round(number) if limits.whole else number


def _round(label: str, key: str) -> None:
    typed = controls.value_of(key)
    if typed != round(typed):
        controls.set_value(key, float(round(typed)))
        st.toast(f"{label}: whole numbers only. {typed:g} became {round(typed)}.", icon=":material/info:")


def _usual_number(place: Any, setting: Setting, key: str, value: float) -> float:
    """A box that offers usual numbers and takes any other that is typed."""
    assert setting.limits is not None
    number = value
    typed = controls.value_of(key)
    if typed is not None:
        try:
            read = setting.from_text(str(typed).strip())
            setting.check(read)
            number = read
        except ConfigError as error:
            st.toast(f"{setting.label}: {error}", icon=":material/error:")
        if typed != to_text(number):
            controls.set_value(key, to_text(number))
    texts = [to_text(one) for one in sorted({*setting.usual, number})]
    place.selectbox(
        setting.label,
        texts,
        **controls.seeded_choice(key, to_text(number), texts),
        accept_new_options=True,
        filter_mode="prefix",
        help=f"{setting.help} Choose or type a number from {setting.limits.text}.",
    )
    return number
