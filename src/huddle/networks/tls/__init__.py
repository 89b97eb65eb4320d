"""The network `tls`: mutual TLS 1.3 straight to the peer."""
