"""WireGuard set up by hand: each machine has all others as peers, or only a hub. By wireguard-go."""

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


def _place(number: int, files: dict[str, bytes], address: str, *more: Command) -> Place:
    # Its control socket is named after the interface, in a directory that machines of one computer share.
    name = f"hwg{number}"
    up = [
        ("wg", "setconf", name, "own.conf"),
        ("ip", "address", "replace", f"{_address(number)}/24", "dev", name),
        ("ip", "link", "set", name, "up", "mtu", "1420"),
        *more,
    ]
    return Place(address, files, [("wireguard-go", "-f", name)], up)


class WireGuard:
    """Any two machines are peers."""

    name = "wireguard"
    commands: Mapping[str, str] = _COMMANDS

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """A key each; the public ones are in the others' files."""
        own = [x25519_pair() for _ in machines]
        places = []
        for number in range(len(machines)):
            peers = [
                _peer(own[other][1], outer, f"{_address(other)}/32")
                for other, outer in enumerate(machines)
                if other != number
            ]
            places.append(_place(number, _interface(own[number][0], peers), _address(number)))
        return places, Place("")


class WireGuardHub:
    """All go by way of a hub, which passes packets on."""

    name = "wireguard-hub"
    commands: Mapping[str, str] = _COMMANDS

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """Only the hub knows all keys; its clients ask for it."""
        own, (private, public) = [x25519_pair() for _ in machines], x25519_pair()
        places = [
            _place(
                number,
                _interface(own[number][0], [_peer(public, hub, "10.94.0.0/24")]),
                _address(number),
                ("wg", "set", f"hwg{number}", "peer", public, "persistent-keepalive", "1"),
            )
            for number in range(len(machines))
        ]
        peers = [_peer(one[1], "", f"{_address(number)}/32") for number, one in enumerate(own)]
        forward = ("sysctl", "-qw", "net.ipv4.ip_forward=1")
        return places, _place(_HUB, _interface(private, peers), "", forward)
