"""A session: one party's part in it, from the invitation to its end."""
