"""WebSockets for `huddle.rendezvous.client.dialing`, by the browser in whose worker Huddle runs.

A browser says next to nothing about why a WebSocket failed, pings by itself, and can't stop reading. The
event loop must be `huddle.browser.loop.MailboxLoop`, which has the browser's WebSockets.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, Protocol, cast

LOST = (OSError, TimeoutError, EOFError)

_OPEN, _BYTES = 0, 1
_UNREAD = 64 << 20  # bytes of messages that nobody has read: more than any honest rendezvous sends


class PipeListener(Protocol):
    """Whoever takes what a pipe brings, from its first byte on."""

    def arrived(self, data: bytes) -> None:
        """A message, or a part of one: boundaries mean nothing."""
        ...

    def lost(self, reason: str) -> None:
        """The pipe is gone."""
        ...


class _Socket:
    """One WebSocket of the browser; `opened` is done when it is open, or fails."""

    def __init__(self, url: str) -> None:
        self._loop = cast(Any, asyncio.get_running_loop())
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self._over = False
        self._socket = self._loop.open_websocket(url, self._note)

    @property
    def is_open(self) -> bool:
        """Whether anything that is sent may arrive."""
        return not self._over and bool(self._socket.open)

    @property
    def script(self) -> Any:
        """What of it is JavaScript's (web/src/core/socket.ts)."""
        return self._socket.script

    def took(self, data: bytes) -> None:
        """A message came."""
        raise NotImplementedError

    def gone(self, reason: str) -> None:
        """It is over, by the other end or the network."""
        raise NotImplementedError

    def put(self, data: Any) -> None:
        """Send one message."""
        self._socket.send(data)

    def abort(self) -> None:
        """Drop it at once; what was sent before may still go out."""
        if not self._over:
            self._over = True
            self._socket.close()
            self._loop.unlisten(self._socket.id)
            self._loop.call_soon(self.gone, "closed here")

    def _note(self, kind: int, value: Any) -> None:
        if kind == _OPEN:
            if not self.opened.done():
                self.opened.set_result(None)
        elif kind == _BYTES:
            # None where JavaScript takes what comes, since a moment ago.
            if (data := self._socket.take()) is not None:
                self.took(data)
        else:
            self._over = True
            self._loop.unlisten(self._socket.id)
            reason = str(value or "")
            if not self.opened.done():
                self.opened.set_exception(ConnectionRefusedError(reason))
            else:
                self.gone(reason or "connection lost")


class RendezvousConnection(_Socket):
    """A WebSocket whose messages are awaited; the methods are those of the websockets library."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._messages: deque[bytes] = deque()
        self._unread = 0
        self._news = asyncio.Event()

    async def send(self, data: bytes) -> None:
        """Send one message; it may wait in the browser."""
        if not self.is_open:
            raise EOFError("it is closed")
        self.put(data)

    async def recv(self, decode: Literal[False] = False) -> bytes:
        """The next message; raises EOFError after the last one."""
        while not self._messages:
            if self._over:
                raise EOFError("it is closed")
            self._news.clear()
            await self._news.wait()
        data = self._messages.popleft()
        self._unread -= len(data)
        return data

    async def wait_closed(self) -> None:
        """Wait until it is closed; what nobody has read by then is not waited for."""
        while not self._over:
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        """Close it; what was sent before still goes out."""
        self.abort()

    def took(self, data: bytes) -> None:
        self._messages.append(data)
        self._unread += len(data)
        if self._unread > _UNREAD:
            self.abort()
        self._news.set()

    def gone(self, reason: str) -> None:
        self._news.set()


class Pipe(_Socket):
    """A WebSocket whose messages go to its listener at once."""

    listener: PipeListener

    def send_parts(self, data: bytes, most: int) -> None:
        """Send, without waiting, in messages of at most so many bytes."""
        for at in range(0, len(data), most):
            self.put(memoryview(data)[at : at + most])

    def finish(self) -> None:
        """Send what is left, then close."""
        self.abort()

    def pause(self, paused: bool) -> None:
        """A browser goes on reading; what comes is bounded by the window of the link."""

    def took(self, data: bytes) -> None:
        self.listener.arrived(data)

    def gone(self, reason: str) -> None:
        self.listener.lost(reason)


async def reach(url: str, *, within: float) -> RendezvousConnection:
    """One connection to a WebSocket URL within so many seconds; raises one of `LOST`."""
    return await _opened(RendezvousConnection(url), within)


async def pipe[L: PipeListener](
    url: str, listener: Callable[[Pipe], L], *, within: float, ping: float, pong: float
) -> L:
    """The listener of a pipe to that URL, which is open; raises one of `LOST`."""
    made = Pipe(url)
    heard = listener(made)
    made.listener = heard
    await _opened(made, within)
    return heard


async def _opened[S: _Socket](socket: S, within: float) -> S:
    try:
        async with asyncio.timeout(within):
            await socket.opened
    except BaseException:
        socket.abort()
        raise
    return socket


def reason_of(error: BaseException) -> str:
    """What a `LOST` exception means, as the end of a sentence."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the browser can't connect to it"
    return "it closed the connection"


def hopeless(error: BaseException) -> bool:
    """Whether trying again is no use; a browser never says."""
    return False


def advice_on(error: BaseException | None) -> str:
    """What somebody can do about it."""
    return "Are you online, and does this page still load? Is a firewall or a browser extension between?"
