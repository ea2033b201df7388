"""The values that a browser gives to controls when they appear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState

if TYPE_CHECKING:
    from streamlit.proto.Element_pb2 import Element

# The controls that have a value, and where a message has it.
_VALUES = {
    "checkbox": "bool_value",
    "number_input": "double_value",
    "text_area": "string_value",
    "text_input": "string_value",
    "selectbox": "string_value",
    "radio": "string_value",
    "slider": "double_array_value",
    "multiselect": "string_array_value",
    "button_group": "string_array_value",
}


def first_value(element: Element) -> WidgetState | None:
    """The value that a control has when it appears; None for elements without one."""
    kind = element.WhichOneof("type") or ""
    if kind not in _VALUES:
        return None
    it = getattr(element, kind)
    state = WidgetState(id=it.id)
    if kind in ("selectbox", "radio"):
        if not it.set_value and not it.HasField("default"):
            return None
        state.string_value = it.raw_value if it.set_value else it.options[it.default]
    elif kind in ("multiselect", "button_group"):
        options = [getattr(one, "content", one) for one in it.options]
        state.string_array_value.data.extend(it.raw_values if it.set_value else [options[at] for at in it.default])
    elif kind == "slider" and it.type == Slider.SELECT_SLIDER:
        state.string_array_value.data.extend(
            it.raw_value if it.set_value else [it.options[int(at)] for at in it.default]
        )
    elif kind == "slider":
        state.double_array_value.data.extend(it.value if it.set_value else it.default)
    elif kind == "number_input" and not it.set_value and not it.HasField("default"):  # An empty field.
        return None
    else:
        setattr(state, _VALUES[kind], it.value if it.set_value else it.default)
    return state
