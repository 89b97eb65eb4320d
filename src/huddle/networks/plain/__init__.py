"""Parties that run plain MPyC behind a WireGuard app."""
