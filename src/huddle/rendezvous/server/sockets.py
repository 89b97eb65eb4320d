"""What uvicorn leaves open to a hostile or dead client, closed: two protocols for `RendezvousServer`.

Each connection holds at most one message read and one being written, beside the buffers of its socket.
"""

import asyncio
import socket
import ssl
import sys
from asyncio.transports import BaseTransport
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.server.socket_guard import SocketGuard

_RELAY = "/v1/relay/"
# A chunk of 256 KiB that was read holds fewer messages of any link; more are there to fill the memory.
_MESSAGES = 8_192
_UNSENT = 131_072  # bytes that the kernel keeps for a reader of a room: some records
_FRAGMENTS = 64  # no Huddle client sends any; each empty one would cost memory that no size limit counts


def protocols(  # noqa: C901 - two classes with few branches each
    limits: ServerLimits, guard: SocketGuard, tls: ssl.SSLContext | None, stalled: Callable[[], None]
) -> tuple[type[asyncio.Protocol], type[asyncio.Protocol]]:
    """The HTTP and WebSocket protocols with these limits, over TLS where there is a context.

    `stalled` is called for each reader that is dropped.
    """

    class Http(H11Protocol):
        """Counts its socket at once, and gives TLS, each request and each answer a deadline of their own."""

        _deadline: asyncio.TimerHandle | None = None
        _upgraded = False
        _early: bytearray | None = None  # what came through TLS before this knows its transport

        def connection_made(self, transport: BaseTransport) -> None:
            transport = cast(asyncio.Transport, transport)
            if not guard.enter(transport):
                self.transport = transport  # it is told that the connection is lost
                transport.abort()
                return
            _limit_silence(transport, limits.stall)
            if tls is None:
                self._begin(transport)
                return
            self.transport = transport
            self._early = bytearray()
            transport.pause_reading()  # what comes is for TLS, which reads it once it is there
            handshake = self.loop.create_task(self._secure(transport, tls))
            self.tasks.add(handshake)
            handshake.add_done_callback(self.tasks.discard)

        async def _secure(self, plain: asyncio.Transport, context: ssl.SSLContext) -> None:
            # Not by the listening socket: there it would be counted only after the handshake.
            try:
                secure = await self.loop.start_tls(
                    plain, self, context, server_side=True, ssl_handshake_timeout=limits.tls
                )
            except (OSError, EOFError):  # TLS errors, timeouts and lost connections are OSErrors
                secure = None
            finally:
                if sys.exception() is not None:
                    guard.leave(plain)
                    plain.abort()
            if secure is None or not guard.replace(plain, secure):
                guard.leave(plain)
                plain.abort()
                return
            self._begin(secure)
            early, self._early = self._early, None
            if early:
                self.data_received(bytes(early))

        def data_received(self, data: bytes) -> None:
            if self._early is None:
                super().data_received(data)
            else:
                self._early += data

        def _begin(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._set_deadline(limits.first_message)

        def _set_deadline(self, seconds: float) -> None:
            if self._deadline:
                self._deadline.cancel()
            self._deadline = self.loop.call_later(seconds, self._late, cast(object, self.cycle))

        def _late(self, before: object) -> None:
            """No request is complete yet, or its answer was not taken: whatever came in little pieces."""
            cycle = self.cycle
            answering = cast(object, cycle) is not None and not (cycle.response_complete or cycle.more_body)
            if answering and cycle is not before:
                self._set_deadline(limits.response)
            elif not self._upgraded:
                self.transport.abort()

        def on_response_complete(self) -> None:
            self._set_deadline(limits.first_message)
            super().on_response_complete()

        def handle_websocket_upgrade(self, event: Any) -> None:
            self._upgraded = True
            self._end_deadline()
            guard.became_websocket(self.transport)
            super().handle_websocket_upgrade(event)

        def connection_lost(self, exc: Exception | None) -> None:
            self._end_deadline()
            guard.leave(self.transport)
            super().connection_lost(exc)

        def _end_deadline(self) -> None:
            if self._deadline:
                self._deadline.cancel()
                self._deadline = None

    class WebSocket(WebSocketsSansIOProtocol):
        """Drops a reader that takes nothing, and does not answer pings that it does not take."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.close_timeout = 1.0
            self._stall: asyncio.TimerHandle | None = None

        def pause_writing(self) -> None:
            super().pause_writing()
            self._stall = self.loop.call_later(limits.stall, self._drop)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._no_stall()

        def connection_lost(self, exc: Exception | None) -> None:
            self._no_stall()
            guard.leave(self.transport)
            super().connection_lost(exc)

        def handle_connect(self, event: Request) -> None:
            # Else each of an address's many channels could make the server hold a message of a room's size.
            if event.path.startswith(_RELAY):
                self.conn.max_message_size = limits.relayed_message
            else:
                # Else the kernel takes some megabytes for each reader of a room that reads nothing.
                sock = self.transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNSENT)
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
