"""`RoomClient`: one party's place in a room, which outlives connections and restarts of the rendezvous.

    async with RoomClient(url, room, create=True, owner_key=key) as client:
        index = await client.append(record)
        async for index, record in client: ...

Records are appended in the order of the calls and sent again on each new connection until they are
confirmed; the client's random id, which it tells the rendezvous alone, and their sequence numbers keep
them from standing there twice.
Entries are asked for from the first that was not seen; a gap or a log that got shorter is the
rendezvous's fault and ends the client. What records hold, and whether they are true, is not its
business. Nothing is trusted but that a record confirmed or delivered is one.
"""

import asyncio
import hashlib
import random
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from huddle.codec import DecodeError
from huddle.errors import HuddleError, LocalError, RendezvousError
from huddle.rendezvous.client import dialing
from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.messages import (
    MAX_RECORD,
    Admit,
    Append,
    Appended,
    Delete,
    Entry,
    Gone,
    Message,
    Open,
    Opened,
    Presence,
    Refused,
    pack,
    unpack,
)
from huddle.tasks import beside, cancel

_ATTEMPT = 10.0  # seconds for one attempt to connect: TCP, TLS and WebSocket over the slowest path
_RETRY_MOST = 60.0  # seconds: what a rendezvous may ask to wait is not believed beyond it
OWNER_KEY = 32  # bytes of the key that deletes a room
_DELETE = 3.0  # seconds that the end of a session may wait for its room to go
# No honest rendezvous holds more in a room: a flood beyond it is not kept in memory.
_UNREAD_BYTES = ServerLimits().room_bytes * 2
_GONE = {
    "unknown": "The rendezvous knows no such room: it has ended or expired, or the rendezvous was restarted.",
    "restarted": "The rendezvous has forgotten the session: it was restarted, or the session expired.",
    "expired": "The invitation has expired.",
    "deleted": "The host has ended the session.",
    "lost": "The rendezvous has lost a part of the session.",
}


class RoomGone(RendezvousError):
    """There is no such room any more; `reason` is unknown, restarted, expired, deleted or lost.

    "restarted": this client was in the room, and the rendezvous does not know even that it ended. `ours`:
    this client made it.
    """

    def __init__(self, reason: str, *, ours: bool = False) -> None:
        super().__init__(
            _GONE.get(reason, _GONE["unknown"]),
            hint="Start again: the others need a new invitation."
            if ours
            else "Ask the host for a new invitation.",
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RoomState:
    """How a client stands to its room.

    `present`, the connections in the room, and `maker`, whether its maker has one, are hints that only
    the rendezvous vouches for.
    `reason` says why there is no connection. `expires` is wall time in seconds, once known.
    """

    connected: bool = False
    reason: str = ""
    present: int | None = None
    maker: bool | None = None
    expires: float | None = None


class RoomClient:
    """A connection to one room, kept up until it is closed or the room is gone.

    `first` is the index of the first entry to deliver; `patience` the seconds after which a rendezvous
    that was never reached is given up; `on_state` is called with each `RoomState` that differs from
    the last. Only with an `owner_key` of 32 bytes given at creation can a room be deleted.
    """

    def __init__(
        self,
        url: str,
        room: bytes,
        *,
        create: bool = False,
        owner_key: bytes | None = None,
        lifetime: int = 0,
        first: int = 0,
        patience: float = 15.0,
        on_state: Callable[[RoomState], None] | None = None,
    ) -> None:
        self.url = url
        self.state = RoomState()
        self.found = 0  # records that stood in the room when it was entered
        self._socket_url = dialing.websocket_url(url, f"/v2/rooms/{room.hex()}")
        self._create = create
        self._owner_key = owner_key
        self._lifetime = lifetime
        self._next = first
        self._patience = patience
        self._on_state = on_state
        self._client = secrets.token_bytes(16)
        self._sequence = 0
        self._admitted: dict[int, None] = {}  # records whose writers are admitted, in order
        self._waiting: dict[int, tuple[bytes, asyncio.Future[int]]] = {}  # not confirmed, by sequence
        self._unread: deque[tuple[int, bytes]] = deque()
        self._unread_bytes = 0
        self._changed = asyncio.Event()  # something to read, or the end
        self._to_send = asyncio.Event()
        self._entered = asyncio.Event()
        self._deleting = False
        self._over: HuddleError | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        state = "connected" if self.state.connected else self.state.reason or "not connected"
        return f"<RoomClient {dialing.host_of(self.url)} {state}, next {self._next}>"

    async def __aenter__(self) -> "RoomClient":
        """Enter the room. Raises RendezvousError where that fails, or takes longer than `patience`."""
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._ran)
        try:
            await self._entered.wait()
        except BaseException:
            await self.close()
            raise
        if self._over:
            await self.close()
            raise self._over
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def append(self, record: bytes) -> asyncio.Future[int]:
        """Queue a record; the future is its index once the rendezvous has confirmed it.

        It fails with the error that ends the client. Need not be awaited. Raises ValueError where the
        record is over MAX_RECORD.
        """
        if len(record) > MAX_RECORD:
            raise ValueError(f"a record of {len(record)} bytes; at most {MAX_RECORD} fit")
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_retrieved)
        if self._over:
            future.set_exception(self._over)
        else:
            self._waiting[self._sequence] = (record, future)
            self._sequence += 1
            self._to_send.set()
        return future

    def admit(self, index: int) -> None:
        """As the room's maker: let whoever wrote the record at this index write as one who takes part.

        It reaches the rendezvous before any record that is appended later, and again on each new connection.
        """
        self._admitted[index] = None
        self._to_send.set()

    def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        return self

    async def __anext__(self) -> tuple[int, bytes]:
        """The next entry; raises RoomGone once the room is gone, after what came before."""
        while not self._unread:
            if self._over:
                raise self._over
            self._changed.clear()
            await self._changed.wait()
        index, record = self._unread.popleft()
        self._unread_bytes -= len(record)
        return index, record

    async def delete(self) -> None:
        """Remove the room for everybody; waits up to 3 s. A room that is gone already is well.

        Raises RendezvousError where it could not be removed; then it goes when it expires.
        """
        if not self._owner_key:
            raise LocalError("Only whoever made the room, with a key, can delete it.")
        if self._task and not self._over:
            self._deleting = True
            self._to_send.set()
            await asyncio.wait((self._task,), timeout=_DELETE)
        if self._over and not isinstance(self._over, RoomGone):
            raise self._over
        if not self._over:
            raise RendezvousError(
                "The room could not be deleted: the rendezvous does not answer.",
                hint="Nothing to do: it expires by itself.",
            )

    async def close(self) -> None:
        """Leave the room, which stays. What is not confirmed yet is given up."""
        task, self._task = self._task, None
        await cancel(task)
        self._end(LocalError("This party has left the room."))

    async def _run(self) -> None:
        began = time.monotonic()
        attempt = 0
        while True:
            at_least = 0.0
            last: BaseException | None = None
            try:
                left = self._patience - (time.monotonic() - began)
                within = _ATTEMPT if self._entered.is_set() else max(0.1, min(_ATTEMPT, left))
                async with dialing.reached(self._socket_url, within=within) as connection:
                    await self._converse(connection)
            except _Retry as retry:
                last, at_least = retry.error, retry.after
            except dialing.LOST as error:
                if self.state.connected:
                    attempt = 0
                last = error
            except RoomGone as gone:
                restarted = gone.reason == "unknown" and self._entered.is_set() and not self._deleting
                self._end(RoomGone("restarted") if restarted else gone)
                return
            except HuddleError as error:
                self._end(error)
                return
            reason = last.message if isinstance(last, HuddleError) else dialing.reason_of(last or EOFError())
            self._told(replace(self.state, connected=False, reason=reason, present=None, maker=None))
            if not self._entered.is_set():
                spent = time.monotonic() - began + at_least
                if spent >= self._patience or (last and dialing.hopeless(last)):
                    unreachable = dialing.unreachable(self.url, last)
                    self._end(last if isinstance(last, HuddleError) else unreachable)
                    return
            elif self.state.expires and time.time() > self.state.expires:
                self._end(RoomGone("expired"))
                return
            await dialing.pause(attempt, random.random(), at_least)  # noqa: S311 - it spreads clients only
            attempt += 1

    async def _converse(self, connection: dialing.RendezvousConnection) -> None:
        owner = hashlib.sha256(self._owner_key).digest() if self._owner_key else None
        await dialing.say(
            connection, pack(Open(self._next, self._create, owner, self._lifetime, self._client))
        )
        async with asyncio.timeout(_ATTEMPT):
            opened: Opened = await _receive(connection, Opened)
        self._create = False
        if not self._entered.is_set():
            self.found = opened.count
        self._entered.set()
        self._told(RoomState(connected=True, expires=time.time() + opened.lifetime))
        async with beside(self._send(connection)):
            while True:
                self._take(await _receive(connection, Entry, Appended, Presence))

    async def _send(self, connection: dialing.RendezvousConnection) -> None:
        sent, admitted = -1, 0
        while True:
            self._to_send.clear()
            for index in [*self._admitted][admitted:]:
                await connection.send(pack(Admit(index)))
                admitted += 1
            for sequence in [sequence for sequence in self._waiting if sequence > sent]:
                if sequence in self._waiting:
                    record, _ = self._waiting[sequence]
                    await connection.send(pack(Append(sequence, record)))
                sent = sequence
            if self._deleting and self._owner_key:
                await connection.send(pack(Delete(self._owner_key)))
            await self._to_send.wait()

    def _take(self, message: Entry | Appended | Presence) -> None:
        if isinstance(message, Entry):
            if message.index != self._next:
                raise _dishonest(f"served entry {message.index} where {self._next} was next")
            self._next += 1
            self._unread.append((message.index, message.record))
            self._unread_bytes += len(message.record)
            if self._unread_bytes > _UNREAD_BYTES:
                raise _dishonest("serves more than a room can hold")
            self._changed.set()
        elif isinstance(message, Appended):
            waiting = self._waiting.pop(message.sequence, None)
            if waiting and not waiting[1].done():
                waiting[1].set_result(message.index)
        else:
            self._told(replace(self.state, present=message.count, maker=message.maker))

    def _told(self, state: RoomState) -> None:
        if state != self.state:
            self.state = state
            if self._on_state:
                self._on_state(state)

    def _end(self, error: HuddleError) -> None:
        if self._over:
            return
        if isinstance(error, RoomGone) and self._owner_key:
            error = RoomGone(error.reason, ours=True)
        self._over = error
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(error)
        self._waiting.clear()
        self._entered.set()
        self._changed.set()
        self._told(replace(self.state, connected=False, reason=error.message, present=None, maker=None))

    def _ran(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._end(LocalError(f"The connection to the room failed here: {error!r}."))


class _Retry(Exception):
    """The rendezvous refused for `after` seconds, with this error."""

    def __init__(self, error: RendezvousError, after: float) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


async def _receive(connection: dialing.RendezvousConnection, *kinds: type[Message]) -> Any:
    data = await connection.recv(decode=False)
    try:
        message = unpack(data, *kinds, Gone, Refused)
    except DecodeError as error:
        raise _dishonest(f"does not keep to the protocol ({error})") from error
    if isinstance(message, Gone):
        raise RoomGone(message.reason)
    if isinstance(message, Refused):
        if message.retry:
            raise _Retry(dialing.refused(message), min(message.retry, _RETRY_MOST))
        raise dialing.refused(message)
    return message


def _dishonest(what: str) -> RendezvousError:
    return RendezvousError(
        f"The rendezvous {what}.", hint="Use another rendezvous; this one is broken or not to be trusted."
    )


def _retrieved(future: asyncio.Future[int]) -> None:
    # Else asyncio complains of futures that nobody awaits; the same error ends the iteration too.
    if not future.cancelled():
        future.exception()
