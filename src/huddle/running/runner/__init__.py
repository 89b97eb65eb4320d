"""The runner: what runs in the program's process, with the standard library only."""
