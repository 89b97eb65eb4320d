"""Ports for servers that tests start and that can't choose one themselves."""

import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A port on which nobody listens, and that no connection of another test is given in the meantime."""
    given = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32768
    for port in random.sample(range(given - 8000, given), 100):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("a hundred ports are taken")
