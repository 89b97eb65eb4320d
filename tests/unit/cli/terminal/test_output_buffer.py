"""Output that nobody waits for."""

import asyncio
import io
import os
import threading
from typing import IO, cast

import pytest
from rich.console import Console

from huddle.cli.terminal import output_buffer as spool
from huddle.cli.terminal.output_buffer import OutputBuffer


class Stuck(io.StringIO):
    """A terminal that its person has stopped, until `go`."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.go.wait(20)
        return super().write(text)


class Broken(io.StringIO):
    """A pipe without a reader."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_everything_arrives_in_order() -> None:
    target = io.StringIO()
    out = OutputBuffer(target)
    for number in range(1000):
        out.write(f"{number}\n")
    out.finish()
    assert target.getvalue() == "".join(f"{number}\n" for number in range(1000))


def test_nobody_waits_for_a_terminal_that_is_stopped() -> None:
    target = Stuck()
    out = OutputBuffer(target)
    out.write("a" * 100_000)  # would wait for ever
    out.write("b")
    target.go.set()
    out.finish()
    assert target.getvalue() == "a" * 100_000 + "b"


def test_memory_is_bounded_by_waiting_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LIMIT", 10)
    target = Stuck()
    out = OutputBuffer(target)
    out.write("0123456789")
    waiting = threading.Thread(target=out.write, args=("more",))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    target.go.set()
    waiting.join(20)
    out.finish()
    assert target.getvalue() == "0123456789more"


async def test_a_writer_can_wait_until_it_has_caught_up_and_the_loop_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spool, "AHEAD", 10)
    target = Stuck()
    out = OutputBuffer(target)
    out.write("0123456789")
    await out.caught_up()  # at once
    out.write("more")
    assert out.behind
    waiting = asyncio.create_task(out.caught_up())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    target.go.set()
    await waiting
    assert not out.behind
    out.finish()
    assert target.getvalue() == "0123456789more"


async def test_nobody_waits_for_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "AHEAD", 0)
    out = OutputBuffer(Broken())
    out.write("lost")
    await out.caught_up()
    assert not out.behind


def test_a_large_text_is_written_in_pieces() -> None:
    class Counting(io.StringIO):
        longest = 0

        def write(self, text: str) -> int:
            self.longest = max(self.longest, len(text))
            return super().write(text)

    target = Counting()
    out = OutputBuffer(target)
    text = "".join(map(str, range(100_000)))
    out.write(text)
    out.finish()
    assert target.getvalue() == text
    assert target.longest <= 1 << 16


def test_a_broken_pipe_is_told_to_who_writes_next() -> None:
    out = OutputBuffer(Broken())
    out.write("lost")
    out.finish()
    with pytest.raises(BrokenPipeError):
        out.write("more")


def test_a_console_takes_it_for_its_target() -> None:
    main, sub = os.openpty()
    try:
        with open(sub, "w", encoding="utf-8", closefd=False) as terminal:
            out = OutputBuffer(terminal)
            assert Console(file=cast(IO[str], out)).is_terminal
            assert out.fileno() == sub
            assert out.encoding == "utf-8"
            out.finish()
        assert not Console(file=cast(IO[str], OutputBuffer(io.StringIO()))).is_terminal
    finally:
        os.close(main)
        os.close(sub)
