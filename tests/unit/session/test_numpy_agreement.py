"""What parties tell each other of numpy before a program that names it."""

import asyncio

import pytest

from huddle.session.control_messages import Numpy
from huddle.session.numpy_agreement import NumpyAgreement, named


@pytest.mark.parametrize(
    ("files", "may"),
    [
        ({"a.py": b"from mpyc.numpy import np"}, True),
        ({"a.py": b"pass", "lib/b.py": b"import numpy"}, True),
        ({"a.py": b"pass", "numpy.txt": b"numpy"}, False),
    ],
)
def test_only_a_program_that_names_it_is_held_up(files: dict[str, bytes], may: bool) -> None:
    assert named(files) is may


async def test_all_are_heard_of_that_run_whenever_they_say_it() -> None:
    told: list[Numpy] = []
    arrays = NumpyAgreement([0, 2, 3], told.append)
    arrays.take(0, Numpy(1, False))  # of the run before
    arrays.take(2, Numpy(2, False))  # before this party has come so far
    waiting = asyncio.create_task(arrays.lacking(2, True))
    await asyncio.sleep(0)
    assert told == [Numpy(2, True)]
    arrays.take(3, Numpy(2, True))
    await asyncio.sleep(0)
    assert not waiting.done()
    arrays.take(0, Numpy(2, True))
    assert await waiting == [2]
