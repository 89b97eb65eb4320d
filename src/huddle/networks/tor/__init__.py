"""The network `tor`: an onion service for each party; see `network`."""
