"""The sheet that is drawn on, with mouse, pen or finger, and its two buttons."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mnist_core import strokes

_HTML = f"""
<div class="sheet">
    <canvas width="{strokes.CANVAS}" height="{strokes.CANVAS}" role="img"
        aria-label="Drawing area: draw one digit with mouse, pen or finger"></canvas>
    <div class="buttons">
        <button type="button" name="undo" disabled><span aria-hidden="true">undo</span>Undo</button>
        <button type="button" name="clear" disabled><span aria-hidden="true">delete</span>Clear</button>
    </div>
</div>
"""

# The sheet is as wide as its place on the page: the browser scales it, its pixels stay the same.
_CSS = """
.sheet { width: 100%; -webkit-user-select: none; user-select: none; -webkit-touch-callout: none; }
canvas { display: block; width: 100%; aspect-ratio: 1; background: white; cursor: crosshair; touch-action: none;
    outline: 1px solid var(--st-border-color); outline-offset: -1px; }
.buttons { display: flex; gap: 0.5rem; margin-top: 0.5rem; }
button { display: inline-flex; align-items: center; justify-content: center; gap: 0.4rem; flex: 1; min-height: 2.5rem;
    font: inherit; color: inherit; background: transparent; cursor: pointer; touch-action: manipulation;
    border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); }
button:disabled { opacity: 0.4; cursor: not-allowed; }
button:hover:enabled, button:focus-visible { color: var(--st-primary-color); border-color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
button span { font: 1.25rem/1 "Material Symbols Rounded"; font-feature-settings: "liga"; overflow: hidden;
    width: 1em; white-space: nowrap; }
"""

_JS = """
const sheets = new WeakMap();

class Sheet {
    constructor(root, canvas, drawing) {
        this.canvas = canvas;
        this.context = canvas.getContext("2d");
        this.buttons = root.querySelectorAll("button");
        this.lines = (drawing?.objects ?? []).filter(one => one.path?.length).map(one => (
            { width: one.strokeWidth, points: one.path.map(command => command.slice(-2)) }
        ));
        this.count = this.lines.reduce((sum, line) => sum + line.points.length, 0);
        this.pointer = null;
        canvas.addEventListener("pointerdown", event => this.begin(event));
        canvas.addEventListener("pointermove", event => this.move(event));
        canvas.addEventListener("pointerup", event => this.end(event));
        canvas.addEventListener("pointercancel", event => this.end(event));
        const [undo, clear] = this.buttons;
        undo.addEventListener("click", () => this.keep(this.lines.slice(0, -1)));
        clear.addEventListener("click", () => this.keep([]));
        this.paint();
    }

    place(event) {
        const box = this.canvas.getBoundingClientRect();
        const scale = this.canvas.width / box.width;
        return [event.clientX - box.left, event.clientY - box.top].map(length => Math.round(10 * length * scale) / 10);
    }

    begin(event) {
        if (this.pointer !== null || event.button !== 0 || this.count >= this.most) return;
        event.preventDefault();
        this.pointer = event.pointerId;
        this.canvas.setPointerCapture(event.pointerId);
        this.lines.push({ width: this.pen, points: [this.place(event)] });
        this.count++;
        this.paint();
    }

    move(event) {
        if (event.pointerId !== this.pointer) return;
        const points = this.lines.at(-1).points;
        const coalesced = event.getCoalescedEvents?.() ?? [];
        for (const one of coalesced.length ? coalesced : [event]) {
            const [x, y] = this.place(one);
            const [lastX, lastY] = points.at(-1);
            if (this.count < this.most && Math.hypot(x - lastX, y - lastY) >= 1) {
                points.push([x, y]);
                this.count++;
            }
        }
        this.paint();
    }

    end(event) {
        if (event.pointerId !== this.pointer) return;
        this.pointer = null;
        this.keep(this.lines);
    }

    keep(lines) {
        if (this.pointer !== null) return;
        this.lines = lines;
        this.count = lines.reduce((sum, line) => sum + line.points.length, 0);
        this.paint();
        const objects = lines.map(({ width, points }) => (
            { path: points.map((point, k) => [k ? "L" : "M", ...point]), strokeWidth: width }
        ));
        this.send("drawing", { raw: { objects }, data: this.canvas.toDataURL("image/png") });
    }

    paint() {
        const { context, canvas } = this;
        context.fillStyle = "white";
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.lineCap = context.lineJoin = "round";
        for (const { width, points } of this.lines) {
            context.beginPath();
            if (points.length === 1) {
                context.fillStyle = "black";
                context.arc(...points[0], width / 2, 0, 2 * Math.PI);
                context.fill();
                continue;
            }
            context.lineWidth = width;
            context.moveTo(...points[0]);
            // Curves through the middles between the points: a fast hand leaves few of them.
            for (let k = 1; k < points.length - 1; k++) {
                const [[x, y], [nextX, nextY]] = [points[k], points[k + 1]];
                context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
            }
            context.lineTo(...points.at(-1));
            context.stroke();
        }
        for (const button of this.buttons) button.disabled = !this.lines.length;
    }
}

export default function ({ data, parentElement, setStateValue }) {
    const canvas = parentElement.querySelector("canvas");
    // The browser knows best what is on the sheet: what the server knows counts only for a new one.
    if (!sheets.has(canvas)) sheets.set(canvas, new Sheet(parentElement, canvas, data.drawing));
    Object.assign(sheets.get(canvas), { pen: data.pen, most: data.most, send: setStateValue });
}
"""

_SHEET = st.components.v2.component("sheet", html=_HTML, css=_CSS, js=_JS)


def show(pen: int, drawing: dict[str, Any] | None, key: str) -> Any:
    """Show the sheet; returns what the browser has sent of it, which may be anything, or None.

    Lines are in pixels of a square of `strokes.CANVAS`, however large the sheet is on the screen.

    Args:
        pen: width of the next lines.
        drawing: what a new sheet begins with: ``raw`` as sent before.
        key: of the component.

    Returns:
        ``{"raw": {"objects": [{"path": [["M", x, y], ["L", x, y], ...], "strokeWidth": w}, ...]}, "data": url}``,
        where the address `url` holds a PNG.
    """
    data = {"pen": pen, "most": strokes.MAX_POINTS, "drawing": drawing}
    return _SHEET(data=data, key=key, on_drawing_change=lambda: None).get("drawing")
