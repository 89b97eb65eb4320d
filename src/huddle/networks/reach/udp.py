"""UDP sockets and the transports that take them over, without a socket that stays where it is cancelled.

Making a transport takes a turn or two of the loop. uvloop leaves a socket open that is given up meanwhile.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

from huddle.tasks import joined

Ends = Sequence[tuple[asyncio.DatagramProtocol, socket.socket]]


async def endpoint[P: asyncio.DatagramProtocol](
    make: Callable[[], P], **how: Any
) -> tuple[asyncio.DatagramTransport, P]:
    """As the loop's `create_datagram_endpoint`, which raises OSError; cancelled, it leaves no socket."""
    making = asyncio.ensure_future(asyncio.get_running_loop().create_datagram_endpoint(make, **how))
    try:
        return await joined(making)
    except asyncio.CancelledError:
        (await making)[0].abort()
        raise


async def endpoints(ends: Ends) -> list[asyncio.DatagramTransport]:
    """A transport for each socket, with that protocol; the sockets are the transports' from now on.

    Where this is cancelled, all of the sockets are closed.
    """
    making = asyncio.ensure_future(_made(ends))
    try:
        return await joined(making)
    except asyncio.CancelledError:
        for transport in await making:
            transport.abort()
        raise


async def _made(ends: Ends) -> list[asyncio.DatagramTransport]:
    create = asyncio.get_running_loop().create_datagram_endpoint
    return [(await create(lambda one=protocol: one, sock=sock))[0] for protocol, sock in ends]  # type: ignore[misc]
