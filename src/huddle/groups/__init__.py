"""Many people at once: who is expected, and several groups that one person deals out by one link."""

MAX_GUESTS = 96  # in all groups: a room has 128 connections
