"""WireGuard set up by hand: each machine has all others as peers, or only a hub. By wireguard-go."""

import secrets
from collections.abc import Mapping, Sequence

from huddle_lab.underlays.base import Command, Place
from huddle_lab.underlays.keys import x25519_pair

PORT = 5500
_COMMANDS = {"wireguard-go": "wireguard-go", "wg": "wireguard-tools"}
_HUB = 253


def _address(number: int) -> str:
    return f"10.94.0.{number + 1}"


def _interface(private: str, peers: Sequence[str]) -> dict[str, bytes]:
    text = f"[Interface]\nPrivateKey = {private}\nListenPort = {PORT}\n" + "".join(peers)
    return {"own.conf": text.encode()}


def _peer(public: str, endpoint: str, allowed: str) -> str:
    where = f"Endpoint = {endpoint}:{PORT}\n" if endpoint else ""
    return f"[Peer]\nPublicKey = {public}\nAllowedIPs = {allowed}\n{where}"


def _names(count: int) -> list[str]:
    """Interfaces for so many machines, and the hub's.

    wireguard-go names its control socket after the interface, in a directory that machines of one computer
    share, those of other runs too.
    """
    run = secrets.token_hex(4)
    return [f"hw{run}{number}" for number in range(count + 1)]


def _place(interface: str, number: int, files: dict[str, bytes], address: str, *more: Command) -> Place:
    # wg removes a socket at which nobody listens, that of a wireguard-go which is about to as well.
    listens = ("grep", "-q", f" 00010000 .*/{interface}.sock$", "/proc/net/unix")
    up = [
        listens,
        ("wg", "setconf", interface, "own.conf"),
        ("ip", "address", "replace", f"{_address(number)}/24", "dev", interface),
        ("ip", "link", "set", interface, "up", "mtu", "1420"),
        *more,
    ]
    return Place(address, files, [("wireguard-go", "-f", interface)], up)


class WireGuard:
    """Any two machines are peers."""

    name = "wireguard"
    commands: Mapping[str, str] = _COMMANDS

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """A key each; the public ones are in the others' files."""
        own, names = [x25519_pair() for _ in machines], _names(len(machines))
        places = []
        for number in range(len(machines)):
            peers = [
                _peer(own[other][1], outer, f"{_address(other)}/32")
                for other, outer in enumerate(machines)
                if other != number
            ]
            files = _interface(own[number][0], peers)
            places.append(_place(names[number], number, files, _address(number)))
        return places, Place("")


class WireGuardHub:
    """All go by way of a hub, which passes packets on."""

    name = "wireguard-hub"
    commands: Mapping[str, str] = _COMMANDS

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """Only the hub knows all keys; its clients ask for it."""
        own, (private, public) = [x25519_pair() for _ in machines], x25519_pair()
        *names, middle = _names(len(machines))
        places = [
            _place(
                name,
                number,
                _interface(own[number][0], [_peer(public, hub, "10.94.0.0/24")]),
                _address(number),
                ("wg", "set", name, "peer", public, "persistent-keepalive", "1"),
            )
            for number, name in enumerate(names)
        ]
        peers = [_peer(one[1], "", f"{_address(number)}/32") for number, one in enumerate(own)]
        forward = ("sysctl", "-qw", "net.ipv4.ip_forward=1")
        return places, _place(middle, _HUB, _interface(private, peers), "", forward)
