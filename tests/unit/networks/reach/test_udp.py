"""Sockets that transports take over, or that are closed."""

import asyncio
import socket

import pytest

from huddle.networks.reach import udp


def bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


class Heard(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.data: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.data.set_result(data)


async def test_each_socket_has_its_own_protocol() -> None:
    sockets = [bound(), bound()]
    heard = [Heard(), Heard()]
    ports = [sock.getsockname() for sock in sockets]
    first, second = await udp.endpoints(list(zip(heard, sockets, strict=True)))
    first.sendto(b"to the second", ports[1])
    second.sendto(b"to the first", ports[0])
    assert [await one.data for one in heard] == [b"to the first", b"to the second"]
    first.close()
    second.close()


@pytest.mark.parametrize("steps", range(6))
async def test_given_up_at_any_moment_none_stays_open(steps: int) -> None:
    sockets = [bound(), bound(), bound()]
    task = asyncio.create_task(udp.endpoints([(asyncio.DatagramProtocol(), sock) for sock in sockets]))
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    try:
        for transport in await task:
            transport.close()
    except asyncio.CancelledError:
        pass
    for _ in range(3):
        await asyncio.sleep(0)
    assert steps == 0 or all(sock.fileno() < 0 for sock in sockets)
    for sock in sockets:
        sock.close()  # a task that never began has taken none


@pytest.mark.parametrize("steps", range(6))
async def test_one_that_the_loop_binds_is_closed_too(steps: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        where = free.getsockname()
    task = asyncio.create_task(udp.endpoint(asyncio.DatagramProtocol, local_addr=where))
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    try:
        (await task)[0].close()
    except asyncio.CancelledError:
        pass
    for _ in range(3):
        await asyncio.sleep(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(where)  # OSError where it is still taken
