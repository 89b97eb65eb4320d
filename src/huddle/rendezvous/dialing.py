"""How a client reaches a rendezvous: its URLs, one WebSocket, and what a failure means to a person.

Used by rooms, nameplates and the relay. An invitation's fragment never gets here: URLs with one are
refused. Nothing is logged: paths hold ids of rooms.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus

from huddle.errors import LocalError, RendezvousError
from huddle.rendezvous.messages import MAX_MESSAGE, MAX_RELAYED, Refused

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_log = logging.getLogger("huddle.websocket")
_log.setLevel(logging.CRITICAL + 1)

# What a connection or an attempt at one may end in, all of them reasons to try again.
LOST = (OSError, TimeoutError, InvalidHandshake, InvalidProxy, ConnectionClosed, EOFError)


def websocket_url(url: str, path: str) -> str:
    """The WebSocket URL of a path at the rendezvous `url` (http, https, ws or wss, maybe with a path)."""
    parts = _parts(url)
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}{parts.path.rstrip('/')}{path}"


def host_of(url: str) -> str:
    """The rendezvous's host, for people."""
    return _parts(url).netloc


def stun_url(url: str, port: int) -> str:
    """The STUN server that the rendezvous `url` has on that UDP port."""
    host = _parts(url).hostname or ""
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


async def reach[C: ClientConnection](
    url: str, kind: type[C], *, within: float, ping: float = 20.0, pong: float = 20.0
) -> C:
    """One connection to a WebSocket URL within so many seconds; raises one of `LOST`."""
    options: dict[str, Any] = {}
    if url.startswith("wss:"):
        options["ssl"] = ssl.create_default_context()  # it takes SSL_CERT_FILE into account
    try:
        connection = await connect(
            url,
            create_connection=kind,
            compression=None,  # all is ciphertext
            proxy=None if _own_machine(url) else True,
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


@asynccontextmanager
async def reached(url: str, *, within: float) -> AsyncIterator[ClientConnection]:
    """As `reach`, closed at the end of the block."""
    connection = await reach(url, ClientConnection, within=within)
    try:
        yield connection
    finally:
        await connection.close()


async def say(connection: ClientConnection, data: bytes) -> None:
    """Send a first message. Where the rendezvous has closed already, what it said is still to be read."""
    with suppress(ConnectionClosed):
        await connection.send(data)


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


def unreachable(url: str, error: BaseException | None) -> RendezvousError:
    """The error of a rendezvous that was never reached."""
    reason = reason_of(error) if error else "it did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "Check the URL; for a certificate authority of your own set SSL_CERT_FILE."
    elif error and isinstance(error, InvalidStatus):
        hint = "Check the URL: is it that of a Huddle rendezvous, and does its proxy pass WebSockets on?"
    else:
        hint = (
            "Check the URL and that it runs: does its /healthz open in a browser here? Is a firewall between?"
        )
    return RendezvousError(f"The rendezvous {url} can't be reached: {reason}.", hint=hint)


def refused(answer: Refused) -> RendezvousError:
    """The error of a refusal. The text is the rendezvous's own: control characters are taken out."""
    return RendezvousError(_printable(answer.text), hint=_printable(answer.hint))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _own_machine(url: str) -> bool:
    # No proxy leads back to this machine, whatever the environment says.
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def pause(attempt: int, random: float, at_least: float = 0.0) -> None:
    """Wait before the next attempt: up to 5 s, and not all clients at once (`random` in 0..1)."""
    await asyncio.sleep(max(at_least, min(5.0, 0.1 * 2**attempt) * (0.5 + random / 2)))
