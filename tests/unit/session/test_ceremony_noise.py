"""Who only holds the link, with many connections, before and after the proposal, against a real session."""

import asyncio
import secrets
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from huddle import events
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import Log
from huddle.ceremony.manifest import build
from huddle.ceremony.messages import Bye, Offer, Software
from huddle.ceremony.sealed import Sealed
from huddle.codec import encode
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client.room import RoomClient
from huddle.rendezvous.messages import MAX_RECORD, Append, Entry, Open, Refused, pack, unpack
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.session.ceremony_driver import CeremonyDriver

CRYPTO = NativeCrypto()
SOFTWARE = (Software("mpyc", "0.11"),)
PROGRAM = {"prog.py": b"pass\n"}


class Attacker:
    """Writes what it can, as often as it can, and counts what was taken."""

    def __init__(self, port: int, invitation: Invitation) -> None:
        self.url = f"ws://127.0.0.1:{port}/v2/rooms/{invitation.room_id}"
        self.log = Log(CRYPTO, Identity.fresh(CRYPTO), invitation.room_id, invitation.room_key)
        self.taken = 0
        self.codes: set[str] = set()

    def record(self, kind: str, seen: list[bytes]) -> bytes:
        if kind == "random":
            return secrets.token_bytes(300)
        if kind == "oversized":
            return secrets.token_bytes(MAX_RECORD)
        if kind == "replayed":
            return seen[-1] if seen else b""
        return self.log.write(1, Bye.kind, encode(Bye("I was never here")))

    async def write(self, kind: str, host: str, count: int) -> None:
        """One connection from that address, which writes until it is refused."""
        try:
            async with connect(
                self.url, compression=None, proxy=None, local_addr=(host, 0), max_size=None
            ) as socket:
                await socket.send(pack(Open(0, False, None, 0, secrets.token_bytes(16))))
                seen: list[bytes] = []
                await socket.recv()
                for sequence in range(count):
                    await socket.send(pack(Append(sequence, self.record(kind, seen))))
                    async for data in socket:
                        assert isinstance(data, bytes)
                        if data[0] == Entry.type:
                            seen.append(unpack(data, Entry).record)
                        elif data[0] == 34:
                            self.taken += 1
                            break
                        elif data[0] == Refused.type:
                            self.codes.add(unpack(data, Refused).code)
                            return
        except (ConnectionClosed, OSError):
            pass

    async def flood(self, kind: str) -> None:
        """Eighty connections from as many addresses, four at a time: more than a room takes of strangers."""
        for number in range(20):
            await asyncio.gather(
                *[self.write(kind, f"127.0.{1 + number}.{1 + part}", 40) for part in range(4)]
            )


async def seat(core: Any, room: RoomClient, flood: Any) -> Sealed:
    """One party that says yes to everything; the host lets the flood loose before it lets anybody in."""
    asked = asyncio.Queue[events.Question]()

    def emit(event: events.Event) -> None:
        if isinstance(event, events.Question):
            asked.put_nowait(event)

    meeting = CeremonyDriver(core, room, emit, lambda *_: "new", lambda: (Offer("tls", b"x"),), locked=None)

    async def answer() -> None:
        while True:
            question = await asked.get()
            await flood(question.what)
            if question.what == "admit":
                meeting.admit(question.did)
            else:
                meeting.accept()

    answering = asyncio.create_task(answer())
    try:
        return await meeting.sealed()
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["random", "oversized", "replayed", "sealed and signed"])
@pytest.mark.parametrize("when", ["admit", "accept"])
async def test_who_only_holds_the_link_ends_nothing(when: str, kind: str) -> None:
    async with RendezvousServer(ServerConfig()) as server:
        url = f"http://127.0.0.1:{server.port}"
        hanna = Identity.fresh(CRYPTO)
        invitation = Invitation.fresh(CRYPTO, url, hanna.did)
        room = bytes.fromhex(invitation.room_id)
        attacker, loose = Attacker(server.port, invitation), False

        async def flood(question: str) -> None:
            nonlocal loose
            if question == when and not loose:
                loose = True
                await attacker.flood(kind)

        async def calm(question: str) -> None:
            pass

        now = asyncio.get_running_loop().time()
        async with (
            RoomClient(url, room, create=True, owner_key=bytes(32)) as mine,
            RoomClient(url, room) as his,
        ):
            host = HostCeremony(
                CRYPTO, hanna, invitation, name="Hanna", software=SOFTWARE,
                manifest=build("prog.py", PROGRAM, versions=SOFTWARE), files=PROGRAM, parties=2, now=now,
            )  # fmt: skip
            guest = GuestCeremony(
                CRYPTO, Identity.fresh(CRYPTO), invitation, name="Bob", software=SOFTWARE, now=now
            )
            ends = await asyncio.gather(seat(host, mine, flood), seat(guest, his, calm))
        assert ends[0].digest == ends[1].digest
        assert attacker.codes and attacker.taken <= 1_024
        assert kind == "oversized" or attacker.taken > 500, "the attack took place"
