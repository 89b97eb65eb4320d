"""The command `huddle lab`."""
