"""Streamlit pieces that several pages use, and the one door to a visitor's state."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

# A new server whose first visitor asks for a page by its address would run that page's file by itself, with a menu
# made of file names: until `app.py` has called `st.navigation`, Streamlit takes the folder for an older kind of app.
# Every page and `app.py` import this. The server does so before the first visitor comes; where it does not, the first
# of them to run ends that and begins again.
is_taken_for_older = PagesManager.uses_pages_directory
PagesManager.uses_pages_directory = False
if is_taken_for_older:
    st.rerun()
