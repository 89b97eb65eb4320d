"""Ordered, reliable byte streams between two parties, bound to their identities."""
