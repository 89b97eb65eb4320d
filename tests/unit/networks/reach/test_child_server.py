"""Servers that end with Huddle: asked, not asked twice, and by themselves."""

import asyncio
import os
import tempfile
from pathlib import Path

import pytest

from huddle.networks.reach import child_server
from huddle.networks.reach.child_server import (
    ChildServer,
    environment,
    fresh_directories,
    fresh_directory,
)


async def test_it_is_asked_to_end() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as said:
        one = await ChildServer.start(
            ["/bin/sh", "-c", "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done"],
            environment(), writing,
        )  # fmt: skip
        os.close(writing)
        assert await asyncio.to_thread(said.readline) == "up\n"
        assert not one.ended
        async with asyncio.timeout(20):
            await one.end(15)
        assert one.ended and await asyncio.to_thread(said.read) == "bye\n"


async def test_one_that_does_not_want_to_is_ended_all_the_same() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as said:
        one = await ChildServer.start(
            ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"], environment(), writing
        )
        os.close(writing)
        assert await asyncio.to_thread(said.readline) == "up\n"
        async with asyncio.timeout(20):
            await one.end(0.2)
            assert await asyncio.to_thread(said.read) == ""  # whoever could write has gone


async def test_its_own_end_is_noticed() -> None:
    one = await ChildServer.start(["/bin/sh", "-c", "exit 3"], environment())
    async with asyncio.timeout(20):
        await one.wait()
        assert one.ended
        await one.end(5)


def test_it_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUDDLE_HEADSCALE_KEY", "k")
    found = environment(SSL_CERT_FILE="/c")
    assert "HUDDLE_HEADSCALE_KEY" not in found and found["SSL_CERT_FILE"] == "/c" and "PATH" in found


def test_a_directory_leaves_room_for_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    made = fresh_directory("huddle-test-")
    try:
        assert len(str(made / "s")) < 103 and made.stat().st_mode & 0o077 == 0
    finally:
        made.rmdir()


def test_a_directory_is_found_again_where_temporary_paths_are_too_long_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, deep = tmp_path / "s", tmp_path / ("d" * 100)
    short.mkdir()
    deep.mkdir()
    monkeypatch.setattr(child_server, "_SHORT", str(short))
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    made = fresh_directory("huddle-test-")
    assert made.parent == short and list(deep.iterdir()) == []
    assert fresh_directories("huddle-test-") == [made]
    other = deep / "huddle-test-of-before"
    other.mkdir()
    assert sorted(fresh_directories("huddle-test-")) == sorted([made, other])
