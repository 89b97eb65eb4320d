"""A wire over an asyncio transport: TCP, TLS, or a Unix socket.

`StreamWire` is the protocol object that `create_connection` and `create_server` want. It knows nothing of
what the bytes mean; socket options and certificates are the network's affair.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from huddle.links.buffered_wire import BufferedWire
from huddle.links.wire import WireInfo, WireReceiver

LINGER = 2.0  # seconds that a closed wire may still take to send what is left


class StreamWire(BufferedWire, asyncio.Protocol):
    """A `Wire` over a stream transport.

    `connected` is called with the wire and its transport once there is a connection (with TLS: after
    the handshake), so that its owner can tell it what is seen there.
    """

    def __init__(
        self, info: WireInfo, connected: Callable[["StreamWire", asyncio.Transport], None] | None = None
    ) -> None:
        super().__init__(info)
        self._connected = connected
        self._transport: asyncio.Transport | None = None
        self._linger: asyncio.TimerHandle | None = None

    # --- Wire

    def start(self, receiver: WireReceiver) -> None:
        """Deliver to this receiver from now on, and first what arrived before."""
        self.__dict__.pop("data_received", None)
        super().start(receiver)
        if self._receiver is receiver and not self.over:
            # A transport of ours looks this up for each message, and so saves two calls.
            self.data_received = receiver.wire_data  # type: ignore[method-assign]

    def send(self, data: bytes) -> None:
        """Nothing: there is no connection yet, or no longer. While there is, its own `write` stands here."""

    def close(self) -> None:
        """Send what is left, then close; what does not go out within two seconds is dropped."""
        transport = self._transport
        if not self._over and transport is not None:
            if transport.can_write_eof() and not transport.is_closing():
                # The sending half only: closing both while the other end still sends would make the
                # kernel answer with a reset, which can destroy what was sent last.
                transport.write_eof()
            else:
                transport.close()
            self._linger = asyncio.get_running_loop().call_later(LINGER, transport.abort)
        self._shut()

    def abort(self) -> None:
        """Drop the wire at once."""
        self._shut()
        if self._transport is not None:
            self._transport.abort()

    # --- BufferedWire

    def _shut(self) -> None:
        self.__dict__.pop("data_received", None)
        self.__dict__.pop("send", None)
        super()._shut()

    def _pause(self, paused: bool) -> None:
        if self._transport is not None:
            self._transport.pause_reading() if paused else self._transport.resume_reading()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection."""
        self._transport = cast(asyncio.Transport, transport)
        # All that waits is bounded by the link's window, so a full transport need not hold anybody up.
        self._transport.set_write_buffer_limits(high=1 << 30)
        if self._over:
            self._transport.abort()
            return
        self.send = self._transport.write  # type: ignore[method-assign]
        if self._connected is not None:
            self._connected(self, self._transport)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        self.arrived(data)

    def eof_received(self) -> bool:
        """The peer closed; a wire has no half-open state, so the transport closes too."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._transport = None
        self.__dict__.pop("send", None)
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        self.lost(f"connection lost: {exc}" if exc else "closed by the other end")
