"""The record of a session, signed by all of its parties."""
