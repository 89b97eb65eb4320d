"""What a computation does at each party, recorded once, so that it can be replayed anywhere."""
