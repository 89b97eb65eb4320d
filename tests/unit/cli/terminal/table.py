"""A real screen on a pseudo-terminal, with a session that tells what the test says.

The parent holds the terminal and looks at it as a terminal emulator does; the child, which is this module run
as a program, has the command line's own driver and screen. Events go to it as lines of JSON by one pipe, and
the person's decisions come back by another.
"""

import asyncio
import dataclasses
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pyte

from huddle import events
from huddle.session.classroom import Classroom

ROOT = Path(__file__).parents[4]
PATIENCE = 50.0  # seconds; a busy machine needs some of them to start the child
_OF_A_TERMINAL = {
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "HUDDLE_PLAIN",
    "TMUX",
    "STY",
    "VTE_VERSION",
    "TERM_PROGRAM",
}
FORM = b"""# /// script
# [tool.huddle]
# title = "Pay"
#
# [[tool.huddle.inputs]]
# option = "--pay"
# label = "Your pay"
# kind = "integer"
# ///
"""


class Wrapping(pyte.HistoryScreen):
    """A terminal that wraps its lines anew where it becomes narrower, as tmux and most others do."""

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Wrap what stands there; what has no room goes up and away."""
        lines, columns = lines or self.lines, columns or self.columns
        rows, cursor = list[str](), (0, 0)
        for y, line in enumerate(self.display):
            if y == self.cursor.y:
                cursor = (len(rows) + self.cursor.x // columns, self.cursor.x % columns)
            text = line.rstrip()
            rows += [text[at : at + columns] for at in range(0, max(1, len(text)), columns)]
        while len(rows) > cursor[0] + 1 and not rows[-1]:
            rows.pop()
        away = max(0, len(rows) - lines)
        super().resize(lines, columns)
        self.erase_in_display(2)
        self.cursor_position()
        self.draw_rows(rows)
        self.cursor_position(cursor[0] - away + 1, cursor[1] + 1)

    def draw_rows(self, rows: list[str]) -> None:
        """Write these from the cursor on, without wrapping the last column."""
        for number, row in enumerate(rows):
            if number:
                self.carriage_return()
                self.index()
            self.draw(row)


class Table:
    """One person at a terminal of that size: a guest, a host, one with a lobby, or that of a class."""

    def __init__(
        self, columns: int = 80, rows: int = 24, *, host: bool = True, role: str = "", **environment: str
    ) -> None:
        emulator = Wrapping if "TMUX" in environment else pyte.HistoryScreen
        self.screen = emulator(columns, rows, history=1000, ratio=0.5)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.plain = "HUDDLE_PLAIN" in environment
        self._news = threading.Condition()
        self._decided: list[list[Any]] = []
        self._master, slave = pty.openpty()
        self.size(columns, rows)
        self.before = termios.tcgetattr(slave)
        told, self._tell = os.pipe()
        decided, decide = os.pipe()
        own = {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **environment}
        kept = {name: value for name, value in os.environ.items() if name not in _OF_A_TERMINAL}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.unit.cli.terminal.table",
                str(told),
                str(decide),
                role or ("host" if host else "guest"),
            ],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=kept | own,
            pass_fds=(told, decide),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal there
        )
        self._slave = slave
        os.close(told)
        os.close(decide)
        self._threads = [
            threading.Thread(target=self._read_screen, daemon=True),
            threading.Thread(target=self._read_decisions, args=(decided,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        assert self.decision() == ["ready"]

    # --- what the test does

    def tell(self, *told: events.Event) -> None:
        """Let the session tell events."""
        for event in told:
            fields = dataclasses.asdict(event)
            os.write(
                self._tell, json.dumps({"kind": type(event).__name__, "fields": fields}).encode() + b"\n"
            )

    def type(self, keys: str) -> None:
        """Press keys; Enter is a newline."""
        os.write(self._master, keys.replace("\n", "\r").encode())

    def size(self, columns: int, rows: int) -> None:
        """Make the window so large."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """The same, as the terminal that one looks at does it."""
        with self._news:
            self.screen.resize(rows, columns)
        self.size(columns, rows)

    def decision(self) -> list[Any]:
        """The next thing that was decided."""
        with self._news:
            assert self._news.wait_for(lambda: self._decided, PATIENCE), f"nothing was decided:\n{self.text}"
            return self._decided.pop(0)

    @property
    def undecided(self) -> bool:
        """Whether nothing was decided that the test has not seen."""
        with self._news:
            return not self._decided

    @property
    def lines(self) -> list[str]:
        """What stands on the screen now."""
        with self._news:
            return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The same as one text, without what is empty below."""
        return "\n".join(self.lines).rstrip()

    @property
    def past(self) -> str:
        """What has scrolled away, and the screen."""
        with self._news:
            top = [
                "".join(row[x].data for x in range(self.screen.columns)) for row in self.screen.history.top
            ]
        return "\n".join(line.rstrip() for line in top) + "\n" + self.text

    def until(self, there: Callable[[str], bool] | str) -> str:
        """Wait until this stands on the screen; the screen."""
        wanted = there if callable(there) else lambda text: there in text
        with self._news:
            assert self._news.wait_for(lambda: wanted(self._now()), PATIENCE), f"not there:\n{self._now()}"
            return self._now()

    def insist(self, keys: str, there: str) -> str:
        """Press keys until this stands on the screen: what falls into a question's drawing is dropped."""
        with self._news:
            for _ in range(int(PATIENCE)):
                self.type(keys)
                if self._news.wait_for(lambda: there in self._now(), 1):
                    return self._now()
            raise AssertionError(f"not there:\n{self._now()}")

    def close(self) -> None:
        """End it."""
        os.close(self._tell)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        os.close(self._slave)
        for thread in self._threads:
            thread.join(10)
        os.close(self._master)

    # --- inside

    def _now(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def _read_screen(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                return
            if not data:
                return
            with self._news:
                self.raw += data
                self._stream.feed(data)
                self._news.notify_all()

    def _read_decisions(self, fd: int) -> None:
        with open(fd, encoding="utf-8") as lines:
            for line in lines:
                with self._news:
                    self._decided.append(json.loads(line))
                    self._news.notify_all()


class _Party:
    """Stands for a party: tells what comes by the pipe, and sends back what was decided."""

    def __init__(self, told: int, decide: int) -> None:
        self.running = False
        self.record: bytes | None = None
        self.files = {"prog.py": b"".join(b"line %d of the program\n" % n for n in range(1, 200))}
        self.files |= {"form.py": FORM}
        self.private_args: tuple[str, ...] = ()
        self.inputs: tuple[Any, ...] = ()
        self._queue: asyncio.Queue[events.Event] = asyncio.Queue()
        self._decide = decide
        self._told = told
        self.send("ready")

    def send(self, name: str, *args: Any) -> None:
        os.write(self._decide, json.dumps([name, *args]).encode() + b"\n")

    async def __aiter__(self) -> AsyncGenerator[events.Event, None]:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        while True:
            event = await self._queue.get()
            yield event
            if isinstance(event, events.Ended):
                return

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        with open(self._told, encoding="utf-8") as lines:
            for line in lines:
                told = json.loads(line)
                event = getattr(events, told["kind"])(**told["fields"])
                loop.call_soon_threadsafe(self._queue.put_nowait, event)
        loop.call_soon_threadsafe(self._queue.put_nowait, events.Ended("over", True))

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: self.send(name, *args)


class _Class(_Party, Classroom):
    """The same, where the driver takes it for a class."""

    def admit(self, did: str) -> None:
        self.send("admit", did)

    def refuse(self, did: str, reason: str) -> None:
        self.send("refuse", did, reason)

    def deal(self, *, expected: bool = True) -> None:
        self.send("deal")

    def leave(self, reason: str) -> None:
        self.send("leave", reason)

    def wait(self) -> None:
        pass


def _sit(told: int, decide: int, role: str) -> None:
    import uvloop

    from huddle.cli.policy import GuestPolicy, HostPolicy
    from huddle.cli.terminal.driver import Driver
    from huddle.cli.terminal.output_buffer import OutputBuffer
    from huddle.cli.terminal.screens import screen

    out: Any = OutputBuffer(sys.stdout)

    async def main() -> int:
        lobby = HostPolicy(each=True, parties=3, lobby=True, standing=True)
        policies = {"host": HostPolicy(each=True), "lobby": lobby, "class": lobby, "guest": GuestPolicy()}
        policy: Any = policies[role]
        party: Any = (_Class if role == "class" else _Party)(told, decide)
        shown, deals = screen(out, planned=3), role == "class"
        return await Driver(party, shown, policy, lambda: ("an identity",), outlet=out, deals=deals).run()

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    code = uvloop.run(main())
    out.finish()
    sys.exit(code)


if __name__ == "__main__":
    _sit(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
