"""How a client reaches a rendezvous: its URLs, one WebSocket, and what a failure means to a person.

Used by rooms, nameplates and the relay. An invitation's fragment never gets here: URLs with one are
refused. WebSockets themselves come from `dialing_native`, or in a browser from `dialing_browser`, which
offer the same:

    LOST                          what a connection or an attempt may end in
    reach(url)                    a `RendezvousConnection`, whose messages are awaited
    pipe(url, listener)           a `Pipe`, whose bytes go to its listener at once
    reason_of, hopeless, advice_on  what a `LOST` means
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from huddle.codec import DecodeError
from huddle.errors import LocalError, RendezvousError
from huddle.rendezvous.messages import Refused, unpack

if sys.platform == "emscripten":
    from huddle.rendezvous.client import dialing_browser as sockets
else:
    from huddle.rendezvous.client import dialing_native as sockets

LOST = sockets.LOST
RendezvousConnection = sockets.RendezvousConnection
Pipe = sockets.Pipe
pipe = sockets.pipe
reach = sockets.reach
reason_of = sockets.reason_of
hopeless = sockets.hopeless
advice_on = sockets.advice_on

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def websocket_url(url: str, path: str) -> str:
    """The WebSocket URL of a path at the rendezvous `url` (http, https, ws or wss, maybe with a path)."""
    parts = _parts(url)
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}{parts.path.rstrip('/')}{path}"


def host_of(url: str) -> str:
    """The rendezvous's host, for people."""
    return _parts(url).netloc


def hostname_of(url: str) -> str:
    """The rendezvous's host without its port, as a resolver takes it."""
    return _parts(url).hostname or ""


def stun_url(url: str, port: int) -> str:
    """The STUN server that the rendezvous `url` has on that UDP port."""
    host = hostname_of(url)
    return f"stun:{f'[{host}]' if ':' in host else host}:{port}"


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if (
            parts.scheme in _SCHEMES
            and parts.hostname
            and parts.port != 0
            and not (parts.query or parts.fragment or "@" in parts.netloc)
        ):
            return parts
    except ValueError:
        pass
    raise LocalError(
        "The rendezvous's URL is not one that Huddle can use.",
        hint="It looks like https://huddle.example or http://192.0.2.1:8080.",
    )


@asynccontextmanager
async def reached(url: str, *, within: float) -> AsyncIterator[RendezvousConnection]:
    """As `reach`, closed at the end of the block."""
    connection = await reach(url, within=within)
    try:
        yield connection
    finally:
        await connection.close()


async def say(connection: RendezvousConnection, data: bytes) -> None:
    """Send a first message. Where the rendezvous has closed already, what it said is still to be read."""
    with suppress(*LOST):
        await connection.send(data)


def unreachable(url: str, error: BaseException | None) -> RendezvousError:
    """The error of a rendezvous that was never reached."""
    reason = reason_of(error) if error else "it did not answer in time"
    return RendezvousError(f"The rendezvous {url} can't be reached: {reason}.", hint=advice_on(error))


def answered[Answer](kind: type[Answer], data: bytes, hint: str) -> Answer:
    """What the rendezvous answers, of that kind.

    Raises RendezvousError where it refuses, and with that hint where its answer is none.
    """
    try:
        kinds: tuple[type[Any], ...] = (kind, Refused)
        answer: Answer | Refused = unpack(data, *kinds)
    except DecodeError as error:
        raise RendezvousError(
            f"The rendezvous does not keep to the protocol ({error}).", hint=hint
        ) from error
    if isinstance(answer, Refused):
        raise refused(answer)
    return answer


def refused(answer: Refused) -> RendezvousError:
    """The error of a refusal. The text is the rendezvous's own: control characters are taken out."""
    return RendezvousError(_printable(answer.text), hint=_printable(answer.hint))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


async def pause(attempt: int, random: float, at_least: float = 0.0) -> None:
    """Wait before the next attempt: up to 5 s, and not all clients at once (`random` in 0..1)."""
    await asyncio.sleep(max(at_least, min(5.0, 0.1 * 2**attempt) * (0.5 + random / 2)))
