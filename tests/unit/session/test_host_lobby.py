"""What the host changes before the start, with a driver that writes down what it is told."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from huddle import events
from huddle.ceremony.manifest import Flags
from huddle.session.host_lobby import HostLobby
from huddle.session.program import Program

FILES = {"main.py": b"from mpyc.runtime import mpc\n"}


class Driver:
    """What the ceremony was told to change."""

    def __init__(self) -> None:
        self.changes: list[tuple[Any, ...]] = []

    def change(self, *said: Any, **more: Any) -> None:
        self.changes.append((*said, *more.items()))


class Platform:
    """Packages that need no lock."""

    async def locked(self, program: Program, runtime: object) -> Program:
        return program


class Runtime:
    """An interpreter, as far as a manifest names it."""

    class interpreter:
        mpyc = "0.11"


async def changed(program: Program) -> tuple[list[tuple[Any, ...]], list[events.Event]]:
    """What the ceremony and the person were told when this took the place of the first program."""
    told: list[events.Event] = []
    before = Program("main.py", FILES, ("--size", "8"))
    others: Any = None
    async with AsyncExitStack() as stack:
        lobby = HostLobby(
            others,
            others,
            before,
            Flags(),
            cast(Any, Platform()),
            cast(Any, Runtime()),
            told.append,
            stack,
        )
        driver = lobby.driver = cast(Any, Driver())
        lobby.change(program, None)
        for _ in range(3):
            await asyncio.sleep(0)
        await lobby.close()
        assert lobby.program == (program if driver.changes else before)
    return driver.changes, told


async def test_the_same_program_again_asks_nobody_anew_and_the_host_reads_why() -> None:
    changes, told = await changed(Program("main.py", dict(FILES), ("--size", "8")))
    assert changes == []
    assert told == [events.Notice("The program is the same as before. Edit it first, or name another.")]


@pytest.mark.parametrize(
    "program",
    [
        Program("main.py", FILES, ("--size", "9")),
        Program("main.py", {"main.py": b"from mpyc.runtime import mpc  # edited\n"}, ("--size", "8")),
        Program("main.py", {**FILES, "table.csv": b"1\n"}, ("--size", "8")),
    ],
    ids=["arguments", "source", "another file"],
)
async def test_whatever_is_different_about_it_is_proposed(program: Program) -> None:
    changes, told = await changed(program)
    assert [one[:2] for one in changes] == [("the host has changed the program", program)]
    assert told == []
