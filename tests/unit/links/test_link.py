"""Links over loopback TCP: they come up, survive their wires, and end."""

import asyncio
import hashlib
import random

import pytest

from huddle.errors import PeerError
from huddle.links.frames import END, PING, RESUME, WINDOW, control, data_frames
from huddle.links.protocol import SLACK
from tests.unit.links.support import SOME, Program, Two, lonely, memory_wires, prove, until


async def test_a_link_comes_up_and_carries_both_ways(two: Two) -> None:
    two.open(0, 1)
    two.programs[0].end.write(SOME)
    await two.online()
    two.programs[1].end.write(SOME + SOME)
    await until(lambda: two.programs[0].size == 26 and two.programs[1].size == 13)
    stats = two.programs[0].end.stats
    assert (stats.bytes_sent, stats.bytes_received) == (13, 26)
    assert (stats.messages_sent, stats.messages_received, stats.rounds) == (1, 2, 4)
    assert (stats.network, stats.reconnects) == ("tcp", 0)
    await until(lambda: two.programs[0].end.stats.rtt is not None)
    assert [program.told for program in two.programs] == [["restored"], ["restored"]]
    for program in two.programs:  # the proof has measured the round trip at both ends
        assert program.info and program.info.rtt is not None and 0 <= program.info.rtt < 5


async def test_a_lost_wire_is_replaced_at_once(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    two.proxy.cut()
    await until(lambda: [program.end.stats.reconnects for program in two.programs] == [1, 1])
    await two.online()
    assert [program.told for program in two.programs] == [["restored", "lost", "restored"]] * 2


async def test_one_end_believes_in_its_old_wire(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    for which in (0, 1, 0, 1):
        before = [program.end.stats.reconnects for program in two.programs]
        two.proxy.half_open(which)
        await until(
            lambda before=before: all(
                program.end.stats.reconnects > count and program.end.online
                for program, count in zip(two.programs, before, strict=True)
            )
        )


async def pump(program: Program, seed: int, size: int) -> bytes:
    """Write `size` bytes of frames as fast as the window allows; the digest of what was written."""
    source = random.Random(seed)
    wrote = hashlib.sha256()
    done = 0
    while done < size:
        if not program.end.writable:
            program.writable.clear()
            await program.writable.wait()
        frames = data_frames(source.randbytes(source.choice([9, 30, 500, 70_000, 200_000])), 1)
        program.end.write(frames)
        wrote.update(frames)
        done += len(frames)
        await asyncio.sleep(0 if source.random() < 0.7 else 0.002)
        assert program.end.stats.queued <= WINDOW + SLACK
    program.end.write(control(END))
    wrote.update(control(END))
    return wrote.digest()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2])
async def test_wires_cut_again_and_again(two: Two, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huddle.links.protocol.SILENCE", 0.3)
    monkeypatch.setattr("huddle.links.protocol.PING_EVERY", 0.1)
    two.open(0, 1)
    chance = random.Random(seed)
    pumps = [asyncio.create_task(pump(program, pid, 12 << 20)) for pid, program in enumerate(two.programs)]
    harm = [
        two.proxy.cut,
        two.proxy.cut,
        two.proxy.black_hole,
        lambda: two.proxy.half_open(0),
        lambda: two.proxy.half_open(1),
    ]
    for _ in range(30):
        await asyncio.sleep(chance.uniform(0.01, 0.12))
        chance.choice(harm)()
    wrote = await asyncio.wait_for(asyncio.gather(*pumps), 50)
    await until(lambda: all(program.end.stats.queued == 0 for program in two.programs), 20)
    assert two.programs[1].digest.digest() == wrote[0]
    assert two.programs[0].digest.digest() == wrote[1]
    assert all(program.end.stats.reconnects >= 3 for program in two.programs)
    assert all("failed" not in program.told for program in two.programs)


async def test_close_waits_until_the_peer_has_everything(two: Two) -> None:
    two.open(0, 1)
    frames = data_frames(bytes(1 << 20))
    for _ in range(6):
        two.programs[0].end.write(frames)
    two.programs[0].end.write(control(END))
    await two.keepers[0].close_link(1, 1, 40)
    assert two.programs[1].size == 6 * len(frames) + 8
    await until(lambda: not two.keepers[1]._ends)
    assert two.programs[1].told == ["restored"]
    two.programs[1].end.write(SOME)
    await two.programs[1].end.close()


async def test_who_leaves_before_the_end_is_named(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    await two.keepers[0].close()
    await until(lambda: two.programs[1].error)
    assert isinstance(two.programs[1].error, PeerError)
    assert (two.programs[1].error.message, two.programs[1].error.peer) == ("Alice has left", "Alice")
    assert two.programs[0].told == ["restored"]


async def test_both_close_at_once(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    for program in two.programs:
        program.end.write(SOME + control(END))
    async with asyncio.timeout(20):
        await asyncio.gather(*(keeper.close(60) for keeper in two.keepers))
    assert all("failed" not in program.told for program in two.programs)


async def test_close_does_not_wait_for_a_peer_that_is_gone(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    two.programs[1].end.abort()
    two.programs[0].end.write(SOME)
    async with asyncio.timeout(20):
        await two.programs[0].end.close(0.1)
    assert two.programs[0].told == ["restored"]


async def test_close_survives_a_cut(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    two.programs[0].end.write(data_frames(bytes(4 << 20)) + control(END))
    closing = asyncio.create_task(two.programs[0].end.close(40))
    await asyncio.sleep(0)
    two.proxy.cut()
    await closing
    assert two.programs[1].size == (4 << 20) + 64 * 8 + 8


async def test_a_wire_that_goes_on_after_its_end_reaches_nobody() -> None:
    keeper, program = lonely(1)
    program.end = keeper.open(0, 1, program)
    first, bobs_first = memory_wires()
    keeper.accepted(0, 1, bobs_first)
    await prove(first, 1)
    first.send(control(RESUME, 0) + SOME)
    await until(lambda: program.size == 13)
    old = bobs_first.receiver
    assert old
    second, bobs_second = memory_wires()
    keeper.accepted(0, 1, bobs_second)
    newer = await prove(second, 2)
    await until(lambda: newer.got == control(RESUME, 13))
    second.send(control(RESUME, 0))
    old.wire_data(SOME)
    old.wire_lost("late")
    second.send(SOME)
    await until(lambda: program.size >= 26)
    assert (program.size, program.told) == (26, ["restored", "restored"])
    program.end.abort()


async def test_a_program_that_was_closed_may_still_count(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    end = two.programs[1].end
    closing = asyncio.create_task(end.close())
    two.programs[0].end.write(SOME)
    await closing
    end.delivered(0)
    assert two.programs[1].size == 0


async def test_a_peer_that_breaks_the_protocol_is_named() -> None:
    keeper, program = lonely(1)
    program.end = keeper.open(0, 1, program)
    wire, bobs = memory_wires()
    keeper.accepted(0, 1, bobs)
    taker = await prove(wire, 1)
    wire.send(control(PING, 1))
    await until(lambda: program.error)
    assert isinstance(program.error, PeerError)
    assert program.error.peer == "Alice"
    await until(lambda: taker.lost)
    assert not keeper._ends


async def test_a_link_without_a_wire_keeps_no_more_than_its_window() -> None:
    keeper, program = lonely(0)
    program.end = keeper.open(1, 1, program)
    frames = data_frames(bytes(60_000))
    while program.end.writable:
        program.end.write(frames)
    assert program.end.stats.queued < WINDOW + len(frames)
    assert (program.end.stats.network, program.end.online) == ("", False)
    async with asyncio.timeout(20):
        await program.end.close(0.01)
    program.end.write(frames)
    assert program.end.stats.queued <= WINDOW + len(frames)
