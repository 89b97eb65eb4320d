"""The network `relay`: through the rendezvous."""
