"""One end of a link, without sockets or clocks: an ordered byte stream that survives the loss of its wire.

A `LinkProtocol` turns what the local program writes into bytes for the present wire, and what the wire brings
into stream frames for the local program. It knows nothing of networks, keys or who is at the other end;
the wire that it is attached to has been proven before (`huddle.links.proof`).

    offline --attach--> resuming --RESUME of the peer--> online --detach--> offline
    any of these --BYE of the peer--> over

On its first wire, as the peer can have nothing yet, an end lets the stream follow its RESUME; on a later one
it waits for that of the peer, which says from where.

Offsets count the bytes of stream frames, headers included, from the first one of the link.
Invariants: `acked <= sent`, `delivered <= received`; all from `acked` to `sent` is kept, and goes out
again from the peer's RESUME on; the stream enters and leaves in whole frames, so that RESUME always
names the start of a frame. Reading never waits for writing: nothing that `receive` does depends on
whether the wire takes bytes.
"""

from collections.abc import Sequence
from enum import Enum

from huddle.errors import PeerError
from huddle.links.frames import (
    ACK,
    BYE,
    PING,
    PONG,
    RESUME,
    WINDOW,
    FrameError,
    Scanned,
    Slice,
    control,
    missing,
    scan,
    wire_frame,
)
from huddle.links.unacknowledged import Unacknowledged

SLACK = 1 << 20  # over the window: the write that fills it, and what a reader took before it knew
ACK_BYTES = 256 << 10  # delivered bytes after which an ACK goes out at once: 32 of them fill a window
ACK_JOIN = 16 << 10  # with fewer delivered bytes an ACK costs both ends more than it frees, so it waits
ACK_DELAY = 0.05  # seconds after which any delivered byte is acknowledged
PING_EVERY = 2.0  # seconds; three in vain make a wire silent
SILENCE = 6.0  # seconds without a byte after which a wire is dead
PONG_PAUSE = 0.5  # a PING that follows sooner is not answered: nobody makes us fill a wire with PONGs
STOPPED = 1.0  # a timer that is so late means that this process stood still, not that the peer was silent

NEVER = float("inf")


class LinkState(Enum):
    """Where a link is."""

    OFFLINE = "offline"
    RESUMING = "resuming"
    ONLINE = "online"
    OVER = "over"


_ONLINE = LinkState.ONLINE


class Happened(Enum):
    """What `LinkProtocol.events` tells."""

    ONLINE = "online"  # the peer's RESUME came: what was written in the meantime is on its way
    TAKEN = "taken"  # the peer's program has more of what was written: `acked`
    SILENT = "silent"  # the wire is dead: detach
    OVER = "over"  # the peer said BYE; take the output once more, then close the wire


class LinkProtocol:
    """One end of a link. `peer` is the name that errors carry."""

    # More attributes than Python looks up fast in a dictionary.
    __slots__ = (
        "_ack_due", "_acknowledged", "_ahead", "_bye_sent", "_finishing", "_fresh", "_heard", "_ping",
        "_ping_due", "_ping_open", "_pinged", "_ponged", "_tail", "_unacked", "_written", "acked", "attached",
        "delivered_to", "due", "ended_here", "ended_there", "events", "last_rtt", "messages_received",
        "messages_sent", "outgoing", "peer", "received", "rounds", "rtt", "sent", "state", "writable",
    )  # fmt: skip

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.state = LinkState.OFFLINE
        self.writable = True
        self.due = NEVER  # when handle_timer wants to be called, on the clock of `now`
        self.events: list[Happened] = []
        self.sent = self.acked = self.received = self.delivered_to = 0
        self.messages_sent = self.messages_received = 0
        self.rounds = 0
        self.rtt: float | None = None  # smoothed, seconds
        self.last_rtt: float | None = None
        self.attached = 0  # wires that came online
        self.ended_here = self.ended_there = False  # whether END was written, received
        self.outgoing: list[bytes] = []  # for the wire, until `output` takes it
        self._unacked = Unacknowledged()
        self._written = b""  # the start of a frame of which the program has not written the rest
        self._tail = b""  # the start of a frame of which the wire has not brought the rest
        self._finishing = self._bye_sent = False
        self._fresh = True  # there was no wire yet
        self._ahead = False  # this is the first, and the stream does not wait for the peer's RESUME
        self._acknowledged = 0  # what the last ACK said
        self._ack_due = self._ping_due = NEVER
        self._heard = self._pinged = 0.0
        self._ping = 0  # number of the last PING
        self._ping_open = False  # it has no PONG yet
        self._ponged = -NEVER

    def __repr__(self) -> str:
        return (
            f"<Link {self.state.value} sent {self.sent} acked {self.acked} "
            f"received {self.received} delivered {self.delivered_to}"
            f"{'' if self.writable else ' full'}{' finishing' if self._finishing else ''}>"
        )

    @property
    def queued(self) -> int:
        """Bytes written that the peer has not acknowledged."""
        return self.sent - self.acked

    # --- the local program

    def write(self, frames: bytes | memoryview) -> None:
        """Take stream frames from the local program, in pieces cut anywhere; the output is for the wire.

        Raises FrameError where they are no stream frames or follow an END, and BufferError where more
        is written to a full window than the read that filled it may hold.
        """
        if self.state is LinkState.OVER:
            return
        data = self._written + frames if self._written else bytes(frames)
        scanned = end, _, _, ended = scan(data)
        if end != len(data):
            self._written = data[end:]
            if ended or wire_frame(data, end):
                raise FrameError("what follows is not of the stream")
            data = data[:end]
        else:
            self._written = b""
        if end:
            self.forward(data, scanned)

    def forward(self, frames: bytes, scanned: Scanned) -> None:
        """As `write`, of whole frames of which `frames.scan` has said this."""
        if self.state is LinkState.OVER:
            return
        if self.ended_here:
            raise FrameError("a frame after END")
        _, messages, depth, self.ended_here = scanned
        sent = self.sent + len(frames)
        queued = sent - self.acked
        if queued >= WINDOW:
            if queued > WINDOW + SLACK:
                raise BufferError(f"{queued} bytes queued for {self.peer}")
            self.writable = False
        self.sent = sent
        self.messages_sent += messages
        if depth > self.rounds:
            self.rounds = depth
        self._unacked.blobs.append(frames)
        if self.state is _ONLINE:
            if self.delivered_to - self._acknowledged >= ACK_JOIN:
                self._acknowledge()
            self.outgoing.append(frames)
        elif self._ahead:
            self.outgoing.append(frames)

    def delivered(self, total: int, now: float) -> None:
        """So many bytes of the stream are with the local program, or will never be wanted."""
        if not self.delivered_to <= total <= self.received:
            raise ValueError(f"{total} delivered of {self.received}, {self.delivered_to} before")
        self.delivered_to = total
        if self.state is not _ONLINE or total == self._acknowledged:
            return
        if total - self._acknowledged >= ACK_BYTES or (self.ended_there and total == self.received):
            self._acknowledge()
        elif self._ack_due == NEVER:
            self._ack_due = now + ACK_DELAY
            self.due = min(self.due, self._ack_due)

    def finish(self) -> None:
        """The local program is through: say BYE as soon as the peer has everything."""
        self._finishing = True
        self._bye_if_through()

    def abandon(self) -> None:
        """Nobody here wants the link any more: keep nothing, and take nothing."""
        self.detach()
        self.state = LinkState.OVER
        self._unacked.blobs.clear()

    # --- the wire

    def attach(self, now: float) -> None:
        """There is a new wire: RESUME goes out; where it is not the first, all else waits for the peer's."""
        if self.state is LinkState.OVER:
            return
        self.detach()
        self.state = LinkState.RESUMING
        self._heard = now
        self.due = now + SILENCE
        self.outgoing.append(control(RESUME, self.received))
        self._ahead, self._fresh = self._fresh, False
        if self._ahead:
            self.outgoing += self._unacked.blobs

    def detach(self) -> None:
        """The wire is gone, and with it the frame of which only a part came."""
        if self.state is not LinkState.OVER:
            self.state = LinkState.OFFLINE
        self.due = self._ack_due = self._ping_due = NEVER
        self.outgoing.clear()
        self._tail = b""
        self._bye_sent = self._ahead = False

    def output(self) -> bytes:
        """What is to go out on the wire now."""
        output = self.outgoing
        if not output:
            return b""
        data = output[0] if len(output) == 1 else b"".join(output)
        output.clear()
        return data

    def receive(self, data: bytes, now: float) -> Sequence[Slice]:
        """Take what the wire brought; returns the stream frames in it, as slices of whole ones.

        Raises PeerError where the peer breaks the protocol.
        """
        self._heard = now
        try:
            if self.state is _ONLINE:
                if self._tail:
                    return self._receive_rest(data, now)
                scanned = end, messages, depth, ended = scan(data)
                if end != len(data) or ended or self.ended_there or not data:
                    slices: list[Slice] = []
                    self._receive_mixed(data, scanned, now, slices)
                    return slices
                # As `_count`, for what a wire brings most of the time.
                self.received += end
                self.messages_received += messages
                if depth > self.rounds:
                    self.rounds = depth
                if self.received - self.delivered_to > WINDOW + SLACK:
                    raise self._blame("more bytes than the window allows")
                return (data,)
            if self.state is LinkState.RESUMING:
                return self._receive_rest(data, now)
        except FrameError as exc:
            raise self._blame(str(exc)) from exc
        return ()

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`: ACK, PING, or say that the wire is silent."""
        if now < self.due:
            return
        if now - self.due > STOPPED:
            self._heard = now
        if now >= self._heard + SILENCE:
            self.due = NEVER
            self.events.append(Happened.SILENT)
            return
        if now >= self._ack_due:
            self._acknowledge()
        if now >= self._ping_due:
            self._send_ping(now)
        self.due = min(self._ack_due, self._ping_due, self._heard + SILENCE)

    # --- inside

    def _receive_rest(self, data: Slice, now: float) -> list[Slice]:
        """What `receive` does behind a part of a frame: only that frame is put together anew."""
        slices: list[Slice] = []
        while data and self.state is not LinkState.OVER:
            piece, data = data, b""
            if tail := self._tail:
                split = missing(tail)
                piece, data = tail + piece[:split], memoryview(piece)[split:]
                self._tail = b""
            self._receive_mixed(piece, scan(piece), now, slices)
        return slices

    def _receive_mixed(self, data: Slice, scanned: Scanned, now: float, slices: list[Slice]) -> None:
        """What `receive` does where a wire frame or a part of a frame follows the stream frames."""
        at, end = 0, scanned[0]
        while True:
            if end > at:
                if self.state is LinkState.RESUMING:
                    raise self._blame("stream frames before RESUME")
                self._count(end - at, scanned)
                slices.append(data[at:end])
            frame = wire_frame(data, end)
            if frame is None:
                break
            kind, number, at = frame
            self._wire_frame(kind, number, now)
            if self.state is LinkState.OVER:
                return
            scanned = scan(data, at)
            end = scanned[0]
        self._tail = bytes(data[end:])

    def _count(self, size: int, scanned: Scanned) -> None:
        if self.ended_there:
            raise self._blame("a frame after END")
        _, messages, depth, self.ended_there = scanned
        self.received += size
        self.messages_received += messages
        if depth > self.rounds:
            self.rounds = depth
        if self.received - self.delivered_to > WINDOW + SLACK:
            raise self._blame("more bytes than the window allows")

    def _wire_frame(self, kind: int, number: int, now: float) -> None:
        if kind == BYE:
            self._over()
        elif (kind == RESUME) is not (self.state is LinkState.RESUMING):
            raise self._blame("a wire has one RESUME, before anything else")
        elif kind == RESUME:
            self._resume(number, now)
        elif kind == ACK:
            self._trim(number)
        elif kind == PING:
            if now - self._ponged >= PONG_PAUSE:
                self._ponged = now
                self.outgoing.append(control(PONG, number))
        elif self._ping_open and number == self._ping:
            self._ping_open = False
            rtt = self.last_rtt = max(now - self._pinged, 0.0)
            self.rtt = rtt if self.rtt is None else self.rtt + (rtt - self.rtt) / 8

    def _resume(self, offset: int, now: float) -> None:
        """Send again from `offset` on, which must be the start of a frame that was not acknowledged."""
        if not self.acked <= offset <= self.sent:
            raise self._blame(f"RESUME at {offset}, outside {self.acked} to {self.sent}")
        again = self._unacked.since(offset)
        if again is None:
            raise self._blame(f"RESUME at {offset}, inside a frame")
        self.state = LinkState.ONLINE
        self.attached += 1
        self._ponged = -NEVER
        self._ping_open = False
        if self.delivered_to:
            self._acknowledge()
        self._send_ping(now)
        self.due = min(self._ping_due, self._heard + SILENCE)
        if not self._ahead:
            self.outgoing += again
        self._ahead = False
        self.events.append(Happened.ONLINE)
        self._bye_if_through()

    def _trim(self, offset: int) -> None:
        if not self.acked <= offset <= self.sent:
            raise self._blame(f"ACK of {offset}, outside {self.acked} to {self.sent}")
        if offset > self.acked:
            self.acked = offset
            self.events.append(Happened.TAKEN)
        self._unacked.forget(offset)
        if self.sent - offset <= WINDOW * 3 // 4:
            self.writable = True
        self._bye_if_through()

    def _acknowledge(self) -> None:
        self._acknowledged = self.delivered_to
        self._ack_due = NEVER
        self.outgoing.append(control(ACK, self.delivered_to))

    def _send_ping(self, now: float) -> None:
        if not self._ping_open:  # else the same number again: its first PONG is the one that counts
            self._ping += 1
            self._pinged = now
            self._ping_open = True
        self._ping_due = now + PING_EVERY
        self.outgoing.append(control(PING, self._ping))

    def _bye_if_through(self) -> None:
        if (
            self._finishing
            and not self._bye_sent
            and self.state is LinkState.ONLINE
            and self.sent == self.acked
        ):
            self._bye_sent = True
            self.outgoing.append(control(BYE))

    def _over(self) -> None:
        if not self._bye_sent:
            self.outgoing.append(control(BYE))
        self.state = LinkState.OVER
        self.due = NEVER
        self._unacked.blobs.clear()
        self.events.append(Happened.OVER)

    def _blame(self, what: str) -> PeerError:
        return PeerError(
            f"{self.peer} broke the link's protocol: {what}",
            peer=self.peer,
            hint=f"Ask {self.peer} which version of Huddle they run.",
        )
