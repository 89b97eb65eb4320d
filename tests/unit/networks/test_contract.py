"""What every network keeps to, each tried for real: those of the registry, and one of another distribution.

A network that this machine can't have is left out, with the reason that it gives itself. One whose programs
may stand in for a part of the kernel changes the machine: it is tried in a network namespace.
"""

import asyncio
import gc
import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import nullcontext, suppress
from typing import Any

import psutil
import pytest
import uvloop

from huddle.ceremony.messages import MAX_SEALED
from huddle.errors import NetworkError, PeerError
from huddle.networks import registry
from huddle.networks.base import NetworkKind
from tests import wireguard_go
from tests.netlab.net import Net
from tests.plugins import installed
from tests.unit.networks.meeting import begin, begun, meet, opened
from tests.unit.networks.takers import Taker

Try = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def _has_no_daemon(kind: NetworkKind) -> bool:
    return kind.name == "tailscale" and "tailscaled" in asyncio.run(kind.problem())


UDP = installed.udp()
KINDS = (*registry.OWN, UDP)
# Those that need a daemon of this machine's are tried with real ones in netlab, not 26 times skipped here.
LINKING = [kind for kind in KINDS if kind.links_parties and not _has_no_daemon(kind)]
SOME = bytes(range(256)) * 4096  # 1 MiB

pytestmark = pytest.mark.timeout(300)  # where wireguard-go has to be built first, that takes a minute


@pytest.fixture(params=LINKING, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> NetworkKind:
    found: NetworkKind = request.param
    return found


@pytest.fixture
def options(kind: NetworkKind) -> Any:
    return registry.parsed(kind.Options, {})


@pytest.fixture(params=[asyncio.SelectorEventLoop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(
    kind: NetworkKind, options: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Try]:
    """Run what is to be tried on this event loop, where this network may be; nothing may be left of it."""
    changes = any(command.module for command in kind.commands)
    if changes:
        wireguard_go.on_path(monkeypatch)
    if why := asyncio.run(kind.problem()) or kind.unconfigured(options, hosting=True):
        pytest.skip(str(why))
    if kind.service and options == kind.Options():
        pytest.skip(f"{kind.name} needs a {kind.service}, which is on the Internet")
    net = request.getfixturevalue("namespaces") if changes else None
    node = net.node("10.77.0.1/24") if net else None

    def here(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(60):
                await work()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        with node.inside() if node else nullcontext(), asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(bounded())

    yield here


@pytest.fixture
def namespaces() -> Iterator[Net]:
    """Where only root may make them, others leave out what needs them."""
    if psutil.Process().uids().effective != 0:
        pytest.skip("only root can make network namespaces")
    with Net() as net:
        yield net


# --- before a session


@pytest.mark.parametrize("one", KINDS, ids=lambda kind: kind.name)
def test_a_kind_says_what_it_is(one: NetworkKind) -> None:
    assert one.name.isidentifier() and one.name.islower()
    assert one.links_parties or not one.automatic
    for _, told in registry.described(one.Options):
        assert told.help.endswith(".")
    assert isinstance(registry.parsed(one.Options, {}), one.Options)
    assert all(path.is_absolute() for path in one.leftovers())


@pytest.mark.parametrize("one", KINDS, ids=lambda kind: kind.name)
async def test_doctor_may_ask_it(one: NetworkKind) -> None:
    assert not (await one.problem()).endswith(".")
    for check in await one.examine(registry.parsed(one.Options, {})):
        assert check.name and check.found and (check.state == "ok" or check.advice)


def test_no_two_networks_share_an_option() -> None:
    fields = [one.name for kind in KINDS for one, _ in registry.described(kind.Options)]
    assert len(set(fields)) == len(fields)


# --- in a session


def test_an_offer_leaves_room_for_those_of_other_networks(kind: NetworkKind, options: Any, run: Try) -> None:
    async def work() -> None:
        async with opened(kind, options) as parties:
            for party in parties:
                assert len(party.network.offer()) <= MAX_SEALED // 2
                assert party.network.name == kind.name

    run(work)


@pytest.mark.parametrize("number", [0, 3])
def test_bytes_go_both_ways_whole_and_in_order(
    kind: NetworkKind, options: Any, run: Try, number: int
) -> None:
    async def work() -> None:
        async with begun(kind, options) as parties:
            wires = await meet(parties, number)
            takers = Taker(), Taker()
            blobs = SOME, SOME[::-1]
            for wire, blob in zip(wires, blobs, strict=True):
                for at in range(0, len(blob), 50_001):
                    wire.send(blob[at : at + 50_001])
            for wire, taker in zip(wires, takers, strict=True):
                wire.start(taker)
            assert await takers[0].until(len(SOME)) == blobs[1]
            assert await takers[1].until(len(SOME)) == blobs[0]

    run(work)


def test_what_is_known_of_a_wire(kind: NetworkKind, options: Any, run: Try) -> None:
    async def work() -> None:
        async with begun(kind, options) as parties:
            one, other = (wire.info for wire in await meet(parties))
            assert one.network == other.network == kind.name
            assert re.match("direct|relayed", one.path) and one.path.isprintable()
            assert one.relayed == other.relayed == kind.always_relayed
            assert (one.local_key, one.peer_key) == (other.peer_key, other.local_key)
            # The link proof binds the keys of a sealed wire; else the record layer carries the link.
            assert one.sealed == other.sealed == bool(one.local_key) == bool(one.peer_key)
            assert not one.sealed or one.local_key != one.peer_key

    run(work)


def test_what_was_sent_before_a_close_arrives_and_then_its_end(
    kind: NetworkKind, options: Any, run: Try
) -> None:
    async def work() -> None:
        async with begun(kind, options) as parties:
            mine, theirs = await meet(parties)
            takers = Taker(), Taker()
            mine.start(takers[0])
            mine.send(SOME[:60_000])
            mine.close()
            mine.send(b"too late")
            theirs.start(takers[1])
            assert await takers[1].until(60_000) == SOME[:60_000]
            assert await takers[1].lost()
            theirs.send(b"to nobody")
            theirs.abort()
            assert len(takers[1].reasons) == 1 and takers[0].reasons == []

    run(work)


def test_a_wire_that_is_dropped_is_lost_at_the_other_end(kind: NetworkKind, options: Any, run: Try) -> None:
    async def work() -> None:
        async with begun(kind, options) as parties:
            mine, theirs = await meet(parties)
            takers = Taker(), Taker()
            mine.start(takers[0])
            theirs.start(takers[1])
            mine.abort()
            assert await takers[1].lost()
            assert takers[0].reasons == []

    run(work)


def test_a_lost_wire_is_followed_by_another(kind: NetworkKind, options: Any, run: Try) -> None:
    async def work() -> None:
        async with begun(kind, options) as parties:
            for _ in range(2):
                mine, theirs = await meet(parties)
                taker = Taker()
                theirs.start(taker)
                mine.send(b"here")
                assert await taker.until(4) == b"here"
                mine.abort()
                assert await taker.lost()

    run(work)


def test_a_wire_moves_to_another_receiver(kind: NetworkKind, options: Any, run: Try) -> None:
    async def work() -> None:
        async with begun(kind, options) as parties:
            mine, theirs = await meet(parties)
            first, second = Taker(), Taker()
            theirs.start(first)
            mine.send(b"for the proof")
            await first.until(13)
            theirs.start(second)
            mine.send(b"for the link")
            assert await second.until(12) == b"for the link"
            assert first.data == b"for the proof"

    run(work)


def test_a_dial_that_is_cancelled_leaves_nothing(kind: NetworkKind, options: Any, run: Try) -> None:
    async def work() -> None:
        async with begun(kind, options) as parties:
            for steps in (0, 1, 2, 5, 20, 100):
                dial = asyncio.create_task(parties[0].network.dial(1, 2))
                for _ in range(steps):
                    await asyncio.sleep(0)
                dial.cancel()
                with suppress(asyncio.CancelledError):
                    (await dial).abort()
            mine, theirs = await meet(parties)
            taker = Taker()
            theirs.start(taker)
            mine.send(b"still there")
            assert await taker.until(11) == b"still there"

    run(work)


def held() -> str:
    """Endpoints and wires that somebody still has, and who."""
    found = []
    for one in gc.get_objects():
        if type(one).__name__ in (
            "Endpoint",
            "Connection",
            "Incoming",
            "IrohEndpoint",
            "IrohNetwork",
            "IrohStream",
        ):
            holders = [f"{type(holder)}: {holder!r:.300}" for holder in gc.get_referrers(one)]
            found.append("\n  ".join([f"{one!r:.100}", *holders]))
    return "\n".join(found)


def test_nothing_stays_open_when_it_is_closed(kind: NetworkKind, options: Any, run: Try) -> None:
    """Neither tasks (`run` looks), sockets nor processes; a first round is for what libraries keep."""

    async def work() -> None:
        me, before = psutil.Process(), -1
        others = set(me.children())  # such as the servers of this test
        for _ in range(3):
            async with begun(kind, options) as parties:
                mine, theirs = await meet(parties)
                for wire in (mine, theirs):
                    wire.start(Taker())
            for _ in range(1000):  # a transport's socket is closed a step later
                if before < 0 or not (me.num_fds() > before or set(me.children()) - others):
                    break
                gc.collect()
                await asyncio.sleep(0.01)
            else:
                pytest.fail(f"{me.num_fds() - before} files are left, {me.children()}\n{held()}")
            before = me.num_fds() if before < 0 else before

    run(work)


def test_nobody_is_dialled_who_is_not_there(kind: NetworkKind, options: Any, run: Try) -> None:
    async def work() -> None:
        async with begun(kind, options) as parties:
            with pytest.raises(NetworkError):
                await parties[0].network.dial(7, 0)
        with pytest.raises(NetworkError):
            await parties[0].network.dial(1, 0)

    run(work)


def test_an_offer_that_is_none_is_the_peer_s_fault_and_nothing_else(
    kind: NetworkKind, options: Any, run: Try
) -> None:
    async def work() -> None:
        for wrong in (b"", b"\xff" * 40, "short", "long"):
            async with opened(kind, options) as parties:
                right = parties[1].network.offer()
                made = {"short": right[:-1], "long": right + b"\0"}
                offer = wrong if isinstance(wrong, bytes) else made[wrong]
                with pytest.raises((PeerError, NetworkError)):
                    begin(parties, (None, offer))
                    await parties[0].network.dial(1, 0)

    run(work)


def test_closing_twice_and_before_a_session_is_nothing(kind: NetworkKind, options: Any, run: Try) -> None:
    async def work() -> None:
        async with opened(kind, options) as parties:
            await parties[0].network.close()
            await parties[0].network.close()

    run(work)
