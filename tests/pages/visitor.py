"""Actions of a visitor on the pages, without a browser."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.testing.v1 import AppTest

from benchmarks.frames import unpacked
from mnist_core.drawing import strokes
from mnist_core.drawing.own_drawings import OwnDrawings
from mnist_core.drawing.test_set import LabelledDrawing
from mnist_core.runs.network_run import Run
from pages.widgets.server import frame_route
from pages.widgets.state import own_work
from tests.pages.conftest import ROOT
from tests.scheduled_runs import wait_until

# Keys of the buttons that change the network in the editor, or the view of the page.
_EDITOR_BUTTONS = ("undo", "go-back", "add-layer", "up-", "remove-", "train-changed", "projector")


def button_labels(app: AppTest) -> list[str]:
    """Return the labels of the buttons, except for the learning rates, the changes in the editor, and the projector."""
    buttons = [button for button in app.button if not (button.key or "").startswith("rate-")]
    return [button.label for button in buttons if not str(button.key).startswith(_EDITOR_BUTTONS)]


def add_layers(app: AppTest, count: int) -> None:
    """Add hidden layers to the network in the editor."""
    for _ in range(count):
        app.button(key="add-layer").click().run()


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return app.run()


def ask_again() -> None:
    """Ask for the page while its script runs, as a session does for its browser, in another thread."""
    context = get_script_run_ctx()
    assert context is not None
    assert context.script_requests is not None
    with ThreadPoolExecutor(1) as browser:
        browser.submit(context.script_requests.request_rerun, RerunData()).result()


def labelled(app: AppTest) -> tuple[LabelledDrawing, ...]:
    """The visitor's test sets; none if no page has asked for them."""
    if "own-work-noted" not in app.session_state:
        return ()
    tests: tuple[LabelledDrawing, ...] = app.session_state["own-work-noted"].drawings.value.tests
    return tests


def give_labelled(app: AppTest, tests: Sequence[LabelledDrawing]) -> None:
    """Give the visitor a test set, as if they had drawn it in this tab."""
    own = own_work.OwnWork()
    own.drawings.value, own.drawings.is_loaded = OwnDrawings(tuple(tests)), True
    app.session_state["own-work-noted"] = own


def new_session(app: AppTest, page: str = "", **query: str) -> AppTest:
    """Open a page with the same browser in a new session, as after a reload."""
    new = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    new.session_state["workspace"] = app.session_state["workspace"]
    new.session_state["is-workspace-used"] = True
    if page:
        new.switch_page(page)
    for name, value in query.items():
        new.query_params[name] = value
    return new.run()


def wait_for_end(app: AppTest) -> Run:
    run: Run = app.session_state["current_run"]
    wait_until(lambda: not run.snapshot.status.is_active)
    app.run()
    return run


def train_briefly(app: AppTest) -> Run:
    """Train Torres' network for one epoch."""
    app.selectbox(key="preset").select("torres").run()
    next(number for number in app.number_input if number.label == "Epochs").set_value(1).run()
    press(app, "Train")
    return wait_for_end(app)


ONE = strokes.render((np.array([[0.5, 0.15], [0.5, 0.85]]),), 20)


def draw(app: AppTest, rgba: np.ndarray, objects: Sequence[object] = ()) -> AppTest:
    """Put a picture on the canvas, as the browser sends it, drawn with these objects of Fabric.js."""
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    data = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    app.session_state["canvas"] = {"drawing": {"raw": {"objects": list(objects)}, "data": data}}
    return app.run()


def answers(app: AppTest) -> list[str]:
    """Return the answers of the networks, confident or not."""
    boxes = [*app.info, *app.warning]
    words = ("It reads", "Not sure", "does not look like a digit")
    return [box.value for box in boxes if any(word in box.value for word in words)]


def first_picture(app: AppTest) -> str:
    """Return the URL of the first picture on the page: the input of the networks."""
    return str(app.get("image")[0].proto.imgs[0].url)


def panel_scene(app: AppTest, part: str = "curves") -> bytes:
    """What the page sends to a part of its live panel: "curves", "network" or "images"."""
    [scene] = [one.proto.bytes for one in app.get("bidi_component") if one.proto.id.endswith(f"-live-panel-{part}")]
    return bytes(scene)


def panel_frame(app: AppTest) -> dict[str, Any]:
    """The frame that the page's live panel asks for."""
    source = frame_route._sources[unpacked(panel_scene(app))["address"].removeprefix("live-frame/")]
    return unpacked(source.frame(0) or b"")


def images_of(app: AppTest, key: str) -> list[dict[str, Any]]:
    """What the page sends to the images that can be clicked, by the key of the component."""
    [found] = [one.proto.json for one in app.get("bidi_component") if one.proto.id.endswith(f"-{key}")]
    return list(json.loads(found))
