"""Mutual TLS 1.3 over a TCP transport: a protocol to the event loop, a transport to the wire above it.

It runs TLS itself, between OpenSSL in memory and a plain TCP transport, and not by the event loop's
own: so a stranger's failed handshake stays silent, what arrives together is delivered together, and
asyncio and uvloop behave alike. It knows neither peers nor wires: `secured` is told which certificate
was shown, and decides.

    dialling side:   TLS handshake | preamble (4 bytes) | the wire's bytes
    dialled side:    TLS handshake | the wire's bytes

The preamble comes only from the side that dialled, which may have several connections until it chooses.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

PREAMBLE_SIZE = 4

# OpenSSL gives one record (16 KiB) a call at most.
_RECORD_SIZE = 16_384

# What a TLS alert takes with its record at most: a farewell that is still worth sending.
_ALERT_SIZE = 64


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """One TCP connection with TLS on it.

    `secured(transport, certificate)` is called after the handshake with the peer's certificate (DER),
    and either attaches a protocol, leaves it to `introduced`, or aborts. Where `introduced` is given,
    the dialling side's preamble is read first, and `introduced(transport, preamble)` attaches.
    `begun(transport)` is called when there is a TCP connection, and then `ended(transport, reason)` once
    when it is gone, whoever ended it. An attempt that never became a connection calls neither.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        dialled: bool,
        secured: Callable[["TlsTransport", bytes], None],
        introduced: Callable[["TlsTransport", bytes], None] | None = None,
        begun: Callable[["TlsTransport"], None],
        ended: Callable[["TlsTransport", str], None],
    ) -> None:
        super().__init__()
        self._begun = begun
        self._secured = secured
        self._introduced = introduced
        self._ended = ended
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=not dialled)
        # Found once: these four are called for every message.
        self._encrypt, self._decrypt = self._tls.write, self._tls.read
        self._encrypted, self._arrived = self._outgoing.read, self._incoming.write
        self._tcp: asyncio.Transport | None = None
        self._protocol: asyncio.Protocol | None = None
        self._preamble = b""
        self._ready = False
        self._closing = False
        self._reason = ""
        self.peername: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        state = "closing" if self._closing else "ready" if self._ready else "new"
        return f"<TlsTransport {':'.join(map(str, self.peername[:2])) or 'unconnected'} {state}>"

    # --- asyncio.Transport, for the wire above

    def attach(self, protocol: asyncio.Protocol) -> None:
        """Deliver to this protocol from now on."""
        self._protocol = protocol
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, without waiting; does nothing once it is closing."""
        if self._closing or not data:
            return
        try:
            self._encrypt(data)
        except ssl.SSLError as exc:
            self._fail(_tls_reason(exc))
            return
        if self._tcp is not None:
            self._tcp.write(self._encrypted())

    def close(self) -> None:
        """Send what is left and close; the caller limits how long that may take, by `abort`."""
        if self._closing:
            return
        if self._tcp is None or not self._ready:
            self.abort()
            return
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # it wants the peer's answer, for which nobody waits
        self._flush()
        self._closing = True
        # Only the sending half: to close both while the peer still sends makes the kernel answer with a
        # reset, which can destroy what was sent last.
        if self._tcp.is_closing():
            return
        self._tcp.write_eof()
        self._tcp.resume_reading()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._closing = True
        if self._tcp is not None:
            self._tcp.abort()

    def can_write_eof(self) -> bool:
        """No: with TLS the farewell and the end belong together, and `close` does both."""
        return False

    def is_closing(self) -> bool:
        """Whether this side is done with it."""
        return self._closing

    def pause_reading(self) -> None:
        """Let the peer wait."""
        if self._tcp is not None and not self._closing:
            self._tcp.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._tcp is not None and not self._closing:
            self._tcp.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As of the TCP transport."""
        if self._tcp is not None:
            self._tcp.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Encrypted bytes that the kernel has not taken yet."""
        return 0 if self._tcp is None else self._tcp.get_write_buffer_size()

    # --- asyncio.Protocol, for the event loop below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a TCP connection."""
        self._tcp = cast(asyncio.Transport, transport)
        self.peername = transport.get_extra_info("peername") or ()
        self._begun(self)
        if self._closing or not self.peername:  # given up, or gone again before anybody looked
            self._tcp.abort()
        else:
            self._shake_hands()

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived; once this side has closed, they are nobody's."""
        if self._closing:
            return
        self._arrived(data)
        if not self._ready:
            self._shake_hands()
        if self._introduced is not None or self._protocol is None:
            if self._ready and not self._closing:
                self._read()
            return
        try:
            part = self._decrypt(_RECORD_SIZE)
        except ssl.SSLWantReadError:
            self._pass_on([], None)
        except ssl.SSLError as exc:
            self._pass_on([], _tls_reason(exc))
        else:
            # Such a call takes a whole record out, so nothing is left decrypted.
            if not part:
                self._pass_on([], "")
            elif self._incoming.pending or self._outgoing.pending:
                self._read(part)
            else:
                self._protocol.data_received(part)

    def eof_received(self) -> bool:
        """The peer sends no more; with TLS it should have said so before."""
        self._fail("closed without TLS's farewell")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone."""
        self._closing = True
        self._reason = self._reason or (_socket_reason(exc) if exc else "closed")
        self._tell(exc)
        self._ended(self, self._reason)

    # --- TLS

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
        self._ready = True
        certificate = self._tls.getpeercert(binary_form=True)
        assert certificate is not None  # the context requires one
        self._secured(self, certificate)

    def _read(self, first: bytes = b"") -> None:
        """Take all that is there out of TLS, and deliver it as one; `first` was taken already."""
        parts = [first] if first else []
        end: str | None = None
        try:
            if self._introduced is not None and not self._read_preamble():
                return
            while part := self._decrypt(_RECORD_SIZE):
                parts.append(part)
                # Asking in vain costs an exception, a tenth of a small message's way.
                if not (self._incoming.pending or self._tls.pending()):
                    break
            else:
                end = ""
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as exc:
            end = _tls_reason(exc)
        self._pass_on(parts, end)

    def _pass_on(self, parts: list[bytes], end: str | None) -> None:
        if self._outgoing.pending:
            self._flush()
        if parts and self._protocol is not None:
            self._protocol.data_received(parts[0] if len(parts) == 1 else b"".join(parts))
        if end is not None:
            self._fail(end)

    def _read_preamble(self) -> bool:
        """Whether the preamble is complete and somebody wants what follows; raises ssl.SSLWantReadError."""
        while len(self._preamble) < PREAMBLE_SIZE:
            part = self._tls.read(PREAMBLE_SIZE - len(self._preamble))
            if not part:
                self._fail("")
                return False
            self._preamble += part
        introduced, self._introduced = self._introduced, None
        assert introduced is not None
        introduced(self, self._preamble)
        return not self._closing

    def _flush(self) -> None:
        if self._outgoing.pending and self._tcp is not None:
            self._tcp.write(self._outgoing.read())

    def _fail(self, reason: str) -> None:
        """End the connection, for a reason that the protocol is told; an empty one is a proper close."""
        if self._closing:
            return
        self._closing = True
        self._reason = reason or "closed by the other end"
        assert self._tcp is not None
        if self._tcp.get_write_buffer_size() > _ALERT_SIZE:
            self._tcp.abort()  # nobody takes what is left
        else:
            self._tcp.close()
        self._tell(ConnectionError(reason) if reason else None)

    def _tell(self, exc: Exception | None) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connection_lost(exc)


def _tls_reason(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"TLS said: {exc.verify_message}"
    return f"TLS said: {str(exc.reason or exc).replace('_', ' ').lower()}"


def _socket_reason(exc: Exception) -> str:
    if isinstance(exc, ConnectionResetError):
        return "reset by the other end"
    if isinstance(exc, TimeoutError):
        return "no answer any more"
    return (exc.strerror or str(exc)).lower() if isinstance(exc, OSError) else repr(exc)
