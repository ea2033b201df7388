"""Pieces of pages, and the visitor's state."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

# Until `app.py` has called `st.navigation`, Streamlit treats the folder `pages` as an older kind of app. If the first
# visitor of a new server opened a page by its address, Streamlit would run only that page's file, with a menu of file
# names. `app.py` and every page import this module. The server imports it before the first visitor comes; where it
# does not, the first page to run stops and starts again.
is_taken_for_older = PagesManager.uses_pages_directory
PagesManager.uses_pages_directory = False
if is_taken_for_older:
    st.rerun()
