"""The parties of a sealed session as this one hears them: control links, heartbeats, who is gone.

A party is *silent* while its control link has had no wire for a second, or nothing was heard of it for
two heartbeats; it is *gone* after `grace` seconds without a word, and that ends the session. A party that
computes or waits for its person's input is neither: its supervisor goes on talking.
Knows nothing of programs or screens; what happens is told to one `PeerListener`.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from huddle.ceremony.sealed import Member
from huddle.codec import DecodeError
from huddle.errors import HuddleError, PeerError, unexpected
from huddle.links import frames
from huddle.links.manager import Link, LinkManager
from huddle.links.wire import WireInfo
from huddle.session import control_messages as control
from huddle.tasks import cancel

HEARTBEAT = 2.0  # seconds; with SILENT it names a dead party within five
SILENT = 4.5
WIRELESS = 1.0
TICK = 0.5


class PeerListener(Protocol):
    """Whoever acts on what the group hears."""

    def group_message(self, pid: int, message: control.Message) -> None:
        """A peer said something (heartbeats are not passed on)."""
        ...

    def group_connected(self, pid: int, info: WireInfo, again: bool) -> None:
        """The control link to a peer has a wire, `again` after one was lost or as good as that."""
        ...

    def group_lost(self, pid: int, reason: str) -> None:
        """The control link lost its wire; a new one is being made."""
        ...

    def group_silent(self, pid: int, silent: bool) -> None:
        """A peer fell silent, or is heard again."""
        ...

    def group_failed(self, pid: int, error: HuddleError) -> None:
        """A peer is gone or broke the protocol; called once for each peer."""
        ...

    def group_broken(self, error: HuddleError) -> None:
        """This party can't go on: something failed here that nobody expected."""
        ...


class SessionPeer:
    """One peer of the group; the receiver of its control link."""

    def __init__(self, group: "PeerMonitor", member: Member) -> None:
        self.member = member
        self.run = 0  # the run that its last status was about
        self.state = control.IDLE
        self.since = group.now()  # when it last told something new of its runner
        self.silent = False
        self.left = False  # has said that it leaves, or failed: nothing more is expected of it
        self.connected = asyncio.Event()
        self.room = asyncio.Event()  # there is room for more than a few messages
        self.room.set()
        self.heard = group.now()
        self.lost_at: float | None = None
        self.end: Link | None = None
        self._network = ""
        self._group = group
        self._unpacker = control.Unpacker()
        self._delivered = 0

    def link_frames(self, data: frames.Slice) -> None:
        self._delivered += len(data)
        if self.end is not None:
            self.end.delivered(self._delivered)
        self.heard = self._group.now()
        if self.left:
            return
        try:
            for _kind, _depth, payload in frames.frames_in(data)[0]:
                for message in self._unpacker.feed(payload):
                    self._group.message(self, message)
        except DecodeError as exc:
            if self.end is not None:
                self.end.abort()
            self._group.fail(
                self,
                PeerError(
                    f"{self.member.name} sent what is no control message: {exc}",
                    peer=self.member.name,
                    hint="The two versions of Huddle may differ: compare `huddle --version`.",
                ),
            )
        except Exception as exc:
            self._group.listener.group_broken(unexpected(exc))

    def link_taken(self, total: int) -> None:
        """Go on with the files that were held back; all other messages are few and never are."""
        if self.end is not None and self.end.writable:
            self.room.set()

    def link_lost(self, reason: str) -> None:
        self.lost_at = self._group.now()
        self._group.listener.group_lost(self.member.pid, reason)

    def link_restored(self, info: WireInfo) -> None:
        # A move to another network while the first one still worked is no reconnection.
        moved = self.lost_at is None and not self.silent and info.network != self._network
        again = self.connected.is_set() and not moved
        self._network = info.network
        self.lost_at = None
        self.heard = self._group.now()
        self.connected.set()
        self._group.listener.group_connected(self.member.pid, info, again)

    def link_failed(self, error: HuddleError) -> None:
        self._group.fail(self, error)


class PeerMonitor:
    """All control links of this party."""

    def __init__(
        self,
        members: Iterable[Member],
        pid: int,
        keeper: LinkManager,
        listener: PeerListener,
        *,
        grace: float,
        now: Callable[[], float],
        patience: float = 0.0,
    ) -> None:
        self.now = now
        self.listener = listener
        self.peers = {member.pid: SessionPeer(self, member) for member in members if member.pid != pid}
        self._keeper = keeper
        self._grace = grace
        self._patience = max(grace, patience)  # for a first link
        self._run = 0
        self._state = control.IDLE
        self._ticker: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Open the control links; returns when all have a wire. Peers that never come fail after grace."""
        for pid, peer in self.peers.items():
            peer.heard = self.now()
            peer.end = self._keeper.open(pid, 0, peer)
        self._ticker = asyncio.create_task(self._tick(), name="heartbeat")
        self._ticker.add_done_callback(self._ticked)
        await asyncio.gather(*(peer.connected.wait() for peer in self.peers.values()))

    def send(self, pid: int, message: control.Message) -> None:
        """Tell one peer; while its link has no wire the message waits."""
        peer = self.peers[pid]
        if peer.end is None:
            return
        try:
            peer.end.write(frames.data_frames(control.pack(message)))
        except BufferError:
            name = peer.member.name
            peer.end.abort()
            self.fail(
                peer,
                PeerError(
                    f"{name}'s Huddle takes nothing of what is sent there.", peer=name, hint=f"Ask {name}."
                ),
            )

    def broadcast(self, message: control.Message) -> None:
        """Tell all peers the same."""
        for pid in self.peers:
            self.send(pid, message)

    async def broadcast_all(self, messages: Iterable[control.Message]) -> None:
        """Tell all peers many large things, no faster than the slowest of them takes them."""
        for message in messages:
            for pid, peer in self.peers.items():
                if peer.end is not None and not peer.end.writable:
                    peer.room.clear()
                    await peer.room.wait()
                self.send(pid, message)

    def pid_of(self, name: str) -> int | None:
        """The pid of the peer with that name, or None."""
        return next((pid for pid, peer in self.peers.items() if peer.member.name == name), None)

    def blamed(self, pid: int, culprit: int | None) -> str:
        """The name of whom that peer blames; its own where that is nobody else, or this party."""
        blamed = self.peers.get(pid if culprit is None else culprit, self.peers[pid])
        return blamed.member.name

    def finished_for(self, pid: int, run: int) -> float:
        """For how many seconds that peer has said that its part of that run is over; 0 where it has not."""
        peer = self.peers[pid]
        over = peer.run > run or (peer.run == run and peer.state == control.IDLE)
        return self.now() - peer.since if over else 0.0

    def set_state(self, run: int, state: int) -> None:
        """What this party's runner does, for the heartbeats; a change is told at once."""
        if (run, state) != (self._run, self._state):
            self._run, self._state = run, state
            self.broadcast(control.Status(run, state))

    def message(self, peer: SessionPeer, message: control.Message) -> None:
        """Take one message of a peer; after its goodbye there are no more."""
        if peer.left:
            return
        if isinstance(message, control.Status):
            state = message.state if message.state < len(control.STATES) else control.IDLE
            if (message.run, state) != (peer.run, peer.state):
                peer.run, peer.state, peer.since = message.run, state, self.now()
            return
        if isinstance(message, control.Leave):
            peer.left = True
        self.listener.group_message(peer.member.pid, message)

    def fail(self, peer: SessionPeer, error: HuddleError) -> None:
        """A peer is lost for good."""
        if not peer.left:
            peer.left = True
            peer.state = control.GONE
            self.listener.group_failed(peer.member.pid, error)

    async def close(self) -> None:
        """Stop the heartbeats, then close the links after all that was said has arrived (bounded)."""
        await cancel(self._ticker)
        ends = [peer.end for peer in self.peers.values() if peer.end is not None]
        await asyncio.gather(*(end.close() for end in ends))

    def _ticked(self, ticker: asyncio.Task[None]) -> None:
        if not ticker.cancelled() and (error := ticker.exception()) is not None:
            self.listener.group_broken(unexpected(error))

    async def _tick(self) -> None:
        beat = last = self.now()
        while True:
            await asyncio.sleep(TICK)
            now = self.now()
            if now - last > 2.0:  # this machine slept: nobody else is to blame for that
                for peer in self.peers.values():
                    peer.heard += now - last
            last = now
            if now - beat >= HEARTBEAT:
                beat = now
                self.broadcast(control.Status(self._run, self._state))
            for peer in self.peers.values():
                if not peer.left:
                    self._judge(peer, now)

    def _judge(self, peer: SessionPeer, now: float) -> None:
        quiet = now - peer.heard
        wireless = peer.lost_at is not None and now - peer.lost_at > WIRELESS
        silent = quiet > SILENT or wireless
        if silent != peer.silent:
            peer.silent = silent
            self.listener.group_silent(peer.member.pid, silent)
        patience = self._grace if peer.connected.is_set() else self._patience
        if quiet > patience:
            name = peer.member.name
            message = (
                f"{name} is gone: nothing was heard of {name} for {patience:.0f} s."
                if peer.connected.is_set()
                else f"{name} is gone: no link could be made to {name} for {patience:.0f} s."
            )
            if peer.end and peer.end.reason:
                message = f"{message} The last attempt: {peer.end.reason}"
            hint = f"Ask {name} what happened, then start a new session; --grace waits longer."
            self.fail(peer, PeerError(message, peer=name, hint=hint))
