"""The driver asks one question at a time, believes nobody unheard, and says by its code how it ended."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

import pytest

from huddle import events
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.terminal.driver import Driver
from huddle.errors import LocalError, unexpected

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
        self.files = {"a.py": b"x"}
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
    def __init__(self) -> None:
        self.shown: list[events.Event] = []
        self.asked: list[str] = []
        self.raises: Exception | None = None

    def show(self, event: events.Event) -> None:
        if self.raises is not None:
            raise self.raises
        self.shown.append(event)

    def line(self, markup: str = "") -> None:
        pass

    def rest(self) -> None:
        pass

    def tick(self) -> None:
        pass

    def ask(self, prompt: str) -> None:
        self.asked.append(prompt)

    def answered(self, *, withdrawn: bool = False) -> None:
        pass


class Keys:
    """A person's lines; after the last one the person only looks."""

    def __init__(self, *lines: str | None) -> None:
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        for line in lines:
            self.lines.put_nowait(line)

    async def line(self) -> str | None:
        return await self.lines.get()

    def forget_typed_ahead(self) -> None:
        pass


class Desk:
    def __init__(self, policy: HostPolicy | GuestPolicy, *told: events.Event, lines: Any = ()) -> None:
        self.party, self.screen, self.keys = Script(*told), Screen(), Keys(*lines)
        self.left: Callable[[], tuple[str, ...]] = lambda: ("a key",)
        self.driver = Driver(self.party, self.screen, policy, lambda: self.left())  # type: ignore[arg-type]
        self.driver._keyboard = self.keys  # type: ignore[assignment]

    async def run(self) -> int:
        before = asyncio.all_tasks()
        async with asyncio.timeout(5):
            code = await self.driver.run()
        assert asyncio.all_tasks() <= before, "a task is left"
        assert asyncio.get_running_loop().get_exception_handler() is None
        return code


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ((CLEAN,), 0),
        ((UNCLEAN,), 1),
        ((events.Run(1, "failed"), UNCLEAN), 1),
        ((events.Error("local", "x"), UNCLEAN), 3),
        ((events.Error("program", "x"), UNCLEAN), 4),
        ((events.Error("peer", "x", "", "Bob"), UNCLEAN), 5),
        ((events.Error("rendezvous", "x"), UNCLEAN), 6),
        ((events.Error("network", "x"), UNCLEAN), 7),
        ((events.Error("peer", "Bob said no to the second run"), CLEAN), 0),
        ((events.Error("peer", "Bob said no"), events.Run(2, "failed"), UNCLEAN), 1),
    ],
)
async def test_the_exit_code_says_how_it_ended(told: tuple[events.Event, ...], code: int) -> None:
    desk = Desk(HostPolicy(), *told)
    assert await desk.run() == code
    last = desk.screen.shown[-1]
    assert isinstance(last, events.Ended) and last.left == ("a key",) and desk.party.closed


@pytest.mark.parametrize("error", [LocalError("The record can't be written."), OSError(28, "No space left")])
async def test_what_cannot_be_kept_makes_the_end_unclean(error: Exception) -> None:
    desk = Desk(HostPolicy(), CLEAN)

    def fail() -> tuple[str, ...]:
        raise error

    desk.left = fail
    assert await desk.run() == 3
    assert [event.event for event in desk.screen.shown] == ["error", "ended"]
    assert desk.screen.shown[-1] == UNCLEAN


@pytest.mark.parametrize(
    ("line", "decided"),
    [("y", "admit"), (" YES ", "admit"), ("n", "refuse"), ("", "refuse"), ("ja", "refuse"), (None, "refuse")],
)
async def test_nobody_comes_in_without_a_clear_yes(line: str | None, decided: str) -> None:
    desk = Desk(HostPolicy(), events.Question("admit", "Bob\x1b", "did:bob"), lines=(line,))
    running = asyncio.create_task(desk.run())
    while not desk.party.decided:  # noqa: ASYNC110 - bounded by the driver's own time
        await asyncio.sleep(0)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert desk.party.decided[0][:2] == (decided, "did:bob") and "\x1b" not in desk.screen.asked[0]


async def test_who_has_left_is_not_asked_about() -> None:
    question = events.Question("admit", "Bob", "did:bob")
    left = events.Party("Bob", "did:bob", "left")
    desk = Desk(HostPolicy(), question, left, events.Question("again"), lines=("q",))
    assert await desk.run() == 0
    assert [name for name, *_ in desk.party.decided] == ["finish"]


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        ("", []),
        ("bob", ["did:bob"]),
        ("Bob, ada", ["did:ada", "did:bob"]),
        ("all", ["did:ada", "did:bob"]),
        (None, []),
    ],
)
async def test_only_who_was_heard_is_verified(line: str, heard: list[str]) -> None:
    gone = events.Party("Eve", "did:eve", "left")
    knocks = events.Party("Mallory", "did:mal", "waiting")
    desk = Desk(GuestPolicy(), ADA, BOB, gone, knocks, PROGRAM, WORDS, ACCEPT, lines=(line, "y"))
    assert await desk.run() == 0
    assert desk.party.decided == [("heard", heard), ("accept",)]
    assert "Eve" not in desk.screen.asked[0] and "Mallory" not in desk.screen.asked[0]


@pytest.mark.parametrize(
    ("mistaken", "named"),
    [("y", "y"), ("Bo", "bo"), ("Bob, Cyd", "cyd"), ("all, Ada", "all"), ("Mal\x1b", "mal")],
)
async def test_a_name_that_nobody_here_has_is_asked_about_again(mistaken: str, named: str) -> None:
    desk = Desk(GuestPolicy(), ADA, BOB, PROGRAM, WORDS, ACCEPT, lines=(mistaken, "ada", "y"))
    assert await desk.run() == 0
    assert desk.party.decided == [("heard", ["did:ada"]), ("accept",)]
    _, second, *_ = desk.screen.asked
    assert f"Nobody here is called {named}" in second and "Ada and Bob" in second and "\x1b" not in second


async def test_a_name_with_a_comma_is_one_name() -> None:
    both = events.Party("Cyd, Dr.", "did:cyd", "admitted", "new", 2)
    desk = Desk(GuestPolicy(), ADA, both, PROGRAM, WORDS, ACCEPT, lines=("cyd, dr.", "y"))
    await desk.run()
    assert desk.party.decided[0] == ("heard", ["did:cyd"])


async def test_an_identity_is_kept_when_a_room_was_entered_and_not_before() -> None:
    me = events.Party("Me", "did:me", "admitted", "self")
    for told, kept in (((UNCLEAN,), 0), ((me, replace(me, pid=1), CLEAN), 1)):
        desk, calls = Desk(HostPolicy(), *told), list[int]()
        desk.driver._entered = lambda calls=calls: calls.append(1)
        await desk.run()
        assert len(calls) == kept


async def test_an_identity_that_cannot_be_kept_ends_the_session() -> None:
    def full() -> None:
        raise LocalError("the disk is full")

    desk = Desk(HostPolicy(), events.Party("Me", "did:me", "admitted", "self"))
    desk.driver._entered = full
    assert await desk.run() == 3


async def test_a_party_that_calls_itself_all_is_only_itself() -> None:
    alias = events.Party("All", "did:mal", "admitted", "new", 2)
    desk = Desk(GuestPolicy(), ADA, BOB, alias, WORDS, ACCEPT, lines=("all", "y"))
    await desk.run()
    assert desk.party.decided[0] == ("heard", ["did:mal"])


@pytest.mark.parametrize("line", ["n", "", None])
async def test_a_program_runs_only_after_a_clear_yes(line: str | None) -> None:
    desk = Desk(GuestPolicy(), PROGRAM, WORDS, ACCEPT, lines=("maybe", line))
    await desk.run()
    assert [name for name, *_ in desk.party.decided] == ["decline"]


async def test_an_answer_to_old_words_accepts_no_new_ones() -> None:
    desk = Desk(GuestPolicy(), PROGRAM, WORDS, ACCEPT)
    running = asyncio.create_task(desk.run())
    while not desk.screen.asked:  # noqa: ASYNC110 - bounded by the driver's own time
        await asyncio.sleep(0)
    desk.party.queue.put_nowait(events.Words(("five", "six", "seven", "eight"), 2))
    for _ in range(10):
        await asyncio.sleep(0)
    desk.keys.lines.put_nowait("y")
    for _ in range(10):
        await asyncio.sleep(0)
    assert desk.party.decided == []
    desk.party.queue.put_nowait(ACCEPT)
    await running
    assert desk.party.decided == [("accept",)]


async def test_yes_does_not_run_a_strangers_program() -> None:
    desk = Desk(GuestPolicy(yes=True), ADA, PROGRAM, WORDS, ACCEPT)
    assert await desk.run() == 3
    assert desk.party.decided == [("leave", "it could not go on there")]


async def test_a_pinned_program_is_no_yes_to_a_later_one() -> None:
    later = events.Program("a.py", "d2", (), (), True, 2)
    question = events.Question("program", "Ada", "did:ada")
    desk = Desk(GuestPolicy(yes=True, pinned=True), ADA, PROGRAM, WORDS, ACCEPT, lines=("n",))
    desk.party.queue = asyncio.Queue()
    running = asyncio.create_task(desk.run())
    for event in (ADA, PROGRAM, WORDS, ACCEPT):
        desk.party.queue.put_nowait(event)
    while not desk.party.decided:  # noqa: ASYNC110 - bounded by the driver's own time
        await asyncio.sleep(0)
    assert desk.party.decided == [("accept",)]
    await running
    desk.party.decided.clear()
    desk.party.queue.put_nowait(later)
    desk.party.queue.put_nowait(question)
    await desk.run()
    assert desk.party.decided == [("decline", "")] and desk.screen.asked


async def test_a_program_gets_the_line_that_is_typed_and_no_line_after_its_end() -> None:
    started, ends = events.Run(1, "started"), events.Run(1, "failed")
    desk = Desk(HostPolicy(), started, events.Input(True), ends, events.Question("again"), lines=("q",))
    assert await desk.run() == 0
    assert desk.party.decided == [("finish",)], "the line was the answer to the question"
    desk = Desk(HostPolicy(), started, events.Input(True), lines=("42",))
    running = asyncio.create_task(desk.run())
    while not desk.party.decided:  # noqa: ASYNC110 - bounded by the driver's own time
        await asyncio.sleep(0)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert desk.party.decided == [("type_line", "42")]


async def test_the_first_interrupt_ends_the_run_and_the_second_the_session() -> None:
    desk = Desk(HostPolicy(), events.Run(1, "started"))
    desk.party.running = True
    running = asyncio.create_task(desk.run())
    for wanted in (1, 2):
        await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        while len(desk.party.decided) < wanted:  # noqa: ASYNC110 - bounded by the driver's own time
            await asyncio.sleep(0.001)
    assert await running == 1
    assert [name for name, *_ in desk.party.decided] == ["stop_run", "leave"]


async def test_a_bug_in_an_answer_ends_the_session() -> None:
    desk = Desk(HostPolicy(open=True), events.Question("admit", "Bob", "did:bob"))
    desk.party.raises = KeyError("hunter2")
    assert await desk.run() == 3
    assert "KeyError" in str(desk.screen.shown) and "hunter2" not in str(desk.screen.shown)


async def test_a_bug_in_a_callback_ends_the_session_and_a_broken_connection_does_not() -> None:
    def strangers() -> None:
        raise OSError("reset")

    desk = Desk(HostPolicy())
    running = asyncio.create_task(desk.run())
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    loop.call_soon(strangers)
    await asyncio.sleep(0.01)
    assert not running.done() and desk.screen.shown == []
    scope: dict[str, Any] = {"__name__": "huddle.session.somewhere"}
    exec("def fail():\n    raise KeyError", scope)  # noqa: S102 - as if it stood in a module of Huddle's
    loop.call_soon(scope["fail"])
    assert await running == 3
    assert "KeyError" in str(desk.screen.shown)


async def test_a_screen_that_is_gone_ends_the_session_in_order() -> None:
    desk = Desk(HostPolicy(), ADA)
    desk.screen.raises = BrokenPipeError()
    with pytest.raises(BrokenPipeError):
        await desk.run()
    assert desk.party.closed
