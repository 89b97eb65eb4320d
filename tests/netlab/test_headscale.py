"""Sessions over headscale between machines of their own, with real tailscaleds.

Each runs with a Headscale made of its documented API and a control server, and with a real one, started with
its own DERP by `huddle serve --headscale`.
"""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path

import pytest

from huddle.errors import NetworkError
from huddle.networks.headscale.api import HeadscaleApi
from huddle.networks.tailscale.api import LocalApi
from huddle.networks.tailscale.daemon import Daemon
from tests.e2e.chaos import wait_until
from tests.e2e.harness import LOCAL, PEER, Huddle, Lab, lab
from tests.netlab.conftest import ROOT, below, running
from tests.netlab.nat import Home
from tests.netlab.net import Net, Node
from tests.tailnet.headscale import POLICY, Headscale, Refused, with_machines
from tests.tailnet.running import environment, headscale, system_tailscaled, tools

pytestmark = pytest.mark.timeout(900)  # on a fresh machine Tailscale is built first

PROGRAM = ROOT / "tests" / "programs" / "chaos_steps.py"
PATIENCE = 150.0  # seconds: a loaded machine starts three tailscaleds slowly


class Place:
    """A Headscale and a rendezvous on one node, and parties anywhere.

    Without a `state` the Headscale is the binary, which the rendezvous starts.
    """

    def __init__(self, node: Node, people: Lab, folder: Path, state: Headscale | None, url: str = "") -> None:
        self.node = node
        self.state = state
        self.folder = folder
        self._people = people
        own = () if state else ("--headscale",)
        with node.inside():
            self.server = people.huddle(
                "rendezvous", "serve", "--json", "--host", node.addresses[0], "--port", "8037", *own,
                env=environment() if state else environment(headscale()),
            )  # fmt: skip
        self.url: str = self.server.wait("serving", timeout=60)["url"]
        if state is not None:
            self.headscale, self._key, self.certificate = url, state.key, ""
            return
        told = self.server.wait("headscale")
        self.headscale, self._key, self.certificate = told["url"], told["key"], told["certificate"]
        self.certificate_file.write_text(self.certificate)
        self._with(self._people_of_it())

    @property
    def certificate_file(self) -> Path:
        return self.folder / "certificate"

    def api(self) -> HeadscaleApi:
        return HeadscaleApi(self.headscale, self._key, self.certificate)

    def _with[T](self, work: Coroutine[None, None, T]) -> T:
        with self.node.inside():
            return asyncio.run(work)

    async def _people_of_it(self) -> None:
        await self.api().make_user("carol", "Carol")
        await self.api().set_policy(POLICY)

    def start(self, node: Node, name: str, command: str, *words: str, key: str = "") -> Huddle:
        options = ("--json", "--name", name, "--network", "headscale")
        env = environment() | ({"HUDDLE_HEADSCALE_KEY": key} if key else {})
        if key and self.certificate:
            env["HUDDLE_HEADSCALE_CERTIFICATE"] = str(self.certificate_file)
        with node.inside():
            return self._people.huddle(name, command, *options, *words, env=env)

    def host(
        self, node: Node, *options: str, parties: int = 2, name: str = "Ada", grace: int = 120
    ) -> Huddle:
        room = ("--open", "--parties", str(parties), "--rendezvous", self.url, "--grace", str(grace))
        where = ("--headscale", self.headscale)
        return self.start(node, name, "host", *room, *where, *options, str(PROGRAM), key=self._key)

    def join(self, node: Node, name: str, host: Huddle, *, ask: bool = False, grace: int = 120) -> Huddle:
        link = host.wait("invitation", timeout=PATIENCE)["url"]
        private = ("--", "--ask") if ask else ()
        own = ("--yes", "--program", str(PROGRAM), "--grace", str(grace))
        return self.start(node, name, "join", *own, link, *private)

    def there(self) -> tuple[set[str], set[str], str]:
        """Its users, whose machines it has, and its policy."""

        async def ask() -> tuple[set[str], set[str], str]:
            api = self.api()
            users, machines = await api.users(), await api.machines()
            return {user.name for user in users}, {one.user for one in machines}, await api.policy() or ""

        return self._with(ask())

    def key_of(self, name: str, until: float | None = None) -> str:
        """An auth key of one of its users."""

        async def ask() -> str:
            (number,) = (user.id for user in await self.api().users() if user.name == name)
            return await self.api().make_key(number, until or time.time() + 600)

        return self._with(ask())

    def untouched(self) -> bool:
        return self.there() == ({"carol"}, set(), POLICY)


@pytest.fixture(params=["its API and a control server", "the binary"])
def place(request: pytest.FixtureRequest, net: Net, tmp_path: Path) -> Iterator[Place]:
    """Its processes end before their network does."""
    tools()
    node = net.node("10.77.0.9/24")
    with contextlib.ExitStack() as stack:
        people = stack.enter_context(lab(tmp_path / "people"))
        if request.param == "the binary":
            yield Place(node, people, tmp_path, None)
            return
        state = Headscale()
        with node.inside():
            url = stack.enter_context(with_machines(state, node.addresses[0]))
        yield Place(node, people, tmp_path, state, url)


def finish(*parties: Huddle, total: int) -> None:
    codes = [party.end(PATIENCE) for party in parties]
    assert codes == [0] * len(parties), "\n".join(party.story() for party in parties)
    for party in parties:
        assert f"second sum {total}" in party.output()
        assert {link["network"] for link in party.all("link")} == {"headscale"}
        assert party.left() == []


def socket_of(party: Huddle) -> str:
    """Where its own tailscaled is spoken to, as that one's arguments say."""
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in party.descendants()]
    words = [word for line in lines for word in line.split("\0")]
    return next(word.removeprefix("--socket=") for word in words if word.startswith("--socket="))


def test_three_parties_are_let_in_by_their_signatures_and_leave_nothing(net: Net, place: Place) -> None:
    nodes = [net.node(f"10.77.0.{number}/24") for number in (1, 2, 3)]
    ada = place.host(nodes[0], parties=3)
    bob, cyd = (place.join(node, name, ada) for node, name in zip(nodes[1:], ("Bob", "Cyd"), strict=True))
    ada.wait("output", lambda event: "first sum" in event["text"], timeout=PATIENCE)
    finish(ada, bob, cyd, total=60)
    said = {
        event["name"]: event
        for event in ada.all("party")
        if event["state"] == "connected" and event["detail"]
    }
    assert set(said) == {"Bob", "Cyd"}
    assert all("its tailnet says huddle-" in event["detail"] for event in said.values()), said
    assert wait_until(place.untouched, 20), place.there()


def test_two_sessions_at_once_share_a_headscale_and_nothing_else(net: Net, place: Place) -> None:
    nodes = [net.node(f"10.77.0.{number}/24") for number in (1, 2, 3, 4)]
    hosts = [place.host(nodes[0], name="Ada"), place.host(nodes[1], name="Eve")]
    guests = [
        place.join(nodes[2], "Bob", hosts[0], ask=True),
        place.join(nodes[3], "Cyd", hosts[1], ask=True),
    ]
    for guest in guests:
        guest.wait("output", lambda event: "first sum" in event["text"], timeout=PATIENCE)
    users, machines, policy = place.there()
    assert len(users) == 5 and len(machines) == 4 and all(user in policy for user in machines)
    for guest in guests:
        guest.type("go on")
    finish(*hosts, *guests, total=30)
    assert wait_until(place.untouched, 20), place.there()


def test_where_udp_is_blocked_it_goes_through_the_headscale_s_own_derp(net: Net, place: Place) -> None:
    """With the binary that is the DERP that Huddle configured, whose certificate the guests were told."""
    home = Home(net, "10.77.0.1/24", "192.168.1", blocked=("meta l4proto udp",))
    ada = place.host(home.node)
    bob = place.join(net.node("10.77.0.2/24"), "Bob", ada)
    finish(ada, bob, total=30)
    region = "huddle" if place.state is None else "test"
    assert {link["path"] for link in ada.all("link")} == {f"relayed by DERP {region}"}


def test_only_the_session_s_machines_see_each_other_and_at_one_port(
    net: Net, place: Place, tmp_path: Path
) -> None:
    if place.state is not None:
        pytest.skip("the control server made for tests enforces no policy")
    nodes = [net.node(f"10.77.0.{number}/24") for number in (1, 2, 3)]
    ada = place.host(nodes[0])
    bob = place.join(nodes[1], "Bob", ada, ask=True)
    bob.wait("output", lambda event: "first sum" in event["text"], timeout=PATIENCE)
    user = "--tun=userspace-networking"
    with contextlib.ExitStack() as stack:
        theirs = stack.enter_context(
            system_tailscaled(
                nodes[2],
                tmp_path / "c",
                place.headscale,
                place.key_of("carol"),
                user,
                certificate=place.certificate_file,
            )
        )
        assert asyncio.run(LocalApi(theirs).status()).peers == {}  # Carol's machine sees nobody
        with nodes[1].inside():
            private = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        api = LocalApi(socket_of(ada))

        async def knock() -> None:
            (peer,) = (await api.status()).peers.values()
            assert peer.login.startswith("huddle-")
            async with asyncio.timeout(8):
                await api.dial(peer.addresses[0], private.getsockname()[1])

        with pytest.raises((TimeoutError, OSError)):  # Bob's other ports are closed to Ada
            asyncio.run(knock())
        bob.type("go on")
        finish(ada, bob, total=30)
    assert wait_until(lambda: place.there()[0] == {"carol"}, 20), place.there()


@pytest.mark.long
def test_a_killed_host_s_session_is_taken_away_by_the_next_one(net: Net, place: Place) -> None:
    nodes = [net.node(f"10.77.0.{number}/24") for number in (1, 2)]
    ada = place.host(nodes[0], grace=30)
    bob = place.join(nodes[1], "Bob", ada, ask=True, grace=30)
    bob.wait("output", lambda event: "first sum" in event["text"], timeout=PATIENCE)
    theirs = below(ada)
    os.kill(ada.process.pid, signal.SIGKILL)
    assert bob.end(PATIENCE) == PEER and "Ada" in bob.errors()
    assert wait_until(lambda: not running(theirs), 60), theirs
    assert len(place.there()[0]) == 3 and "huddle-" in place.there()[2]
    again = place.host(nodes[0])
    again.wait("invitation", timeout=PATIENCE)
    assert any("had left in the Headscale is gone" in event["text"] for event in again.all("notice"))
    assert place.untouched()
    again.signal(signal.SIGINT)
    again.signal(signal.SIGINT)
    again.end(PATIENCE)
    assert place.untouched()


@pytest.mark.long
def test_a_machine_that_never_comes_is_named_and_nothing_stays(net: Net, place: Place) -> None:
    ada = place.host(net.node("10.77.0.1/24"), grace=60)
    there = net.node("10.77.0.2/24")
    # Bob reaches the rendezvous but not the Headscale.
    port = place.headscale.rpartition(":")[2]
    there.refuse_out(f"tcp dport {port}")
    bob = place.join(there, "Bob", ada, grace=60)
    assert [ada.end(PATIENCE), bob.end(PATIENCE)] == [PEER, PEER]
    assert "Bob's machine is not in the session's tailnet yet" in ada.errors()
    assert wait_until(place.untouched, 20), place.there()


@pytest.mark.long
def test_an_api_error_in_the_middle_is_told_to_all_and_taken_back(net: Net, place: Place) -> None:
    if place.state is None:
        pytest.skip("a Headscale can't be told to fail")
    seen = []

    def broken(method: str, path: str) -> None:
        if (method, path) == ("POST", "/preauthkey"):
            seen.append(path)
            if len(seen) == 2:  # a user each, the line of policy and one key are there
                raise Refused(500, "database is locked")

    place.state.broken = broken
    ada = place.host(net.node("10.77.0.1/24"), grace=45)
    bob = place.join(net.node("10.77.0.2/24"), "Bob", ada, grace=45)
    assert [ada.end(PATIENCE), bob.end(PATIENCE)] == [PEER, PEER]
    assert "database is locked" in ada.errors() and "takes nobody in" in bob.errors()
    assert place.untouched() and ada.left() == bob.left() == []


@pytest.mark.long
def test_a_key_that_expired_on_the_way_ends_well(
    net: Net, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place.state is None:
        # Its clock can't be turned; so a key is made that was good yesterday.
        monkeypatch.setenv("PATH", environment()["PATH"])

        async def come(key: str) -> None:
            daemon = await Daemon.start(place.certificate)
            try:
                await daemon.join(key, place.headscale, "late")
            finally:
                await daemon.close()

        key = place.key_of("carol", time.time() - 86_400)
        with net.node("10.77.0.1/24").inside(), pytest.raises(NetworkError, match="expired"):
            asyncio.run(come(key))
        return
    place.state.lifetime = -1.0
    ada = place.host(net.node("10.77.0.1/24"), grace=45)
    bob = place.join(net.node("10.77.0.2/24"), "Bob", ada, grace=45)
    assert [ada.end(PATIENCE), bob.end(PATIENCE)] == [PEER, PEER]
    assert "expired" in ada.errors() and "expired" in bob.errors()
    assert place.untouched() and ada.left() == bob.left() == []


def test_a_wrong_api_key_is_named_before_anybody_is_invited(net: Net, place: Place) -> None:
    words = (
        "--open",
        "--parties",
        "2",
        "--rendezvous",
        place.url,
        "--headscale",
        place.headscale,
        str(PROGRAM),
    )
    ada = place.start(net.node("10.77.0.1/24"), "Ada", "host", *words, key="wrong")
    assert ada.end(PATIENCE) == LOCAL
    assert "does not take the API key" in ada.errors() and not ada.all("invitation")
    assert place.untouched()
