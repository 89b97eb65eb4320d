"""The surroundings of a session outside a browser: processes, a sandbox, the system's sockets."""

import asyncio
import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from huddle.errors import LocalError
from huddle.helper import Helper
from huddle.identity.crypto import Crypto
from huddle.identity.native import NativeCrypto
from huddle.networks.reach import addresses
from huddle.running import account, dependencies, sandbox
from huddle.running.interpreter import Interpreter, probe
from huddle.running.limits import Confinement
from huddle.running.metadata import lock_name, locked, requirements
from huddle.running.process import RunnerProcess
from huddle.running.run import StartRunner
from huddle.session.platform import ProgramRuntime
from huddle.session.program import Program
from huddle.session.settings import Settings


def keep_freed_memory() -> None:
    """Let glibc keep 16 MiB of freed memory for the next message, where it would give back all but 128 KiB.

    A window's frames are freed together, and to ask the kernel for as many pages again costs more than to
    encrypt them. After a freed block of this size glibc does so by itself (mallopt(3), M_MMAP_THRESHOLD);
    nothing is written to it.
    """
    bytes(8 << 20)


class NativePlatform:
    """A machine; see `huddle.session.platform.Platform`.

    `helper` does what networks need root for; None: this process may try.
    """

    def __init__(self, helper: Helper | None = None) -> None:
        keep_freed_memory()
        self.helper = helper
        self.crypto: Crypto = NativeCrypto()
        self.start_runner: StartRunner = RunnerProcess.start
        self._environments = dependencies.Environments()
        self.in_browser = False

    async def ground(self, settings: Settings) -> ProgramRuntime:
        account.refuse_root()
        interpreter = await probe(settings.python)
        problem = await asyncio.to_thread(sandbox.problem)
        if settings.sandbox and problem:
            raise LocalError(
                f"There is no sandbox here: {problem}.", hint="Install bubblewrap, or leave out --sandbox."
            )
        wanted = settings.sandbox is not False and not (settings.by_hand or settings.plain_end)
        locked = Confinement(sandbox.weaker(), settings.limits.told()) if wanted and not problem else None
        return ProgramRuntime(interpreter, locked)

    async def has_numpy(self, ground: ProgramRuntime, files: Mapping[str, bytes]) -> bool:
        return ground.interpreter.numpy is not None

    async def locked(self, program: Program, ground: ProgramRuntime) -> Program:
        wanted = requirements(program.files[program.entry].decode("utf-8", "replace"))
        name = lock_name(program.entry)
        if wanted is None or name in program.files:
            return program
        lock = await self._environments.lock(wanted, ground.interpreter)
        return replace(program, files={**program.files, name: lock})

    async def interpreter(
        self,
        settings: Settings,
        ground: ProgramRuntime,
        entry: str,
        files: Mapping[str, bytes],
        notice: Callable[[str], None],
    ) -> Interpreter:
        lock = locked(entry, files)
        # Who names an interpreter has one with what the program needs.
        if lock is None or settings.by_hand or settings.python != sys.executable:
            return ground.interpreter
        return await self._environments.make(lock, ground.interpreter, notice)

    async def embed(self, settings: Settings, stack: AsyncExitStack, at: str = "") -> tuple[str, str]:
        # A web server takes longer to import than all else: only who embeds one waits for it.
        from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

        chosen = addresses.via(settings.via) if settings.via else []
        hosts = sorted((str(one.ip) for one in chosen), key=lambda host: ":" in host)
        host = hosts[0] if hosts else addresses.lan_address()
        before = urlsplit(at)
        own = {host, *(str(one.ip) for one in addresses.local_addresses())}
        if at and before.hostname not in own:
            return at, f"The rendezvous is the one where you met last, {at}."
        listening = tuple(hosts) or ("",)
        server = RendezvousServer(ServerConfig(hosts=listening, port=before.port or 0 if at else 0))
        try:
            await stack.enter_async_context(server)
        except LocalError:
            if not server.config.port:
                raise
            server = RendezvousServer(ServerConfig(hosts=listening))  # somebody else has the port now
            await stack.enter_async_context(server)
        where = f"[{host}]" if ":" in host else host
        return f"{server.scheme}://{where}:{server.port}", _reach(host, [] if chosen else _others(host))

    def peak_memory(self) -> float:
        # Not by getrusage(2): Linux counts what the parent held before the exec, too.
        with suppress(OSError, StopIteration):
            lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
            line = next(line for line in lines if line.startswith("VmHWM:"))
            return round(int(line.split()[1]) * 1024 / 1e6, 1)
        unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2) counts bytes there, KiB on Linux
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def _others(host: str) -> list[addresses.LocalAddress]:
    """This machine's addresses beside that one, of which an invitation has room for one."""
    reached = ("public", "private", "cgnat")
    found = [one for one in addresses.local_addresses() if addresses.kind(one.ip) in reached]
    return [one for one in found if str(one.ip) != host]


def _reach(host: str, others: list[addresses.LocalAddress]) -> str:
    """Who comes in by an invitation that leads to this machine, for its person to know."""
    text = f"The rendezvous runs on this machine: guests must be able to reach {host}."
    if others:
        names = ", ".join(f"{one.ip} ({one.interface})" for one in others[:6])
        text += f" For those who only reach {names}, host with --via; for everybody, with --rendezvous."
    return text
