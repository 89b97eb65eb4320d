"""The parties as one party hears them: heartbeats, who is silent, who is gone, and who talks nonsense."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from huddle.ceremony.sealed import Member
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.links import frames
from huddle.links.wire import WireInfo
from huddle.session import control_messages as control
from huddle.session import peers as group
from huddle.session.control_messages import Chat, FilesDone, Leave, Status
from huddle.session.peers import PeerMonitor, SessionPeer
from tests.unit.session.lines import INFO, Exchange

NAMES = ("Hanna", "Ann", "Bob")
MEMBERS = [Member(pid, f"did:key:{name}", name) for pid, name in enumerate(NAMES)]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Listener:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.messages: list[tuple[int, control.Message]] = []
        self.failed: dict[int, HuddleError] = {}
        self.broken: list[HuddleError] = []
        self.raises: Exception | None = None

    def group_message(self, pid: int, message: control.Message) -> None:
        if self.raises is not None:
            raise self.raises
        self.messages.append((pid, message))

    def group_connected(self, pid: int, info: WireInfo, again: bool) -> None:
        self.told.append(("connected", pid, again))

    def group_lost(self, pid: int, reason: str) -> None:
        self.told.append(("lost", pid, reason))

    def group_silent(self, pid: int, silent: bool) -> None:
        self.told.append(("silent" if silent else "heard", pid))

    def group_failed(self, pid: int, error: HuddleError) -> None:
        assert pid not in self.failed, "told twice"
        self.failed[pid] = error

    def group_broken(self, error: HuddleError) -> None:
        self.broken.append(error)


class Party:
    def __init__(self, exchange: Exchange, pid: int, clock: Clock) -> None:
        self.exchange = exchange
        self.pid = pid
        self.ears = Listener()
        self.group = PeerMonitor(MEMBERS, pid, exchange.keeper(pid), self.ears, grace=30.0, now=clock)

    def peer(self, pid: int) -> SessionPeer:
        return self.group.peers[pid]

    def end(self, pid: int) -> Any:
        return self.exchange.ends[self.pid, pid]

    def judge(self, clock: Clock, seconds: float) -> None:
        """Let time pass, and judge all peers as the heartbeat does."""
        clock.now += seconds
        for peer in self.group.peers.values():
            if not peer.left:
                self.group._judge(peer, clock.now)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def linked(parties: int = 3) -> tuple[list[Party], Clock]:
    exchange, clock = Exchange(), Clock()
    all_ = [Party(exchange, pid, clock) for pid in range(parties)]
    await asyncio.gather(*(one.group.connect() for one in all_))
    return all_, clock


async def close(parties: list[Party]) -> None:
    for party in parties:
        await party.group.close()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "heartbeat"] == []


async def test_all_are_connected_and_hear_each_other() -> None:
    parties, _ = await linked()
    parties[1].group.broadcast(Chat("hello"))
    await settle()
    assert parties[0].ears.messages == parties[2].ears.messages == [(1, Chat("hello"))]
    assert parties[0].ears.told == [("connected", 1, False), ("connected", 2, False)]
    assert parties[0].end(1).delivered_to > 0
    await close(parties)


async def test_a_change_of_state_is_told_at_once_and_once() -> None:
    parties, _ = await linked()
    for _ in range(3):
        parties[1].group.set_state(1, control.INPUT)
    await settle()
    assert parties[0].peer(1).state == control.INPUT and len(parties[1].end(0).said) == 1
    assert parties[0].ears.messages == [], "heartbeats are not passed on"
    await close(parties)


async def test_a_state_that_is_none_is_idle() -> None:
    parties, _ = await linked()
    parties[1].group.send(0, Status(1, 200))
    await settle()
    assert parties[0].peer(1).state == control.IDLE
    await close(parties)


async def test_silent_first_then_gone_and_named() -> None:
    parties, clock = await linked()
    own = parties[0]
    own.judge(clock, group.SILENT - 0.1)
    assert ("silent", 1) not in own.ears.told
    own.judge(clock, 0.2)
    own.judge(clock, 5)
    assert own.ears.told.count(("silent", 1)) == 1 and not own.ears.failed
    own.judge(clock, 30)
    assert {pid: error.message for pid, error in own.ears.failed.items()} == {
        1: "Ann is gone: nothing was heard of Ann for 30 s.",
        2: "Bob is gone: nothing was heard of Bob for 30 s.",
    }
    assert own.peer(1).state == control.GONE
    own.judge(clock, 30)
    await close(parties)


async def test_a_first_link_may_take_as_long_as_its_network_needs() -> None:
    exchange, clock = Exchange(), Clock()
    own = PeerMonitor(MEMBERS, 0, exchange.keeper(0), Listener(), grace=30.0, now=clock, patience=120.0)
    for peer in own.peers.values():
        peer.heard = clock.now
    own.peers[2].connected.set()
    for seconds, failed in ((31, [2]), (88, [2]), (2, [2, 1])):
        clock.now += seconds
        for peer in own.peers.values():
            if not peer.left:
                own._judge(peer, clock.now)
        assert list(own.listener.failed) == failed  # type: ignore[attr-defined]


async def test_a_dead_party_is_named_within_five_seconds() -> None:
    # It may have said its last word right after a beat; then the judge's next look comes a tick late.
    assert group.SILENT + group.TICK <= 5.0 and group.SILENT > 2 * group.HEARTBEAT


async def test_who_is_heard_again_is_not_silent() -> None:
    parties, clock = await linked()
    own = parties[0]
    own.judge(clock, 10)
    parties[1].group.broadcast(Status(0, 0))
    await settle()
    own.judge(clock, 0.1)
    assert [told for told in own.ears.told if told[1] == 1][-2:] == [("silent", 1), ("heard", 1)]
    own.judge(clock, 25)
    assert list(own.ears.failed) == [2]
    await close(parties)


async def test_a_party_without_a_wire_is_silent_after_a_second() -> None:
    parties, clock = await linked()
    own = parties[0]
    own.peer(1).link_lost("cut")
    own.judge(clock, group.WIRELESS + 0.1)
    assert ("silent", 1) in own.ears.told and ("silent", 2) not in own.ears.told
    own.peer(1).link_restored(INFO)
    own.judge(clock, 0.1)
    assert own.ears.told[-2:] == [("connected", 1, True), ("heard", 1)]
    await close(parties)


async def test_another_network_is_a_reconnection_where_the_peer_was_silent_and_else_a_move() -> None:
    parties, clock = await linked()
    own, other = parties[0], replace(INFO, network="iroh")
    own.peer(1).link_restored(other)  # while all was well
    own.judge(clock, 10)
    own.peer(2).link_restored(other)  # found before this end gave the old wire up
    assert own.ears.told[-1] == ("connected", 2, True)
    assert [told for told in own.ears.told if told[0] == "connected" and told[1] == 1][-1] == (
        "connected",
        1,
        False,
    )
    await close(parties)


async def test_one_that_never_came_is_told_apart_from_one_that_went() -> None:
    exchange, clock = Exchange(), Clock()
    own = Party(exchange, 0, clock)
    connecting = asyncio.create_task(own.group.connect())
    await settle()
    own.group.peers[1].end.reason = "webrtc: nothing came through"  # type: ignore[union-attr]
    own.judge(clock, 31)
    assert "no link could be made to Ann" in own.ears.failed[1].message
    assert own.ears.failed[1].message.endswith("The last attempt: webrtc: nothing came through")
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    await close([own])


async def test_who_says_goodbye_is_not_missed() -> None:
    parties, clock = await linked()
    own = parties[0]
    parties[1].group.broadcast(Leave("tea"))
    parties[1].group.broadcast(Leave("tea"))
    parties[1].group.broadcast(Chat("and another thing"))
    await settle()
    assert own.ears.messages == [(1, Leave("tea"))], "after a goodbye there is nothing more"
    own.peer(1).link_failed(PeerError("Ann has left", peer="Ann"))
    own.judge(clock, 60)
    assert list(own.ears.failed) == [2]
    await close(parties)


async def test_a_link_that_fails_is_told_once() -> None:
    parties, clock = await linked()
    error = PeerError("Ann broke the link's protocol", peer="Ann")
    parties[0].peer(1).link_failed(error)
    parties[0].judge(clock, 60)
    assert parties[0].ears.failed[1] is error
    await close(parties)


@pytest.mark.parametrize("nonsense", [b"\0\0\0\0", b"\xff" * 50_000, b"\0\0\0\2\5\1"])
async def test_who_talks_nonsense_is_named_and_not_listened_to_any_more(nonsense: bytes) -> None:
    parties, _ = await linked()
    own = parties[0]
    for _ in range(100):
        parties[1].end(0).write(frames.data_frames(nonsense))
    parties[1].group.send(0, Chat("hello"))
    await settle()
    assert own.ears.failed[1].whose == "peer" and "Ann sent what is no control message" in str(
        own.ears.failed[1]
    )
    assert own.end(1).aborted and own.ears.messages == [] and not own.ears.broken
    assert len(own.peer(1)._unpacker._buffer) < 60_000
    parties[2].group.send(0, Chat("I am fine"))
    await settle()
    assert own.ears.messages == [(2, Chat("I am fine"))]
    await close(parties)


async def test_a_bug_in_what_follows_a_message_is_told_as_this_partys_own() -> None:
    parties, _ = await linked()
    parties[0].ears.raises = KeyError("hunter2")
    parties[1].group.send(0, Chat("hello"))
    await settle()
    (error,) = parties[0].ears.broken
    assert isinstance(error, LocalError) and "KeyError" in error.message and "hunter2" not in error.message
    assert not parties[0].ears.failed, "the peer is not to blame"
    await close(parties)


async def test_a_heartbeat_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "TICK", 0.0)

    def fail(self: PeerMonitor, peer: SessionPeer, now: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(PeerMonitor, "_judge", fail)
    parties, _ = await linked()
    await settle()
    assert "ZeroDivisionError" in parties[0].ears.broken[0].message
    await close(parties)


async def test_time_in_which_this_machine_slept_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "TICK", 0.0)
    parties, clock = await linked()
    await settle()
    clock.now += 3600
    for _ in range(10):
        await settle()
    assert not parties[0].ears.failed and ("silent", 1) not in parties[0].ears.told
    await close(parties)


async def test_large_things_wait_for_the_slowest_and_small_ones_do_not() -> None:
    parties, _ = await linked()
    own = parties[0]
    own.end(2).writable = False
    saying = asyncio.create_task(own.group.broadcast_all(FilesDone(run) for run in range(1, 4)))
    await settle()
    assert [len(own.end(pid).said) for pid in (1, 2)] == [1, 0]
    own.group.broadcast(Chat("meanwhile"))
    await settle()
    assert (0, Chat("meanwhile")) in parties[2].ears.messages
    own.end(2).writable = True
    own.peer(2).link_taken(1)
    await saying
    await settle()
    assert [message for _, message in parties[2].ears.messages if isinstance(message, FilesDone)] == [
        FilesDone(1), FilesDone(2), FilesDone(3),
    ]  # fmt: skip
    await close(parties)


async def test_a_peer_that_takes_nothing_is_named_and_the_others_are_told_all_the_same() -> None:
    parties, _ = await linked()
    parties[0].end(1).full = True
    parties[0].group.broadcast(Chat("hello"))
    await settle()
    assert "takes nothing" in parties[0].ears.failed[1].message and parties[0].end(1).aborted
    assert parties[2].ears.messages == [(0, Chat("hello"))]
    await close(parties)


async def test_closing_leaves_no_task_and_no_open_link() -> None:
    parties, _ = await linked()
    before = asyncio.all_tasks()
    assert sum(task.get_name() == "heartbeat" for task in before) == 3
    await close(parties)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert all(end.closed for end in parties[0].exchange.ends.values())
