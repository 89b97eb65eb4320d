"""Real `huddle` processes for end-to-end tests: started, watched by their JSON events, ended by pid."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]
LOOPBACK = ("--via", "127.0.0.1")  # tests talk to this machine only
LOCAL, PROGRAM, PEER, RENDEZVOUS, NETWORK = 3, 4, 5, 6, 7  # exit codes: whose fault an error is
COMMAND = (sys.executable, "-m", "huddle")
PATIENCE = 90.0  # seconds for one event; a slow machine needs a fraction of it


class Huddle:
    """One process of the command `huddle`, with a home and a temporary directory of its own."""

    def __init__(
        self, home: Path, *args: str, env: dict[str, str] | None = None, command: tuple[str, ...] = COMMAND
    ) -> None:
        self.home = home
        self.temp = home.with_name(f"{home.name}.tmp")
        self.temp.mkdir(exist_ok=True, parents=True)
        self.events: list[Event] = []
        self.foreign: list[str] = []  # lines on standard output that are no events
        self._news = threading.Condition()
        self._over = False
        own = {"HUDDLE_HOME": str(home), "TMPDIR": str(self.temp), "COLUMNS": "100"}
        environment = os.environ | own | (env or {})
        self.process = subprocess.Popen(
            [*command, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self.stderr = ""
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._read, self._read_stderr)
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                try:
                    event = json.loads(line)
                except ValueError:
                    event = None
                if isinstance(event, dict) and "event" in event:
                    self.events.append(event)
                else:
                    self.foreign.append(line)
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.stderr += line

    def wait(
        self, name: str, found: Callable[[Event], bool] = lambda _: True, timeout: float = PATIENCE
    ) -> Event:
        """The first event of that name that `found` accepts, now or as soon as it comes."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                for event in self.events:
                    if event["event"] == name and found(event):
                        return event
                left = deadline - time.monotonic()
                if self._over or left <= 0:
                    why = "ended" if self._over else f"waited {timeout} s"
                    raise AssertionError(f"no event {name!r} ({why}); {self.story()}")
                self._news.wait(left)

    def wait_line(self, text: str, timeout: float = PATIENCE) -> str:
        """The first line on standard output that is no event and has `text` in it."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                for line in self.foreign:
                    if text in line:
                        return line
                left = deadline - time.monotonic()
                if self._over or left <= 0:
                    raise AssertionError(f"no line with {text!r}; {self.foreign} {self.story()}")
                self._news.wait(left)

    def all(self, name: str) -> list[Event]:
        """All events of that name so far."""
        with self._news:
            return [event for event in self.events if event["event"] == name]

    def output(self) -> str:
        """What the program wrote to its standard output so far."""
        return "".join(event["text"] for event in self.all("output") if event["stream"] == "stdout")

    def errors(self) -> str:
        """What went wrong so far, in the words of its events."""
        failed = [event["reason"] for event in self.all("run") if event["state"] == "failed"]
        return "\n".join([*(f"{e['message']} {e['hint']}" for e in self.all("error")), *failed])

    def left(self) -> list[str]:
        """What lies in its temporary directory now."""
        return sorted(path.relative_to(self.temp).as_posix() for path in self.temp.rglob("*"))

    def type(self, line: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self.process.send_signal(number)

    def end(self, timeout: float = PATIENCE) -> int:
        """Wait for the end; the exit code."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired as exc:
            raise AssertionError(f"still running after {timeout} s; {self.story()}") from exc
        self.close()
        return code

    def close(self) -> None:
        """After its end: read what it said last, and forget its pipes."""
        for thread in self._threads:
            thread.join(5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def story(self) -> str:
        """What happened, for a failed assertion."""
        lines = [json.dumps(event)[:300] for event in self.events if event["event"] != "stats"]
        return "\n".join([f"events of {self.home.name}:", *lines[-25:], "stderr:", self.stderr[-2000:]])

    def descendants(self) -> list[int]:
        """The pids of all processes below this one, by the kernel's tables, but for its helpers.

        These keep the rights that it gave up; they are copies of it and bear its command line.
        """
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError, ValueError):
                    parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                    children.setdefault(parent, []).append(int(entry.name))
        found, todo = [], [self.process.pid]
        while todo:
            below = children.get(todo.pop(), [])
            found += below
            todo += below
        own = _command(self.process.pid)
        found = [pid for pid in found if _command(pid) != own]
        return found


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def alive(pids: list[int]) -> list[int]:
    """Those of these processes that still run; zombies that wait for their parent do not."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX":
                found.append(pid)
    return found


def emptied(url: str, within: float = 30.0) -> bool:
    """Whether nothing is left on that rendezvous, by its own count, which it makes once a second."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:  # noqa: S310 - loopback
            page = answer.read().decode()
        if not re.search(r"^huddle_(rooms|nameplates|relay_channels) [^0]", page, re.M):
            return True
        time.sleep(0.1)
    return False


class Lab:
    """Starts `huddle` processes and ends whatever is left of them."""

    def __init__(self, folder: Path) -> None:
        self.commands: dict[str, tuple[str, ...]] = {}  # how `huddle` is started, by person
        self._folder = folder
        self._all: list[Huddle] = []

    def huddle(self, name: str, *args: str, env: dict[str, str] | None = None) -> Huddle:
        """Any command, with the home of the person `name`."""
        process = Huddle(self._folder / name, *args, env=env, command=self.commands.get(name, COMMAND))
        self._all.append(process)
        return process

    def home(self, name: str) -> Path:
        """Where Huddle keeps the files of the person `name`."""
        return self._folder / name

    def rendezvous(self, *args: str, port: int = 0) -> tuple[Huddle, str]:
        """A rendezvous on loopback and its URL."""
        server = self.huddle(
            "rendezvous", "serve", "--json", "--host", "127.0.0.1", "--port", str(port), *args
        )
        return server, server.wait("serving")["url"]

    def host(
        self,
        program: Path,
        *args: str,
        parties: int = 3,
        options: tuple[str, ...] = (),
        url: str = "",
        admit: tuple[str, ...] = ("--open",),
        env: dict[str, str] | None = None,
    ) -> Huddle:
        """Ada hosts; unless `admit` says otherwise she lets everybody in."""
        where = ("--rendezvous", url) if url else ()
        return self.huddle(
            "Ada", "host", "--json", "--name", "Ada", *admit, "--parties", str(parties), *LOOPBACK, *where,
            *options, str(program), *args, env=env,
        )  # fmt: skip

    def join(
        self,
        name: str,
        invitation: str,
        program: Path | None,
        *private: str,
        options: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
    ) -> Huddle:
        """Somebody joins; with their own copy of the program without being asked."""
        own = () if program is None else ("--yes", "--program", str(program))
        return self.huddle(
            name,
            "join",
            "--json",
            "--name",
            name,
            *LOOPBACK,
            *own,
            *options,
            invitation,
            *(("--", *private) if private else ()),
            env=env,
        )

    def session(
        self,
        program: Path,
        *args: str,
        names: tuple[str, ...] = ("Bob", "Cyd"),
        url: str = "",
        options: tuple[str, ...] = (),
        guest_options: tuple[str, ...] = (),
    ) -> list[Huddle]:
        """A host and guests that are on their way into a session."""
        host = self.host(program, *args, parties=len(names) + 1, url=url, options=options)
        link = host.wait("invitation")["url"]
        return [host, *(self.join(name, link, program, options=guest_options) for name in names)]

    def end(self) -> None:
        """End what is left."""
        for process in self._all:
            if process.process.poll() is None:
                process.process.terminate()
        for process in self._all:
            try:
                process.process.wait(5)
            except subprocess.TimeoutExpired:
                process.process.kill()
                process.process.wait(5)
            process.close()


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    """A lab whose processes are gone at the end."""
    one = Lab(folder)
    try:
        yield one
    finally:
        one.end()
