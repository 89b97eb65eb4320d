"""Supervisor and runner: an MPyC program over links."""
