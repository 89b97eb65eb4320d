"""Huddle: secure sessions in which people who never met run an MPyC program together."""

__version__ = "0.1.0"
