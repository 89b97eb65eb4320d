"""WireGuard between machines and homes: set up by nobody, through routers, and gone afterwards."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from huddle.networks.wireguard.keys import Owner, interface, owner_of
from huddle.running.account import NOBODYS
from tests import wireguard_go
from tests.e2e.chaos import wait_until
from tests.e2e.harness import COMMAND, Huddle
from tests.netlab.conftest import LASTING, LONG, Neighbours, asked, rewired
from tests.netlab.nat import Home
from tests.netlab.net import Net, Node, _ip

ROOT = Path(__file__).parents[2]
WIREGUARD = ("--network", "wireguard")
LASTING_WIREGUARD = (*WIREGUARD, *LASTING)
NOBODY = 65534


# Where wireguard-go has to be built first, that takes a minute.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    wireguard_go.on_path(monkeypatch)


def finish(*parties: Huddle, total: int = 30) -> None:
    codes = [party.end(LONG) for party in parties]
    assert codes == [0] * len(parties), "\n".join(party.story() for party in parties)
    for party in parties:
        assert f"second sum {total}" in party.output()


def paths(party: Huddle) -> set[str]:
    links = party.all("link")
    assert {link["network"] for link in links} == {"wireguard"}
    return {link["path"].partition(" port ")[0] for link in links}


def test_three_parties_on_an_open_network(net: Net, neighbours: Neighbours) -> None:
    post, *places = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3, 4))
    url = neighbours.serve(post)
    host = neighbours.host(places[0], url, *WIREGUARD, parties=3)
    link = host.wait("invitation")["url"]
    guests = [
        neighbours.join(node, name, link, *WIREGUARD)
        for node, name in zip(places[1:], ("Bob", "Cyd"), strict=True)
    ]
    finish(host, *guests, total=60)
    assert paths(host) == {"direct, 10.77.0.3", "direct, 10.77.0.4"}
    assert all(party.all("ended")[0]["clean"] for party in (host, *guests))


def test_only_what_wireguard_needs_is_root_s(net: Net, neighbours: Neighbours) -> None:
    """Root hosts and somebody joins by sudo: all of the session but WireGuard runs as other accounts."""
    post, here, there = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3))
    url = neighbours.serve(post)
    with tempfile.TemporaryDirectory(prefix="huddle-test-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        sudo = {"SUDO_UID": str(NOBODY), "SUDO_GID": str(NOBODY), "HUDDLE_HOME": folder}
        host = neighbours.host(here, url, *WIREGUARD)
        guest = neighbours.join(there, "Bob", host.wait("invitation")["url"], *WIREGUARD, ask=True, env=sudo)
        asked(guest)
        for party, uids in ((host, NOBODYS), (guest, [NOBODY])):
            children = {pid: psutil.Process(pid) for pid in (party.process.pid, *party.descendants())}
            tunnels = [pid for pid, child in children.items() if child.name() == "wireguard-go"]
            assert tunnels, party.story()
            for pid, child in children.items():
                assert set(child.uids()) == {0} if pid in tunnels else set(child.uids()) <= set(uids), child
        guest.type("go on")
        finish(host, guest)
        assert Path(folder, "identity").stat().st_uid == NOBODY
    assert left_by(host, guest, nodes=(here, there)) == []


def homes(net: Net, *, symmetric: bool = False) -> tuple[Home, Home]:
    return (
        Home(net, "10.77.0.2/24", "192.168.1", symmetric=symmetric),
        Home(net, "10.77.0.3/24", "192.168.2", symmetric=symmetric),
    )


def left(*nodes: Node) -> list[str]:
    """Interfaces of these nodes, processes and sockets that are Huddle's own."""
    found = [name for node in nodes for name in interfaces(node) if owner_of(name)]
    return sorted([*found, *(name for _, name in running()), *sockets()])


def left_by(*parties: Huddle, nodes: tuple[Node, ...]) -> list[str]:
    """Those that belong to these parties."""
    pids = {party.process.pid for party in parties}
    return [name for name in left(*nodes) if (owner := owner_of(name)) and owner.pid in pids]


def interfaces(node: Node) -> list[str]:
    with node.inside():
        return [name for _, name in socket.if_nameindex()]


def running() -> list[tuple[int, str]]:
    """Each wireguard-go of Huddle's with its interface."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if len(line) == 3 and line[0].endswith("/wireguard-go") and owner_of(line[2]):
                found.append((process.pid, line[2]))
    return found


def sockets() -> list[str]:
    return [path.stem for path in Path("/var/run/wireguard").glob("*.sock") if owner_of(path.stem)]


def test_two_homes_behind_routers_and_nothing_left(net: Net, neighbours: Neighbours) -> None:
    post = net.node("10.77.0.1/24")
    ada, bob = homes(net)
    url = neighbours.serve(post)
    host = neighbours.host(ada.node, url, *WIREGUARD)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *WIREGUARD, ask=True)
    asked(guest)
    assert left_by(host, nodes=(ada.node,))
    guest.type("go on")
    finish(host, guest)
    assert paths(host) == {"direct, 10.77.0.3"}
    assert paths(guest) == {"direct, 10.77.0.2"}
    assert left_by(host, guest, nodes=(ada.node, bob.node)) == []


@pytest.mark.long
def test_routers_with_a_port_for_each_destination_are_refused_with_a_word(
    net: Net, neighbours: Neighbours
) -> None:
    post = net.node("10.77.0.1/24")
    ada, bob = homes(net, symmetric=True)
    url = neighbours.serve(post)
    # An attempt has to be over in that time, for it to say what was tried.
    impatient = (*WIREGUARD, "--grace", "45")
    host = neighbours.host(ada.node, url, *impatient)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *impatient)
    assert host.end(LONG) != 0
    assert guest.end(LONG) != 0
    said = host.errors()
    assert "can't be reached by WireGuard: nothing came through" in said, host.story()
    assert "10.77.0.3 (seen by STUN)" in said, host.story()
    assert left_by(host, guest, nodes=(ada.node, bob.node)) == []


def test_only_one_of_two_behind_such_a_router(net: Net, neighbours: Neighbours) -> None:
    """Who asks from another port than STUN saw is answered there."""
    post, there = net.node("10.77.0.1/24"), net.node("10.77.0.3/24")
    ada = Home(net, "10.77.0.2/24", "192.168.1", symmetric=True)
    url = neighbours.serve(post)
    host = neighbours.host(ada.node, url, *WIREGUARD)
    guest = neighbours.join(there, "Bob", host.wait("invitation")["url"], *WIREGUARD)
    finish(host, guest)
    assert paths(guest) == {"direct, 10.77.0.2"}


def test_ipv6_only(net: Net, neighbours: Neighbours) -> None:
    post, here, there = (net.node(f"fd77::{number}/64") for number in (1, 2, 3))
    url = neighbours.serve(post)
    host = neighbours.host(here, url, *WIREGUARD)
    guest = neighbours.join(there, "Bob", host.wait("invitation")["url"], *WIREGUARD)
    finish(host, guest)
    assert paths(host) == {"direct, fd77::3"}


def test_a_path_on_which_only_1280_bytes_fit(net: Net, neighbours: Neighbours) -> None:
    """Neither end's own cable is the narrow one, and nobody says what does not fit."""
    post = net.node("10.77.0.1/24")
    ada, bob = homes(net)
    _ip("-n", bob.router.name, "link", "set", "eth0", "mtu", "1280")
    _enter(bob.router, "nft", "add rule ip filter forward icmp type destination-unreachable drop")
    _enter(bob.router, "nft", "add chain ip filter output { type filter hook output priority 0; }")
    _enter(bob.router, "nft", "add rule ip filter output icmp type destination-unreachable drop")
    url = neighbours.serve(post)
    neighbours.program = ROOT / "tests" / "programs" / "bulk.py"
    host = neighbours.host(ada.node, url, *WIREGUARD)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *WIREGUARD, ask=True)
    asked(guest)
    segments = subprocess.run(
        ["ip", "netns", "exec", ada.node.name, "ss", "-tni"], capture_output=True, text=True, check=True
    ).stdout
    assert re.search(r"\bmss:11\d\d\b", segments), segments
    guest.type("go on")
    finish(host, guest)


def test_a_cable_that_is_out_for_some_seconds_in_mid_run(net: Net, neighbours: Neighbours) -> None:
    post = net.node("10.77.0.1/24")
    ada, bob = homes(net)
    url = neighbours.serve(post)
    host = neighbours.host(ada.node, url, *LASTING_WIREGUARD)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *LASTING_WIREGUARD, ask=True)
    asked(guest)
    bob.router.down()
    rewired(host, guest, state="lost")
    bob.router.up()
    rewired(host, guest)
    guest.type("go on")
    finish(host, guest)


def test_an_address_that_changes_in_mid_run(net: Net, neighbours: Neighbours) -> None:
    post = net.node("10.77.0.1/24")
    ada, bob = homes(net)
    url = neighbours.serve(post)
    host = neighbours.host(ada.node, url, *LASTING_WIREGUARD)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *LASTING_WIREGUARD, ask=True)
    asked(guest)
    bob.router.readdress("10.77.0.3/24", "10.77.0.33/24")
    rewired(host, guest)
    guest.type("go on")
    finish(host, guest)
    assert "direct, 10.77.0.33" in paths(host)


def test_a_wireguard_go_that_dies_is_replaced(net: Net, neighbours: Neighbours) -> None:
    post, here, there = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3))
    url = neighbours.serve(post)
    host = neighbours.host(here, url, *LASTING_WIREGUARD)
    guest = neighbours.join(there, "Bob", host.wait("invitation")["url"], *LASTING_WIREGUARD, ask=True)
    asked(guest)
    (killed,) = [pid for pid, name in running() if owner_of(name) == Owner.of(guest.process.pid)]
    os.kill(killed, signal.SIGKILL)
    rewired(host, guest)
    guest.type("go on")
    finish(host, guest)
    assert left_by(host, guest, nodes=(here, there)) == []


@pytest.mark.parametrize("stage", ["connecting", "running"])
def test_ctrl_c_leaves_nothing(net: Net, neighbours: Neighbours, stage: str) -> None:
    post = net.node("10.77.0.1/24")
    ada, bob = homes(net, symmetric=stage == "connecting")
    url = neighbours.serve(post)
    host = neighbours.host(ada.node, url, *WIREGUARD)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *WIREGUARD, ask=True)
    guest.wait("sealed")
    if stage == "running":
        asked(guest)
    assert wait_until(lambda: bool(left_by(guest, nodes=(bob.node,))), 60)
    for party in (guest, host):
        party.signal(signal.SIGINT)
        party.signal(signal.SIGINT)
    for party in (guest, host):
        party.end(LONG)
    assert left_by(host, guest, nodes=(ada.node, bob.node)) == []


@pytest.mark.parametrize("parent_death", [True, False])
def test_after_kill_9_nothing_stays_and_the_next_start_says_so(
    net: Net, neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, parent_death: bool
) -> None:
    """Where the kernel can end wireguard-go with Huddle it does; else the next start does.

    Any start would, another test's too: so these two see only each other's processes.
    """
    if not parent_death:
        monkeypatch.setenv("PATH", str(without_setpriv(tmp_path)))
    post, here, there = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3))
    url = neighbours.serve(post)
    host = neighbours.host(here, url, *WIREGUARD)
    with pid_namespace() as enter:
        neighbours.people.commands.update(Ada=enter, Bob=enter)
        guest = neighbours.join(there, "Bob", host.wait("invitation")["url"], *WIREGUARD, ask=True)
        asked(guest)
        (killed,) = {owner for name in interfaces(there) if (owner := owner_of(name))}

        def of_killed() -> list[str]:
            return [name for name in left(there) if owner_of(name) == killed]

        (entered,) = psutil.Process(guest.process.pid).children()
        if not parent_death:  # the helper that has root's rights would tidy up, as long as it lives
            for helper in entered.children():
                helper.kill()
        entered.kill()
        guest.process.wait()
        if parent_death:
            assert wait_until(lambda: not of_killed(), 60), of_killed()
        else:
            assert [name for _, name in running() if name in of_killed()]
        # What the kernel's own WireGuard would leave: an interface that needs no process.
        name = interface(killed, 900)
        _ip("-n", there.name, "link", "add", name, "type", "bridge")
        again = neighbours.host(there, url, *WIREGUARD)
        notice = again.wait("notice", lambda event: "was killed" in event["text"])
        assert name in notice["text"] and str(killed.pid) in notice["text"]
        again.wait("invitation")
        assert wait_until(lambda: not of_killed(), 60), of_killed()
        for process in psutil.Process(again.process.pid).children():
            process.terminate()
        again.end()
    host.signal(signal.SIGTERM)
    host.end()


@contextlib.contextmanager
def pid_namespace() -> Iterator[tuple[str, ...]]:
    """A pid namespace of its own, and how `huddle` is started in it; all that runs there ends with it."""
    first = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", "echo; exec sleep 600"]
    with subprocess.Popen(first, stdout=subprocess.PIPE) as made:
        try:
            assert made.stdout and made.stdout.readline()
            (init,) = psutil.Process(made.pid).children()
            yield ("nsenter", f"--target={init.pid}", "--pid", "--mount", *COMMAND)
        finally:
            made.kill()


def without_setpriv(folder: Path) -> Path:
    """A directory for PATH with all programs that there are but one."""
    folder = folder / "bin"
    folder.mkdir()
    for place in os.environ["PATH"].split(":"):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            if program.name != "setpriv" and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program)
    return folder


def _enter(node: Node, *command: str) -> None:
    subprocess.run(["ip", "netns", "exec", node.name, *command], check=True, capture_output=True)
