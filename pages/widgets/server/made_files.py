"""Files that a download button makes at the click, kept until the browser has fetched them.

Streamlit makes such a file, sends its address to the browser, and deletes it when two scripts have ended since, of any
visitors. In a class of thirty, that is sooner than the browser can ask for it: the download fails.
"""

from __future__ import annotations

import threading
import uuid
from pathlib import PurePosixPath

from streamlit.runtime.media_file_manager import MediaFileManager

KEPT_SECONDS = 30.0
# Streamlit keeps the files that a session shows; this one shows those that were made lately.
_HOLDER = "made-files"
_make = MediaFileManager.execute_deferred


def keep() -> None:
    """Make this process keep each file that a download button has made for `KEPT_SECONDS`."""
    MediaFileManager.execute_deferred = _make_and_keep  # type: ignore[method-assign]


def _make_and_keep(self: MediaFileManager, file_id: str) -> str:
    while True:
        address = _make(self, file_id)
        made, place = PurePosixPath(address).stem, uuid.uuid4().hex
        with self._lock:
            if made not in self._file_metadata:  # Two scripts have ended since.
                continue
            self._files_by_session_and_coord[_HOLDER][place] = made
        timer = threading.Timer(KEPT_SECONDS, _release, (self, place))
        timer.daemon = True
        timer.start()
        return address


def _release(self: MediaFileManager, place: str) -> None:
    with self._lock:
        self._files_by_session_and_coord[_HOLDER].pop(place, None)
