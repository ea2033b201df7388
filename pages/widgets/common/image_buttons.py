"""Images that can be clicked, each with a caption: one component instead of an element for each image."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.language import gettext as _
from pages.widgets.state import controls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BUTTONS = st.components.v2.component(
    "image_buttons",
    html='<div class="images"></div>',
    css="""
        .images { display: flex; flex-wrap: wrap; gap: 0.5rem; font-family: var(--st-font); }
        button { font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: none; border: 0;
            padding: 0.25rem; border-radius: 0.5rem; cursor: pointer; }
        button:hover { background: var(--st-secondary-background-color); }
        button:focus-visible { outline: 2px solid var(--st-primary-color); }
        img { display: block; width: 72px; height: 72px; image-rendering: pixelated; }
        span { display: block; text-align: center; white-space: nowrap; }
    """,
    js="""export default function ({ data, parentElement, setTriggerValue }) {
        const root = parentElement.querySelector(".images"), drawn = JSON.stringify(data);
        if (parentElement.drawn === drawn) return;  // The focus stays.
        parentElement.drawn = drawn;
        // Buttons stay where they are: a click that has begun, and the focus, must not be lost to a new image.
        while (root.childElementCount > data.length) root.lastElementChild.remove();
        while (root.childElementCount < data.length) {
            const button = Object.assign(document.createElement("button"), { type: "button" });
            button.append(Object.assign(document.createElement("img"), { alt: "" }), document.createElement("span"));
            root.append(button);
        }
        data.forEach(({ number, url, caption, label, title }, at) => {
            const button = root.children[at], [picture, text] = button.children;
            button.title = title;
            button.setAttribute("aria-label", `${label} ${title}`);
            if (picture.src !== url) picture.src = url;
            text.textContent = caption;
            button.onclick = () => setTriggerValue("clicked", number);
        });
    }""",
)


@dataclass(frozen=True)
class ImageButton:
    """An image to click.

    Args:
        number: what a click on it sends, 0 or more.
        url: a data URL.
        caption: the text below it.
        label: what it shows, in a sentence.
    """

    number: int
    url: str
    caption: str
    label: str


def image_buttons(buttons: Sequence[ImageButton], key: str, on_click: Callable[[int], None], title: str = "") -> None:
    """Show the images; calls `on_click` with the number of the clicked one before the next rerun.

    Args:
        buttons: the images.
        key: of the component.
        on_click: what a click does.
        title: what a click does, in words; "Why?" if it is empty.
    """

    def take() -> None:
        number = clicked_number(controls.value_of(key)["clicked"])
        if number is not None:
            on_click(number)

    title = title or _("Why?")
    data = [{**dataclasses.asdict(one), "title": title} for one in buttons]
    _BUTTONS(data=data, key=key, on_clicked_change=take)


def clicked_number(sent: Any) -> int | None:
    """The number in untrusted input from a browser; None if it is none."""
    return sent if type(sent) is int and sent >= 0 else None
