"""People who try a solution: what they type, answer and tell each other, and how long they wait.

    ada.type("wg-quick up ./wg0.conf", root=True)       a command, to its end
    with ada.start("huddle host total.py") as host:     a command that goes on, on a terminal
        link = host.see(r"(http\\S+)")
        ada.tell(bob, "the link", link)                 a value that goes by another way
        host.answer("all", "whom one heard")

A step is one thing that a person does; to read a screen is none. Seconds are those of the machine: what a
person needs to read, think and type comes on top.
"""

import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from huddle.errors import LocalError
from huddle_lab.usability.machine import FreshMachine

PATIENCE = 900.0  # seconds for a command: packages are fetched and installed
PATIENCE_TO_SEE = (
    120.0  # for one thing to be seen, or a session to end, on a machine that has much else to do
)
UNCOUNTED = "uncounted"
_CLOSED = 5.0  # seconds until a terminal that nobody uses any more says so
_SCREEN = struct.pack("HHHH", 50, 200, 0, 0)
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a person did: `kind` is type, answer, tell, edit or press; seconds until it was over."""

    when: str
    who: str
    kind: str
    what: str
    seconds: float = 0.0


@dataclass
class Story:
    """All steps in order; `when` is the occasion now: install, first, again, others, end.

    `browser` is what a person's browser keeps, by their name.
    """

    when: str = "install"
    steps: list[Step] = field(default_factory=list)
    browser: dict[str, str] = field(default_factory=dict)

    def add(self, who: str, kind: str, what: str, seconds: float = 0.0) -> None:
        """One more step."""
        self.steps.append(Step(self.when, who, kind, what, round(seconds, 2)))

    def took(self, step: int, began: float) -> None:
        """This step, begun then, is over now."""
        self.steps[step] = replace(self.steps[step], seconds=round(time.monotonic() - began, 2))

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """What is done in this block stands in no table: it has been counted for others already."""
        when, self.when = self.when, UNCOUNTED
        try:
            yield
        finally:
            self.when = when


class Terminal:
    """A command on a terminal, that goes on. What it says is read all the time, whoever is waited for."""

    def __init__(self, person: "Person", process: subprocess.Popen[bytes], master: int) -> None:
        self._person, self._process, self._master = person, process, master
        self.text = ""
        self._seen = 0
        self._over = False
        self._news = threading.Condition()
        self._began = time.monotonic()
        self._step = len(person.story.steps) - 1  # that with which it began
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def see(self, pattern: str, within: float = PATIENCE_TO_SEE) -> str:
        """Wait until this stands there, after what was seen last; its first group."""
        wanted = re.compile(pattern)
        with self._news:
            self._news.wait_for(lambda: self._over or wanted.search(self.text, self._seen), within)
            found = wanted.search(self.text, self._seen)
        if found is None:
            raise LocalError(f"{self._person.name} does not see {pattern!r} in:\n{self.text[-2000:]}")
        self._seen = found.end()
        return found[1] if found.groups() else found[0]

    def answer(self, line: str, what: str) -> None:
        """Type an answer."""
        self._person.story.add(self._person.name, "answer", what)
        os.write(self._master, f"{line}\n".encode())

    def end(self, within: float = PATIENCE_TO_SEE) -> str:
        """Wait until it has ended well; all that it said."""
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            code = -1
        self._reader.join(_CLOSED)
        if code:
            raise LocalError(f"{self._person.name}'s command failed ({code}):\n{self.text[-2000:]}")
        self._person.story.took(self._step, self._began)
        return self.text

    def close(self) -> None:
        """End it, if it still goes on."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(_CLOSED)
        os.close(self._master)

    def _read(self) -> None:
        data = b"begin"
        while data:
            try:
                data = os.read(self._master, 65_536)
            except OSError:  # the last process at the terminal has ended
                data = b""
            with self._news:
                self.text += _COLOURS.sub("", data.decode(errors="replace"))
                self._over = not data
                self._news.notify_all()


class Person:
    """Somebody with a fresh machine."""

    def __init__(self, name: str, machine: FreshMachine, story: Story) -> None:
        self.name, self.machine, self.story = name, machine, story

    def type(self, line: str, *, root: bool = False, online: bool = False) -> str:
        """Type a command and wait for its end; what it said. LocalError where it fails."""
        began = time.monotonic()
        try:
            done = subprocess.run(
                self.machine.command(line, root=root, online=online),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LocalError(f"{self.name}'s command does not end: {line}\n{error.stdout!r}") from error
        if done.returncode:
            raise LocalError(f"{self.name}'s command failed: {line}\n{done.stdout[-2000:]}")
        self.story.add(self.name, "type", f"sudo {line}" if root else line, time.monotonic() - began)
        return done.stdout

    @contextmanager
    def start(self, line: str, *, root: bool = False) -> Iterator[Terminal]:
        """Type a command that goes on; it ends with the block."""
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, _SCREEN)
        process = subprocess.Popen(
            # So that it has this terminal.
            ["setsid", "--ctty", *self.machine.command(line, root=root)],  # noqa: S607 - util-linux
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        self.story.add(self.name, "type", f"sudo {line}" if root else line)
        terminal = Terminal(self, process, master)
        try:
            yield terminal
        finally:
            terminal.close()

    def service(self, line: str) -> None:
        """Start what a package of the real world would start by itself; no step."""
        subprocess.Popen(
            self.machine.command(f"exec {line}", root=True),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def edit(self, name: str, content: str) -> None:
        """Write a file with an editor."""
        self.machine.put(name, content.encode())
        self.story.add(self.name, "edit", name)

    def tell(self, other: "Person", what: str) -> None:
        """Tell somebody a value, by a way that the two have already."""
        self.story.add(self.name, "tell", f"{what}, to {other.name}")

    def send(self, other: "Person", name: str) -> None:
        """Send somebody a file, by a way that the two have already."""
        other.machine.put(name, self.machine.get(name))
        self.story.add(self.name, "tell", f"the file {name}, to {other.name}")
