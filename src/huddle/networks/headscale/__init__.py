"""The network `headscale`: a tailnet for one session."""
