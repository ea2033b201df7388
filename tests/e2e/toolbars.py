"""The toolbars that Streamlit shows on hover at the top right of images, tables and charts."""

from __future__ import annotations

import contextlib

from playwright.sync_api import Locator, Page, expect

_TRIALS, _TRIAL_MS = 10, 3_000
_COVERED = """bar => {
    const own = bar.closest("[data-testid=stElementContainer]");
    const box = bar.getBoundingClientRect();
    const kinds = "button, input, textarea, summary, label, a[href], [data-testid=stSlider]";
    return [...document.querySelectorAll("[data-testid=stMain] :is(" + kinds + ")")].filter(one => {
        const other = one.getBoundingClientRect();
        return !own.contains(one) && other.width && other.height
            && other.left < box.right && box.left < other.right && other.top < box.bottom && box.top < other.bottom;
    }).map(one => one.ariaLabel || one.innerText || one.outerHTML);
}"""


def controls_under_toolbars(page: Page) -> list[str]:
    """Return the controls that a toolbar covers while the mouse is over its element."""
    found = []
    for bar in page.get_by_test_id("stElementToolbar").all():
        element = bar.locator("..")
        if element.is_visible():
            _hover_until_shown(element, bar)
            found += bar.evaluate(_COVERED)
    return found


def _hover_until_shown(element: Locator, bar: Locator) -> None:
    """Hover, again if the page has moved the element away from the mouse in the meantime, as a late picture does."""
    for _ in range(_TRIALS):
        element.hover()
        with contextlib.suppress(AssertionError):
            expect(bar).to_have_css("opacity", "1", timeout=_TRIAL_MS)  # Now it is in its final place.
            return
    expect(bar).to_have_css("opacity", "1")
