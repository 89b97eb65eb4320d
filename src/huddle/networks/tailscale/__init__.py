"""The network `tailscale`: a tailnet that the parties are in."""
