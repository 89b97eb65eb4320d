"""A host over SSH: the connection, its agent (agent.py), and jobs there as if they ran here.

All of asyncssh runs on one loop in a thread of its own, which `LoopThread` is; its callers are ordinary
threads. A host that does not answer for PATIENCE seconds, or whose connection ends, is lost: its jobs end at
once, and whatever is asked of it raises RunFailed with the reason. Other hosts notice nothing.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import shlex
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huddle.errors import LocalError
from huddle_lab.sites import agent as agent_module
from huddle_lab.sites import bundle, needs
from huddle_lab.sites.base import RunFailed
from huddle_lab.sites.child import KEPT_LINES
from huddle_lab.study.hosts import SshHost

if TYPE_CHECKING:
    import asyncssh

CONNECT = 20.0
PATIENCE = 30.0  # for answers of a host that is there
BEAT = 5.0  # how often a host is asked whether it is there
INSTALL = 300.0
_CLOCK_TRIES = 7
_KEEPER = Path(str(agent_module.__file__)).read_text(encoding="utf-8")


def library() -> Any:
    """asyncssh; LocalError where it is not installed."""
    try:
        import asyncssh
    except ImportError as exc:
        raise LocalError("machines elsewhere need asyncssh", hint="Install it: pip install asyncssh") from exc
    return asyncssh


async def connect(host: SshHost, known_hosts: Path | None) -> "asyncssh.SSHClientConnection":
    """An SSH connection to a host that is known; what asyncssh raises where there is none."""
    options: dict[str, Any] = {"port": host.port, "keepalive_interval": 10}
    if host.user:
        options["username"] = host.user
    if host.key:
        options["client_keys"] = [str(host.key)]
    if known_hosts:
        options["known_hosts"] = str(known_hosts)
    connection: asyncssh.SSHClientConnection = await library().connect(host.host, **options)
    return connection


class LoopThread:
    """An asyncio loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab-ssh", daemon=True)
        self._thread.start()

    def start[T](self, work: Coroutine[Any, Any, T]) -> "asyncio.Future[T]":
        """Begin something; its future is one of concurrent.futures."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[return-value]

    def call[T](self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Do something, in at most so many seconds."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, timeout), self._loop).result()

    def close(self) -> None:
        """Nothing may be asked of it afterwards."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class RemoteJob:
    """One process on a host."""

    def __init__(self, host: "RemoteHost", number: int, take: Callable[[str], None]) -> None:
        self.code: int | None = None
        self.ended = 0.0
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.cpu = 0.0
        self._host, self._number, self._take = host, number, take
        self._queued: float | None = None
        self._pieces = ""
        self._over = threading.Event()

    def hear(self, message: dict[str, Any]) -> None:
        """What its keeper says of it."""
        if "piece" in message:
            self._pieces += message["piece"]
            return
        if "line" in message:
            self._queued = message["queued"] if message["queued"] is not None else self._queued
            line, self._pieces = self._pieces + message["line"], ""
            self.lines.append(line)
            self._take(line)
            return
        self.code, self.cpu = message["code"], message.get("cpu", 0.0)
        self.ended = message["time"] - self._host.ahead
        self._over.set()

    def run_queue(self) -> float | None:
        """As of its last line."""
        return self._queued

    def join(self, deadline: float) -> bool:
        """Wait for its end until then; RunFailed where its host is lost."""
        self._over.wait(max(0.0, deadline - time.monotonic()))
        self._host.check()
        return self.code is not None

    def stop(self, patience: float = 5.0) -> None:
        """End it, politely first; nothing to do where its host is lost, for its keeper ends it."""
        for number in (15, 9):
            if self.code is not None or self._host.lost:
                return
            with contextlib.suppress(RunFailed):
                self._host.ask({"do": "signal", "job": self._number, "number": number})
                self._over.wait(patience)


class RemoteHost:
    """One host: made ready by `prepare`, then asked; `lost` says why it is no more."""

    def __init__(self, host: SshHost, loop: LoopThread, known_hosts: Path | None) -> None:
        self.host = host
        self.lost = ""
        self.ready = False
        self.machine: dict[str, Any] = {}
        self.folder = ""
        self.python = ""
        self.missing: dict[str, str] = {}  # commands that networks need, and why they are not there
        self.ahead = 0.0
        self.port = 0
        self._loop = loop
        self._known_hosts = known_hosts
        self._connection: asyncssh.SSHClientConnection | None = None
        self._process: asyncssh.SSHClientProcess[str] | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._jobs: dict[int, RemoteJob] = {}
        self._numbers = itertools.count(1)
        self._tasks: list[asyncio.Task[None]] = []
        self._lock = threading.Lock()

    def check(self) -> None:
        """RunFailed where it is lost."""
        if self.lost:
            raise RunFailed(f"the host {self.host.name} is lost: {self.lost}")

    def ask(self, request: dict[str, Any], timeout: float = PATIENCE) -> dict[str, Any]:
        """The keeper's answer; RunFailed where there is none, or it can't."""
        self.check()
        try:
            return self._loop.call(self._ask(request), timeout)
        except TimeoutError:
            self._lose(f"no answer for {timeout:g} s")
        except (OSError, asyncio.CancelledError) as exc:
            self._lose(str(exc) or "the connection ended")
        self.check()
        raise RunFailed(f"the host {self.host.name} did not answer")

    def start(
        self,
        command: Sequence[str],
        take: Callable[[str], None],
        env: Mapping[str, str],
        without: tuple[str, ...],
        cwd: str | None,
    ) -> RemoteJob:
        """Start a process."""
        job = RemoteJob(self, next(self._numbers), take)
        with self._lock:
            self._jobs[job._number] = job
        self.ask(
            {"do": "start", "job": job._number, "command": list(command), "env": dict(env),
             "without": list(without), "cwd": cwd}
        )  # fmt: skip
        return job

    def put(self, name: str, content: bytes) -> None:
        """Write a file of the folder."""
        self.ask({"do": "put", "name": name, "data": base64.b64encode(content).decode()})

    async def prepare(self, commands: Sequence[str] = (), *, install: bool = False) -> None:
        """Connect, start the keeper, install Huddle and these commands (`huddle_lab.sites.needs`).

        Whatever goes wrong makes the host lost; a command that can't be had is `missing`. `install` allows
        Debian packages.
        """
        ssh = library()
        try:
            await asyncio.wait_for(self._connect(ssh), CONNECT)
            await self._install()
            for command in commands:
                await self._provide(command, install)
            self.ready = True
        except LocalError as exc:
            self._lose(f"{exc} {exc.hint}".strip())
        except TimeoutError:
            self._lose("it does not answer")
        except (OSError, ssh.Error, RunFailed) as exc:
            self._lose(str(exc) or type(exc).__name__)

    async def _connect(self, ssh: Any) -> None:
        self._connection = await connect(self.host, self._known_hosts)
        bootstrap = "import sys, json; exec(json.loads(sys.stdin.readline()))"
        assert self._connection is not None
        self._process = await self._connection.create_process(
            f"{shlex.quote(self.host.python)} -uc {shlex.quote(bootstrap)}", stderr=ssh.STDOUT
        )
        self._process.stdin.write(json.dumps(_KEEPER) + "\n")
        self._tasks.append(asyncio.create_task(self._read()))
        opened = await self._ask({"do": "open", "base": self.host.folder})
        self.folder, self.machine = opened["folder"], opened["machine"]
        best = None
        for _ in range(_CLOCK_TRIES):
            before = time.time()
            theirs = (await self._ask({"do": "time"}))["time"]
            after = time.time()
            if best is None or after - before < best:
                best, self.ahead = after - before, theirs - (before + after) / 2
        self.port = (await self._ask({"do": "listen", "ipv6": ":" in self.host.address}))["port"]
        self._tasks.append(asyncio.create_task(self._beat()))
        self._opened = opened

    async def _install(self) -> None:
        version = bundle.python_of(self._opened)
        platform = bundle.platform_of(self._opened)
        packed = await asyncio.to_thread(bundle.dependencies, platform, version)
        made = await self._ask(
            {"do": "run", "command": [self._opened["executable"], "-m", "venv", "--without-pip",
                                      bundle.ENVIRONMENT]}
        )  # fmt: skip
        if made["code"]:
            raise RunFailed(f"no virtual environment can be made there: {made['text'].strip()}")
        site = f"{bundle.ENVIRONMENT}/lib/python{version}/site-packages"
        assert self._connection is not None
        async with asyncio.timeout(INSTALL):
            async with self._connection.start_sftp_client() as sftp:
                await sftp.put(str(packed), f"{self.folder}/dependencies.tar.gz")
                async with sftp.open(f"{self.folder}/huddle.tar.gz", "wb") as file:
                    await file.write(bundle.itself())
            for name in ("dependencies.tar.gz", "huddle.tar.gz"):
                await self._ask({"do": "unpack", "name": name, "to": site})
            self.python = f"{self.folder}/{bundle.ENVIRONMENT}/bin/python"
            tried = await self._ask({"do": "run", "command": [self.python, "-m", "huddle", "--version"]})
        if tried["code"]:
            raise RunFailed(f"Huddle does not run there: {tried['text'].strip()[-500:]}")

    async def _provide(self, command: str, install: bool) -> None:
        """See that a command is there, by the first of the ways that works."""
        if not (await self._ask({"do": "run", "command": needs.test(command)}))["code"]:
            return
        there = f"{needs.TOOLS}/{command}"
        own = needs.own(command, agent_module.about(), self._opened)
        if own is not None:
            assert self._connection is not None
            await self._ask({"do": "put", "name": there, "data": ""})
            async with asyncio.timeout(INSTALL), self._connection.start_sftp_client() as sftp:
                await sftp.put(str(own), f"{self.folder}/{there}")
                await sftp.chmod(f"{self.folder}/{there}", 0o755)
            return
        self.missing[command] = needs.why_not(command, install=install)
        if install and (package := needs.package(command)):
            try:
                await self._ask({"do": "install", "packages": [package]})
                del self.missing[command]
            except RunFailed as exc:
                self.missing[command] = str(exc)

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None or self.lost:
            raise ConnectionResetError(self.lost or "not connected")
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            self._process.stdin.write(json.dumps({**request, "id": number}) + "\n")
            found = await answer
        finally:
            self._answers.pop(number, None)
        if "error" in found:
            raise RunFailed(f"{self.host.name} could not {request['do']}: {found['error']}")
        return found

    async def _read(self) -> None:
        assert self._process is not None
        said: deque[str] = deque(maxlen=5)
        with contextlib.suppress(OSError):
            async for line in self._process.stdout:
                try:
                    message = json.loads(line)
                except ValueError:
                    said.append(line.strip())  # of the shell, or of a Python that could not start
                    continue
                if "answer" in message:
                    answer = self._answers.get(message["id"])
                    if answer is not None and not answer.done():
                        answer.set_result(message)
                elif (job := self._jobs.get(message["job"])) is not None:
                    job.hear(message)
        self._lose("; ".join(said) or "the connection ended")

    async def _beat(self) -> None:
        while not self.lost:
            await asyncio.sleep(BEAT)
            try:
                await asyncio.wait_for(self._ask({"do": "time"}), PATIENCE)
            except (TimeoutError, OSError, RunFailed) as exc:
                self._lose(str(exc) or f"no answer for {PATIENCE:g} s")

    def _lose(self, why: str) -> None:
        if self.lost:
            return
        self.lost = why
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            if job.code is None:
                job.hear({"code": -1, "time": time.time() + self.ahead})

    async def leave(self) -> None:
        """Let the keeper remove everything, and disconnect."""
        if self._process is not None and not self.lost:
            self._process.stdin.write_eof()
            with contextlib.suppress(TimeoutError, OSError):
                await asyncio.wait_for(self._process.wait_closed(), 15)
        self._lose("the lab has left it")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for answer in self._answers.values():
            answer.cancel()
        if self._connection is not None:
            self._connection.abort()
