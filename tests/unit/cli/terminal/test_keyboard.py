"""Lines from a pipe: in order, to the end, read no further ahead than is wanted."""

import asyncio
import io
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from huddle.cli.terminal import keyboard
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
    pipe.end()
    for thread in threading.enumerate():
        if thread.name == "keyboard":
            thread.join(5)
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
    stdin.type(b"y\n")
    stdin.end()
    async with asyncio.timeout(5):
        while keys._lines.empty():  # noqa: ASYNC110 - the thread has no event
            await asyncio.sleep(0.001)
        keys.forget_typed_ahead()
        assert await keys.line() == "y"


async def test_bytes_that_are_no_text_end_the_input(stdin: Pipe) -> None:
    keys = Keyboard()
    stdin.type(b"\xff\n")
    async with asyncio.timeout(5):
        assert await keys.line() is None


async def test_no_more_lines_are_read_than_somebody_will_want_soon(
    stdin: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyboard, "AHEAD", 3)
    stdin.type(b"".join(b"%d\n" % n for n in range(10)))
    stdin.end()
    keys = Keyboard()
    async with asyncio.timeout(5):
        while keys._lines.qsize() < 3:  # noqa: ASYNC110 - the thread has no event
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        assert keys._lines.qsize() == 3
        assert [await keys.line() for _ in range(11)] == [*map(str, range(10)), None]


def test_a_loop_that_is_closed_ends_the_reading(stdin: Pipe) -> None:
    async def begin() -> None:
        Keyboard()

    asyncio.run(begin())
    (thread,) = [one for one in threading.enumerate() if one.name == "keyboard"]
    stdin.type(b"x\ny\n")
    thread.join(5)
    assert not thread.is_alive()


async def test_a_closed_standard_input_is_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed)
    async with asyncio.timeout(5):
        assert await Keyboard().line() is None
