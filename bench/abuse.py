"""A rendezvous under abuse: how long sessions take to be agreed on, quietly and meanwhile, on loopback.

    python -m bench.abuse [--sessions N] [--sockets N] [--rooms N]

The server is a process of its own (`huddle serve`), and so is whoever abuses it, from a thousand addresses of
127.0.0.0/8: sockets that say nothing and are opened again when they are dropped, rooms with a writer each,
readers that take nothing of a room that is full, and guesses at short codes. A session is a host and a guest
who go through the whole ceremony, from making the room to both signatures, in this process. Quiet ones are
measured before and after, so that a machine that does other things as well shows itself. Everything is
bounded: the abuse ends by itself after two minutes.
"""

import argparse
import asyncio
import contextlib
import json
import math
import secrets
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection, connect

from bench.figures import say
from huddle import events
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.manifest import build
from huddle.ceremony.messages import Offer, Software
from huddle.errors import HuddleError
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client.dialing import LOST
from huddle.rendezvous.client.room import RoomClient
from huddle.rendezvous.messages import Append, LookUp, Open, pack
from huddle.session.ceremony_driver import CeremonyDriver

CRYPTO = NativeCrypto()
SOFTWARE = (Software("mpyc", "0.11"),)
PROGRAM = {"prog.py": b"pass\n"}
LONGEST = 120.0  # seconds that the abuse goes on at most
SLOW_READERS, GUESSERS = 100, 20
AT_ONCE = 200  # connections that are being opened at a time


async def party(core: Any, room: RoomClient) -> None:
    """One party that says yes to everything, until both have signed."""
    asked = asyncio.Queue[events.Question]()

    def emit(event: events.Event) -> None:
        if isinstance(event, events.Question):
            asked.put_nowait(event)

    driver = CeremonyDriver(core, room, emit, lambda *_: "new", lambda: (Offer("tls", b"x"),), locked=None)

    async def answer() -> None:
        while True:
            question = await asked.get()
            if question.what == "admit":
                driver.admit(question.did)
            else:
                driver.accept()

    answering = asyncio.create_task(answer())
    try:
        await driver.sealed()
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


async def session(url: str) -> float:
    """Seconds that a host and a guest take to agree."""
    began = time.perf_counter()
    hanna, bob = Identity.fresh(CRYPTO), Identity.fresh(CRYPTO)
    invitation = Invitation.fresh(CRYPTO, url, hanna.did)
    room = bytes.fromhex(invitation.room_id)
    now = asyncio.get_running_loop().time()
    made = RoomClient(url, room, create=True, owner_key=secrets.token_bytes(32))
    async with made as mine, RoomClient(url, room) as his:
        host = HostCeremony(
            CRYPTO,
            hanna,
            invitation,
            name="Hanna",
            software=SOFTWARE,
            manifest=build("prog.py", PROGRAM, versions=SOFTWARE),
            files=PROGRAM,
            parties=2,
            now=now,
        )
        guest = GuestCeremony(CRYPTO, bob, invitation, name="Bob", software=SOFTWARE, now=now)
        await asyncio.gather(party(host, mine), party(guest, his))
        await mine.delete()
    return time.perf_counter() - began


async def sessions(url: str, count: int) -> list[float]:
    """So many of them, one after the other; infinity for one that fails."""
    seconds = []
    for _ in range(count):
        try:
            seconds.append(await session(url))
        except HuddleError:
            seconds.append(math.inf)
    return seconds


# Whoever abuses it


class Abuser:
    """All the abuse of one process; what it holds is counted."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.held = 0
        self.written = 0
        self._opening = asyncio.Semaphore(AT_ONCE)

    async def socket(self, path: str, number: int) -> ClientConnection:
        """A WebSocket from one of a hundred addresses."""
        address = (f"127.2.0.{1 + number % 100}", 0)
        async with self._opening:
            return await connect(
                f"ws://127.0.0.1:{self.port}{path}",
                compression=None,
                proxy=None,
                local_addr=address,
                open_timeout=60,
                max_size=None,
            )

    async def idle(self, number: int) -> None:
        """A socket that says nothing, and is opened again when it is dropped."""
        address = (f"127.1.{number % 1_000 // 250}.{1 + number % 250}", 0)
        while True:
            with contextlib.suppress(OSError):
                async with self._opening:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=address)
                self.held += 1
                with contextlib.suppress(OSError):
                    await reader.read()
                self.held -= 1
                writer.close()
            await asyncio.sleep(5)

    async def write(self, number: int, path: str, size: int, pause: float) -> None:
        """A room, and one record after the other in it."""
        with contextlib.suppress(*LOST):
            one = await self.socket(path, number)
            await one.send(pack(Open(0, True, None, 0, secrets.token_bytes(16))))
            for sequence in range(4_000):
                await one.send(pack(Append(sequence, secrets.token_bytes(size))))
                await one.recv()
                await one.recv()
                self.written += 1
                await asyncio.sleep(pause)

    async def read_nothing(self, number: int, path: str) -> None:
        """A reader of a room whose records it never takes."""
        while True:
            with contextlib.suppress(*LOST):
                one = await self.socket(path, number)
                one.transport.pause_reading()
                await one.send(pack(Open(0, False, None, 0, secrets.token_bytes(16))))
                await asyncio.sleep(35)
                one.transport.abort()
            await asyncio.sleep(1)

    async def guess(self, number: int) -> None:
        """One short code after the other."""
        while True:
            with contextlib.suppress(*LOST):
                one = await self.socket("/v1/nameplates", number)
                await one.send(pack(LookUp(1_000 + secrets.randbelow(9_000))))
                await one.recv()
                await one.close()
            await asyncio.sleep(0.1)

    async def run(self, sockets: int, rooms: int) -> None:
        """All of it, until the time is over; says when it is there."""
        full = f"/v2/rooms/{secrets.token_hex(16)}"
        tasks = [asyncio.create_task(self.write(99, full, 16_384, 0.0))]
        tasks += [asyncio.create_task(self.guess(number)) for number in range(GUESSERS)]
        tasks += [
            asyncio.create_task(self.write(number, f"/v2/rooms/{secrets.token_hex(16)}", 1_024, 2.0))
            for number in range(rooms)
        ]
        await asyncio.sleep(5)
        tasks += [asyncio.create_task(self.read_nothing(number, full)) for number in range(SLOW_READERS)]
        tasks += [asyncio.create_task(self.idle(number)) for number in range(sockets)]
        for _ in range(30):
            await asyncio.sleep(1)
            if self.held >= sockets * 0.3 and self.written > rooms:
                break
        print(json.dumps({"held": self.held, "written": self.written}), flush=True)
        try:
            await asyncio.sleep(LONGEST)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def process(*args: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """A process of ours, from its first line of JSON to the end of the block."""
    made = await asyncio.create_subprocess_exec(sys.executable, "-m", *args, stdout=asyncio.subprocess.PIPE)
    assert made.stdout is not None
    try:
        async with asyncio.timeout(LONGEST):
            yield made, json.loads(await made.stdout.readline())
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.send_signal(signal.SIGTERM)
        await made.wait()


async def measure(count: int, sockets: int, rooms: int) -> None:
    """Quiet, abused, quiet again."""
    async with process("huddle", "serve", "--json", "--host", "127.0.0.1", "--port", "0") as (
        server,
        serving,
    ):
        url, memory = serving["url"], psutil.Process(server.pid)
        await sessions(url, 3)  # what is imported at first use
        before, small = await sessions(url, count), memory.memory_info().rss
        abuse = ("bench.abuse", "--abuse", url.rsplit(":", 1)[1])
        async with process(*abuse, "--sockets", str(sockets), "--rooms", str(rooms)) as (_, there):
            used, began = sum(memory.cpu_times()[:2]), time.perf_counter()
            meanwhile, large = await sessions(url, count), memory.memory_info().rss
            share = (sum(memory.cpu_times()[:2]) - used) / (time.perf_counter() - began)
        after = await sessions(url, count)
    quiet = statistics.median(before + after)
    both = [round(1_000 * statistics.median(one), 1) for one in (before, after)]
    failed = meanwhile.count(math.inf)
    print(json.dumps({**there, "failed": failed, "server_cpu": round(share, 2), "before_after_ms": both}))
    say("session agreed on, p50, under abuse", 1_000 * statistics.median(meanwhile), "ms", 1_000 * quiet)
    say("session agreed on, longest, under abuse", 1_000 * max(meanwhile), "ms", 1_000 * max(before + after))
    say("server's memory under abuse", large / 1e6, "MB", small / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--rooms", type=int, default=1_000)
    parser.add_argument("--abuse", type=int, metavar="PORT", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.abuse:
        asyncio.run(Abuser(args.abuse).run(args.sockets, args.rooms))
    else:
        asyncio.run(measure(args.sessions, args.sockets, args.rooms))


if __name__ == "__main__":
    main()
