"""The rendezvous as one ASGI app: rooms, nameplates, the relay, STUN and TURN, a page, health and metrics.

    WebSocket /v2/rooms/{room}                  room: 32 lower-case hexadecimal digits
    WebSocket /v1/nameplates
    WebSocket /v1/relay/{channel}?side=a|b      channel: 32 lower-case hexadecimal digits
    WebSocket /v1/ice                           which STUN and TURN servers there are
    GET /healthz   /metrics
    GET /   /j   /assets/{name}   …             the page for browsers, where it was built (site.py)
    GET /4821-apple-river                       the page again, which takes a short code from its address
    GET /packages/{name}                        what programs in browsers may import (packages.py)

It imports nothing of `huddle.session`: what is in a record is none of its business.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Collection

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from huddle.rendezvous.ice import Turn
from huddle.rendezvous.limits import ClientRefused, ServerLimits
from huddle.rendezvous.messages import AskIce, IceServers, TurnServer
from huddle.rendezvous.server import page
from huddle.rendezvous.server.guard import ConnectionGuard, log
from huddle.rendezvous.server.metrics import Metrics
from huddle.rendezvous.server.origins import OriginGuard
from huddle.rendezvous.server.packages import Packages
from huddle.rendezvous.server.relay import Relay
from huddle.rendezvous.server.rooms import Rooms
from huddle.rendezvous.server.site import INDEX, BuiltPage
from huddle.rendezvous.server.store import Store
from huddle.rendezvous.server.stun import StunServer
from huddle.tasks import beside

_ID = re.compile(r"[0-9a-f]{32}")
_SERVED = re.compile(r"2/rooms/.+|1/(nameplates|relay/.+|ice)")  # as in the routes, behind "/v"
_SPOKEN = re.compile("[0-9]{1,9}-[A-Za-z]{1,20}-[A-Za-z]{1,20}")  # a short code, as an address


class Rendezvous:
    """The parts of one rendezvous; the app has it as `app.state.rendezvous`."""

    def __init__(
        self,
        limits: ServerLimits,
        store: Store,
        clock: Callable[[], float],
        log_addresses: bool = False,
        turn: Turn | None = None,
    ) -> None:
        self.limits = limits
        self.metrics = Metrics()
        self.store = store
        self.door = ConnectionGuard(limits, clock, self.metrics, log_addresses)
        self.rooms = Rooms(store, limits, clock, self.metrics)
        self.relay = Relay(limits, clock, self.metrics)
        self.stun_port = 0  # told to parties once there is a socket
        self._clock = clock
        self._turn = turn

    def stun(self) -> StunServer:
        """A STUN server for one UDP socket."""
        return StunServer(self.limits, self._clock, self.metrics)

    def sweep(self) -> None:
        """Remove what has expired; called every `limits.sweep` seconds while the app runs."""
        self.rooms.sweep()
        self.relay.sweep()
        self.door.sweep()

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Sweep while the app runs, and close the store after it."""
        try:
            async with beside(self._keep_swept(), name="sweep"):
                yield
        finally:
            self.store.close()

    async def room(self, socket: WebSocket) -> None:
        """One connection to a room."""
        async with self.door.visit(socket, "room") as visit:
            await self.rooms.serve(visit, _id(socket.path_params["room"]))

    async def nameplates(self, socket: WebSocket) -> None:
        """One connection that asks for a nameplate."""
        async with self.door.visit(socket, "nameplate") as visit:
            await self.rooms.serve_nameplates(visit)

    async def channel(self, socket: WebSocket) -> None:
        """One side of a relay channel."""
        async with self.door.visit(socket, "relay") as visit:
            side = socket.query_params.get("side", "")
            if side not in ("a", "b"):
                raise _malformed("the side of a relay channel is a or b")
            await self.relay.serve(visit, _id(socket.path_params["channel"]), side)

    async def ice(self, socket: WebSocket) -> None:
        """One question for STUN and TURN servers."""
        async with self.door.visit(socket, "ice") as visit:
            if await visit.receive_first(AskIce) is None:
                return
            now, limits, turn = self._clock(), self.limits, tuple[TurnServer, ...]()
            if self._turn is not None:
                if wait := visit.address.spend("passwords", now):
                    raise ClientRefused(
                        "turn-per-minute",
                        f"Your address asked for more than {limits.turn_per_minute} TURN passwords a minute.",
                        "Wait, and look for a client that asks in a loop.",
                        wait,
                    )
                turn = self._turn.servers(now, limits.turn_lifetime)
                self.metrics.turn.inc()
            await visit.send(IceServers(self.stun_port, turn, limits.turn_lifetime))

    async def unknown(self, socket: WebSocket) -> None:
        """Any other WebSocket: perhaps that of a newer client."""
        async with self.door.visit(socket, "unknown"):
            raise _unknown(socket.path_params["path"])

    async def _keep_swept(self) -> None:
        while True:
            try:
                self.sweep()
            except Exception as error:
                # Such as a full disk: what has expired is refused all the same, and swept later.
                log.error("sweeping failed: %s", type(error).__name__)
            await asyncio.sleep(self.limits.sweep)


def create_app(  # noqa: PLR0913 - the parts of a rendezvous, by keyword
    limits: ServerLimits | None = None,
    store: Store | None = None,
    clock: Callable[[], float] = time.time,
    *,
    log_addresses: bool = False,
    turn: Turn | None = None,
    site: BuiltPage | None = None,
    packages: Packages | None = None,
    names: Collection[str] | None = None,
    pages: Collection[str] = (),
) -> Starlette:
    """The app; without a store it keeps all in memory.

    `clock` is wall time in seconds; `names` are those that the server goes by, and
    `pages` other pages that may use it, as `OriginGuard` has them.
    """
    rendezvous = Rendezvous(limits or ServerLimits(), store or Store(), clock, log_addresses, turn)
    wheels = packages or Packages()

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def metrics(request: Request) -> Response:
        return Response(rendezvous.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def front(request: Request) -> Response:
        return (site and site.serve(request, INDEX)) or page.front()

    async def invitation(request: Request) -> Response:
        return (site and site.serve(request, INDEX)) or page.invitation()

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if _SPOKEN.fullmatch(name):
            return await front(request)
        found = site and site.serve(request, name)
        return found or PlainTextResponse("There is no such page.\n", 404)

    async def package(request: Request) -> Response:
        found = wheels.serve(request, request.path_params["name"])
        return found or PlainTextResponse("There is no such package.\n", 404)

    app = Starlette(
        routes=[
            Route("/", front),
            Route("/j", invitation),
            Route("/healthz", health),
            Route("/metrics", metrics),
            Route("/packages/{name}", package),
            Route("/{name:path}", file),
            WebSocketRoute("/v2/rooms/{room}", rendezvous.room),
            WebSocketRoute("/v1/nameplates", rendezvous.nameplates),
            WebSocketRoute("/v1/relay/{channel}", rendezvous.channel),
            WebSocketRoute("/v1/ice", rendezvous.ice),
            WebSocketRoute("/{path:path}", rendezvous.unknown),
        ],
        middleware=[Middleware(OriginGuard, rendezvous.door, names, pages)],
        lifespan=rendezvous.lifespan,
    )
    app.state.rendezvous = rendezvous
    return app


def _unknown(path: str) -> ClientRefused:
    """Why nothing is served at this path: it stands below another one, or it is of another version."""
    above, _, known = path.rpartition("/v")
    if above and _SERVED.fullmatch(known):
        return ClientRefused(
            "path",
            f"This rendezvous is not at the path /{above[:100]}.",
            f"Leave /{above[:100]} out of its URL, or let the proxy before it do so.",
        )
    return ClientRefused(
        "version",
        "This rendezvous does not know what this client asks for: one of the two is of an older version.",
        "Update Huddle, and ask whoever runs the rendezvous to do the same.",
    )


def _id(text: str) -> bytes:
    if not _ID.fullmatch(text):
        raise _malformed("an id is 32 lower-case hexadecimal digits")
    return bytes.fromhex(text)


def _malformed(text: str) -> ClientRefused:
    return ClientRefused(
        "malformed", f"This client's address is wrong: {text}.", "Check the link, or update Huddle."
    )
