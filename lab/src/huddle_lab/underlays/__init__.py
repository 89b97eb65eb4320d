"""Overlay networks under a run, made for the machines of one cell from keys made for it, and gone with it."""
