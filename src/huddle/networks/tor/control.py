"""The control port of a Tor of one's own: commands, each with its reply, and events in between.

    reply = zero or more lines "250-…", then one "250 …"; another number where it is refused
    event = "650 …"

Only what a session needs; nothing here knows of sessions. Source: Tor's control-spec.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from huddle.errors import NetworkError

_DONE = "250"
_EVENT = "650"
_LIMIT = 1 << 20  # bytes of one line


class TorControl:
    """A connection to a control port; `on_event` gets each event without its number."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_event: Callable[[str], None]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._on_event = on_event
        self._waiting: deque[asyncio.Future[list[str]]] = deque()
        self._reading = asyncio.create_task(self._read(), name="tor's control port")

    def __repr__(self) -> str:
        return f"<TorControl {len(self._waiting)} commands{' ended' if self._reading.done() else ''}>"

    @classmethod
    async def connect(cls, path: str, on_event: Callable[[str], None]) -> "TorControl":
        """Connect to the socket at this path; OSError where nobody listens."""
        reader, writer = await asyncio.open_unix_connection(path, limit=_LIMIT)
        return cls(reader, writer, on_event)

    async def command(self, line: str) -> list[str]:
        """Send one command; the lines of its reply, without numbers. NetworkError says why it was refused."""
        if self._reading.done():
            raise ended()
        reply: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._waiting.append(reply)
        self._writer.write(f"{line}\r\n".encode())
        return await reply

    async def gone(self) -> None:
        """Wait until the other end has closed it."""
        await asyncio.wait([self._reading])

    async def close(self) -> None:
        """Close it; Tor takes down the services that were made by it."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        lines: list[str] = []
        try:
            while line := (await self._reader.readline()).decode(errors="replace").rstrip("\r\n"):
                number, more, text = line[:3], line[3:4], line[4:]
                if number == _EVENT:
                    self._on_event(text)
                    continue
                lines.append(text)
                if more == " ":
                    self._answer(number, lines)
                    lines = []
        except (OSError, ValueError):  # ValueError: a line without an end
            pass
        finally:
            for reply in self._waiting:
                if not reply.done():
                    reply.set_exception(ended())

    def _answer(self, number: str, lines: list[str]) -> None:
        reply = self._waiting.popleft() if self._waiting else None
        if reply is None or reply.done():  # of a command that was cancelled
            return
        if number == _DONE:
            reply.set_result(lines)
        else:
            reply.set_exception(
                NetworkError(f"Tor refused: {lines[-1][:200]}.", hint="Is it version 0.4.6 or newer?")
            )


def ended() -> NetworkError:
    """What to say once Tor is gone."""
    return NetworkError(
        "The Tor of this session has ended.", hint="Start a new session; tor may have been ended by somebody."
    )
