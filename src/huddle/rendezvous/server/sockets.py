"""What uvicorn leaves open to a hostile or dead client, closed: two protocols for `RendezvousServer`.

Each connection holds at most one message read and one being written, beside the buffers of its socket.
"""

import asyncio
import socket
import sys
from asyncio.transports import BaseTransport
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

_RELAY = "/v1/relay/"
# A chunk of 256 KiB that was read holds fewer messages of any link; more are there to fill the memory.
_MESSAGES = 8_192
_FRAGMENTS = 64  # no Huddle client sends any; each empty one would cost memory that no size limit counts


def protocols(
    handshake: float, stall: float, relayed: int, stalled: Callable[[], None]
) -> tuple[type[asyncio.Protocol], type[asyncio.Protocol]]:
    """The HTTP and WebSocket protocols with these limits.

    `handshake` and `stall` are in seconds, `relayed` is the size of a message on a relay channel in bytes;
    `stalled` is called for each reader that is dropped.
    """

    class Http(H11Protocol):
        """Drops a client that does not come to a request in time."""

        def connection_made(self, transport: BaseTransport) -> None:
            transport = cast(asyncio.Transport, transport)
            super().connection_made(transport)
            _limit_silence(transport, stall)
            self.loop.call_later(handshake, self._expect_request, transport)

        def _expect_request(self, transport: asyncio.Transport) -> None:
            if transport.get_protocol() is self and cast(object, self.cycle) is None:
                transport.abort()

    class WebSocket(WebSocketsSansIOProtocol):
        """Drops a reader that takes nothing, and does not answer pings that it does not take."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.close_timeout = 1.0
            self._stall: asyncio.TimerHandle | None = None

        def pause_writing(self) -> None:
            super().pause_writing()
            self._stall = self.loop.call_later(stall, self._drop)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._no_stall()

        def connection_lost(self, exc: Exception | None) -> None:
            self._no_stall()
            super().connection_lost(exc)

        def handle_connect(self, event: Request) -> None:
            # Else each of an address's many channels could make the server hold a message of a room's size.
            if event.path.startswith(_RELAY):
                self.conn.max_message_size = relayed
            super().handle_connect(event)

        def send_receive_event_to_app(self) -> None:
            if self.queue.qsize() >= _MESSAGES:
                self.transport.abort()
                return
            super().send_receive_event_to_app()

        def handle_ping(self) -> None:
            output = b"".join(self.conn.data_to_send())
            if self.writable.is_set():
                self.transport.write(output)

        def handle_cont(self, event: Frame) -> None:
            if len(self.frames) >= _FRAGMENTS:
                self.transport.abort()
                return
            super().handle_cont(event)

        def _no_stall(self) -> None:
            if self._stall:
                self._stall.cancel()
                self._stall = None

        def _drop(self) -> None:
            stalled()
            self.transport.abort()

    return Http, WebSocket


def _limit_silence(transport: asyncio.Transport, seconds: float) -> None:
    # Else a peer that vanished keeps its socket, and what was not acknowledged, for a quarter of an hour.
    if sys.platform == "linux":
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
