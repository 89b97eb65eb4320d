"""Measuring: one run, of plain MPyC or of a Huddle session, and its figures."""
