"""What a person who runs plain MPyC is given: a configuration for any WireGuard app,.

The configuration is that of wg-quick(8), which the apps read too. Each peer is reached at its own endpoint
or at the one who forwards. Pure.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from huddle.networks.plain.offers import PlainPeer
from huddle.networks.wireguard.keys import address

KEEPALIVE = 25  # seconds: what WireGuard's makers recommend for who is behind a router
MTU = 1280  # the least that IPv6 allows: with WireGuard's headers it fits through any path


@dataclass(frozen=True, slots=True)
class ReachablePeer:
    """A peer, and the endpoint that leads to it."""

    peer: PlainPeer
    endpoint: tuple[str, int]


def configuration(pid: int, private: bytes, public: bytes, reached: Iterable[ReachablePeer]) -> str:
    """The file for the app of party `pid`."""
    lines = [
        "[Interface]",
        f"# Huddle, party {pid}: for one session, delete it afterwards",
        f"PrivateKey = {_text(private)}",
        f"Address = {address(public)}/128",
        f"MTU = {MTU}",
    ]
    for one in reached:
        host, port = one.endpoint
        lines += [
            "",
            "[Peer]",
            f"# party {one.peer.pid}",
            f"PublicKey = {_text(one.peer.public)}",
            f"PresharedKey = {_text(one.peer.shared)}",
            f"AllowedIPs = {address(one.peer.public)}/128",
            f"Endpoint = {f'[{host}]' if ':' in host else host}:{port}",
            f"PersistentKeepalive = {KEEPALIVE}",
        ]
    return "\n".join(lines) + "\n"


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")
