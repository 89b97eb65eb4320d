"""What a session costs that only waits: the processor time of a host and a guest in a lobby."""

import asyncio
import tempfile
from pathlib import Path

import psutil

from bench.figures import say
from bench.parties import HERE, NAMES, PATIENCE, party, read, serve

SETTLED = 10.0  # seconds after which both do nothing but wait
WATCHED = 20.0  # seconds


async def idle() -> None:
    """A host who waits for a third, and a guest: percent of a core each, and of the rendezvous."""
    with tempfile.TemporaryDirectory(prefix="huddle-bench-") as folder:
        home = Path(folder)
        server, url = await serve(home)
        processes = [server]
        readers: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(PATIENCE):
                common = ("--network", "tls", "--rendezvous", url)
                program = str(HERE / "rounds.py")
                host = await party(home, "host", NAMES[0], "--open", "--parties", "3", *common, program)
                processes.append(host)
                link = asyncio.get_running_loop().create_future()
                readers.append(asyncio.create_task(read(host, [], link)))
                joining = (*common, await link)
                guest = await party(home, "join", NAMES[1], "--yes", "--program", program, *joining)
                processes.append(guest)
                readers.append(asyncio.create_task(read(guest, [])))
                await asyncio.sleep(SETTLED)
                before = [_spent(process.pid) for process in processes]
                await asyncio.sleep(WATCHED)
                spent = [_spent(process.pid) - was for process, was in zip(processes, before, strict=True)]
        finally:
            for process in processes:
                process.terminate()
            await asyncio.gather(*(process.wait() for process in processes), *readers)
    for who, seconds in zip(("the rendezvous", "a host", "a guest"), spent, strict=True):
        say(f"processor time of {who}, idle in a lobby", seconds / WATCHED * 100, "% of a core")


def _spent(pid: int) -> float:
    """Processor seconds of a process and its children until now."""
    found = psutil.Process(pid)
    times = [one.cpu_times() for one in (found, *found.children(recursive=True))]
    return sum(one.user + one.system for one in times)
