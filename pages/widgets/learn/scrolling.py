"""Scroll a heading to the top of the window when the step below it has changed."""

from __future__ import annotations

import streamlit as st

# Streamlit keeps the scroll position when a page changes, so a new step would open in its middle.
_SCROLL = st.components.v2.component(
    "scroll_to_heading",
    js="""export default function ({ data, parentElement }) {
        const host = parentElement;
        host.shownAnchor ??= data.anchor;
        if (host.shownAnchor === data.anchor) return;
        host.shownAnchor = data.anchor;
        host.stopFollowing?.();
        const scroll = () => {
            const heading = document.getElementById(data.anchor);
            if (!heading) return;
            const header = document.querySelector("[data-testid=stHeader]");
            const below = (header?.getBoundingClientRect().height ?? 0) + 12;
            heading.style.scrollMarginTop = `${below}px`;
            heading.scrollIntoView({ block: "start" });
        };
        // The heading may not exist yet, or the page may still be too short. Elements that appear later move the
        // heading. So scroll to it again until the visitor does something.
        const sizes = new ResizeObserver(scroll);
        sizes.observe(document.querySelector("[data-testid=stMainBlockContainer]"));
        const inputs = ["wheel", "touchstart", "pointerdown", "keydown"];
        host.stopFollowing = () => {
            sizes.disconnect();
            inputs.forEach((input) => removeEventListener(input, host.stopFollowing, true));
        };
        inputs.forEach((input) => addEventListener(input, host.stopFollowing, true));
    }""",
)


def scroll_to_heading(anchor: str, key: str) -> None:
    """Scroll to the heading with this `anchor` if the anchor has changed since the last rerun.

    Does nothing when the page is first shown.

    Args:
        anchor: the `anchor` of the heading, unique on the page.
        key: key of the component.
    """
    _SCROLL(data={"anchor": anchor}, key=key)
