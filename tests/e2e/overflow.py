"""Elements that reach beyond the right edge of the screen, so that a phone could scroll the page to the side."""

from __future__ import annotations

from playwright.sync_api import Page

# What lies in a box that scrolls or cuts, such as a row of segments or a wide table, is not beyond the screen.
_FIND = """() => {
    const width = document.documentElement.clientWidth, found = [];
    const isHeld = element => {
        for (let box = element.parentElement; box; box = box.parentElement)
            if (getComputedStyle(box).overflowX !== "visible" && box.getBoundingClientRect().right <= width + 1)
                return true;
        return false;
    };
    for (const element of document.querySelectorAll(".stMainBlockContainer *")) {
        const { right, width: wide, height } = element.getBoundingClientRect();
        if (wide && height && right > width + 1 && !isHeld(element))
            found.push(`${element.tagName} to ${Math.round(right)}: ${(element.textContent || "").slice(0, 60)}`);
    }
    const { scrollWidth } = document.documentElement;
    return scrollWidth > width ? [`the page is ${scrollWidth} wide`, ...found] : found;
}"""


def beyond_the_screen(page: Page) -> list[str]:
    """What reaches beyond the screen, in words."""
    found: list[str] = page.evaluate(_FIND)
    return found
