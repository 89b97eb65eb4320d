"""Who is away for long enough counts as gone; who comes back meanwhile does not."""

import asyncio

import pytest

from huddle.rendezvous.client import absence
from huddle.rendezvous.client.absence import absent


async def test_only_looks_in_a_row_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "LOOK", 0.001)
    looks = iter([True, True, False, True, True, True])
    heard: list[float] = []
    await asyncio.wait_for(absent(0.0025, lambda: next(looks), heard.append), 10)
    assert heard == pytest.approx([0.001, 0.002, 0.0, 0.001, 0.002, 0.003])
