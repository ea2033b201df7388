"""Links from where a misconception arises to the step of the Learn page that tries it out."""

from __future__ import annotations

import streamlit as st

from mnist_core.language import gettext as _
from mnist_core.lessons.misconceptions import MISCONCEPTIONS


def misconception_link(key: str) -> None:
    """A link to the step about a misconception, a key of `MISCONCEPTIONS`."""
    one = MISCONCEPTIONS[key]
    st.page_link("pages/learn.py", label=_(one.question), icon=":material/science:", query_params={"step": one.step})
