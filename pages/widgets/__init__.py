"""Streamlit pieces that several pages use, and the one door to the session."""
