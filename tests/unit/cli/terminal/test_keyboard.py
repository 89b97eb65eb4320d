"""Lines from a pipe: in order, to the end, read no further ahead than is wanted."""

import asyncio
import io
import os
import pty
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from huddle.cli.terminal.keyboard import Keyboard


class Pipe:
    def __init__(self) -> None:
        read, self._write = os.pipe()
        self.reader = open(read, encoding="utf-8")

    def type(self, data: bytes) -> None:
        os.write(self._write, data)

    def end(self) -> None:
        if self._write >= 0:
            os.close(self._write)
            self._write = -1


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    pipe = Pipe()
    monkeypatch.setattr(sys, "stdin", pipe.reader)
    yield pipe
    pipe.end()  # which ends a read; a thread that waits until a line is wanted holds nothing
    for thread in threading.enumerate():
        if thread.name == "keyboard":
            thread.join(0.1)
    pipe.reader.close()


async def test_lines_come_in_order_and_then_the_end(stdin: Pipe) -> None:
    keys = Keyboard()
    stdin.type("Grüße\n\nlast".encode())
    stdin.end()
    async with asyncio.timeout(5):
        assert [await keys.line() for _ in range(5)] == ["Grüße", "", "last", None, None]


async def test_a_line_that_nobody_waits_for_any_more_is_not_lost(stdin: Pipe) -> None:
    keys = Keyboard()
    waiting = asyncio.create_task(keys.line())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    stdin.type(b"one\n")
    async with asyncio.timeout(5):
        assert await keys.line() == "one"


async def test_what_is_piped_in_ahead_of_a_question_counts(stdin: Pipe) -> None:
    keys = Keyboard()
    stdin.type(b"x\ny\n")
    stdin.end()
    async with asyncio.timeout(5):
        assert await keys.line() == "x"
        keys.forget_typed_ahead()
        assert await keys.line() == "y"


async def test_bytes_that_are_no_text_end_the_input(stdin: Pipe) -> None:
    keys = Keyboard()
    stdin.type(b"\xff\n")
    async with asyncio.timeout(5):
        assert await keys.line() is None


async def test_no_line_is_read_before_somebody_wants_it(stdin: Pipe) -> None:
    keys = Keyboard()
    stdin.type(b"1\n2\n")
    async with asyncio.timeout(5):
        assert await keys.line() == "1"
    await asyncio.sleep(0)
    assert keys._lines.empty() and not keys._reading


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], int]]:
    """Types at a terminal that is standard input."""
    master, slave = pty.openpty()
    reader = open(slave, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", reader)
    yield lambda data: os.write(master, data)
    os.close(master)  # which ends a read
    for thread in threading.enumerate():
        if thread.name == "keyboard":
            thread.join(0.1)
    reader.close()


async def test_what_is_typed_before_a_question_at_a_terminal_is_forgotten(
    terminal: Callable[[bytes], int],
) -> None:
    keys = Keyboard()
    program = asyncio.create_task(keys.line())  # which never gets its line
    await asyncio.sleep(0)
    program.cancel()
    terminal(b"one\ntwo\nthr")  # the first is read, the others are with the terminal
    async with asyncio.timeout(5):
        while keys._lines.empty():  # noqa: ASYNC110 - the thread has no event
            await asyncio.sleep(0.001)
        keys.forget_typed_ahead()
        terminal(b"y\n")
        assert await keys.line() == "y"


async def test_a_line_on_its_way_when_a_question_is_asked_is_forgotten(
    terminal: Callable[[bytes], int],
) -> None:
    keys = Keyboard()
    program = asyncio.create_task(keys.line())
    await asyncio.sleep(0)
    program.cancel()
    terminal(b"early\n")
    while not keys._read_lines:  # the thread has it; this loop has not
        time.sleep(0.001)  # noqa: ASYNC251 - the loop must not go on
    keys.forget_typed_ahead()
    terminal(b"y\n")
    async with asyncio.timeout(5):
        assert await keys.line() == "y"


async def test_a_line_that_has_just_left_the_terminal_when_a_question_is_asked_is_forgotten(
    terminal: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = threading.Event()
    read = os.read

    def slowly(file: int, most: int) -> bytes:  # as on a machine that lets this thread wait
        data = read(file, most)
        taken.set()
        time.sleep(0.2)
        return data

    keys = Keyboard()
    program = asyncio.create_task(keys.line())
    await asyncio.sleep(0)
    program.cancel()
    monkeypatch.setattr(os, "read", slowly)
    terminal(b"early\n")
    assert taken.wait(5)
    keys.forget_typed_ahead()
    terminal(b"y\n")
    async with asyncio.timeout(5):
        assert await keys.line() == "y"


async def test_a_line_in_two_pieces_is_one_and_is_forgotten_as_one(terminal: Callable[[bytes], int]) -> None:
    keys = Keyboard()
    end_of_input = b"\x04"
    terminal(b"on" + end_of_input)
    waiting = asyncio.create_task(keys.line())
    while not keys._begun:  # noqa: ASYNC110 - the thread has no event
        await asyncio.sleep(0.001)
    terminal(b"e\n")
    async with asyncio.timeout(5):
        assert await waiting == "one"
        terminal(b"tw" + end_of_input)
        waiting = asyncio.create_task(keys.line())
        while not keys._begun:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        keys.forget_typed_ahead()
        terminal(b"three\n")
        assert await waiting == "three"
        terminal(end_of_input)
        assert await keys.line() is None


async def test_a_closed_standard_input_is_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed)
    async with asyncio.timeout(5):
        assert await Keyboard().line() is None
