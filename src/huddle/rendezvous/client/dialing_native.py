"""WebSockets for `huddle.rendezvous.client.dialing`, by the websockets library: Huddle outside a browser.

Nothing is logged: paths hold ids of rooms.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Event, State

from huddle.errors import LocalError
from huddle.rendezvous.messages import MAX_MESSAGE, MAX_RELAYED

# What a connection or an attempt at one may end in, all of them reasons to try again.
LOST = (OSError, TimeoutError, InvalidHandshake, InvalidProxy, ConnectionClosed, EOFError)

_CLOSE = 5.0  # seconds for the last bytes of a pipe and its closing to get through
_BYTES = (Opcode.BINARY, Opcode.CONT)
_log = logging.getLogger("huddle.websocket")
_log.setLevel(logging.CRITICAL + 1)


class PipeListener(Protocol):
    """Whoever takes what a pipe brings, from its first byte on."""

    def arrived(self, data: bytes) -> None:
        """A message, or a part of one: boundaries mean nothing."""
        ...

    def lost(self, reason: str) -> None:
        """The pipe is gone."""
        ...


class RendezvousConnection(ClientConnection):
    """A WebSocket whose messages are awaited; where its closing is cancelled, it is dropped at once."""

    async def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        try:
            await super().close(code, reason)
        except asyncio.CancelledError:  # else it would stay until its keepalive fails
            self.transport.abort()
            raise


async def reach(url: str, *, within: float) -> RendezvousConnection:
    """One connection to a WebSocket URL within so many seconds; raises one of `LOST`."""
    return await _reach(url, RendezvousConnection, within=within)


class Pipe(ClientConnection):
    """A WebSocket whose frames go to its listener as they are parsed, with no task and no queue between."""

    listener: PipeListener
    script = None

    @property
    def is_open(self) -> bool:
        """Whether anything that is sent may arrive."""
        return self.protocol.state is State.OPEN

    def send_parts(self, data: bytes, most: int) -> None:
        """Send, without waiting, in messages of at most so many bytes."""
        for at in range(0, len(data), most):
            self.protocol.send_binary(memoryview(data)[at : at + most])
        self.send_data()

    def finish(self) -> None:
        """Send what is left, then close."""
        self.protocol.send_close(CloseCode.NORMAL_CLOSURE)
        self.send_data()
        self.loop.call_later(_CLOSE, self.transport.abort)

    def abort(self) -> None:
        """Drop it at once."""
        self.transport.abort()

    def pause(self, paused: bool) -> None:
        """Stop or go on reading."""
        if paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    # Not documented by websockets, and locked with it. Its documented core, ClientProtocol, knows no proxies
    # and no keepalive; a handshake by its `connect`, with the core taken over afterwards, would leave what
    # came with the answer in the connection's own queue.
    def process_event(self, event: Event) -> None:
        if self.response is not None and isinstance(event, Frame) and event.opcode in _BYTES:
            self.listener.arrived(bytes(event.data))
        elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
            self.transport.abort()
        else:
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        closed = self.protocol.close_rcvd
        self.listener.lost(
            (closed.reason or f"closed with code {closed.code}") if closed else "connection lost"
        )


async def pipe[L: PipeListener](
    url: str, listener: Callable[[Pipe], L], *, within: float, ping: float, pong: float
) -> L:
    """The listener of a pipe to that URL, which is open; raises one of `LOST`."""

    class Heard(Pipe):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.listener = self.made = listener(self)

    return (await _reach(url, Heard, within=within, ping=ping, pong=pong)).made


async def _reach[C: ClientConnection](
    url: str, kind: type[C], *, within: float, ping: float = 20.0, pong: float = 20.0
) -> C:
    options: dict[str, Any] = {}
    if url.startswith("wss:"):
        options["ssl"] = ssl.create_default_context()  # it takes SSL_CERT_FILE into account
    try:
        connection = await connect(
            url,
            create_connection=kind,
            compression=None,  # all is ciphertext
            proxy=None if is_own_machine(url) else True,
            open_timeout=within,
            ping_interval=ping,
            ping_timeout=pong,
            close_timeout=2,
            max_size=max(MAX_MESSAGE, MAX_RELAYED),
            logger=_log,
            **options,
        )
    except ImportError as error:
        raise LocalError(
            "The environment names a SOCKS proxy, which Huddle can't use as it is installed.",
            hint="Install python-socks beside it, or unset the variable (such as all_proxy).",
        ) from error
    assert isinstance(connection, kind)
    return connection


def reason_of(error: BaseException) -> str:
    """What a `LOST` exception means, as the end of a sentence."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return "it does not speak TLS there"
    if isinstance(error, socket.gaierror):
        return "its name can't be resolved"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, InvalidStatus):
        return f"it answered HTTP {error.response.status_code}"
    if isinstance(error, ConnectionClosed):
        return "it closed the connection"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, InvalidProxy):
        return "the proxy that is configured has no valid address"
    return "what answers there is not a rendezvous"


def hopeless(error: BaseException) -> bool:
    """Whether trying again is no use while somebody corrects something."""
    wrong = isinstance(error, InvalidStatus) and error.response.status_code < 500
    return wrong or isinstance(error, (ssl.SSLCertVerificationError, InvalidProxy))


def advice_on(error: BaseException | None) -> str:
    """What somebody can do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Check the URL; for a certificate authority of your own set SSL_CERT_FILE."
    if isinstance(error, InvalidStatus):
        return "Check the URL: is it that of a Huddle rendezvous, and does its proxy pass WebSockets on?"
    return "Check the URL and that it runs: does its /healthz open in a browser here? Is a firewall between?"


def is_own_machine(url: str) -> bool:
    """Whether this leads to this machine itself, to which no proxy leads back whatever anybody set."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
