"""Risk: an ordered pipeline of small checks; only what it approved can be placed."""
