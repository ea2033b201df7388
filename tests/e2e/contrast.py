"""The contrast of text with its background, as a browser shows it."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.e2e.test_main_path import SLOW

# WCAG 2.1, 1.4.3: contrast of at least 4.5, or 3 for large text; disabled controls are exempt.
# Streamlit uses the primary colour for text, and as a background of white text. In dark mode no colour suits both, so
# labels of primary buttons and of chosen networks need only 3.
_PALE = """() => {
    const dot = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const parse = color => {
        dot.clearRect(0, 0, 1, 1);
        dot.fillStyle = color;
        dot.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = dot.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, ground) => top.slice(0, 3).map((x, i) => x * top[3] + ground[i] * (1 - top[3]));
    const luminance = rgb => {
        const [r, g, b] = rgb.map(x => x / 255).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ancestors = element => element ? [element, ...ancestors(element.parentElement)] : [];
    const ground = element => ancestors(element).reverse()
        .reduce((below, one) => over(parse(getComputedStyle(one).backgroundColor), below), [255, 255, 255]);
    const opacity = element => ancestors(element).reduce((all, one) => all * getComputedStyle(one).opacity, 1);
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const text = texts.currentNode.textContent.trim();
        const style = getComputedStyle(element);
        const is_off = element.closest("[disabled], [aria-disabled=true], [aria-hidden=true], script, style, noscript");
        const is_icon = style.fontFamily.includes("Material") || element.closest("[data-testid=stIconMaterial]");
        if (!text || is_off || is_icon) continue;
        if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        // A slider's value stands above the thumb that it is a part of.
        const is_of_thumb = element.closest("[data-testid=stSliderThumbValue]");
        const behind = ground(is_of_thumb ? element.closest("[data-testid=stSlider]") : element);
        const color = parse(style.color);
        color[3] *= opacity(element);
        const [light, dark] = [luminance(behind), luminance(over(color, behind))].sort((a, b) => b - a);
        const size = parseFloat(style.fontSize);
        const is_large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const primaries = ["stBaseButton-primary", "stBaseButton-primaryFormSubmit", "stMultiSelectTagsContainer"];
        const on_primary = element.closest(primaries.map(id => `[data-testid=${id}]`).join());
        const is_dark = luminance(ground(document.querySelector("[data-testid=stApp]"))) < 0.5;
        const least = is_large || (is_dark && on_primary) ? 3 : 4.5;
        const contrast = (light + 0.05) / (dark + 0.05);
        if (contrast < least) found.push(`${contrast.toFixed(2)}: ${text.slice(0, 60)}`);
    }
    return found;
}"""

# What comes fades in, and what a script is about to draw again grows pale until it has: as long as a slow script needs.
STILL = """() => !document.getAnimations().some(
    one => one.playState === 'running' && one.effect.getComputedTiming().endTime !== Infinity)"""
"""Nothing fades or moves, apart from what never ends, such as Streamlit's sign that a script runs."""
_AS_AFTER_THE_SCRIPT = "[data-stale=true] { opacity: 1 !important; transition: none !important; }"


def pale_texts(page: Page) -> list[str]:
    """The texts of a page at rest that have too little contrast, and how much they have."""
    found: list[str] = page.evaluate(_PALE)
    return found


def come_to_rest(page: Page) -> None:
    """Wait until nothing fades or moves. From then on nothing grows pale on a page that is drawn again all the time."""
    page.add_style_tag(content=_AS_AFTER_THE_SCRIPT)
    page.wait_for_function(STILL, timeout=SLOW)
