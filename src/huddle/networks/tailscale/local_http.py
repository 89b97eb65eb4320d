"""HTTP/1.1 over a Unix socket, by h11: a connection for each request, which may change its protocol.

What is sent here has no body. It knows nothing of what is asked.
"""

import asyncio
import socket
from collections.abc import Mapping

import h11

BAD = (
    OSError,
    EOFError,
    h11.RemoteProtocolError,
)  # what a request may end in, where nothing sensible answers
_MAX_HEAD = 16_384
_CHUNK = 65_536


async def request(path: str, method: str, target: str, host: str, *, most: int) -> tuple[int, bytes]:
    """The status and body of the answer, of at most so many bytes; raises one of `BAD`."""
    exchange = await _Exchange.begin(path, method, target, {"Host": host, "Connection": "close"})
    try:
        response = await exchange.response()
        return response.status_code, await exchange.body(most)
    finally:
        exchange.sock.close()


async def upgraded(
    path: str, method: str, target: str, headers: Mapping[str, str]
) -> tuple[socket.socket | None, bytes]:
    """The socket, which speaks what `headers` ask for; or None, and what is said instead.

    Raises one of `BAD`. Cancelled, it leaves nothing.
    """
    exchange = await _Exchange.begin(path, method, target, headers)
    try:
        response = await exchange.response()
        if response.status_code == 101:
            early, _ = exchange.http.trailing_data
            if early:
                raise EOFError("bytes that nobody asked for")
            return exchange.sock, b""
        said = await exchange.body(_MAX_HEAD)
    except BaseException:
        exchange.sock.close()
        raise
    exchange.sock.close()
    return None, said


class _Exchange:
    """A request that is sent, and what comes back."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)

    @classmethod
    async def begin(cls, path: str, method: str, target: str, headers: Mapping[str, str]) -> "_Exchange":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made = cls(sock)
        asked = h11.Request(method=method, target=target, headers=[*headers.items(), ("Content-Length", "0")])
        try:
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, path)
            sent = (made.http.send(asked) or b"") + (made.http.send(h11.EndOfMessage()) or b"")
            await loop.sock_sendall(sock, sent)
        except BaseException:
            sock.close()
            raise
        return made

    async def response(self) -> h11.Response | h11.InformationalResponse:
        """The answer's head; 101 where the protocol changes with it."""
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise EOFError("no answer")

    async def body(self, most: int) -> bytes:
        """All of it; EOFError where it is longer than that."""
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
            if len(body) > most:
                raise EOFError("too much")
        return bytes(body)

    async def _event(self) -> object:
        loop = asyncio.get_running_loop()
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await loop.sock_recv(self.sock, _CHUNK))
        return event
