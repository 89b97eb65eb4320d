"""Which STUN and TURN servers a party may use: the rendezvous says so, and this is how both ends do it.

TURN's passwords are those that coturn calls REST credentials (`use-auth-secret`): the secret is shared by
rendezvous and coturn only, and what a party gets is good for a while.

    username = <the wall time at which it ends, in seconds> ":" <8 random hexadecimal digits>
    password = base64(HMAC-SHA1(secret, username))
"""

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote

from huddle.errors import LocalError, RendezvousError
from huddle.rendezvous.client import dialing
from huddle.rendezvous.messages import AskIce, IceServers, TurnServer, pack


@dataclass(frozen=True, slots=True)
class Turn:
    """The TURN servers of a rendezvous, and the secret that they share with it."""

    urls: tuple[str, ...]
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for url in self.urls:
            check_turn(url)

    def servers(self, now: float, lifetime: int) -> tuple[TurnServer, ...]:
        """The servers with a name and password for whoever asked at `now`, the wall time."""
        random = secrets.token_bytes(4)
        return tuple(credentials(url, self.secret, now, lifetime, random) for url in self.urls)


def credentials(url: str, secret: bytes, now: float, lifetime: int, random: bytes) -> TurnServer:
    """One TURN server with a name and password."""
    username = f"{int(now) + lifetime}:{random.hex()}"
    # SHA-1 is what coturn's interface fixes; HMAC with it is not broken.
    digest = hmac.digest(secret, username.encode(), "sha1")
    return TurnServer(url, username, base64.b64encode(digest).decode())


def check_turn(url: str) -> None:
    """Raise LocalError unless this is a TURN URL (RFC 7065), such as turn:turn.example:3478."""
    if not _is_turn(url):
        raise LocalError(
            f"{url!r} is no URL of a TURN server.",
            hint="It looks like turn:turn.example:3478 or turn:turn.example:3478?transport=udp.",
        )


def _is_turn(url: str) -> bool:
    scheme, _, rest = url.partition(":")
    return scheme in ("turn", "turns") and bool(rest) and not any(mark in rest for mark in "/@ \t\r\n")


def turn_url(server: TurnServer) -> str:
    """The URL with name and password in it, for a library that has no TCP towards TURN; else ""."""
    scheme, _, rest = server.url.partition(":")
    if scheme != "turn" or rest.endswith("?transport=tcp"):
        return ""
    user, password = quote(server.username, safe=""), quote(server.password, safe="")
    return f"turn:{user}:{password}@{rest}"


async def ask(url: str, *, within: float) -> IceServers:
    """What the rendezvous at `url` says; raises RendezvousError where it does not."""
    try:
        async with dialing.reached(dialing.websocket_url(url, "/v1/ice"), within=within) as connection:
            await dialing.say(connection, pack(AskIce()))
            answer = dialing.answered(IceServers, await connection.recv(decode=False), "Use another one.")
    except dialing.LOST as error:
        raise dialing.unreachable(url, error) from error
    if not all(_is_turn(server.url) for server in answer.turn):
        raise RendezvousError(
            "The rendezvous names TURN servers that are none.", hint="Tell whoever runs it, or use another."
        )
    return answer
