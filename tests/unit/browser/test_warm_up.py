"""What a runner does while it waits is what it is said to be, and leaves nothing."""

import asyncio
import gc

import pytest

from huddle.browser import warm_up


def test_all_parties_open_the_squares_that_were_carried() -> None:
    sizes = []

    def carried(message: bytes) -> bytes:
        sizes.append(len(message))
        return message

    work = warm_up.slices(carried)
    assert next(work) == [[1, 4, 9]] * 3
    assert next(work) == [[4, 9, 16]] * 3
    assert sizes == [42] * 18
    work.close()


def test_it_ends_and_leaves_no_loop_and_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "ROUNDS", 5)
    assert sum(1 for _ in warm_up.slices(bytes)) == 5
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()
    gc.collect()
    left = [one for one in gc.get_objects() if isinstance(one, warm_up._ReadyLoop)]
    assert not [loop for loop in left if not loop.is_closed()]
