"""SOCKS with a server of the test's own: what it is asked, what it answers, and what it must not lose."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from huddle.errors import NetworkError
from huddle.networks.tor import socks

BOUND = b"\x00\x00\x00\x00\x00\x00"


class Server:
    """Answers like this, and keeps what it was asked."""

    def __init__(self, greeting: bytes, answer: bytes) -> None:
        self.asked = b""
        self._greeting, self._answer = greeting, answer

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += await reader.readexactly(3)
        writer.write(self._greeting)
        if self._answer:
            head = await reader.readexactly(5)
            self.asked += head + await reader.readexactly(head[4] + 2)
            writer.write(self._answer)
            await reader.read()
        writer.close()


@asynccontextmanager
async def serving(path: Path, greeting: bytes, answer: bytes) -> AsyncIterator[Server]:
    one = Server(greeting, answer)
    async with await asyncio.start_unix_server(one.take, path):
        yield one


async def test_it_asks_for_the_name_and_leaves_what_follows_alone(tmp_path: Path) -> None:
    async with serving(tmp_path / "s", b"\x05\x00", b"\x05\x00\x00\x01" + BOUND + b"hello") as server:
        sock = await socks.connect(str(tmp_path / "s"), "abc.onion", 258)
        try:
            assert await socks.exactly(sock, 5) == b"hello"
        finally:
            sock.close()
    assert server.asked == b"\x05\x01\x00\x05\x01\x00\x03\x09abc.onion\x01\x02"


@pytest.mark.parametrize(
    ("greeting", "answer", "said"),
    [
        (b"\x05\xff", b"", "password"),
        (b"\x05", b"", "closed"),
        (b"\x05\x00", b"\x05\xf0\x00\x01" + BOUND, "not known to the network"),
        (b"\x05\x00", b"\x05\xf5\x00\x01" + BOUND, "does not know this party's key"),
        (b"\x05\x00", b"\x05\x77\x00\x01" + BOUND, "0x77"),
    ],
)
async def test_what_goes_wrong_is_said(tmp_path: Path, greeting: bytes, answer: bytes, said: str) -> None:
    async with serving(tmp_path / "s", greeting, answer):
        with pytest.raises(NetworkError, match=said):
            await socks.connect(str(tmp_path / "s"), "abc.onion", 1)


async def test_nobody_is_there(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="can't be reached"):
        await socks.connect(str(tmp_path / "s"), "abc.onion", 1)
