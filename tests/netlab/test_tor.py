"""Sessions by Tor, over a Tor network of the test's own, and the contract that all networks keep to.

Each party is a machine that may send TCP to the relays and the rendezvous, and nothing to other parties.
"""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from huddle.networks.base import NetworkKind
from huddle.networks.tor.daemon import PREFIX
from huddle.networks.tor.kind import TorKind, TorOptions
from tests.e2e.chaos import wait_until
from tests.e2e.harness import Huddle
from tests.netlab.conftest import Neighbours, below, running
from tests.netlab.net import Net, Node
from tests.tornet.running import tor_network
from tests.unit.networks.test_contract import (  # noqa: F401 - the same tests, by Tor
    test_a_dial_that_is_cancelled_leaves_nothing,
    test_a_lost_wire_is_followed_by_another,
    test_a_wire_moves_to_another_receiver,
    test_a_wire_that_is_dropped_is_lost_at_the_other_end,
    test_an_offer_leaves_room_for_those_of_other_networks,
    test_an_offer_that_is_none_is_the_peer_s_fault_and_nothing_else,
    test_bytes_go_both_ways_whole_and_in_order,
    test_closing_twice_and_before_a_session_is_nothing,
    test_nobody_is_dialled_who_is_not_there,
    test_nothing_stays_open_when_it_is_closed,
    test_what_is_known_of_a_wire,
    test_what_was_sent_before_a_close_arrives_and_then_its_end,
)

pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("tor")]

RELAYS = "10.77.0.9"
PATIENCE = 150.0  # seconds: to go into the network, publish, and dial, on a busy machine
Try = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


# --- the contract, on loopback


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Tor network on loopback, for all tests of the contract.

    On an address of its own: its ports are chosen before they are listened on.
    """
    pid = os.getpid()
    address = f"127.1.{pid >> 8 & 255}.{pid & 255}"
    with tor_network(tmp_path_factory.mktemp("tor"), address) as config:
        yield config


@pytest.fixture
def kind() -> NetworkKind:
    return TorKind()


@pytest.fixture
def options(here: Path) -> TorOptions:
    return TorOptions(here)


@pytest.fixture
def run() -> Try:
    def within(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(PATIENCE):
                await work()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(bounded())

    return within


# --- whole sessions, between machines


class Hidden:
    """Machines that see the relays and the rendezvous alone, and people on them."""

    def __init__(self, net: Net, neighbours: Neighbours, config: Path, url: str) -> None:
        self._net, self._neighbours = net, neighbours
        self._url = url
        self._options = ("--network", "tor", "--tor-config", str(config))
        self.addresses: list[str] = []

    def session(self, *names: str, ask: bool = False) -> list[Huddle]:
        """Ada and these, each on a machine of their own, on their way into a session."""
        host = self._neighbours.host(self._machine(), self._url, *self._options, parties=len(names) + 1)
        link = host.wait("invitation", timeout=PATIENCE)["url"]
        joined = [
            self._neighbours.join(self._machine(), name, link, *self._options, ask=ask) for name in names
        ]
        return [host, *joined]

    def _machine(self) -> Node:
        address = f"10.77.0.{len(self.addresses) + 1}"
        node = self._net.node(f"{address}/24")
        node.firewall()  # nobody reaches it,
        node.refuse_out(f"oif eth0 ip daddr != {RELAYS}")  # and it reaches no party
        self.addresses.append(address)
        return node


@pytest.fixture
def hidden(net: Net, neighbours: Neighbours, tmp_path: Path) -> Iterator[Hidden]:
    relays = net.node(f"{RELAYS}/24")
    with contextlib.ExitStack() as stack:
        with relays.inside():
            config = stack.enter_context(tor_network(tmp_path / "tor", RELAYS))
        yield Hidden(net, neighbours, config, neighbours.serve(relays))


@pytest.mark.parametrize("names", [("Bob",), ("Bob", "Cyd")], ids=["two", "three"])
def test_parties_that_do_not_reach_each_other_compute_and_learn_no_address(
    hidden: Hidden, names: tuple[str, ...]
) -> None:
    parties = hidden.session(*names)
    codes = [party.end(PATIENCE) for party in parties]
    assert codes == [0] * len(parties), "\n".join(party.story() for party in parties)
    for party, own in zip(parties, hidden.addresses, strict=True):
        assert "second sum" in party.output()
        assert {(link["network"], link["path"]) for link in party.all("link")} == {("tor", "relayed by Tor")}
        assert any("is slow" in event["text"] for event in party.all("notice"))
        others = set(hidden.addresses) - {own}
        assert not [address for address in others if address in party.story()]
        assert party.left() == []


def directory(party: Huddle) -> Path:
    """Where this party's Tor keeps its files."""
    found = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in party.descendants()]
    (torrc,) = {word for words in found for word in words if word.endswith(b"/torrc")}
    return Path(os.fsdecode(torrc)).parent


def test_who_is_killed_is_missed_and_their_tor_ends(hidden: Hidden) -> None:
    ada, bob, cyd = hidden.session("Bob", "Cyd", ask=True)
    for party in (ada, bob, cyd):
        party.wait("run", timeout=PATIENCE)
    theirs, places = below(cyd), [directory(party) for party in (ada, bob, cyd)]
    assert len(set(places)) == 3 and all(place.name.startswith(PREFIX) for place in places)
    cyd.signal(signal.SIGKILL)
    for party in (ada, bob):
        assert party.end(PATIENCE) != 0
        assert "Cyd" in party.story() and party.left() == []
    assert wait_until(lambda: not running(theirs), 60), "a Tor goes on without its party"
    assert [place.exists() for place in places] == [False, False, True]  # the last is for `huddle forget`
    shutil.rmtree(places[2])
