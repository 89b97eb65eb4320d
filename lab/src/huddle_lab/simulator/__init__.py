"""Replays a trace on parties, processors and wires that are only thought of."""
