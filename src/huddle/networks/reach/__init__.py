"""How others reach this machine: addresses, NAT, ports of the router."""
