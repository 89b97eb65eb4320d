"""TCP to a peer through a tunnel, also where a firewall at each end lets no TCP in.

    called    one connects to the port that the other listens on
    crossed   both connect at once, from and to ports that follow from the run; each firewall takes what comes
              for an answer, and TCP has a connection that both began (RFC 9293, 3.5)

    called:   run (4 bytes) | the wire's bytes
    crossed:  the same, from each end

Each dial tries the first, and after a moment both. It knows sockets and no WireGuard.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

PREAMBLE = 4
CROSSING = 0.5  # seconds that the listening port has to answer before both ways are tried

_FIRST, _PORTS = 16_384, 16_384  # ports of what both begin
_AGAIN = 0.2  # seconds after which it is begun again where nobody has begun there

Connect = Callable[[int, int], Awaitable[socket.socket]]  # own port, 0: any, and the peer's


async def reach(connect: Connect, port: int, run: int) -> socket.socket:
    """A connection on which the run has been said, by the first way that works; tries for ever.

    Raises what `connect` raises for the peer's `port`.
    """
    call = asyncio.create_task(_call(connect, port, run))
    cross = asyncio.create_task(_cross(connect, run))
    taken: socket.socket | None = None
    try:
        done, _ = await asyncio.wait({call, cross}, return_when=asyncio.FIRST_COMPLETED)
        taken = (call if call in done else cross).result()
        return taken
    finally:
        for task in (call, cross):
            task.cancel()
        for made in await asyncio.gather(call, cross, return_exceptions=True):
            if isinstance(made, socket.socket) and made is not taken:
                made.close()


async def _call(connect: Connect, port: int, run: int) -> socket.socket:
    return await _said(await connect(0, port), run)


async def _cross(connect: Connect, run: int) -> socket.socket:
    await asyncio.sleep(CROSSING)
    port = _FIRST + run % _PORTS
    while True:
        with suppress(OSError):
            sock = await connect(port, port)
            # Else the next one could not have these ports for a minute.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if await _heard(await _said(sock, run)) == run:
                return sock
            sock.close()
        await asyncio.sleep(_AGAIN)


async def _said(sock: socket.socket, run: int) -> socket.socket:
    try:
        await asyncio.get_running_loop().sock_sendall(sock, run.to_bytes(PREAMBLE, "big"))
    except BaseException:
        sock.close()
        raise
    return sock


async def _heard(sock: socket.socket) -> int:
    """The run that the other end says; -1 where it says none."""
    said = b""
    try:
        while len(said) < PREAMBLE:
            part = await asyncio.get_running_loop().sock_recv(sock, PREAMBLE - len(said))
            if not part:
                return -1
            said += part
    except BaseException:
        sock.close()
        raise
    return int.from_bytes(said, "big")
