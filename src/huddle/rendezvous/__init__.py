"""The room server and its client."""
