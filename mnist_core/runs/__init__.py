"""Runs: many at once, in fair turns, with a snapshot of each for the pages, and saved as they go."""
