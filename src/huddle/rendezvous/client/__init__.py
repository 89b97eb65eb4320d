"""The client's side of a rendezvous: rooms, nameplates and WebSockets."""
