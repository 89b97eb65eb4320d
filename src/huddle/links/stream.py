"""A wire over an asyncio transport: TCP, TLS, or a Unix socket.

`StreamWire` is the protocol object that `create_connection` and `create_server` want. What arrives
before somebody starts the wire waits in it, up to a limit beyond which it stops reading. It knows
nothing of what the bytes mean; socket options and certificates are the network's affair.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from huddle.links.wire import WireInfo, WireReceiver

HELD = 64 << 10  # bytes that may wait for a receiver; a link proof is a few hundred
LINGER = 2.0  # seconds that a closed wire may still take to send what is left


def _drop(data: bytes) -> None:
    """There is no connection yet, or no longer."""


class StreamWire(asyncio.Protocol):
    """A `Wire` over a stream transport.

    `connected` is called with the wire and its transport once there is a connection (with TLS: after
    the handshake), so that its owner can set `info` by what it sees there.
    """

    def __init__(
        self, info: WireInfo, connected: Callable[["StreamWire", asyncio.Transport], None] | None = None
    ) -> None:
        self.info = info
        self.send: Callable[[bytes], None] = _drop  # the transport's own `write`, while there is one
        self._connected = connected
        self._transport: asyncio.Transport | None = None
        self._receiver: WireReceiver | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._paused = False
        self._lost: str | None = None  # why, until a receiver has been told
        self._closed = False
        self._linger: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        state = "closed" if self._closed else "lost" if self._transport is None else "open"
        return f"<StreamWire {self.info.network}, {self.info.path}, {state}>"

    @property
    def over(self) -> bool:
        """Whether it was closed here, or lost."""
        return self._closed or self._transport is None

    # --- Wire

    def start(self, receiver: WireReceiver) -> None:
        """Deliver to this receiver from now on, and first what arrived before."""
        self._receiver = receiver
        while self._held and self._receiver is receiver and not self._closed:
            data = b"".join(self._held)
            self._held.clear()
            self._held_bytes = 0
            receiver.wire_data(data)
        if self._paused and self._transport is not None and not self._closed:
            self._paused = False
            self._transport.resume_reading()
        if self._receiver is receiver and not self._held:
            # A transport of ours looks this up for each message, and so saves a call.
            self.data_received = receiver.wire_data  # type: ignore[method-assign]
        if self._lost is not None and self._receiver is receiver and not self._closed:
            reason, self._lost = self._lost, None
            receiver.wire_lost(reason)

    def unread(self, data: bytes) -> None:
        """Give back bytes that belong to the next receiver, and stop delivering until it starts."""
        self._forget()
        if data:
            self._held.insert(0, data)
            self._held_bytes += len(data)

    def close(self) -> None:
        """Send what is left, then close; what does not go out within two seconds is dropped."""
        transport = self._transport
        if not self._closed and transport is not None:
            if transport.can_write_eof() and not transport.is_closing():
                # The sending half only: closing both while the other end still sends would make the
                # kernel answer with a reset, which can destroy what was sent last.
                transport.write_eof()
                if self._paused:
                    transport.resume_reading()
            else:
                transport.close()
            self._linger = asyncio.get_running_loop().call_later(LINGER, transport.abort)
        self._shut()

    def abort(self) -> None:
        """Drop the wire at once."""
        self._shut()
        if self._transport is not None:
            self._transport.abort()

    def _shut(self) -> None:
        self._closed = True
        self.send = _drop
        self._forget()
        self._held.clear()

    def _forget(self) -> None:
        self._receiver = None
        self.__dict__.pop("data_received", None)

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection."""
        self._transport = cast(asyncio.Transport, transport)
        # All that waits is bounded by the link's window, so a full transport need not hold anybody up.
        self._transport.set_write_buffer_limits(high=1 << 30)
        if self._closed:
            self._transport.abort()
            return
        self.send = self._transport.write
        if self._connected is not None:
            self._connected(self, self._transport)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._receiver is not None:
            self._receiver.wire_data(data)
        elif not self._closed:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes > HELD and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The peer closed; a wire has no half-open state, so the transport closes too."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._transport = None
        self.send = _drop
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._closed:
            return
        reason = f"connection lost: {exc}" if exc else "closed by the other end"
        if self._receiver is not None and not self._held:
            self._receiver.wire_lost(reason)
        else:
            self._lost = reason
