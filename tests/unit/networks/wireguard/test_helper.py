"""What a helper does with interfaces, and everything that it does not."""

import socket
from ipaddress import IPv6Address
from typing import Any

import pytest

from huddle.errors import NetworkError
from huddle.networks.wireguard import helper as wh
from huddle.networks.wireguard.device import Device
from huddle.networks.wireguard.helper import (
    BringUp,
    Close,
    Configure,
    Connect,
    Endpoint,
    HelperDevice,
    KeepAlive,
    Listen,
    Look,
    Make,
    Peer,
    WireGuardService,
)
from huddle.networks.wireguard.keys import Key, address
from huddle.networks.wireguard.system import Addressing
from huddle.networks.wireguard.uapi import PeerActivity, PeerConfig, TunnelConfig

MINE, THEIRS = Key.fresh(), Key.fresh()
OWN, PEER = address(MINE.public), address(THEIRS.public)


class Recorded:
    """An interface that only remembers."""

    name = "hw-recorded"

    def __init__(self) -> None:
        self.did: list[Any] = []
        self.closed = False

    async def bring_up(self, addressing: Addressing) -> None:
        self.did.append(addressing)

    async def tcp(self, own: IPv6Address, port: int = 0, *, segment: int | None = None) -> socket.socket:
        self.did.append((own, port, segment))
        if port == 2000:
            raise ConnectionError("taken")
        return socket.socket(socket.AF_INET6)

    async def tell(self, tunnel: TunnelConfig) -> None:
        self.did.append(tunnel)

    async def keep_alive(self, public: bytes, seconds: int) -> None:
        self.did.append((public, seconds))

    async def heard(self) -> PeerActivity:
        return PeerActivity(True, 1 << 40)

    async def close(self) -> None:
        self.closed = True


class Maker:
    def __init__(self) -> None:
        self.made: list[Recorded] = []

    async def open(self) -> str:
        return "removed"

    async def make(self) -> Device:
        self.made.append(Recorded())
        return self.made[-1]


class Near:
    """A helper without a process."""

    def __init__(self, service: WireGuardService) -> None:
        self._service = service

    async def ask(self, request: Any) -> Any:
        return await self._service.do(request, -1)


async def made() -> tuple[WireGuardService, Maker, Device]:
    maker = Maker()
    service = WireGuardService(maker)
    near: Any = Near(service)
    asker = wh.HelperMaker(near)
    assert await asker.open() == "removed"
    return service, maker, await asker.make()


async def test_an_interface_is_used_as_if_it_were_here() -> None:
    service, maker, device = await made()
    assert isinstance(device, HelperDevice)
    addressing = Addressing(OWN, (PEER,), 1420)
    peers = (PeerConfig(THEIRS.public, b"s" * 32, ("fd77::2", 7), PEER, 15),)
    tunnel = TunnelConfig(MINE.private, MINE.public, 5000, peers)
    await device.bring_up(addressing)
    await device.tell(tunnel)
    await device.keep_alive(THEIRS.public, 25)
    with await device.tcp(OWN, segment=1180) as sock:
        assert sock.family == socket.AF_INET6 and sock.gettimeout() == 0
    with pytest.raises(ConnectionError, match="taken"):
        await device.tcp(OWN, 2000)
    assert await device.heard() == PeerActivity(True, 1 << 40)
    (one,) = maker.made
    assert one.did == [addressing, tunnel, (THEIRS.public, 25), (OWN, 0, 1180), (OWN, 2000, None)]
    await device.close()
    assert one.closed and not service._devices


async def test_at_the_end_all_go() -> None:
    service, maker, _ = await made()
    await service.do(Make(), -1)
    await service.close()
    assert [one.closed for one in maker.made] == [True, True]


PEER_OF = Peer(THEIRS.public, b"s" * 32, Endpoint(b"\x0a\0\0\1", 7), 0)
REFUSED = {
    "another's interface": KeepAlive(2, THEIRS.public, 1),
    "an interface that is none": Listen(0),
    "to close it": Close(7),
    "an address of this machine's network": BringUp(
        1, socket.inet_pton(socket.AF_INET6, "2001:db8::1"), (), 1420
    ),
    "a route to anywhere": BringUp(1, OWN.packed, (bytes(16),), 1420),
    "an MTU that IPv6 has not": BringUp(1, OWN.packed, (), 1279),
    "a socket at any address": Connect(1, bytes(16), 0, None),
    "a port of root's": Connect(1, OWN.packed, 22, None),
    "a UDP port of root's": Configure(1, MINE.private, MINE.public, 53, ()),
    "an endpoint that is no address": Configure(
        1, MINE.private, MINE.public, 5000, (Peer(THEIRS.public, b"s" * 32, Endpoint(b"fd77:", 7), 0),)
    ),
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
async def test_nothing_else_is_done(request_: Any) -> None:
    service, maker, _ = await made()
    with pytest.raises(ValueError):
        await service.do(request_, -1)
    assert maker.made[0].did == [] and not maker.made[0].closed


async def test_there_is_an_end_to_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wh, "MOST", 2)
    service, maker, _ = await made()
    await service.do(Make(), -1)
    with pytest.raises(ValueError, match="too many"):
        await service.do(Make(), -1)
    assert len(maker.made) == 2


async def test_the_address_of_a_peer_is_never_taken_from_who_asks() -> None:
    service, maker, _ = await made()
    await service.do(Configure(1, MINE.private, MINE.public, 5000, (PEER_OF,)), -1)
    (tunnel,) = maker.made[0].did
    assert tunnel.peers[0].address == PEER and tunnel.peers[0].where == ("10.0.0.1", 7)


async def test_why_there_is_none_is_told() -> None:
    class Without(Maker):
        async def open(self) -> str:
            raise NetworkError("none here")

    with pytest.raises(NetworkError, match="none here"):
        await WireGuardService(Without()).do(Look(), -1)
