"""TCP sockets as links want them: no delay, a dead peer noticed within seconds, room for a window.

Nothing here knows TLS or sessions. Sockets are made without blocking and never connect by themselves.
"""

import errno
import socket
import sys

# A link's data waits this long for an acknowledgement before its wire counts as lost: long enough for
# a Wi-Fi hand-over or two lost packets, short enough that people are told before they wonder.
DEAD_AFTER = 6

# A connection on which nothing is sent is asked for a sign of life after _IDLE seconds, then every second.
_IDLE = 2
_INTERVAL = 1
_PROBES = DEAD_AFTER - _IDLE

# Names that Python's socket module lacks on macOS (netinet/tcp.h).
_DARWIN_TCP_KEEPALIVE = 0x10
_DARWIN_TCP_RXT_CONNDROPTIME = 0x80

# Connections that the kernel keeps until the session begins; a session has at most some tens of wires.
_BACKLOG = 64


def tune(sock: socket.socket) -> None:
    """Set the options of a wire's socket; an option that this system lacks is left out."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    if sys.platform == "darwin":
        sock.setsockopt(socket.IPPROTO_TCP, _DARWIN_TCP_KEEPALIVE, _IDLE)
        sock.setsockopt(socket.IPPROTO_TCP, _DARWIN_TCP_RXT_CONNDROPTIME, DEAD_AFTER)
    elif sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER * 1000)


def dialling(family: socket.AddressFamily, source: str | None) -> socket.socket:
    """A socket to connect with, bound to this source address where there is one; may raise OSError."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        tune(sock)
        if source is not None:
            sock.bind((source, 0))
    except OSError:
        sock.close()
        raise
    return sock


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on this address ("" and "::" are all addresses); may raise OSError.

    Peers may connect from now on; the kernel keeps them until somebody accepts.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        tune(sock)  # the sockets that it accepts inherit it
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def listening_pair(port: int) -> list[socket.socket]:
    """Sockets that listen on all IPv4 and all IPv6 addresses, on one port; may raise OSError.

    Where the machine has only one of the two, only that one is returned. Port 0 finds a free port.
    """
    attempts = 1 if port else 8  # a port that is free in IPv4 is hardly ever taken in IPv6
    for attempt in range(1, attempts + 1):
        sockets: list[socket.socket] = []
        failures: list[OSError] = []
        for host in ("0.0.0.0", "::"):  # noqa: S104 - peers reach a party on whichever address they can
            chosen = sockets[0].getsockname()[1] if sockets else port
            try:
                sockets.append(listening(host, chosen))
            except OSError as exc:
                failures.append(exc)
        if sockets and (not failures or not _taken(failures[0])):
            return sockets
        for sock in sockets:
            sock.close()
        if attempt == attempts:
            raise failures[0]
    raise AssertionError("the last attempt returns or raises")


def _taken(failure: OSError) -> bool:
    return failure.errno in (errno.EADDRINUSE, errno.EACCES)
