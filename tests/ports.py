"""Ports for servers that tests start and that can't choose one themselves."""

import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def given() -> range:
    """The ports that this system gives to connections."""
    first, last = map(int, _RANGE.read_text().split()) if _RANGE.exists() else (32768, 65535)
    return range(first, last + 1)


def free_port() -> int:
    """A port on which nobody listens, and that no connection of another test is given in the meantime."""
    for port in random.sample(range(given().start - 8000, given().start), 100):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("a hundred ports are taken")


def free_ports(count: int) -> list[int]:
    """So many of them."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)
