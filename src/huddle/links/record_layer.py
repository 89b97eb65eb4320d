"""The record layer: AES-256-GCM over a wire that has no encryption bound to the offers (such as the relay).

    record = length U32 of what follows ‖ AES-256-GCM(key, nonce, at most 64 KiB, associated data: length)
    nonce  = 0 U32 ‖ number of the record U64, from 0

The key is one of the two that the link proof gave, for one direction of one wire, so a nonce is never
used twice. A record that was changed, left out, repeated or put elsewhere does not open, and then the
wire is lost, as if it had been cut: the link goes on over another one. Whoever cuts the wire inside a
record or between two achieves no more than a loss.

A `RecordWire` wraps a wire and is one itself. It knows nothing of links. What seals by other means, as in a
browser, is a `SealedWire`, too.
"""

from abc import ABC, abstractmethod
from dataclasses import replace

from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.links.proof import RecordKeys
from huddle.links.wire import Wire, WireInfo, WireReceiver

MAX_RECORD = 65_536  # plain bytes: what a receiver must hold before it can check them
TAG = 16


class SealedWire(ABC):
    """A wire over a wire, sealed. `rest` is what the inner wire brought behind the link proof."""

    def __init__(self, inner: Wire, rest: bytes) -> None:
        self._inner = inner
        self._rest = rest
        self._receiver: WireReceiver | None = None
        self._gone = False

    @property
    def info(self) -> WireInfo:
        """The inner wire's, but sealed."""
        return replace(self._inner.info, sealed=True)

    def start(self, receiver: WireReceiver) -> None:
        """Deliver to this receiver from now on, and first what arrived before."""
        first = self._receiver is None
        self._receiver = receiver
        rest, self._rest = self._rest, b""
        if rest:
            self.wire_data(rest)
        if first and not self._gone:
            self._inner.start(self)

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send, without waiting; does nothing on a lost wire."""

    def close(self) -> None:
        """Send what is left, then close."""
        self._leave()
        self._inner.close()

    def abort(self) -> None:
        """Drop the wire at once."""
        self._leave()
        self._inner.abort()

    # --- Receiver of the inner wire

    @abstractmethod
    def wire_data(self, data: bytes) -> None:
        """The inner wire brought this."""

    def wire_lost(self, reason: str) -> None:
        """The inner wire is gone."""
        if self._gone or self._receiver is None:
            return
        self._leave()
        self._receiver.wire_lost(f"{reason}, inside a record" if self._inside() else reason)

    # --- for subclasses

    @abstractmethod
    def _inside(self) -> bool:
        """Whether a part of a record is here, of which the rest has not come."""

    def _fail(self, reason: str) -> None:
        """A record does not open: the wire is lost, unless it was dropped before."""
        if self._gone or self._receiver is None:
            return
        self.abort()
        self._receiver.wire_lost(reason)

    def _leave(self) -> None:
        """Nothing more goes out or comes in."""
        self._gone = True


class RecordWire(SealedWire):
    """A `SealedWire` whose records this process seals and opens."""

    def __init__(self, inner: Wire, keys: RecordKeys, crypto: Crypto, rest: bytes = b"") -> None:
        super().__init__(inner, rest)
        self._keys = keys
        self._crypto = crypto
        self._buffer = b""
        self._sent = self._received = 0

    def __repr__(self) -> str:
        return f"<RecordWire sent {self._sent} received {self._received} over {self._inner!r}>"

    def send(self, data: bytes) -> None:
        """Send, without waiting; does nothing on a lost wire."""
        if self._gone or not data:
            return
        if len(data) <= MAX_RECORD:
            self._inner.send(self._seal(data))
        else:
            pieces = (data[at : at + MAX_RECORD] for at in range(0, len(data), MAX_RECORD))
            self._inner.send(b"".join([self._seal(piece) for piece in pieces]))

    def wire_data(self, data: bytes) -> None:
        """Open the records that are whole and hand on what they hold, in one piece."""
        if self._gone or self._receiver is None:
            return
        buffer = self._buffer + data if self._buffer else data
        plain: list[bytes] = []
        at, fault = 0, ""
        while at + 4 <= len(buffer):
            length = int.from_bytes(buffer[at : at + 4], "big")
            if not TAG < length <= MAX_RECORD + TAG:
                fault = f"a record of {length} bytes"
                break
            end = at + 4 + length
            if end > len(buffer):
                break
            try:
                plain.append(self._open(buffer[at : at + 4], buffer[at + 4 : end]))
            except InvalidSeal:
                fault = f"record {self._received} was changed, repeated or left out on its way"
                break
            at = end
        self._buffer = buffer[at:]
        if plain:
            self._receiver.wire_data(plain[0] if len(plain) == 1 else b"".join(plain))
        # The receiver may have dropped the wire at what it got.
        if fault:
            self._fail(fault)

    # --- inside

    def _inside(self) -> bool:
        return bool(self._buffer)

    def _seal(self, data: bytes) -> bytes:
        header = (len(data) + TAG).to_bytes(4, "big")
        nonce = self._sent.to_bytes(12, "big")
        self._sent += 1
        return header + self._crypto.seal(self._keys.sending, nonce, data, header)

    def _open(self, header: bytes, sealed: bytes) -> bytes:
        data = self._crypto.open(self._keys.receiving, self._received.to_bytes(12, "big"), sealed, header)
        self._received += 1
        return data
