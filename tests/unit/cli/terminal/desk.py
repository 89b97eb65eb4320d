"""The command line's driver between a party that tells what the test says and a person with lines to type."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from huddle import events
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.driver import Driver
from huddle.errors import unexpected

ADA = events.Party("Ada", "did:ada", "admitted", "new", 0)
BOB = events.Party("Bob", "did:bob", "admitted", "new", 1)
PROGRAM = events.Program("a.py", "d1", (), (), True)
WORDS = events.Words(("one", "two", "three", "four"))
ACCEPT = events.Question("accept", "Ada", "did:ada")
CLEAN, UNCLEAN = events.Ended("over", True), events.Ended("over", False)


class Script:
    """Stands for a party: tells what the test says, and remembers what was decided."""

    def __init__(self, *told: events.Event) -> None:
        self.queue: asyncio.Queue[events.Event] = asyncio.Queue()
        for event in told:
            self.queue.put_nowait(event)
        self.decided: list[Any] = []
        self.running = False
        self.record: bytes | None = None
        self.files = {"a.py": b"x"}
        self.private_args: tuple[str, ...] = ()
        self.inputs: tuple[Any, ...] = ()
        self.closed = False
        self.raises: Exception | None = None

    async def __aiter__(self) -> AsyncGenerator[events.Event, None]:
        try:
            while True:
                event = await self.queue.get()
                yield event
                if isinstance(event, events.Ended):
                    return
        finally:
            self.closed = True

    def __getattr__(self, name: str) -> Callable[..., None]:
        def decide(*args: Any) -> None:
            if self.raises is not None:
                raise self.raises
            self.decided.append((name, *args))
            if name in ("accept", "decline", "finish"):
                self.queue.put_nowait(CLEAN)
            if name == "leave":
                self.queue.put_nowait(UNCLEAN)

        return decide

    def fail(self, error: Exception) -> None:
        shown = unexpected(error)
        self.queue.put_nowait(events.Error(shown.whose, shown.message))
        self.queue.put_nowait(UNCLEAN)


class Screen:
    """A person before a screen; after their last line they only look. None: the input is at its end."""

    script = False
    every = 0.05

    def __init__(self, *lines: str | None) -> None:
        self.shown: list[events.Event] = []
        self.asked: list[Asked] = []
        self.withdrawn = 0
        self.reads = 0
        self.raises: Exception | None = None
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        for line in lines:
            self.lines.put_nowait(line)

    async def begin(self, interrupt: Callable[[], None]) -> None:
        pass

    async def end(self) -> None:
        pass

    def show(self, event: events.Event) -> None:
        if self.raises is not None:
            raise self.raises
        self.shown.append(event)

    def tick(self) -> None:
        pass

    async def ask(self, asked: Asked) -> str | None:
        self.asked.append(asked)
        try:
            return await self.lines.get()
        except asyncio.CancelledError:
            self.withdrawn += 1
            raise

    async def line(self) -> str | None:
        return await self.lines.get()

    async def read(self, contents: Mapping[str, bytes], turn: Callable[[], Awaitable[None]]) -> None:
        self.reads += 1


class Desk:
    def __init__(self, policy: HostPolicy | GuestPolicy, *told: events.Event, lines: Any = ()) -> None:
        self.party, self.screen = Script(*told), Screen(*lines)
        self.left: Callable[[], tuple[str, ...]] = lambda: ("a key",)
        self.driver = Driver(self.party, self.screen, policy, lambda: self.left())  # type: ignore[arg-type]

    async def run(self) -> int:
        before = asyncio.all_tasks()
        async with asyncio.timeout(5):
            code = await self.driver.run()
        assert asyncio.all_tasks() <= before, "a task is left"
        assert asyncio.get_running_loop().get_exception_handler() is None
        return code

    def begin(self) -> "asyncio.Task[int]":
        """The driver at work, while the test goes on."""
        return asyncio.create_task(self.run())

    async def until(self, there: Callable[[], Any]) -> None:
        """Let the driver work until something is there."""
        async with asyncio.timeout(5):
            while not there():  # noqa: ASYNC110 - bounded by the driver's own time
                await asyncio.sleep(0)
