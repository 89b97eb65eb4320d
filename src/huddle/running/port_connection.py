"""A proxy's TCP connection to the MPyC that somebody started by hand: who is at its end, and how it flows.

Whoever dials begins with its pid; what does not is no MPyC, or a wrong one.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Protocol, cast

CLAIM = 10.0  # seconds for whoever connects to say that it is an MPyC, which it does at once


class PortOwner(Protocol):
    """Whoever has the peer's link at the other side."""

    pid: int

    def opened(self, door: "PortConnection") -> None:
        """MPyC is connected."""
        ...

    def read(self, data: bytes) -> None:
        """MPyC wrote this."""
        ...

    def closed(self, door: "PortConnection") -> None:
        """The connection is over."""
        ...

    def tell_delivered(self) -> None:
        """MPyC has taken more."""
        ...

    def fail_claim(self, claimed: int) -> None:
        """The dialling side said that it is this party, which it is not."""
        ...


class PortConnection(asyncio.Protocol):
    """One such connection. `claims` is what it must say first, where it is the client."""

    def __init__(self, owner: PortOwner, claims: int | None) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._from_mpyc = b"" if claims is not None else None
        self._from_peer = b"" if claims is None else None
        self._claims = claims
        self._silent: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without inheriting from it
        self._transport.set_write_buffer_limits(0)  # so that every time it has all gone is told
        with suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._claims is None:
            self._owner.opened(self)
        else:
            self._silent = asyncio.get_running_loop().call_later(CLAIM, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._from_mpyc is not None:
            data = self._from_mpyc = self._from_mpyc + data
            if len(data) < 2:
                return
            if data[1]:
                # No pid is so large: this is a browser that some page sent here, or a scanner.
                self.close()
                return
            self._from_mpyc = None
            self._no_longer_silent()
            if self._wrong(data, self._claims):
                return
            self._owner.opened(self)
        self._owner.read(data)

    def write(self, data: bytes) -> None:
        """The peer's bytes, for MPyC."""
        if self._from_peer is not None:
            data = self._from_peer = self._from_peer + data
            if len(data) < 2:
                return
            self._from_peer = None
            if self._wrong(data, self._owner.pid):
                return
        assert self._transport
        self._transport.write(data)

    def _wrong(self, data: bytes, pid: int | None) -> bool:
        claimed = int.from_bytes(data[:2], "little")
        if claimed != pid:
            self._owner.fail_claim(claimed)
        return claimed != pid

    def resume_writing(self) -> None:
        self._owner.tell_delivered()

    def connection_lost(self, error: Exception | None) -> None:
        self._no_longer_silent()
        self._owner.closed(self)

    def _no_longer_silent(self) -> None:
        if self._silent is not None:
            self._silent.cancel()
            self._silent = None

    def pause(self, paused: bool) -> None:
        """Stop reading what MPyC writes, or go on."""
        assert self._transport
        if not self._transport.is_closing():
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def unwritten(self) -> int:
        """Bytes for MPyC that it has not taken."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    def close(self) -> None:
        """End the connection, after what was written."""
        if self._transport:
            self._transport.close()
