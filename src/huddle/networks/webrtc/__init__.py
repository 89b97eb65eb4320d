"""The network `webrtc`: ICE, DTLS and data channels."""
