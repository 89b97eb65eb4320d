"""A wire over TCP with mutual TLS 1.3.

It runs TLS itself, between OpenSSL in memory and a plain TCP transport, and not by the event loop's
own: so a stranger's failed handshake stays silent, what arrives together is delivered together, and
asyncio and uvloop behave alike. It does not know peers: `secured` says which certificate was shown, and
whoever made the wire decides.

    dialling side:   TLS handshake | preamble: run U32 | the link's bytes
    dialled side:    TLS handshake | the link's bytes

The preamble comes only from the side that dialled, which can have several connections until it chooses.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from huddle.links.wire import Receiver, WireInfo
from huddle.networks.certificates import fingerprint

PREAMBLE_SIZE = 4

# One call of the kernel brings at most so much; larger is not faster.
_READ_SIZE = 262_144

# OpenSSL gives one record (16 KiB) a call at most.
_RECORD_SIZE = 16_384

# A receiver is some turns of the event loop away; what a peer sends until then need not all be read.
_EARLY_LIMIT = 262_144

# What a TLS alert takes on the wire at most, with its record: a farewell that is still worth sending.
_ALERT_SIZE = 64

# How long a closed wire waits for what it sent to be taken. A peer that takes nothing is dead by then.
_CLOSING_SECONDS = 5.0


class TlsWire(asyncio.BufferedProtocol):
    """One connection; implements `huddle.links.wire.Wire` once it is secured.

    `secured(wire, certificate)` is called when the handshake is done: False refuses the peer. With
    `preamble`, `introduced(wire, bytes)` is called when the dialling side's preamble is there.
    `ended(wire, reason)` is called once when the connection is gone, whoever ended it.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        local_key: bytes,
        *,
        dialled: bool,
        secured: Callable[["TlsWire", bytes], bool],
        introduced: Callable[["TlsWire", bytes], None] | None = None,
        ended: Callable[["TlsWire", str], None],
    ) -> None:
        self._local_key = local_key
        self._secured = secured
        self._introduced = introduced
        self._ended = ended
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=not dialled)
        self._buffer = bytearray(_READ_SIZE)
        self._view = memoryview(self._buffer)
        self._transport: asyncio.Transport | None = None
        self._peername: tuple[Any, ...] | None = None
        self._receiver: Receiver | None = None
        self._early: list[bytes] = []
        self._early_size = 0
        self._preamble = b""
        self._ready = False
        self._closing = False
        self._lost = False
        self._reason = ""
        self._linger: asyncio.TimerHandle | None = None
        self._info: WireInfo | None = None

    def __repr__(self) -> str:
        state = "lost" if self._lost else "closing" if self._closing else "ready" if self._ready else "new"
        return f"<TlsWire {self._info.path if self._info else 'unconnected'} {state}>"

    @property
    def info(self) -> WireInfo:
        """What is known of this wire; there is nothing to know before it is secured."""
        assert self._info is not None
        return self._info

    @property
    def connected(self) -> bool:
        """Whether there was a connection, so that `ended` has been or will be called."""
        return self._transport is not None

    @property
    def closing(self) -> bool:
        """Whether this side is done with it, and only the rest is still on its way."""
        return self._closing

    def start(self, receiver: Receiver) -> None:
        """Deliver to this receiver from now on, and first what arrived before."""
        self._receiver = receiver
        early, self._early, self._early_size = self._early, [], 0
        if early:
            receiver.wire_data(b"".join(early))
        if self._lost and self._receiver is receiver:
            self._receiver = None
            if not self._closing:
                receiver.wire_lost(self._reason)
        elif not self._lost and self._transport is not None and not self._closing:
            self._transport.resume_reading()

    def send(self, data: bytes) -> None:
        """Send, without waiting; does nothing on a lost or closed wire."""
        if self._lost or self._closing or not data:
            return
        try:
            self._tls.write(data)
        except ssl.SSLError as exc:
            self._fail(_tls_reason(exc))
            return
        self._flush()

    def close(self) -> None:
        """Send what is left, then close. No `wire_lost` follows."""
        if self._lost or self._closing:
            self._receiver = None
            return
        self._closing = True
        self._receiver = None
        self._early = []
        transport = self._transport
        if transport is None or not self._ready:
            self.abort()
            return
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # it wants the peer's answer, which nobody waits for
        self._flush()
        # Only the sending half: closing both while the peer still sends would make the kernel
        # answer with a reset, which can destroy what was sent last.
        if not transport.is_closing() and transport.can_write_eof():
            transport.write_eof()
            transport.resume_reading()
            self._linger = asyncio.get_running_loop().call_later(_CLOSING_SECONDS, transport.abort)
        else:
            transport.close()

    def abort(self) -> None:
        """Drop the wire at once. No `wire_lost` follows."""
        self._closing = True
        self._receiver = None
        self._early = []
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop: the TCP connection is there."""
        self._transport = cast(asyncio.Transport, transport)
        self._peername = transport.get_extra_info("peername")
        if self._closing or self._peername is None:  # given up, or gone again before anybody looked
            self._transport.abort()
            return
        self._shake_hands()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Called by the event loop: where to put what arrives."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the event loop: so many bytes have arrived."""
        if self._closing:
            return
        self._incoming.write(self._view[:nbytes])
        if not self._ready:
            self._shake_hands()
        if self._ready:
            self._read()

    def eof_received(self) -> bool:
        """Called by the event loop: the peer will send no more."""
        if not self._closing:
            self._fail("the peer closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop: the TCP connection is gone."""
        if self._linger is not None:
            self._linger.cancel()
        if not self._reason:
            self._reason = _socket_reason(exc) if exc else "the connection was closed"
        self._lose()
        self._ended(self, self._reason)

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as exc:
            self._flush()  # the alert that says why
            self._fail(_tls_reason(exc))
            return
        self._flush()
        certificate = self._tls.getpeercert(binary_form=True)
        assert certificate is not None  # the context requires one
        self._info = self._describe(certificate)
        self._ready = True
        if not self._secured(self, certificate):
            self._fail("the peer showed a certificate that does not belong here")

    def _describe(self, certificate: bytes) -> WireInfo:
        assert self._peername is not None
        host, port = self._peername[:2]
        path = f"direct, {host} port {port}"
        return WireInfo("tls", path, self._local_key, fingerprint(certificate), True)

    def _read(self) -> None:
        """Take all that is there out of TLS, and deliver it as one."""
        if self._introduced is not None and not self._read_preamble(self._introduced):
            return
        parts: list[bytes] = []
        end = ""
        try:
            while part := self._tls.read(_RECORD_SIZE):
                parts.append(part)
            end = "the peer closed the connection"
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as exc:
            end = _tls_reason(exc)
        if self._outgoing.pending:
            self._flush()
        if parts and not self._closing:
            self._deliver(parts[0] if len(parts) == 1 else b"".join(parts))
        if end and not self._closing:
            self._fail(end)

    def _read_preamble(self, introduced: Callable[["TlsWire", bytes], None]) -> bool:
        """Whether the preamble is complete and its reader still wants the wire."""
        try:
            while len(self._preamble) < PREAMBLE_SIZE:
                part = self._tls.read(PREAMBLE_SIZE - len(self._preamble))
                if not part:
                    self._fail("the peer closed the connection")
                    return False
                self._preamble += part
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as exc:
            self._fail(_tls_reason(exc))
            return False
        self._introduced = None
        introduced(self, self._preamble)
        return not (self._closing or self._lost)

    def _deliver(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.wire_data(data)
            return
        self._early.append(data)
        self._early_size += len(data)
        if self._early_size > _EARLY_LIMIT and self._transport is not None:
            self._transport.pause_reading()

    def _flush(self) -> None:
        if self._outgoing.pending and self._transport is not None:
            self._transport.write(self._outgoing.read())

    def _fail(self, reason: str) -> None:
        """End the connection for a reason that the receiver is told."""
        if self._closing or self._lost:
            return
        self._reason = reason
        assert self._transport is not None
        if self._transport.get_write_buffer_size() > _ALERT_SIZE:
            self._transport.abort()  # nobody takes what is left
        else:
            self._transport.close()
        self._lose()

    def _lose(self) -> None:
        if self._lost:
            return
        self._lost = True
        receiver, self._receiver = self._receiver, None
        if receiver is not None and not self._closing:
            receiver.wire_lost(self._reason)


def _tls_reason(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"TLS said: {exc.verify_message}"
    what: Any = exc.reason or (exc.args[-1] if exc.args else exc)
    return f"TLS said: {str(what).replace('_', ' ').lower()}"


def _socket_reason(exc: Exception) -> str:
    if isinstance(exc, ConnectionResetError):
        return "the connection was reset"
    if isinstance(exc, TimeoutError):
        return "the peer's machine no longer answers"
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror.lower()
    return str(exc) or type(exc).__name__
