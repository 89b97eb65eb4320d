"""A runner's event loops: they connect the session's parties, whoever makes a loop.

`equip` changes a class of event loops. Where `create_connection` is called for `p2.huddle`, or
`create_server` for this party's own port, it is the session that answers (`PeerConnections` in
running/runner/loop.py); every other host and port is left to the loop itself.

This file must not import huddle: a runner loads it by its path, in any interpreter from Python 3.10 on.
"""

import asyncio
import functools
from typing import Any


class ConnectedServer(asyncio.AbstractServer):
    """What `create_server` returns: the peers are connected already, so there is nothing to close."""

    sockets: "tuple[Any, ...]" = ()

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._serving = True

    def close(self) -> None:
        self._serving = False

    def get_loop(self) -> Any:
        return self._loop

    def is_serving(self) -> bool:
        return self._serving

    async def start_serving(self) -> None:
        """It serves."""

    async def serve_forever(self) -> None:
        await self._loop.create_future()

    async def wait_closed(self) -> None:
        """It is closed as soon as it is told to."""


def equip(loop_type: Any, session: Any, first_port: int) -> None:
    """Let all event loops of this class, and of those made from it, connect the session's parties.

    `session` is a `PeerConnections`; party i has the port `first_port` + i, and this party serves at its own.
    """
    create_connection, create_server = loop_type.create_connection, loop_type.create_server
    run_forever = loop_type.run_forever

    @functools.wraps(create_connection)
    async def connect(self, protocol_factory, host=None, port=None, **options):  # type: ignore[no-untyped-def]
        for pid in range(session.pid + 1, len(session.channels) + 1):
            if (host, port) == (f"p{pid}.huddle", first_port + pid):
                return session.connect(self, pid, protocol_factory)
        return await create_connection(self, protocol_factory, host, port, **options)

    @functools.wraps(create_server)
    async def serve(self, protocol_factory, host=None, port=None, **options):  # type: ignore[no-untyped-def]
        if host is None and port == first_port + session.pid:
            session.serve(self, protocol_factory)
            return ConnectedServer(self)
        return await create_server(self, protocol_factory, host, port, **options)

    @functools.wraps(run_forever)
    def run(self: Any) -> None:
        if session.verdict:
            self.call_soon(session.judge)
        try:
            run_forever(self)
        finally:
            if self is session.loop:
                session.flush()

    run.tells_huddle = True  # type: ignore[attr-defined]
    loop_type.create_connection, loop_type.create_server, loop_type.run_forever = connect, serve, run
