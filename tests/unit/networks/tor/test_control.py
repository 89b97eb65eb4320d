"""A control port of the test's own: replies in turn, events between them, and its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from huddle.errors import NetworkError
from huddle.networks.tor.control import TorControl

REPLIES = {
    "GETINFO version": "650 NOTE before\r\n250-version=0.4.9\r\n250 OK\r\n",
    "NONSENSE": "510 Unrecognized command\r\n",
    "QUIT": "",
}


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := (await reader.readline()).decode().strip():
        writer.write(REPLIES[line].encode())
        if line == "QUIT":
            break
    writer.close()


@asynccontextmanager
async def connected(path: Path, heard: list[str]) -> AsyncIterator[TorControl]:
    async with await asyncio.start_unix_server(_serve, path):
        control = await TorControl.connect(str(path), heard.append)
        try:
            yield control
        finally:
            await control.close()


async def test_replies_come_in_turn_and_events_between_them(tmp_path: Path) -> None:
    heard: list[str] = []
    async with connected(tmp_path / "c", heard) as control:
        asked = [asyncio.create_task(control.command(line)) for line in ("GETINFO version", "NONSENSE")]
        assert await asked[0] == ["version=0.4.9", "OK"]
        with pytest.raises(NetworkError, match="Unrecognized"):
            await asked[1]
    assert heard == ["NOTE before"]


async def test_a_command_that_is_cancelled_does_not_take_the_next_one_s_reply(tmp_path: Path) -> None:
    async with connected(tmp_path / "c", []) as control:
        first = asyncio.create_task(control.command("NONSENSE"))
        await asyncio.sleep(0)
        first.cancel()
        assert await control.command("GETINFO version") == ["version=0.4.9", "OK"]


async def test_who_waits_when_it_ends_is_told(tmp_path: Path) -> None:
    async with connected(tmp_path / "c", []) as control:
        with pytest.raises(NetworkError, match="has ended"):
            await control.command("QUIT")
        await control.gone()
        with pytest.raises(NetworkError, match="has ended"):
            await control.command("GETINFO version")
