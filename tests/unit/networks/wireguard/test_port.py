"""A UDP port on this machine: a real STUN server, two ports that find each other, and none left."""

import asyncio
import os
import socket

from huddle.errors import NetworkError
from huddle.networks.wireguard.path_checks import PathChecks
from huddle.networks.wireguard.port import Port
from huddle.networks.wireguard.signals import Chosen, UdpCandidate
from huddle.rendezvous.ice import ask
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig


async def test_stun_sees_the_very_port() -> None:
    async with RendezvousServer(ServerConfig()) as server:
        stun = (await ask(f"http://127.0.0.1:{server.port}", within=5)).stun
        assert stun is not None
        port = Port(os.urandom)
        await port.open()
        assert await port.seen("127.0.0.1", stun) == [("127.0.0.1", port.number)]
        await port.close()


async def test_no_stun_server_is_no_fault() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = Port(os.urandom)
        await port.open()
        assert await port.seen("127.0.0.1", silent.getsockname()[1]) == []
        assert await port.seen("no-such-host.invalid", 3478) == []
        await port.close()


async def test_two_ports_find_a_way_and_are_free_afterwards() -> None:
    ports = Port(os.urandom), Port(os.urandom)
    for port in ports:
        await port.open()
    checks = [
        PathChecks(b"k" * 32, index == 0, [UdpCandidate("127.0.0.1", ports[1 - index].number, 0)], os.urandom)
        for index in (0, 1)
    ]
    loop = asyncio.get_running_loop()
    told: list[asyncio.Future[Chosen]] = [loop.create_future(), loop.create_future()]
    other = asyncio.create_task(ports[1].way(checks[1], told[1]))
    chosen, way = await asyncio.wait_for(ports[0].way(checks[0], told[0]), 10)
    assert chosen is not None
    told[1].set_result(chosen)
    _, back = await asyncio.wait_for(other, 10)
    assert way.where == ("127.0.0.1", ports[1].number)
    assert back.where == ("127.0.0.1", ports[0].number)
    assert way.size == 1500
    for port in ports:
        await port.close()
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.bind((host, port.number))


async def test_a_peer_that_chooses_what_never_came_is_no_peer() -> None:
    port = Port(os.urandom)
    await port.open()
    told = asyncio.get_running_loop().create_future()
    told.set_result(Chosen(b"12345678", 1500))
    checks = PathChecks(b"k" * 32, False, [], os.urandom)
    try:
        await asyncio.wait_for(port.way(checks, told), 10)
    except NetworkError as error:
        assert "never came" in error.message
    else:
        raise AssertionError("it took the way")
    await port.close()
