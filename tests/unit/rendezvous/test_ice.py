"""Which STUN and TURN servers a rendezvous names, and what a client makes of it."""

import base64
import hashlib
import hmac
import socket
from typing import Any

import pytest

from huddle.errors import LocalError, RendezvousError
from huddle.rendezvous import ice
from huddle.rendezvous.ice import Turn, ask, credentials, turn_url
from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.messages import AskIce, IceServers, Refused, TurnServer
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

SECRET = b"north wind and the sun"


def test_a_password_as_coturn_reckons_it() -> None:
    made = credentials("turn:turn.example", SECRET, 1_800_000_000.7, 3600, b"\x01\x02\x03\x04")
    assert made.username == "1800003600:01020304"
    digest = hmac.new(SECRET, made.username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(made.password) == digest


def test_everybody_has_a_name_of_their_own_and_the_secret_is_not_shown() -> None:
    turn = Turn(("turn:one.example", "turn:two.example"), SECRET)
    first, second = turn.servers(0.0, 60), turn.servers(0.0, 60)
    assert [server.url for server in first] == ["turn:one.example", "turn:two.example"]
    assert first[0].username != second[0].username
    assert "north" not in repr(turn)


@pytest.mark.parametrize(
    "url", ["", "turn:", "stun:a.example", "turn://a.example", "turn:user@a.example", "turn:a b", "http:x"]
)
def test_what_is_no_url_of_a_turn_server(url: str) -> None:
    with pytest.raises(LocalError, match="no URL of a TURN server"):
        Turn((url,), SECRET)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("turn:turn.example:3478", "turn:17%3Aab:p%2Bw%2F%3D@turn.example:3478"),
        ("turn:[2001:db8::1]?transport=udp", "turn:17%3Aab:p%2Bw%2F%3D@[2001:db8::1]?transport=udp"),
        ("turn:turn.example?transport=tcp", ""),
        ("turns:turn.example:5349", ""),
    ],
)
def test_the_url_for_a_library_that_has_udp_only(url: str, expected: str) -> None:
    assert turn_url(TurnServer(url, "17:ab", "p+w/=")) == expected


async def test_a_party_is_told_the_stun_port_and_no_turn_where_there_is_none(serve: Any) -> None:
    server = await serve()
    told = await ask(f"http://127.0.0.1:{server.port}", within=5)
    assert told == IceServers(server.port, (), ServerLimits().turn_lifetime)


async def test_a_party_is_given_a_password(clock: Any) -> None:
    config = ServerConfig(
        clock=clock, turn=Turn(("turn:turn.example",), SECRET), limits=ServerLimits(turn_lifetime=60)
    )
    async with RendezvousServer(config) as server:
        told = await ask(f"http://127.0.0.1:{server.port}", within=5)
    assert told.lifetime == 60
    assert told.turn[0].username.startswith(f"{int(clock.now) + 60}:")
    assert told.turn[0].url == "turn:turn.example"


async def test_passwords_are_limited_by_address(dial: Any, clock: Any) -> None:
    config = ServerConfig(
        clock=clock, turn=Turn(("turn:turn.example",), SECRET), limits=ServerLimits(turn_per_minute=2)
    )
    async with RendezvousServer(config) as server:
        answers = []
        for _ in range(3):
            one = await dial(server, "/v1/ice")
            await one.send(AskIce())
            answers.append(await one.receive())
    assert [type(answer) for answer in answers] == [IceServers, IceServers, Refused]
    assert answers[2].code == "turn-per-minute"
    assert 0 < answers[2].retry <= 60


async def test_where_the_udp_port_is_taken_there_is_no_stun_and_the_rest_works() -> None:
    async with RendezvousServer(ServerConfig()) as first:
        port = first.port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        async with RendezvousServer(ServerConfig(port=port)):
            assert (await ask(f"http://127.0.0.1:{port}", within=5)).stun == 0


async def test_a_rendezvous_that_is_gone_or_names_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "check_turn", lambda url: None)  # on the server's side
    config = ServerConfig(turn=Turn(("turn:user:word@turn.example",), SECRET))
    async with RendezvousServer(config) as server:
        url = f"http://127.0.0.1:{server.port}"
        with pytest.raises(RendezvousError, match="names TURN servers that are none"):
            await ask(url, within=5)
    with pytest.raises(RendezvousError, match="can't be reached"):
        await ask(url, within=5)
