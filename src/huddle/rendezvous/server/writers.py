"""Who may write how much into a room: its maker, those whom the maker admitted, and those who knock.

Whoever has an invitation may write, or nobody could knock. So what somebody writes whom the maker has not
admitted is bounded: in size, for each client, for each network, and for all of them together, with most of
the room left to the others. A client is known by 16 random bytes that only it and the rendezvous know, so
that nobody writes on another's account. The maker admits whoever wrote the record at an index: it need not
know more of a client, and the rendezvous learns nothing of what the record held.

It must not know what a record holds, nor about connections.
"""

from collections import Counter

from huddle.rendezvous.limits import ClientRefused, ServerLimits
from huddle.rendezvous.server.quotas import ClientQuota
from huddle.rendezvous.server.store import Store, StoredRoom


class Writers:
    """The writers of all rooms. Which network knocked how often is kept in memory only."""

    def __init__(self, store: Store, limits: ServerLimits) -> None:
        self._store = store
        self._limits = limits
        self._knocks: dict[bytes, Counter[str]] = {}  # records of each network, by room

    def admitted(self, room: StoredRoom, client: bytes) -> bool:
        """Whether this client is more than somebody who knocks; in a room without owner all are."""
        return room.owner is None or self._store.is_admitted(room.id, client)

    def admit(self, room: StoredRoom, index: int) -> bytes | None:
        """Admit whoever wrote the record at this index; who that is, None where there is no such record."""
        client = self._store.writer(room.id, index)
        if client is not None:
            self._store.admit(room.id, client)
        return client

    def check(self, room: StoredRoom, client: bytes, size: int, quota: ClientQuota) -> bool:
        """Whether a record of so many bytes would be a knock. Raises Refusal where it may not be written."""
        if room.owner is None:
            return False
        limits = self._limits
        records, written = self._store.written(room.id, client)
        if self._store.is_admitted(room.id, client):
            if records >= limits.member_records or written + size > limits.member_bytes:
                raise ClientRefused(
                    "member-records",
                    f"This client wrote more than {limits.member_records} records"
                    f" or {limits.member_bytes} bytes into this room.",
                    "No ceremony needs as much: update Huddle, then join again.",
                )
            return False
        if size > limits.knock_bytes:
            raise ClientRefused(
                "knock-bytes",
                f"Whoever was not let in yet may write records of {limits.knock_bytes} bytes, not {size}.",
                "Wait until the host has let you in.",
            )
        if records >= limits.client_knocks:
            raise ClientRefused(
                "client-knocks",
                f"This client wrote {limits.client_knocks} records and was not let in.",
                "Ask the host to let you in, then join again.",
            )
        knocks = self._knocks.get(room.id, Counter[str]())
        most = limits.address_knocks
        if any(knocks[one.name] >= most * one.factor for one in quota):
            raise ClientRefused(
                "address-knocks",
                f"From your address {most} records came of clients that were not let in.",
                "Ask the host to let in who waits, or for a new invitation.",
            )
        if room.knocks >= limits.room_knocks:
            raise ClientRefused(
                "room-knocks",
                f"{limits.room_knocks} records came here of clients that were not let in.",
                "Too many have this invitation: ask the host for a new one.",
            )
        return True

    def knocked(self, room: bytes, quota: ClientQuota) -> None:
        """Count a record of somebody who knocks."""
        knocks = self._knocks.setdefault(room, Counter())
        for one in quota:
            knocks[one.name] += 1

    def forget(self, room: bytes) -> None:
        """The room is no more."""
        self._knocks.pop(room, None)
