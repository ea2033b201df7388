"""What a server must load before the first vote can be given."""

from __future__ import annotations

import subprocess
import sys

from tests.pages.conftest import ROOT

PROGRAM = """
import sys
from pages.widgets.classroom import desk, door, student, wall
print(*sorted({"tensorflow", "keras", "streamlit_drawable_canvas", "pandas", "sklearn"} & set(sys.modules)))
"""


def test_first_vote_needs_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
