"""The lower end of a terminal, on a real pseudo-terminal."""

import asyncio
import os
import pty
import sys
from collections.abc import Iterator
from typing import TextIO

import pytest

from huddle.cli.terminal.region import Region


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """Writes to a terminal that is standard input."""
    master, slave = pty.openpty()
    with open(slave, encoding="utf-8") as terminal, open(os.dup(slave), "w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield out
    os.close(master)


async def test_a_picture_is_made_once_on_each_occasion(out: TextIO) -> None:
    painted = 0

    def paint(width: int, height: int) -> str:
        nonlocal painted
        painted += 1
        return f"picture {painted}"

    region = Region(out, paint, lambda: "> ", lambda: None)
    await region.begin()
    asking = asyncio.create_task(region.ask())
    for _ in range(5):
        region.refresh()
        await asyncio.sleep(0.05)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert 5 <= painted <= region._app.render_counter
    await region.end()
