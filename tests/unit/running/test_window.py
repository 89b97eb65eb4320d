"""The one window of a stream, with real runners: much in all directions, and peers that take nothing."""

import asyncio
from pathlib import Path

import pytest

from huddle.links.frames import MAX_PAYLOAD, WINDOW
from huddle.running.spec import RunnerExit
from tests.unit.running.support import PATIENCE, lay

pytestmark = pytest.mark.timeout(120)

WELL = RunnerExit(0)


async def test_megabytes_both_ways_within_the_window(tmp_path: Path) -> None:
    table = await lay(tmp_path, "big.py")
    assert await table.finish() == [WELL] * 3
    assert all("all 15000000" in out for out in table.outputs)
    assert max(link.most_unacked for link in table.links.links.values()) < WINDOW + MAX_PAYLOAD + 100


def test_on_uvloop(tmp_path: Path) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def scenario() -> None:
        table = await lay(tmp_path, "big.py")
        assert await table.finish() == [WELL] * 3
        assert all("all 15000000" in out for out in table.outputs)

    uvloop.run(scenario())


async def test_a_slow_peer_is_named(tmp_path: Path) -> None:
    source = """
import time
from mpyc.runtime import mpc
if mpc.pid == 0:
    mpc.run(mpc.start())
    mpc.run(mpc.transfer(bytes(30_000_000), senders=0))
    mpc.run(mpc.shutdown())
else:
    time.sleep(600)
"""
    table = await lay(tmp_path, source, parties=2, max_queue=10_000_000)
    exit_ = await asyncio.wait_for(table.runs[0].wait(), PATIENCE)
    assert exit_.culprit == 1
    assert exit_.reason.startswith("bob is slow")
    table.runs[1].stop("enough")
    await table.finish()


SILENT_PEER = """
import time
from mpyc.runtime import mpc
if mpc.pid == 0:
    mpc.run(mpc.start())
    mpc.run(mpc.transfer(bytes(SIZE), senders=0))
else:
    time.sleep(600)
"""


async def test_a_program_is_over_when_what_it_left_for_a_silent_peer_is_within_the_window(
    tmp_path: Path,
) -> None:
    table = await lay(tmp_path, SILENT_PEER.replace("SIZE", "320_000"), parties=2)
    link = table.links.links[0, 1]
    link.deaf = True
    assert await asyncio.wait_for(table.runs[0].wait(), PATIENCE) == WELL
    assert link.sent > 320_000
    link.deaf = False
    link.flush()
    table.runs[1].stop("enough")
    await table.finish()


async def test_what_a_program_left_for_a_silent_peer_is_given_up_when_told(tmp_path: Path) -> None:
    table = await lay(tmp_path, SILENT_PEER.replace("SIZE", "30_000_000"), parties=2)
    waiting = asyncio.create_task(table.runs[0].wait())
    link = table.links.links[0, 1]
    async with asyncio.timeout(PATIENCE):
        while link.sent < WINDOW:
            link.written.clear()
            await link.written.wait()
    table.runs[0].stop("bob is gone", 1)
    exit_ = await asyncio.wait_for(waiting, PATIENCE)
    assert (exit_.reason, exit_.culprit) == ("bob is gone", 1)
    assert link.sent < WINDOW + MAX_PAYLOAD + 100
    table.runs[1].stop("enough")
    await table.finish()
