"""Who asks over HTTP: which names the server goes by, from which pages a WebSocket may come, and how often.

Anybody's page may open a WebSocket to any address that its reader's browser reaches, and may give its own
name the address of a server near the reader (DNS rebinding). So the name in `Host` must be one that the
server goes by, and the page in `Origin` must be the server's own, one that its owner named (`pages`), or one
that the reader's own machine serves, which nobody elsewhere can. Programs other than browsers send no
`Origin`.

It must not know what is asked for.
"""

import ipaddress
import math
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from huddle.rendezvous.server.guard import ConnectionGuard

_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
_PORTS = {"http": 80, "https": 443}


class OriginGuard:
    """An ASGI app before the rendezvous's. `names` are those of the server; None where any may be right.

    An IP address and `localhost` are always right: no page of somebody else's has them for its name.
    """

    def __init__(
        self,
        app: ASGIApp,
        door: ConnectionGuard,
        names: Collection[str] | None,
        pages: Collection[str] = (),
    ) -> None:
        self._app = app
        self._pages = frozenset(_authority(page.rstrip("/")) for page in pages) - {None}
        self._door = door
        self._names = None if names is None else frozenset(name.lower().rstrip(".") for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        if host and not self._is_mine(host):
            await _refuse(scope, receive, send, 421, _MISDIRECTED)
        elif scope["type"] == "websocket" and origin and not self._is_own_page(origin, host):
            await _refuse(scope, receive, send, 403, _FOREIGN)
        elif scope["type"] == "http" and (wait := self._wait(scope)):
            await _refuse(scope, receive, send, 429, _TOO_OFTEN, {"Retry-After": str(math.ceil(wait))})
        else:
            await self._app(scope, receive, send)

    def _is_mine(self, host: str) -> bool:
        name = _name(host)
        if name is None:
            return False
        return self._names is None or name in self._names or _is_near(name)

    def _is_own_page(self, origin: str, host: str) -> bool:
        page = _authority(origin)
        if page is None:
            return False
        # Where a proxy passes on another Host than the browser's, the name is one that was told.
        if page[0] in _OWN_MACHINE:
            return True
        told = self._names is not None and page[0] in self._names and not _is_near(page[0])
        return told or page in self._pages or page == _authority(f"{urlsplit(origin).scheme}://{host}")

    def _wait(self, scope: Scope) -> float:
        client = scope.get("client")
        now = self._door.clock()
        return self._door.quotas.of(client[0] if client else "", now).spend("requests", now)


_MISDIRECTED = (
    "This rendezvous is not known by that name. Whoever runs it can tell it: huddle serve --url, with the"
    " address that others use.\n"
)
_FOREIGN = "This page is not the rendezvous's own.\n"
_TOO_OFTEN = "Your address asks too often. Wait a moment.\n"


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: int, text: str, headers: dict[str, str] | None = None
) -> None:
    if scope["type"] == "http":
        await PlainTextResponse(text, status, {"Connection": "close", **(headers or {})})(
            scope, receive, send
        )
    else:
        await send({"type": "websocket.close", "code": 1008})  # answered with 403, before it is a WebSocket


def _header(scope: Scope, name: bytes) -> str:
    """The header's value; a header that stands twice is none that can be right."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else "?" if values else ""


def _name(host: str) -> str | None:
    authority = _authority(f"http://{host}")
    return authority[0] if authority else None


def _authority(url: str) -> tuple[str, int] | None:
    """The host and port of a URL that has nothing else; None where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    except (ValueError, KeyError):
        return None
    name = (parts.hostname or "").rstrip(".")
    return (name, port) if plain and name else None


def _is_near(name: str) -> bool:
    """Whether it is an address, or this machine: no name that somebody can have for a page elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return True
