"""The server's side of a rendezvous: rooms, nameplates, the relay, STUN, the page."""
