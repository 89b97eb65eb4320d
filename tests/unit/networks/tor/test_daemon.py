"""A real Tor that may not use the network: how it starts, refuses, is told from outside, and ends."""

import asyncio
from pathlib import Path

import psutil
import pytest

from huddle.errors import NetworkError
from huddle.networks.tor.daemon import PREFIX, TorDaemon
from huddle.networks.tor.keys import PairKeys, ServiceKey
from tests.processes import below, kill
from tests.tornet.running import tools

KEY = ServiceKey.of_seed(b"k" * 32)


@pytest.fixture
def offline(tmp_path: Path) -> Path:
    """Lines for a Tor that goes nowhere."""
    tools()
    file = tmp_path / "torrc"
    file.write_text("DisableNetwork 1\n")
    return file


async def test_it_starts_with_the_person_s_lines_and_leaves_nothing(offline: Path) -> None:
    daemon = await TorDaemon.start(offline)
    assert daemon.directory.name.startswith(PREFIX) and not daemon.ended
    assert daemon.progress.startswith("0% (")
    assert "huddle-tor" in repr(daemon)
    tor = next(below("tor", f"{daemon.directory}"))
    assert [each for each in tor.net_connections() if each.status == psutil.CONN_LISTEN] == []
    await daemon.close()
    assert not daemon.directory.exists() and not tor.is_running()


async def test_lines_that_make_no_sense_are_named(tmp_path: Path, offline: Path) -> None:
    await asyncio.to_thread(offline.write_text, "NoSuchOption 1\n")
    with pytest.raises(NetworkError, match="ended at once") as caught:
        await TorDaemon.start(offline)
    assert str(offline) in caught.value.hint


async def test_when_it_ends_who_waits_is_told(offline: Path) -> None:
    daemon = await TorDaemon.start(offline)
    try:
        waiting = asyncio.create_task(daemon.publish(KEY, [], []))
        await asyncio.sleep(0)
        kill("tor", f"{daemon.directory}")
        with pytest.raises(NetworkError, match="has ended"):
            await asyncio.wait_for(waiting, 10)
    finally:
        await daemon.close()


async def test_what_it_refuses_is_said(offline: Path) -> None:
    daemon = await TorDaemon.start(offline)
    try:
        daemon._in.set()
        wrong = PairKeys(b"t" * 16, "x25519:short", "short")
        with pytest.raises(NetworkError, match="Tor refused"):
            await daemon.publish(KEY, [wrong], [])
    finally:
        await daemon.close()


async def test_a_service_is_published_once_all_directories_have_answered(offline: Path) -> None:
    daemon = await TorDaemon.start(offline)
    try:
        daemon._own = "abc"
        for line in (
            "UPLOAD abc UNKNOWN $A~a one HSDIR_INDEX=1",
            "UPLOAD abc UNKNOWN $B~b one HSDIR_INDEX=2",
            "UPLOADED abc UNKNOWN $A~a",
            "UPLOADED other UNKNOWN $B~b",
        ):
            daemon._event(f"HS_DESC {line}")
            assert not daemon._uploaded.is_set()
        daemon._event("HS_DESC FAILED abc UNKNOWN $B~b REASON=UPLOAD_REJECTED")
        assert daemon._uploaded.is_set()
    finally:
        await daemon.close()
