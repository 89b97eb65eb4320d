"""Rooms: every connection in a room is pushed the room's records in order, from where it asked on.

A connection keeps a position, never a queue: its records are read from the store when its socket can
take them, so a slow reader costs nothing but the one record under way.

It must not know what a record holds, nor depend on who is present.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable

from huddle.rendezvous.limits import ClientRefused, ServerLimits
from huddle.rendezvous.messages import (
    Admit,
    Allocate,
    Append,
    Appended,
    Delete,
    Entry,
    Gone,
    LookUp,
    Nameplate,
    Open,
    Opened,
    Presence,
)
from huddle.rendezvous.server.guard import ClientConnection, CloseCode
from huddle.rendezvous.server.metrics import Metrics
from huddle.rendezvous.server.quotas import ClientQuota
from huddle.rendezvous.server.store import Store, StoredRoom
from huddle.rendezvous.server.writers import Writers
from huddle.tasks import until_first


class _RoomReader:
    """One connection in a room: what it was told so far."""

    def __init__(self, visit: ClientConnection, opening: Open, *, is_maker: bool, admitted: bool) -> None:
        self.visit = visit
        self.client = opening.client
        self.next = opening.first
        self.is_maker = is_maker
        self.is_stranger = not (is_maker or admitted)
        self.replaced = False
        self.present: Presence | None = None  # what it was told last
        self.gone = ""
        self.wake = asyncio.Event()


class Rooms:
    """All rooms and nameplates of one rendezvous."""

    def __init__(
        self, store: Store, limits: ServerLimits, clock: Callable[[], float], metrics: Metrics
    ) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._readers: dict[bytes, set[_RoomReader]] = {}
        self._makers: dict[bytes, ClientQuota] = {}
        self._writers = Writers(store, limits)

    async def serve(self, visit: ClientConnection, room_id: bytes) -> None:
        """Serve one connection to a room, until either end is done with it."""
        opening: Open | None = await visit.receive_first(Open)
        if opening is None:
            return
        room = self._store.room(room_id, self._clock())
        if room is None and opening.create:
            room = self._create(visit.address, room_id, opening.owner, opening.lifetime)
        elif room is not None and opening.create and room.owner != opening.owner:
            raise ClientRefused(
                "room-taken",
                "Somebody else made this room before you.",
                "Make a new invitation; this one is known to others.",
            )
        if room is None or opening.first > room.records:
            await self._gone(visit, "lost" if room else "unknown")
            return
        is_maker = room.owner is not None and room.owner == opening.owner
        admitted = self._writers.admitted(room, opening.client)
        reader = _RoomReader(visit, opening, is_maker=is_maker, admitted=admitted)
        readers = self._readers.setdefault(room_id, set())
        for old in [other for other in readers if other.client == reader.client]:
            old.replaced = True
            old.wake.set()
            readers.discard(old)
        try:
            self._make_place(reader, readers)
        except ClientRefused:
            if not readers:
                self._readers.pop(room_id, None)
            raise
        readers.add(reader)
        try:
            await visit.send(Opened(room.records, max(1, int(room.expires - self._clock()))))
            self._wake(room_id)
            await self._converse(reader, room_id)
        finally:
            readers.discard(reader)
            if readers:
                self._wake(room_id)
            elif self._readers.get(room_id) is readers:
                del self._readers[room_id]

    async def serve_nameplates(self, visit: ClientConnection) -> None:
        """Serve one connection that asks for nameplates."""
        request: Allocate | LookUp | None = await visit.receive_first(Allocate, LookUp)
        if isinstance(request, Allocate):
            await visit.send(self._allocate(visit.address, request.owner))
        elif isinstance(request, LookUp):
            await visit.send(self._look_up(visit.address, request.number))

    def sweep(self) -> None:
        """Remove what has expired and tell whoever is there."""
        for room in self._store.sweep(self._clock()):
            self._ended(room, "expired")
        self._metrics.rooms.set(self._store.rooms)
        self._metrics.nameplates.set(self._store.nameplates)
        self._metrics.store_bytes.set(self._store.total_bytes)

    def _make_place(self, reader: _RoomReader, readers: set[_RoomReader]) -> None:
        """Raises Refusal where the room is full; strangers must leave places to those who take part."""
        limits = self._limits
        if reader.is_maker:
            return
        full = len(readers) >= limits.room_connections
        if reader.is_stranger:
            strangers = [other.visit.address for other in readers if other.is_stranger]
            full = full or len(strangers) >= limits.room_strangers
            for mine in reader.visit.address:
                near = sum(any(mine is one for one in theirs) for theirs in strangers)
                full = full or near >= limits.strangers_per_address * mine.factor
        if full:
            raise ClientRefused(
                "room-connections",
                f"This room has {len(readers)} connections, the most that it may have of your kind.",
                "Some of them may be left over from lost ones: try again in a minute.",
                30,
            )

    async def _converse(self, reader: _RoomReader, room_id: bytes) -> None:
        await until_first(self._push(reader, room_id), self._listen(reader, room_id))

    async def _push(self, reader: _RoomReader, room_id: bytes) -> None:
        visit = reader.visit
        while True:
            reader.wake.clear()
            if reader.replaced:
                await visit.close(CloseCode.REPLACED, "the same client connected again")
                return
            if reader.gone:
                await self._gone(visit, reader.gone)
                return
            while (record := self._store.record(room_id, reader.next)) is not None:
                await visit.pace(len(record))
                await visit.send(Entry(reader.next, record))
                reader.next += 1
            others = self._readers.get(room_id, set())
            present = Presence(len(others), any(other.is_maker for other in others))
            if present != reader.present and not reader.gone:
                reader.present = present
                await visit.send(present)
            await reader.wake.wait()

    async def _listen(self, reader: _RoomReader, room_id: bytes) -> None:
        visit = reader.visit
        while True:
            message: Append | Admit | Delete | None = await visit.receive(Append, Admit, Delete)
            if message is None:
                return
            room = self._store.room(room_id, self._clock())
            if room is None:
                self._ended(room_id, "expired")
                await asyncio.Event().wait()  # _push says so, and ends this task
            elif isinstance(message, Append):
                await visit.send(Appended(message.sequence, self._append(room, reader, message)))
            elif isinstance(message, Admit):
                self._admit(room, reader, message.index)
            elif room.owner and hmac.compare_digest(hashlib.sha256(message.key).digest(), room.owner):
                self._store.delete(room_id)
                self._ended(room_id, "deleted")
            else:
                raise ClientRefused(
                    "not-owner", "Only whoever made this room deletes it.", "It expires by itself."
                )

    def _admit(self, room: StoredRoom, reader: _RoomReader, index: int) -> None:
        if not reader.is_maker:
            raise ClientRefused("not-owner", "Only whoever made this room admits others.", "Ask the host.")
        client = self._writers.admit(room, index)
        for other in self._readers.get(room.id, ()):
            if other.client == client:
                other.is_stranger = False

    def _append(self, room: StoredRoom, reader: _RoomReader, message: Append) -> int:
        before = self._store.appended(room.id, reader.client, message.sequence)
        if before is not None:
            if before[1] != message.record:
                raise ClientRefused(
                    "sequence-taken",
                    "This client sent two different records with one sequence number.",
                    "This is a mistake of that client: update it.",
                )
            return before[0]
        limits, size, maker = self._limits, len(message.record), self._makers.get(room.id)
        if size > limits.record_bytes:
            raise _too_much(
                "record-bytes",
                f"This record would have {size} bytes; the rendezvous takes {limits.record_bytes}.",
            )
        if room.records >= limits.room_records:
            records = room.records + 1
            raise _too_much(
                "room-records",
                f"This room would have {records} records; the rendezvous takes {limits.room_records}.",
            )
        if room.bytes + size > limits.room_bytes:
            raise _too_much(
                "room-bytes",
                f"This room would have {room.bytes + size} bytes; the rendezvous takes {limits.room_bytes}.",
            )
        if maker and not maker.may_add_bytes(size, limits.address_bytes):
            raise ClientRefused(
                "address-bytes",
                f"The address that made this room has {limits.address_bytes} bytes here, the most allowed.",
                "End other sessions, or use a rendezvous of your own: huddle serve.",
            )
        if self._store.total_bytes + size > limits.total_bytes:
            raise ClientRefused(
                "total-bytes", "The rendezvous is full.", "Try again later, or elsewhere.", 60
            )
        quota = reader.visit.address
        knock = not reader.is_maker and self._writers.check(room, reader.client, size, quota)
        index = self._store.append(room, reader.client, message.sequence, message.record, knock=knock)
        if knock:
            self._writers.knocked(room.id, quota)
        if maker:
            maker.set_room(room.id, room.bytes + size)
        self._metrics.records.inc()
        self._metrics.record_bytes.inc(size)
        self._wake(room.id)
        return index

    def _create(self, address: ClientQuota, room_id: bytes, owner: bytes | None, lifetime: int) -> StoredRoom:
        limits = self._limits
        if lifetime > limits.room_lifetime_most:
            raise ClientRefused(
                "room-lifetime-most",
                f"You asked for a room of {lifetime} seconds; {limits.room_lifetime_most} are the most.",
                "Ask for less.",
            )
        if not address.may_make_room(limits.rooms_per_address):
            raise ClientRefused(
                "rooms-per-address",
                f"Your address has {limits.rooms_per_address} rooms, the most it may have.",
                "End sessions that are over, wait for old rooms to expire, or run huddle serve.",
            )
        if self._store.rooms >= limits.rooms:
            raise ClientRefused(
                "rooms", "The rendezvous is full.", "Try again later, or run huddle serve.", 60
            )
        expires = self._clock() + (lifetime or limits.room_lifetime)
        self._ended(room_id, "expired")  # an old room of this id that was not swept yet
        room = self._store.create(room_id, owner, expires)
        address.set_room(room_id, 0)
        self._makers[room_id] = address
        return room

    def _allocate(self, address: ClientQuota, owner: bytes) -> Nameplate:
        lifetime = self._limits.nameplate_lifetime
        # More digits once one number in ten is taken, so that a guess rarely meets somebody's room.
        low = 1_000
        while self._store.nameplates * 10 >= 9 * low:
            low *= 10
        room = self._create(address, secrets.token_bytes(16), owner, lifetime)
        number = low + secrets.randbelow(9 * low)
        while not self._store.name(number, room.id, room.expires):
            number = low + secrets.randbelow(9 * low)
        return Nameplate(number, room.id, lifetime)

    def _look_up(self, address: ClientQuota, number: int) -> Nameplate:
        if wait := address.spend("lookups", self._clock()):
            raise ClientRefused(
                "lookups-per-minute",
                f"Your address tried more than {self._limits.lookups_per_minute} codes in a minute.",
                "Wait a minute, and ask the host to read the code again.",
                wait,
            )
        found = self._store.named(number, self._clock())
        self._metrics.lookups.labels("found" if found else "unknown").inc()
        if found is None:
            raise ClientRefused(
                "nameplate-unknown",
                f"No code begins with {number}.",
                "Ask the host to read it again; a code is good for ten minutes and for one session.",
            )
        return Nameplate(number, found[0], max(1, int(found[1] - self._clock())))

    async def _gone(self, visit: ClientConnection, reason: str) -> None:
        await visit.send(Gone(reason))
        await visit.close(CloseCode.GONE, reason)

    def _ended(self, room_id: bytes, reason: str) -> None:
        maker = self._makers.pop(room_id, None)
        if maker:
            maker.drop_room(room_id)
        self._writers.forget(room_id)
        for reader in self._readers.pop(room_id, ()):
            reader.gone = reason
            reader.wake.set()

    def _wake(self, room_id: bytes) -> None:
        for reader in self._readers.get(room_id, ()):
            reader.wake.set()


def _too_much(code: str, message: str) -> ClientRefused:
    return ClientRefused(code, message, "Send less: a smaller program, or fewer attempts in one room.")
