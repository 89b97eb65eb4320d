"""The network `iroh`: QUIC, dialled by key."""
