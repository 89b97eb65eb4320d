"""WireGuard's packets between the world and a WireGuard that is only on loopback."""

import asyncio
import socket
from contextlib import suppress

from huddle.networks.wireguard.packet_relay import PacketRelay
from tests.unit.networks.plain.test_forwarder import data, handshake

OURS = b"o" * 32


def udp() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


async def heard(sock: socket.socket) -> tuple[bytes, tuple[str, int]]:
    async with asyncio.timeout(5):
        while True:
            with suppress(BlockingIOError):
                found: tuple[bytes, tuple[str, int]] = sock.recvfrom(2000)
                return found
            await asyncio.sleep(0.005)


async def test_each_peer_has_a_place_and_is_found_where_its_greetings_come_from() -> None:
    outer, wireguard, known, unknown, stranger = udp(), udp(), udp(), udp(), udp()
    port = outer.getsockname()
    splice = PacketRelay(OURS, wireguard.getsockname())
    places = await splice.open([outer], [udp(), udp(), udp()])
    try:
        splice.lead(0, known.getsockname())
        wireguard.sendto(data(1), places[0])
        assert await heard(known) == (data(1), port)
        known.sendto(data(2), port)
        assert await heard(wireguard) == (data(2), places[0])
        # Nobody has said where this one is.
        wireguard.sendto(data(3), places[1])
        stranger.sendto(data(4), port)
        stranger.sendto(handshake(b"x" * 32), port)
        greeting = handshake(OURS)
        unknown.sendto(greeting, port)
        came, place = await heard(wireguard)
        assert came == greeting and place in places
        wireguard.sendto(data(5), place)
        assert await heard(unknown) == (data(5), port)
    finally:
        splice.close()
        for sock in (wireguard, known, unknown, stranger):
            sock.close()
