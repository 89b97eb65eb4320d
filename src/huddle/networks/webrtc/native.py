"""WebRTC outside a browser, for `library`: aiolibdatachannel, and what it lacks, in one place.

Only this module knows the library. Its asyncio layer drops what arrives beyond 1,024 unread messages, so
the layer below is used, with callbacks of our own. They come on the library's threads: each only puts
what it has where the event loop finds it. Nothing here knows peers, runs or signalling.
"""

import asyncio
import ctypes
import importlib.util
import re
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from huddle.errors import NetworkError
from huddle.networks.webrtc.base import (
    MAX_MESSAGE,
    MAX_UNREAD,
    BaseChannel,
    BaseConnection,
    ChannelListener,
    ConnectionEvents,
)
from huddle.rendezvous.ice import turn_url
from huddle.rendezvous.messages import TurnServer
from huddle.tasks import joined

_DISCONNECTED, _FAILED, _CLOSED = 3, 4, 5  # rtcState
_GATHERED = 2  # rtcGatheringState
_ICE_CONNECTED, _ICE_COMPLETED = 2, 3  # rtcIceState
_BRACKETS = re.compile(r"\[([0-9A-Fa-f:.]+)\]")
_LINE = 512  # bytes of one candidate as text


def available() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("aiolibdatachannel") is not None


def check() -> None:
    """Raise NetworkError unless the library can be used."""
    try:
        import aiolibdatachannel._core  # noqa: F401
    except ImportError as error:
        raise NetworkError(
            "This installation has no WebRTC." if not available() else f"WebRTC can't be used: {error}.",
            hint="Install it: pip install 'mpyc-huddle[webrtc]', or choose another network.",
        ) from error


class Channel(BaseChannel):
    """One data channel of the library's."""

    def __init__(self, handle: int, loop: asyncio.AbstractEventLoop, opened: Callable[[], None]) -> None:
        from aiolibdatachannel import _core

        self.listener: ChannelListener | None = None
        self._heard = loop.time()
        self._loop = loop
        self._native = _core.DataChannel(handle)
        self._inbox: deque[bytes] = deque()
        self._arrived = 0  # bytes; written by the library's thread only,
        self._taken = 0  # and this by the event loop only
        self._woken = False
        self._fault = ""
        self._closed = False
        self._native.set_on_closed(lambda: self._post(self._gone))
        self._native.set_on_open(lambda: self._post(opened))
        # Last: only now may the library deliver.
        self._native.set_on_message(self._message)

    @property
    def label(self) -> str:
        """What its maker called it."""
        return self._native.label() or ""

    @property
    def unsent(self) -> int:
        """Bytes that wait here to be sent."""
        return 0 if self._closed else self._native.buffered_amount()

    def listen(self, listener: ChannelListener) -> None:
        """Deliver to this listener from now on, and first what has arrived before."""
        self.listener = listener
        self._post(self._drain)

    def send(self, data: bytes) -> None:
        """Send one message; does nothing on a closed channel."""
        if not self._closed:
            try:
                self._native.send_bytes(data)
            except RuntimeError:
                pass  # it was closed a moment ago, as its callback is about to say

    def close(self) -> None:
        """Send what is left, then close."""
        if not self._closed:
            self._native.close()

    def last_heard(self) -> float:
        """When something arrived last, in the loop's time."""
        return self._heard

    def release(self) -> None:
        """Give the channel back to the library; nothing is called any more."""
        self._closed = True
        self.listener = None
        self._native.destroy()

    # --- on a thread of the library

    def _message(self, data: bytes | str) -> None:
        if isinstance(data, str):
            self._fault = "a text message"
        elif self._arrived - self._taken > MAX_UNREAD:
            self._fault = "more than a link may send"
        else:
            self._inbox.append(data)
            self._arrived += len(data)
        if not self._woken:
            self._woken = True
            self._post(self._drain)

    def _post(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            pass  # the loop is closed: nobody wants to know

    # --- on the event loop

    def _drain(self) -> None:
        if self.listener is None:
            return
        self._woken = False
        inbox, parts = self._inbox, list[bytes]()
        while inbox:
            parts.append(inbox.popleft())
        if parts:
            data = parts[0] if len(parts) == 1 else b"".join(parts)
            self._taken += len(data)
            self._heard = self._loop.time()
            self.listener.arrived(data)
        if self._fault:
            self.close()
            self._gone()

    def _gone(self) -> None:
        listener = self.listener
        if not self._closed and listener is not None:
            self.release()
            listener.lost(self._fault or "closed by the other end")
        self._fault = self._fault or "closed by the other end"


class Connection(BaseConnection[Channel]):
    """One connection of the library's, by these STUN and TURN servers."""

    def __init__(self, servers: Sequence[TurnServer], events: ConnectionEvents[Channel]) -> None:
        from aiolibdatachannel import _core

        super().__init__(events)
        self._loop = asyncio.get_running_loop()
        # One call at a time: what somebody gave up waiting for must have ended before it is destroyed.
        self._thread = ThreadPoolExecutor(1, "webrtc")
        urls = [*filter(None, map(_url, servers))]
        try:
            self._native = _core.PeerConnection(urls, max_message_size=MAX_MESSAGE)
        except RuntimeError as error:
            raise NetworkError(
                f"WebRTC can't be used with the servers that the rendezvous names: {error}.",
                hint="Tell whoever runs it; another network works without.",
            ) from error
        native = self._native
        native.set_on_local_description(lambda sdp, _type: self._post(self._describes, sdp))
        native.set_on_local_candidate(lambda line, _mid: self._post(self._found, line))
        native.set_on_gathering_state_change(
            lambda state: self._post(self._found, "") if state == _GATHERED else None
        )
        native.set_on_state_change(lambda state: self._post(self._state, state))
        native.set_on_ice_state_change(lambda state: self._post(self._ice, state))
        native.set_on_data_channel(self._incoming)
        self.first = self._made("control", self._open, negotiated=True, manual_stream=True, stream=0)

    async def describe(self) -> str:
        """Start to look for candidates; the local description (SDP) without them."""
        # It may resolve names, and waits for the library's other threads.
        await self._call(self._native.set_local_description, "offer")
        # Asking for it while candidates come in fails at times, so it is what the library says by itself.
        return await self._described

    async def answer(self, sdp: str) -> None:
        """Take the peer's description."""
        await self._call(self._native.set_remote_description, sdp, "answer")

    async def candidate(self, line: str) -> None:
        """Take one more candidate of the peer, once its description was taken."""
        await self._call(self._native.add_remote_candidate, line, "0")

    def channel(self, label: str) -> Channel:
        """A new channel, which the peer is told of; it may be sent on at once."""
        return self._made(label, lambda: None)

    async def _destroy(self) -> None:
        # It waits for the callbacks that run now, which wait for the interpreter.
        destroyed = self._loop.run_in_executor(self._thread, self._native.destroy)
        self._thread.shutdown(wait=False)
        # Also when whoever closes it is told to hurry.
        await joined(destroyed)

    async def _call(self, function: Callable[..., Any], *args: Any) -> None:
        """Call what may wait for the library's other threads."""
        await self._loop.run_in_executor(self._thread, function, *args)

    # --- on a thread of the library

    def _incoming(self, handle: int) -> None:
        # Here and now: later its first messages would already be under way.
        channel = Channel(handle, self._loop, lambda: None)
        self._post(self._came, channel)

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            pass  # the loop is closed: nobody wants to know

    # --- on the event loop

    def _made(self, label: str, opened: Callable[[], None], **options: Any) -> Channel:
        return self._has(Channel(self._native.create_data_channel(label, **options), self._loop, opened))

    def _open(self) -> None:
        self._select()
        super()._open()

    def _ice(self, state: int) -> None:
        if state in (_ICE_CONNECTED, _ICE_COMPLETED):
            self._select()

    def _select(self) -> None:
        pair = None if self._over else _selected(self._native.handle)
        if pair:
            self._events.on_pair(*pair)

    def _state(self, state: int) -> None:
        if state in (_DISCONNECTED, _FAILED, _CLOSED):
            self._end("the connection failed" if state == _FAILED else "closed by the other end")


def _url(server: TurnServer) -> str:
    """As the library takes it: an IPv6 address without brackets; empty for what it can't use."""
    url = turn_url(server) if server.username else server.url
    return _BRACKETS.sub(lambda found: found[1].replace(":", "%3A"), url)


@cache
def _selector() -> Callable[..., int] | None:
    """The library's own function for the selected pair, for which its Python layer has no name."""
    spec = importlib.util.find_spec("aiolibdatachannel._native")
    try:
        found = ctypes.CDLL(spec.origin if spec else None).rtcGetSelectedCandidatePair
    except (OSError, AttributeError):
        return None
    found.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    found.restype = ctypes.c_int
    return found


def _selected(handle: int) -> tuple[str, str] | None:
    function = _selector()
    if function is None:
        return None
    local, remote = ctypes.create_string_buffer(_LINE), ctypes.create_string_buffer(_LINE)
    if function(handle, local, _LINE, remote, _LINE) < 0:
        return None
    return local.value.decode(errors="replace"), remote.value.decode(errors="replace")
