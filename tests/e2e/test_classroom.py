"""The Train page in a real browser while a class trains on the same server.

``python -m tests.e2e.test_classroom run app.py`` runs Streamlit's command with the class in the same process.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from streamlit.web import cli

from mnist_core.config import RunConfig
from mnist_core.data import datasets
from mnist_core.runs import scheduler
from tests.e2e.test_main_path import SLOW, begin_long_run, choose, wait_until_grown

OTHERS = 30
# One image per step: a small network that trains long beyond the test.
CONFIG = RunConfig(batch_size=1, epochs=100, dataset="embedded")

# Records every value of the progress bar, not only those that a test happens to see.
NOTE_PROGRESS = """bar => {
    window.noted = [];
    const note = () => window.noted.push(Number(bar.getAttribute("aria-valuenow")));
    new MutationObserver(note).observe(bar, {attributeFilter: ["aria-valuenow"]});
    note();
}"""


@pytest.fixture(scope="module")
def server(serve: Callable[[str], AbstractContextManager[str]]) -> Iterator[str]:
    """The address of a server on which a class trains."""
    with serve("tests.e2e.test_classroom") as address:
        yield address


def transparent_share(picture: Locator) -> float:
    """Return the share of fully transparent pixels in a picture."""
    address = picture.evaluate("canvas => canvas.toDataURL()")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))))
    return float((pixels[..., 3] == 0).mean())


@pytest.mark.parametrize("page", ["desktop-light"], indirect=True)
def test_page_stays_smooth_with_thirty_runs(page: Page) -> None:
    begin_long_run(page)

    progress = page.get_by_text(re.compile(r"epoch \d+ of 100.* shared with \d+ other runs"))
    expect(progress).to_contain_text(f"shared with {OTHERS} other runs", timeout=SLOW)
    page.get_by_role("progressbar").evaluate(NOTE_PROGRESS)
    curve = page.locator(".curve.accuracy > .line.training")
    expect(curve).to_be_visible(timeout=SLOW)
    chart = page.locator(".curve.accuracy").element_handle()
    for _ in range(5):
        wait_until_grown(curve)

    # The page still responds: first beside the curve, then in the rest of the page.
    picture = page.locator("canvas.weights")
    with_random_start = transparent_share(picture)
    toggle = page.get_by_role("switch", name="Only the change")
    page.get_by_text("Only the change").click()
    for _ in range(5):
        wait_until_grown(curve)
    expect(toggle).to_be_checked()
    assert transparent_share(picture) > with_random_start + 0.1  # At least the blank edges of all digits.
    choose(page, "Network", "Torres: ten sigmoid units")
    page.get_by_role("button", name="Replace").click(timeout=SLOW)  # The number of epochs was changed above.
    expect(page.get_by_text("7,960 parameters")).to_be_visible(timeout=SLOW)
    wait_until_grown(curve)

    assert chart is not None
    assert chart.evaluate("chart => chart.isConnected")
    noted = page.evaluate("window.noted")
    assert noted == sorted(noted)
    assert noted[0] < noted[-1] < 100
    expect(progress).to_contain_text(f"shared with {OTHERS} other runs")

    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Test accuracy", exact=True)).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(re.compile(r"^\d+\.\d\d%$"))
    expect(page.get_by_role("progressbar")).to_have_count(0)


def main() -> None:
    """Start the runs of the class, then Streamlit."""
    dataset = datasets.load(CONFIG.dataset)
    runs = [scheduler.shared().submit(CONFIG, dataset) for _ in range(OTHERS)]
    cli.main(prog_name="streamlit")
    del runs  # Referenced until here, so that the runs are not garbage collected.


if __name__ == "__main__":
    main()
