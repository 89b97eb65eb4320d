"""No test of the engine leaves a process, whatever happens in it."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.running import support


@pytest.fixture(autouse=True)
async def no_process_stays() -> AsyncIterator[None]:
    yield
    while support.tables:
        await support.tables.pop().clear()
