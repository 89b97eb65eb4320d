"""A session on a terminal: what it shows, and the lines that a person types."""
