"""The STUN server: whom it answers, how often, and where it listens."""

import asyncio
import socket
from typing import Any

import pytest

from huddle.rendezvous import stun
from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.server.metrics import Metrics
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.rendezvous.server.stun import StunServer

TRANSACTION = bytes(range(12))
REQUEST = stun.request(TRANSACTION)


class Wire:
    """Where a server's answers go."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def sendto(self, data: bytes, where: Any) -> None:
        self.sent.append(where)


def server(**limits: int) -> tuple[StunServer, Wire, list[float]]:
    now, wire = [1000.0], Wire()
    made = StunServer(ServerLimits(**limits), lambda: now[0], Metrics())
    made.connection_made(wire)  # type: ignore[arg-type]
    return made, wire, now


def test_an_address_that_asks_too_often_is_not_answered_and_others_are() -> None:
    made, wire, now = server(stun_per_address=5)
    for _ in range(20):
        made.datagram_received(REQUEST, ("192.0.2.1", 1))
    made.datagram_received(REQUEST, ("192.0.2.2", 1))
    assert [where[0] for where in wire.sent] == ["192.0.2.1"] * 5 + ["192.0.2.2"]
    now[0] += 60
    made.datagram_received(REQUEST, ("192.0.2.1", 2))
    assert wire.sent[-1] == ("192.0.2.1", 2)


def test_one_machine_s_ipv6_addresses_count_as_one() -> None:
    made, wire, _ = server(stun_per_address=5)
    for number in range(20):
        made.datagram_received(REQUEST, (f"2001:db8::{number:x}", 1, 0, 0))  # type: ignore[arg-type]
    assert len(wire.sent) == 5


def test_all_together_are_limited_too() -> None:
    made, wire, _ = server(stun_per_minute=7)
    for number in range(20):
        made.datagram_received(REQUEST, (f"192.0.2.{number}", 1))
    assert len(wire.sent) == 7


def test_forged_addresses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huddle.rendezvous.server.stun._MAX_ADDRESSES", 10)
    made, wire, now = server()
    for number in range(50):
        made.datagram_received(REQUEST, (f"192.0.2.{number}", 1))
    assert len(made._rates) == 10
    assert len(wire.sent) == 10
    now[0] += 60
    made.datagram_received(REQUEST, ("192.0.2.99", 1))
    assert len(made._rates) == 1, "those that ask no more are forgotten"
    assert len(wire.sent) == 11


async def ask_by_udp(port: int, family: socket.AddressFamily, host: str) -> Any:
    loop = asyncio.get_running_loop()
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((host, 0))
        await loop.sock_sendto(sock, REQUEST, (host, port))
        async with asyncio.timeout(5):
            return stun.mapped(await loop.sock_recv(sock, 1000), TRANSACTION), sock.getsockname()


async def test_stun_may_be_elsewhere_than_the_rest() -> None:
    """As behind a proxy: HTTP on loopback only, STUN where the world is."""
    async with RendezvousServer(ServerConfig(hosts=("127.0.0.1",), stun_hosts=("127.0.0.2",))) as running:
        told, own = await ask_by_udp(running.port, socket.AF_INET, "127.0.0.2")
        assert told == own[:2]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask_by_udp(running.port, socket.AF_INET, "127.0.0.1")


async def test_a_rendezvous_answers_on_the_udp_port_of_its_number(serve: Any) -> None:
    running = await serve()
    told, own = await ask_by_udp(running.port, socket.AF_INET, "127.0.0.1")
    assert told == own[:2]
