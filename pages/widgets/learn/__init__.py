"""Pieces of the Learn page."""
