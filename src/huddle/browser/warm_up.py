"""Work for a runner that waits for its program: so that the browser has compiled what a round calls.

A browser compiles Python's WebAssembly twice: all of it quickly, and what turns out to be called often once
more, better and beside the program. In a program's first few hundred rounds that is half of what is
computed. So while people compare their words, a runner does what MPyC does in a round: three parties, tasks
that wait for each other, multiply and open in a prime field, in messages of bytes. Nothing of it stays.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Generator

ROUNDS = 2000  # twice as many gain nothing more
_PRIME = 2**89 - 1  # of numbers as large as those of a `SecInt()`
_SIZE = 12  # bytes of one
_HEADER = struct.Struct("<HI")
_LAGRANGE = (3, -3, 1)  # from the values of a polynomial of degree 2 at 1, 2 and 3 to that at 0


class _ReadyLoop(asyncio.BaseEventLoop):
    """A loop for tasks that wait for nothing but each other."""

    def _run_once(self) -> None:
        ready: deque[asyncio.Handle] = self._ready  # type: ignore[attr-defined, unused-ignore]
        for _ in range(len(ready)):
            ready.popleft()._run()


def slices(carried: Callable[[bytes], bytes]) -> Generator[list[list[int]], None, None]:
    """One round each, with the squares that every party opens; `carried` gives a message as it arrives."""
    loop = _ReadyLoop()
    try:
        for number in range(ROUNDS):
            yield loop.run_until_complete(_round([number + 1, number + 2, number + 3], carried))
    finally:
        loop.close()


async def _round(secrets: list[int], carried: Callable[[bytes], bytes]) -> list[list[int]]:
    loop = asyncio.get_running_loop()
    parties = range(len(_LAGRANGE))
    boxes = [[loop.create_future() for _ in parties] for _ in parties]
    return await asyncio.gather(*(_party(pid, secrets, boxes, carried) for pid in parties))


async def _party(
    pid: int,
    secrets: list[int],
    boxes: "list[list[asyncio.Future[bytes]]]",
    carried: Callable[[bytes], bytes],
) -> list[int]:
    """Square its shares, tell them everybody, and put together what all have told."""
    shares = [(secret + (pid + 1) * pow(secret, 5, _PRIME)) % _PRIME for secret in secrets]
    data = b"".join((share * share % _PRIME).to_bytes(_SIZE, "little") for share in shares)
    loop = asyncio.get_running_loop()
    for box in boxes[pid]:
        loop.call_soon(box.set_result, carried(_HEADER.pack(pid, len(data)) + data))
    told = [_numbers(await boxes[peer][pid]) for peer in range(len(boxes))]
    return [sum(map(int.__mul__, _LAGRANGE, values)) % _PRIME for values in zip(*told, strict=True)]


def _numbers(message: bytes) -> list[int]:
    _, size = _HEADER.unpack_from(message)
    data = memoryview(message)[_HEADER.size :]
    return [int.from_bytes(data[at : at + _SIZE], "little") for at in range(0, size, _SIZE)]
