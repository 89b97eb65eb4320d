"""What the network lab's tests share: a network and people on it, gone at the end."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.harness import Huddle, Lab, lab
from tests.netlab.net import Net, Node

ROOT = Path(__file__).parents[2]
LONG = 200.0  # seconds for what a session comes to in the end, on a machine that has much else to do
LASTING = ("--grace", "120")  # of who is without a wire for a while, where others wait for them


@pytest.fixture
def net() -> Iterator[Net]:
    """An empty network. Where nobody may make one its tests are left out, but never in CI."""
    if os.geteuid() != 0:
        if os.environ.get("CI") == "true":
            pytest.fail("only root can make network namespaces")
        pytest.skip("only root can make network namespaces")
    with Net() as one:
        yield one


class Neighbours:
    """People on the nodes of a network."""

    def __init__(self, people: Lab) -> None:
        self.people = people
        self.program = ROOT / "tests" / "programs" / "chaos_steps.py"

    def serve(self, node: Node, *options: str) -> str:
        """A rendezvous on this node; its URL."""
        where = node.addresses[0]
        with node.inside():
            server = self.people.huddle(
                "rendezvous", "serve", "--json", "--host", where, "--port", "8037", *options
            )
        url: str = server.wait("serving")["url"]
        return url

    def host(self, node: Node, url: str, *options: str, parties: int = 2) -> Huddle:
        """Ada hosts on this node."""
        with node.inside():
            return self.people.huddle(
                "Ada", "host", "--json", "--name", "Ada", "--open", "--parties", str(parties),
                "--rendezvous", url, *options, str(self.program),
            )  # fmt: skip

    def join(
        self,
        node: Node,
        name: str,
        link: str,
        *options: str,
        ask: bool = False,
        private: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
    ) -> Huddle:
        """Somebody joins on this node; with `ask` they have to type before the second computation."""
        mine = ("--", *(("--ask",) if ask else ()), *private) if ask or private else ()
        with node.inside():
            return self.people.huddle(
                name, "join", "--json", "--name", name, "--yes", "--program", str(self.program), *options,
                link, *mine, env=env,
            )  # fmt: skip


def asked(party: Huddle) -> None:
    """Wait until its person has to type: the session is made, and the first computation is done."""
    party.wait("input", lambda event: event["waiting"], LONG)


def rewired(*parties: Huddle, state: str = "restored", peer: str = "") -> None:
    """Wait until each has lost a wire, or has one again; with `peer` the one to that peer."""
    for party in parties:
        party.wait("reconnect", lambda event: event["state"] == state and peer in ("", event["peer"]), LONG)


def below(party: Huddle) -> list[psutil.Process]:
    """Its descendants, which are told from later processes that have their numbers."""
    found = []
    for pid in party.descendants():
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def running(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those of these that still run; zombies that wait for their parent do not."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture
def neighbours(net: Net, tmp_path: Path) -> Iterator[Neighbours]:
    """Their processes end before their network does."""
    with lab(tmp_path / "people") as people:
        yield Neighbours(people)
