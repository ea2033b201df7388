"""The toolbars that Streamlit shows above the top right corner of images, tables and charts, on hover."""

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
    """The controls that a toolbar lies on while the mouse is on its element."""
    found = []
    for bar in page.get_by_test_id("stElementToolbar").all():
        element = bar.locator("..")
        if element.is_visible():
            element.hover()
            expect(bar).to_have_css("opacity", "1")  # By then it has moved to its place.
            found += bar.evaluate(_COVERED)
    return found
