"""Forwarding of WireGuard's packets: whose packets pass, where they go, and what is dropped."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2s

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import NetworkError
from huddle.networks.plain.forwarder import Forwarder, is_for

BEN, CEM = b"b" * 32, b"c" * 32


def handshake(public: bytes, kind: int = 1) -> bytes:
    body = bytes([kind, 0, 0, 0]) + os.urandom((148 if kind == 1 else 92) - 36)
    mac = blake2s(body, digest_size=16, key=blake2s(b"mac1----" + public).digest()).digest()
    return body + mac + bytes(16)


def data(number: int) -> bytes:
    return b"\x04\0\0\0" + bytes([number]) * 60


@contextmanager
def clients(count: int) -> Iterator[list[socket.socket]]:
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for one in made:
            one.bind(("127.0.0.1", 0))
            one.setblocking(False)
        yield made
    finally:
        for one in made:
            one.close()


async def heard(sock: socket.socket) -> bytes:
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 2000), 5)


async def test_two_who_greet_each_other_are_passed_on_and_nobody_else_is() -> None:
    forwarder = Forwarder({1: BEN, 3: CEM})
    ports = await forwarder.open([(1, 3)], 0)
    assert set(ports) == {1, 3} and set(ports[1]) == {3} and set(ports[3]) == {1}
    with clients(3) as (ben, cem, stranger):
        at_ben, at_cem = ("127.0.0.1", ports[1][3]), ("127.0.0.1", ports[3][1])
        ben.sendto(handshake(CEM), at_ben)  # nobody is there yet
        cem.sendto(handshake(BEN), at_cem)
        greeting = await heard(ben)
        assert is_for(greeting, BEN)
        answer = handshake(CEM, 2)
        ben.sendto(answer, at_ben)
        assert await heard(cem) == answer
        # A stranger knows no key: neither data nor greetings of theirs pass, nor do they get any.
        stranger.sendto(data(1), at_ben)
        stranger.sendto(handshake(b"x" * 32), at_ben)
        stranger.sendto(handshake(CEM)[:-1], at_ben)
        ben.sendto(data(2), at_ben)
        assert await heard(cem) == data(2)
        cem.sendto(data(3), at_cem)
        assert await heard(ben) == data(3)
        with pytest.raises(BlockingIOError):
            stranger.recv(2000)
        # Ben's router gives it another port.
        moved = handshake(CEM)
        stranger.sendto(moved, at_ben)
        assert await heard(cem) == moved
        cem.sendto(data(4), at_cem)
        assert await heard(stranger) == data(4)
    await forwarder.close()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as again:
        again.bind(("::", ports[1][3]))


async def test_ports_in_a_row_where_the_first_is_given_and_an_error_where_one_is_taken() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
        taken.bind(("::", 0))
        number = taken.getsockname()[1]
        with pytest.raises(NetworkError, match="6 UDP ports"):
            await Forwarder({1: BEN, 2: b"d" * 32, 3: CEM}).open([(1, 2), (1, 3), (2, 3)], number)
    forwarder = Forwarder({1: BEN, 3: CEM})
    ports = await forwarder.open([(1, 3)], number)
    assert sorted((ports[1][3], ports[3][1])) == [number, number + 1]
    await forwarder.close()


@given(st.binary(max_size=200))
def test_no_bytes_pass_for_a_greeting(packet: bytes) -> None:
    assert not is_for(packet, BEN)
