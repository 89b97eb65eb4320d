"""One folder for each way to reach a peer, and the registry of them."""
