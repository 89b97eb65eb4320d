"""A connection that one calls, or that both begin: on loopback, where both ways are TCP's own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from huddle.networks.wireguard import simultaneous_open as crossing
from huddle.networks.wireguard.simultaneous_open import reach

Connect = Callable[[int, int], Awaitable[socket.socket]]


def between(own: str, theirs: str, *, deaf: tuple[int, ...] = ()) -> Connect:
    """Connects from one address of this machine to another; to a `deaf` port nothing comes through."""

    async def connect(port: int, to: int) -> socket.socket:
        if to in deaf:
            await asyncio.get_running_loop().create_future()
        sock = socket.socket()
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((own, port))
            await asyncio.get_running_loop().sock_connect(sock, (theirs, to))
        except BaseException:
            sock.close()
            raise
        return sock

    return connect


async def test_a_port_that_listens_is_called() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        sock = await reach(between("127.0.0.2", "127.0.0.1"), port, 7)
        there, _ = server.accept()
        with sock, there:
            assert there.recv(100) == (7).to_bytes(4, "big")


async def test_a_port_that_refuses_is_told_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await reach(between("127.0.0.2", "127.0.0.1"), unused.getsockname()[1], 7)


async def test_where_no_call_comes_through_both_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """As TCP makes it of two that begin at once; the real one is in tests/netlab/test_table.py."""
    monkeypatch.setattr(crossing, "CROSSING", 0.0)
    one, other = socket.socketpair()
    asked: list[tuple[int, int]] = []

    def joined(sock: socket.socket) -> Connect:
        sock.setblocking(False)

        async def connect(port: int, to: int) -> socket.socket:
            if not port:
                await asyncio.get_running_loop().create_future()
            asked.append((port, to))
            if len(asked) == 1:
                raise ConnectionRefusedError
            return sock

        return connect

    async with asyncio.timeout(10):
        made = await asyncio.gather(reach(joined(one), 1, 9), reach(joined(other), 1, 9))
    with one, other:
        assert [*made] == [one, other]
        # From and to one port, and the runs were said and heard: what follows is the wire's.
        assert len({*asked}) == 1 and asked[0][0] == asked[0][1]
        one.send(b"wire")
        assert other.recv(100) == b"wire"


async def test_another_run_s_crossing_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossing, "CROSSING", 0.0)
    one, other = socket.socketpair()
    one.setblocking(False)

    async def connect(port: int, to: int) -> socket.socket:
        if not port or one.fileno() < 0:
            await asyncio.get_running_loop().create_future()
        return one

    other.send((8).to_bytes(4, "big"))
    with other, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await reach(connect, 1, 9)
    assert one.fileno() < 0


async def test_nothing_is_left_of_what_nobody_waits_for() -> None:
    task = asyncio.ensure_future(reach(between("127.0.0.2", "127.0.0.3", deaf=(1,)), 1, 9))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(asyncio.all_tasks()) == 1
