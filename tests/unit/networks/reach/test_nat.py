"""What stands between: what STUN servers see, and what that means."""

from collections.abc import AsyncIterator

import pytest

from huddle.networks.reach import nat
from huddle.networks.reach import stun_probe as punch
from huddle.networks.reach.nat import Seen, verdict
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with RendezvousServer(ServerConfig()) as server:
        yield server.port


async def test_two_servers_see_one_port_on_this_machine(port: int) -> None:
    async with RendezvousServer(ServerConfig()) as other:
        seen = await nat.look([("127.0.0.1", port), ("127.0.0.1", other.port)])
    assert len(seen.seen) == seen.asked == 2
    assert set(seen.seen) == {("127.0.0.1", seen.own[1])}


async def test_a_server_that_does_not_answer_is_counted() -> None:
    seen = await nat.look([("127.0.0.1", 9)])
    assert (seen.asked, seen.seen) == (1, ())


async def test_a_port_is_seen_and_free_again(port: int) -> None:
    number, seen = await nat.outer(("127.0.0.1", port), "127.0.0.1", 5.0)
    assert seen == ("127.0.0.1", number)
    again, unseen = await nat.outer(None, "127.0.0.1", 5.0)
    assert again
    assert unseen is None


async def test_an_address_of_this_machine_is_nothing_that_peers_must_be_told(port: int) -> None:
    number, seen = await punch.outer(f"http://127.0.0.1:{port}", "127.0.0.1", within=5.0)
    assert number
    assert seen is None


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (Seen(("192.168.1.2", 9), 2, ()), "warn", "UDP is blocked"),
        (Seen(("11.77.0.2", 9), 1, (("11.77.0.2", 9),)), "ok", "its own address"),
        (Seen(("192.168.1.2", 9), 2, (("11.77.0.2", 7), ("11.77.0.2", 8))), "warn", "symmetric"),
        (Seen(("192.168.1.2", 9), 2, (("11.77.0.2", 7), ("11.77.0.2", 7)), True), "ok", "hairpin works"),
        (Seen(("192.168.1.2", 9), 1, (("11.77.0.2", 7),), False, "100.64.0.9"), "warn", "CGNAT"),
        (Seen(("192.168.1.2", 9), 1, (("100.64.0.9", 7),)), "warn", "CGNAT"),
        (
            Seen(("192.168.1.2", 9), 1, (("11.77.0.2", 7),), False, "11.77.0.2"),
            "ok",
            "the router gives ports",
        ),
    ],
)
def test_what_stun_and_the_router_mean(seen: Seen, state: str, words: str) -> None:
    found = verdict(seen)
    assert found[0] == state
    assert words in found[1]
