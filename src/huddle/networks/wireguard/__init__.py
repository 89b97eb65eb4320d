"""The network `wireguard`: a tunnel to each peer that nobody configures."""
