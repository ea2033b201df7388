"""The toolbars that Streamlit shows on hover at the top right of images, tables and charts."""

from __future__ import annotations

from playwright.sync_api import Page, expect

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
            element.hover()
            expect(bar).to_have_css("opacity", "1")  # Now it is in its final place.
            found += bar.evaluate(_COVERED)
    return found
