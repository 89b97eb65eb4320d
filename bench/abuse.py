"""A rendezvous under abuse: how long sessions take to be agreed on, quietly and meanwhile, on loopback.

    python -m bench.abuse [--sessions N] [--sockets N] [--rooms N]

The server is a process of its own (`huddle serve`), and so is whoever abuses it, from a thousand addresses of
127.0.0.0/8: sockets that say nothing and are opened again when they are dropped, rooms with a writer each,
readers that take nothing of a room that is full, and guesses at short codes. A session is a host and a guest
who go through the whole ceremony, from making the room to both signatures, in this process. Quiet ones are
measured before and after, so that a machine that does other things as well shows itself. All sessions come
from one address, as from a classroom, at a pace that its limits allow. Everything is bounded: the abuse ends
by itself after five minutes.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import secrets
import signal
import statistics
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
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
from huddle.rendezvous.client.room import RoomClient, RoomState
from huddle.rendezvous.messages import Append, LookUp, Open, pack
from huddle.session.ceremony_driver import CeremonyDriver

CRYPTO = NativeCrypto()
SOFTWARE = (Software("mpyc", "0.11"),)
PROGRAM = {"prog.py": b"pass\n"}
LONGEST = 300.0  # seconds that the abuse goes on at most
WHOLE = 600.0  # seconds that the server is there at most
PACE = 0.15  # seconds from one session to the next: 400 a minute, with 13 messages each of the 6,000 allowed
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


async def session(url: str, lost: Counter[str]) -> float:
    """Seconds that a host and a guest take to agree; why they lost the rendezvous meanwhile is counted."""
    agreed = 0.0

    def on_state(state: RoomState) -> None:
        if state.reason and not agreed:
            lost[state.reason] += 1

    began = time.perf_counter()
    hanna, bob = Identity.fresh(CRYPTO), Identity.fresh(CRYPTO)
    invitation = Invitation.fresh(CRYPTO, url, hanna.did)
    room = bytes.fromhex(invitation.room_id)
    now = asyncio.get_running_loop().time()
    made = RoomClient(url, room, create=True, owner_key=secrets.token_bytes(32), on_state=on_state)
    async with made as mine, RoomClient(url, room, on_state=on_state) as his:
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
        agreed = time.perf_counter() - began
        await mine.delete()
    return agreed


@dataclass
class Sample:
    """Sessions one after the other: the seconds that each took, infinity for one that failed, and why."""

    seconds: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def add(self, more: "Sample") -> None:
        """Those as well."""
        self.seconds += more.seconds
        self.failed += more.failed
        self.lost += more.lost


async def sessions(url: str, count: int) -> Sample:
    """So many of them, at the pace."""
    sample, clock = Sample(), asyncio.get_running_loop().time
    due = clock()
    for _ in range(count):
        await asyncio.sleep(due - clock())
        due = max(due, clock() - PACE) + PACE
        try:
            sample.seconds.append(await session(url, sample.lost))
        except HuddleError as error:
            sample.failed[error.message] += 1
            sample.seconds.append(math.inf)
    return sample


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
async def process(*args: str, within: float) -> AsyncIterator[tuple[psutil.Process, dict[str, Any]]]:
    """A process of ours, from its first line of JSON to the end of the block."""
    made = await asyncio.create_subprocess_exec(sys.executable, "-m", *args, stdout=asyncio.subprocess.PIPE)
    assert made.stdout is not None
    try:
        async with asyncio.timeout(within):
            yield psutil.Process(made.pid), json.loads(await made.stdout.readline())
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.send_signal(signal.SIGTERM)
        await made.wait()


def gauges(url: str) -> dict[str, float]:
    """What the server says of itself."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:  # noqa: S310 - our own server
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (one.rpartition(" ") for one in lines if one[0] != "#")}


async def measure(count: int, sockets: int, rooms: int) -> None:
    """Quiet, abused, quiet again."""
    serve = ("huddle", "serve", "--json", "--host", "127.0.0.1", "--port", "0")
    async with process(*serve, within=WHOLE) as (server, serving):
        url = serving["url"]
        await sessions(url, 3)  # what is imported at first use
        before, small = await sessions(url, count), server.memory_info().rss
        abuse = (
            "bench.abuse",
            "--abuse",
            url.rsplit(":", 1)[1],
            "--sockets",
            str(sockets),
            "--rooms",
            str(rooms),
        )
        async with process(*abuse, within=2 * LONGEST) as (_, there):
            used, began = sum(server.cpu_times()[:2]), time.perf_counter()
            meanwhile, large = await sessions(url, count), server.memory_info().rss
            share = (sum(server.cpu_times()[:2]) - used) / (time.perf_counter() - began)
            metrics = await asyncio.to_thread(gauges, url)
        after = await sessions(url, count)
    quiet = before.seconds + after.seconds
    figures = {
        **there,
        "websockets": sum(value for name, value in metrics.items() if name.startswith("huddle_connections{")),
        "records_mb": round(metrics["huddle_store_bytes"] / 1e6, 1),
        "server_cpu": round(share, 2),
        "load": os.getloadavg()[0],
        "before_after_ms": [round(1_000 * statistics.median(one.seconds), 1) for one in (before, after)],
    }
    for name, sample in (("before", before), ("meanwhile", meanwhile), ("after", after)):
        figures |= {f"{name}_failed": sample.failed, f"{name}_lost": sample.lost}
    print(json.dumps(figures))
    p50, p90 = ([_percentile(one, part) for one in (meanwhile.seconds, quiet)] for part in (0.5, 0.9))
    say("session agreed on, p50, under abuse", 1_000 * p50[0], "ms", 1_000 * p50[1])
    say("session agreed on, p90, under abuse", 1_000 * p90[0], "ms", 1_000 * p90[1])
    say("session agreed on, longest, under abuse", 1_000 * max(meanwhile.seconds), "ms", 1_000 * max(quiet))
    say("server's memory under abuse", large / 1e6, "MB", small / 1e6)


def _percentile(values: list[float], part: float) -> float:
    return sorted(values)[int(part * (len(values) - 1))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, default=200)
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
