"""Pictures that the visitor pastes anywhere on the page."""

from __future__ import annotations

import base64
import binascii

import streamlit as st

from mnist_core import photo

# Streamlit's uploader takes files and drops, but no clipboard.
_LISTEN = st.components.v2.component(
    "clipboard_picture",
    js="""export default function ({ data, setTriggerValue }) {
        const take = event => {
            const file = [...(event.clipboardData?.files ?? [])].find(file => file.type.startsWith("image/"));
            if (!file) return;
            event.preventDefault();
            if (file.size > data.most) {
                setTriggerValue("picture", { size: file.size, url: "" });
                return;
            }
            const reader = new FileReader();
            reader.onload = () => setTriggerValue("picture", { size: file.size, url: reader.result });
            reader.readAsDataURL(file);
        };
        document.addEventListener("paste", take);
        return () => document.removeEventListener("paste", take);
    }""",
)


def pasted() -> bytes | None:
    """The file of a picture that has just been pasted, once; None in every other rerun.

    Raises:
        DrawingError: when it is too large.
    """
    found = _LISTEN(data={"most": photo.MAX_BYTES}, key="clipboard", on_picture_change=lambda: None).picture
    if not found:
        return None
    photo.check_size(found["size"])
    try:
        return base64.b64decode(found["url"].partition(",")[2], validate=True)
    except binascii.Error:
        return b""  # Refused like any other file that is no picture.
