"""Pictures that the visitor pastes on the page."""

from __future__ import annotations

import base64

import streamlit as st

from mnist_core.drawing import photo

# The browser shrinks larger files, because `server.maxWidgetStateSize` limits what it may send.
_MOST_SENT = 2**20

# Streamlit's uploader takes files and drops, but nothing from the clipboard.
_LISTEN = st.components.v2.component(
    "clipboard_picture",
    js="""export default function ({ data, setTriggerValue }) {
        const smaller = async file => {
            const picture = await createImageBitmap(file);
            const scale = Math.min(1, data.side / Math.max(picture.width, picture.height));
            const canvas = document.createElement("canvas");
            canvas.width = Math.max(1, Math.round(scale * picture.width));
            canvas.height = Math.max(1, Math.round(scale * picture.height));
            const context = canvas.getContext("2d");
            context.imageSmoothingQuality = "high";
            context.drawImage(picture, 0, 0, canvas.width, canvas.height);
            return canvas.toDataURL("image/png");
        };
        const whole = file => new Promise((resolve, reject) => {
            const reader = new FileReader();
            reader.onload = () => resolve(reader.result);
            reader.onerror = reject;
            reader.readAsDataURL(file);
        });
        const take = async event => {
            const file = [...(event.clipboardData?.files ?? [])].find(file => file.type.startsWith("image/"));
            if (!file) return;
            event.preventDefault();
            let url = "";
            if (file.size <= data.most) {
                // A damaged picture arrives empty and is refused like any file that is not a picture.
                url = await (file.size > data.most_sent ? smaller(file) : whole(file)).catch(() => "");
            }
            setTriggerValue("picture", { size: file.size, url });
        };
        document.addEventListener("paste", take);
        return () => document.removeEventListener("paste", take);
    }""",
)


def pasted_picture() -> bytes | None:
    """The file of a picture that was just pasted; None in every other rerun.

    Raises:
        DrawingError: the picture is too large.
    """
    limits = {"most": photo.MAX_BYTES, "most_sent": _MOST_SENT, "side": photo.SIDE}
    found = _LISTEN(data=limits, key="clipboard", on_picture_change=lambda: None).picture
    if not found:
        return None
    size, url = (found.get("size"), found.get("url")) if isinstance(found, dict) else (None, None)
    if not isinstance(size, int) or not isinstance(url, str):
        return b""  # Untrusted input: refused like any file that is not a picture.
    photo.check_size(size)
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except ValueError:
        return b""
