"""The driver asks one question at a time, believes nobody unheard, and says by its code how it ended."""

import asyncio
import os
import signal
from dataclasses import replace
from typing import Any

import pytest

from huddle import events
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.errors import LocalError
from tests.unit.cli.terminal.desk import ACCEPT, ADA, CLEAN, PROGRAM, UNCLEAN, WORDS, Desk


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


@pytest.mark.parametrize("record", [b"so far", None])
async def test_what_there_is_of_a_record_is_kept_whenever_a_run_begins_or_ends(record: bytes | None) -> None:
    runs = [events.Run(number, state) for number in (1, 2) for state in ("started", "finished")]
    desk, kept = Desk(HostPolicy(), *runs, CLEAN), list[int]()
    desk.party.record = record

    def keep() -> tuple[str, ...]:
        kept.append(len(desk.screen.shown))
        return ()

    desk.left = keep
    assert await desk.run() == 0
    assert kept == ([1, 2, 3, 4, 4] if record else [4])  # the last time before the end is shown


async def test_a_record_that_can_t_be_kept_meanwhile_is_told_and_ends_nothing() -> None:
    desk, tries = Desk(HostPolicy(), events.Run(1, "started"), events.Run(1, "finished"), CLEAN), list[int]()
    desk.party.record = b"so far"

    def keep() -> tuple[str, ...]:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(28, "No space left")
        return ()

    desk.left = keep
    assert await desk.run() == 0
    (told,) = [event for event in desk.screen.shown if isinstance(event, events.Notice)]
    assert "No space left" in told.text


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


async def test_an_answer_to_old_words_accepts_no_new_ones() -> None:
    desk = Desk(GuestPolicy(), PROGRAM, WORDS, ACCEPT)
    running = asyncio.create_task(desk.run())
    while not desk.screen.asked:  # noqa: ASYNC110 - bounded by the driver's own time
        await asyncio.sleep(0)
    desk.party.queue.put_nowait(events.Words(("five", "six", "seven", "eight"), 2))
    for _ in range(10):
        await asyncio.sleep(0)
    desk.screen.lines.put_nowait("y")
    for _ in range(10):
        await asyncio.sleep(0)
    assert desk.party.decided == [] and desk.screen.withdrawn == 1
    desk.party.queue.put_nowait(ACCEPT)
    await running
    assert desk.party.decided == [("heard", ()), ("accept",)]


async def test_yes_does_not_run_a_strangers_program() -> None:
    desk = Desk(GuestPolicy(yes=True), ADA, PROGRAM, WORDS, ACCEPT)
    assert await desk.run() == 3
    assert desk.party.decided == [("leave", "it could not go on there")]


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
