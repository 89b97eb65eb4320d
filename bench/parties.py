"""Runs one MPyC program by all parties on this machine: plain, and in a Huddle session.

Every party is a process (in a session: a supervisor and a runner), all with the same interpreter, on
loopback. What a program prints is returned by party, so that programs can measure themselves.
"""

import asyncio
import json
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.certificates import write_certificates

HERE = Path(__file__).parent / "programs"
PATIENCE = 300.0  # seconds for one run of all parties
NAMES = [f"P{number}" for number in range(32)]
_STOPPED = re.compile(r"elapsed time: (\d+):(\d+):([\d.]+)\|bytes sent: (\d+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run gave: the output by party, and for sessions the events by party."""

    outputs: list[str]
    events: list[list[dict[str, Any]]]
    joined: float = 0.0  # time of day when the last `join` was typed

    def elapsed(self, party: int = 0) -> tuple[float, int]:
        """MPyC's own seconds and bytes sent, summed over the program's starts."""
        found = _STOPPED.findall(self.outputs[party])
        return sum(int(h) * 3600 + int(m) * 60 + float(s) for h, m, s, _ in found), sum(
            int(b) for *_, b in found
        )

    def json(self, party: int = 0) -> dict[str, float]:
        """The one JSON line that the program printed."""
        line = next(line for line in self.outputs[party].splitlines() if line.startswith("{"))
        value: dict[str, float] = json.loads(line)
        return value


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _on_core(number: int, pinned: bool) -> list[str]:
    """What a command begins with that has a core of its own."""
    return ["taskset", "-c", str(number)] if pinned else []


async def plain(
    program: Path, args: Sequence[str], parties: int, *, encrypted: bool = False, pinned: bool = False
) -> Outcome:
    """MPyC by itself with -P: TCP, not encrypted, nobody authenticated; `encrypted`: MPyC's own `--ssl`.

    `pinned`: each party has a core of its own, by its pid.
    """
    addresses = [part for port in _free_ports(parties) for part in ("-P", f"127.0.0.1:{port}")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MPYC_")}
    flags = ["--ssl"] if encrypted else []
    with tempfile.TemporaryDirectory(prefix="huddle-bench-") as folder:
        if encrypted:
            write_certificates(Path(folder), parties)
        processes = [
            await asyncio.create_subprocess_exec(
                *_on_core(pid, pinned), sys.executable, str(program), *args, *addresses, "-I", str(pid),
                *flags, cwd=folder, env=environment,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )
            for pid in range(parties)
        ]  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE):
                outputs = [
                    out.decode() for out, _ in await asyncio.gather(*(p.communicate() for p in processes))
                ]
        finally:
            for process in processes:
                if process.returncode is None:
                    process.kill()
    if any(process.returncode for process in processes):
        raise RuntimeError(f"plain MPyC failed:\n{outputs}")
    return Outcome(outputs, [])


async def party(
    home: Path, command: str, name: str, *args: str, pinned: bool = False
) -> asyncio.subprocess.Process:
    """One `huddle host` or `huddle join` of that name."""
    return await asyncio.create_subprocess_exec(
        *_on_core(NAMES.index(name), pinned), sys.executable, "-m", "huddle", command, "--json",
        "--name", name, "--via", "127.0.0.1", *args,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        env=os.environ | {"HUDDLE_HOME": str(home / name)},
    )  # fmt: skip


async def read(
    process: asyncio.subprocess.Process, events: list[dict[str, Any]], link: asyncio.Future[str] | None = None
) -> None:
    """Keep the events of a party; `link` gets its invitation, or fails where it ends without one."""
    assert process.stdout
    async for line in process.stdout:
        event = json.loads(line) | {"time": time.time()}
        events.append(event)
        if link and event["event"] == "invitation":
            link.set_result(event["url"])
    if link and not link.done():
        link.set_exception(RuntimeError(f"the host ended: {events[-2:]}"))


async def serve(home: Path) -> tuple[asyncio.subprocess.Process, str]:
    """A rendezvous, and its URL."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "huddle", "serve", "--json", "--host", "127.0.0.1", "--port", "0",
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"HUDDLE_HOME": str(home / "rendezvous")},
    )  # fmt: skip
    assert server.stdout
    return server, json.loads(await server.stdout.readline())["url"]


async def session(
    program: Path,
    args: Sequence[str],
    parties: int,
    *,
    network: str = "tls",
    options: Sequence[str] = (),
    pinned: bool = False,
) -> Outcome:
    """The same program in a Huddle session, with a rendezvous of its own; `pinned` as in `plain`."""
    events: list[list[dict[str, Any]]] = [[] for _ in range(parties)]
    with tempfile.TemporaryDirectory(prefix="huddle-bench-") as folder:
        home = Path(folder)
        server, url = await serve(home)
        processes = [server]
        try:
            async with asyncio.timeout(PATIENCE):
                common = ("--network", network, "--rendezvous", url)
                host = await party(
                    home,
                    "host",
                    NAMES[0],
                    "--open",
                    "--parties",
                    str(parties),
                    *common,
                    *options,
                    str(program),
                    *args,
                    pinned=pinned,
                )
                processes.append(host)
                link = asyncio.get_running_loop().create_future()
                readers = [asyncio.create_task(read(host, events[0], link))]
                invitation = await link
                joined = 0.0
                for pid in range(1, parties):
                    joined = time.time()
                    guest = await party(
                        home, "join", NAMES[pid], "--yes", "--program", str(program), *common, invitation,
                        pinned=pinned,
                    )  # fmt: skip
                    processes.append(guest)
                    readers.append(asyncio.create_task(read(guest, events[pid])))
                await asyncio.gather(*readers)
                codes = await asyncio.gather(*(process.wait() for process in processes[1:]))
        finally:
            for process in processes:
                if process.returncode is None:
                    process.terminate()
            await asyncio.gather(*(process.wait() for process in processes))
    if any(codes):
        raise RuntimeError(
            f"the session failed: {[e for one in events for e in one if e['event'] in ('error', 'run')]}"
        )
    events.sort(key=lambda one: next(e["pid"] for e in one if e["event"] == "sealed"))
    outputs = ["".join(e["text"] for e in one if e["event"] == "output") for one in events]
    return Outcome(outputs, events, joined)
