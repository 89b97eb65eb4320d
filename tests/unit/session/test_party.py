"""Whole sessions in one process: several parties, a real rendezvous, mutual TLS on loopback, real runners.

However a session ends, nothing of it is left: no task, socket, process, file or room.
"""

import asyncio
import hashlib
import os
import queue
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from huddle import events
from huddle.errors import HuddleError
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.record import signed as record
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.session.party import Party
from huddle.session.plans import GuestPlan, HostPlan
from huddle.session.program import Program
from huddle.session.settings import Settings

CRYPTO = NativeCrypto()

SUM = b"""from mpyc.runtime import mpc
secint = mpc.SecInt(32)
async def main():
    async with mpc:
        print("sum", await mpc.output(mpc.sum(mpc.input(secint(mpc.pid + 1)))))
mpc.run(main())
"""
ASKS = b"""from mpyc.runtime import mpc
secint = mpc.SecInt(32)
async def main():
    async with mpc:
        print("sum", await mpc.output(mpc.sum(mpc.input(secint(int(input("number: ")))))))
mpc.run(main())
"""
CRASHES = b"""from mpyc.runtime import mpc
mpc.run(mpc.start())
if mpc.pid == 1:
    raise ValueError("my salary is 5000")
mpc.run(mpc.shutdown())
"""
FOR_EVER = b"""from mpyc.runtime import mpc
import time
mpc.run(mpc.start())
print("running", flush=True)
while True:
    time.sleep(0.01)
"""


def program(source: bytes, *more: tuple[str, bytes]) -> Program:
    return Program("prog.py", {"prog.py": source, **dict(more)})


@dataclass
class Seat:
    """A party and its person, who says yes to everything unless `decide` does something else."""

    name: str
    party: Party
    decide: Callable[["Seat", events.Event], Any]
    told: list[events.Event] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self) -> None:
        async for event in self.party:
            self.told.append(event)
            self.news.set()
            if self.decide(self, event) is not None:
                continue
            if isinstance(event, events.Question):
                if event.what == "admit":
                    self.party.admit(event.did)
                elif event.what == "again":
                    self.party.finish()
                else:
                    self.party.accept()

    def all(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    async def until(self, kind: type[Any], found: Callable[[Any], bool] = lambda event: True) -> Any:
        while True:
            for event in self.all(kind):
                if found(event):
                    return event
            self.news.clear()
            await self.news.wait()

    @property
    def ended(self) -> events.Ended:
        last = self.told[-1]
        assert isinstance(last, events.Ended), last
        return last

    @property
    def output(self) -> str:
        return "".join(event.text for event in self.all(events.Output) if event.stream == "stdout")


class Table:
    def __init__(self, url: str) -> None:
        self.url = url
        self.seats: list[Seat] = []
        self.living: list[asyncio.Task[None]] = []

    def sit(self, name: str, party: Party, decide: Any = None) -> Seat:
        seat = Seat(name, party, decide or (lambda seat, event: None))
        self.seats.append(seat)
        self.living.append(asyncio.create_task(seat.live(), name=name))
        return seat

    def host(self, what: Program, parties: int = 3, decide: Any = None, **more: Any) -> Seat:
        local = {name: more.pop(name) for name in list(more) if name in Settings.__dataclass_fields__}
        plan = HostPlan(what, parties, rendezvous=self.url, **more)
        return self.sit("Ada", Party(plan, settings("Ada", **local), *person()), decide)

    def join(self, name: str, url: str, decide: Any = None, plan: Any = None, **local: Any) -> Seat:
        party = Party(GuestPlan(url, **(plan or {})), settings(name, **local), *person())
        return self.sit(name, party, decide)

    async def session(self, what: Program, names: str = "Bob Cyd", **more: Any) -> list[Seat]:
        """A host and guests on their way; `decide` is for all of them."""
        decide = more.get("decide")
        host = self.host(what, len(names.split()) + 1, **more)
        url = (await host.until(events.Invitation)).url
        return [host, *(self.join(name, url, decide) for name in names.split())]

    async def over(self) -> list[Seat]:
        await asyncio.gather(*self.living)
        return self.seats


def settings(name: str, **local: Any) -> Settings:
    usual: dict[str, Any] = {"via": "127.0.0.1", "sandbox": False, "grace": 5.0}
    return Settings(name, **(usual | local))


def person() -> tuple[Identity, Contacts]:
    return Identity.fresh(CRYPTO), Contacts()


@pytest.fixture(scope="module")
def rendezvous() -> Iterator[int]:
    """The port of a rendezvous that has a thread and a loop of its own."""
    ports: queue.Queue[int] = queue.Queue()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with RendezvousServer(ServerConfig()) as server:
            ports.put(server.port)
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    yield ports.get(timeout=20)
    loop.call_soon_threadsafe(over.set)
    thread.join(20)
    loop.close()


@pytest.fixture
async def table(rendezvous: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Table]:
    """A table whose sessions must leave nothing in this process or on this machine."""
    temp = tmp_path / "temp"
    temp.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    own = psutil.Process()
    tasks = asyncio.all_tasks()
    before = {(one.fd, one.laddr) for one in own.net_connections()}  # of another test in this process
    table = Table(f"http://127.0.0.1:{rendezvous}")
    async with asyncio.timeout(45):
        yield table
        for seat in table.seats:
            seat.party.leave("the test is over")
        await asyncio.gather(*table.living, return_exceptions=True)
    # A dropped WebSocket ends its task a moment later, and WebRTC closes its sockets on threads of its own.
    for _ in range(200):
        running = asyncio.all_tasks() - tasks - {asyncio.current_task()}
        open_now = [one for one in own.net_connections() if (one.fd, one.laddr) not in before]
        left = [one for one in open_now if _is_ours(one, rendezvous)]
        if not running and not left:
            break
        await asyncio.sleep(0.1)
    assert running == set(), "tasks are left"
    assert left == [], "sockets are left"
    assert os.listdir(temp) == [], "files are left"
    assert [child for child in own.children(recursive=True) if _runs(child)] == [], "processes are left"


def _is_ours(connection: Any, rendezvous: int) -> bool:
    """Whether it is none of the rendezvous, which ends its conversations in its own time."""
    ports = {end.port for end in (connection.laddr, connection.raddr) if end}
    return connection.laddr.port != rendezvous and (
        rendezvous not in ports or connection.status == psutil.CONN_ESTABLISHED
    )


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE) and "resource_tracker" not in " ".join(
            process.cmdline()
        )
    except psutil.Error:
        return False


async def test_three_parties_run_a_program(table: Table) -> None:
    await table.session(program(SUM))
    for seat in await table.over():
        assert seat.ended.clean and "sum 6" in seat.output, seat.told
        assert len({words.words for words in seat.all(events.Words)}) == 1
    assert len({seat.all(events.Words)[0].words for seat in table.seats}) == 1
    assert len({seat.all(events.Sealed)[0].digest for seat in table.seats}) == 1
    order = [event.event for event in table.seats[1].told]
    for first, then in (("program", "question"), ("words", "question"), ("question", "sealed")):
        assert order.index(first) < order.index(then)


async def test_files_larger_than_a_links_window_follow_the_sealing(table: Table) -> None:
    large = os.urandom(12 << 20)
    source = SUM + b"import hashlib\nprint(hashlib.sha256(open('large.bin', 'rb').read()).hexdigest())\n"
    await table.session(program(source, ("large.bin", large)), "Bob")
    for seat in await table.over():
        assert seat.ended.clean and hashlib.sha256(large).hexdigest() in seat.output, seat.told[-5:]


async def test_more_runs_and_a_record_that_holds(table: Table) -> None:
    def decide(seat: Seat, event: events.Event) -> Any:
        if isinstance(event, events.Question) and event.what == "again" and len(seat.all(events.Run)) < 4:
            return seat.party.again(program(SUM.replace(b"pid + 1", b"pid + 2"))) or True
        return None

    await table.session(program(SUM), "Bob", stay=True, record=True, decide=decide)
    for seat in await table.over():
        assert seat.ended.clean, seat.all(events.Error)
        assert "sum 3" in seat.output and "sum 5" in seat.output
    files = {seat.party.record for seat in table.seats}
    assert len(files) == 1
    report = record.verify(CRYPTO, files.pop() or b"")
    assert [run.outcome for run in report.runs] == ["finished", "finished"]
    assert {path.network for path in report.paths} == {"tls"}


async def test_an_exception_of_the_program_ends_the_run_and_tells_no_secrets(table: Table) -> None:
    seats = await table.session(program(CRASHES))
    await table.over()
    told = {seat.name: seat.all(events.Run)[-1] for seat in seats}
    pids = {seat.name: seat.all(events.Sealed)[0].pid for seat in seats}
    for name, run in told.items():
        assert run.state == "failed", run
        if pids[name] == 1:
            assert "5000" in run.reason and run.whose == "program"
        else:
            assert "ValueError" in run.reason and run.whose == "peer" and pids[run.peer] == 1
            assert "5000" not in run.reason + run.hint, "private"
    assert not any(seat.ended.clean for seat in seats)


async def test_what_a_person_types_reaches_the_program(table: Table) -> None:
    def decide(seat: Seat, event: events.Event) -> Any:
        if isinstance(event, events.Input) and event.waiting:
            return seat.party.type_line("21") or True
        return None

    for seat in (await table.session(program(ASKS), "Bob", decide=decide), await table.over())[1]:
        assert seat.ended.clean and "sum 42" in seat.output, seat.told


async def test_a_run_that_its_person_stops_fails_everywhere_and_ends_the_session(table: Table) -> None:
    seats = await table.session(program(FOR_EVER))
    await seats[1].until(events.Output)
    assert seats[1].party.running
    seats[1].party.stop_run()
    await table.over()
    reasons = {seat.name: seat.all(events.Run)[-1].reason for seat in seats}
    assert reasons["Bob"] == "You stopped the run."
    assert reasons["Ada"] == reasons["Cyd"] == "Bob stopped the run."
    assert not any(seat.ended.clean or seat.all(events.Error) for seat in seats)


async def test_who_leaves_in_mid_run_is_named_by_the_others(table: Table) -> None:
    seats = await table.session(program(FOR_EVER))
    for seat in seats:
        await seat.until(events.Output)
    seats[2].party.leave("tea\x1b[2J\ntime")
    await table.over()
    assert seats[2].ended.reason == "You left the session."
    for seat in seats[:2]:
        assert seat.all(events.Error)[-1].peer == "Cyd" and "tea" in seat.all(events.Error)[-1].message


@pytest.mark.parametrize("moment", [events.Invitation, events.Words, events.Sealed, events.Run, events.Link])
async def test_leaving_at_any_moment_leaves_nothing(table: Table, moment: type[events.Event]) -> None:
    def decide(seat: Seat, event: events.Event) -> Any:
        if seat.name == "Ada" and isinstance(event, moment):
            seat.party.leave("enough")
            seat.party.leave("really")
        return None

    await table.session(program(FOR_EVER), "Bob", decide=decide)
    host, guest = await table.over()
    assert not host.ended.clean and not guest.ended.clean
    assert host.ended.reason == "You left the session." and guest.all(events.Error)


async def test_leaving_before_it_has_begun_ends_it(table: Table) -> None:
    party = Party(HostPlan(program(SUM), 2, rendezvous=table.url), settings("Ada"), *person())
    told = aiter(party)
    first = asyncio.ensure_future(anext(told))
    await asyncio.sleep(0)
    party.leave("never mind")
    assert await first == events.Ended("You left the session.", False)
    with pytest.raises(StopAsyncIteration):
        await anext(told)


async def test_who_stops_listening_leaves(table: Table) -> None:
    party = Party(HostPlan(program(SUM), 2, rendezvous=table.url), settings("Ada"), *person())
    told = party._run()
    async for event in told:
        if isinstance(event, events.Invitation):
            break
    await told.aclose()
    assert party._task is not None and party._task.done()


async def test_who_says_no_leaves_and_the_host_hears_why(table: Table) -> None:
    def decide(seat: Seat, event: events.Event) -> Any:
        if seat.name == "Bob" and isinstance(event, events.Question):
            return seat.party.decline("not with you") or True
        return None

    host, bob, _ = await table.session(program(SUM), decide=decide)
    await host.until(events.Party, lambda event: event.name == "Bob" and event.state == "left")
    assert "not with you" in str(host.told)
    host.party.leave("then not")
    await table.over()
    assert bob.ended.reason == "You declined to take part."


async def test_only_who_was_heard_becomes_a_verified_contact(table: Table) -> None:
    def decide(seat: Seat, event: events.Event) -> Any:
        if seat.name == "Ada" and isinstance(event, events.Question) and event.what == "accept":
            seat.party.heard([p.did for p in seat.all(events.Party) if p.name == "Bob"])
        return None

    host, bob, cyd = await table.session(program(SUM), decide=decide)
    await table.over()
    dids = {p.name: p.did for p in host.all(events.Party)}
    assert host.party.contacts.standing("Bob", dids["Bob"]) == "verified"
    assert host.party.contacts.of(dids["Cyd"]) is None and host.party.contacts.of(dids["Ada"]) is None
    assert bob.party.contacts == cyd.party.contacts == Contacts()


async def bug(*_: Any) -> Any:
    raise KeyError("hunter2")


@pytest.mark.parametrize("where", ["probe", "connect", "run", "message", "ceremony", "part"])
async def test_a_bug_anywhere_ends_in_an_error_and_leaves_nothing(
    table: Table, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    from huddle.session import ceremony_driver as meet
    from huddle.session import execution
    from huddle.session import native_platform as machine
    from huddle.session import peers as group
    from huddle.session import sealed_session as together

    def raises(*_: Any, **__: Any) -> Any:
        raise KeyError("hunter2")

    host, *_ = await table.session(program(SUM), "Bob")
    target, name, what = {
        "probe": (machine, "probe", bug),
        "connect": (together, "link_manager", raises),
        "run": (execution, "Snapshot", raises),
        "message": (group.PeerMonitor, "message", raises),
        "ceremony": (meet.CeremonyDriver, "_tell", raises),
        "part": (together.SealedSession, "part", None),
    }[where]
    whole = getattr(target, name)

    async def first_all(*args: Any) -> None:
        await whole(*args)
        raise KeyError("hunter2")

    monkeypatch.setattr(target, name, first_all if where == "part" else what)
    late = table.join("Cyd", host.all(events.Invitation)[0].url) if where == "probe" else host
    await late.until(events.Ended)
    errors = late.all(events.Error)
    assert len(errors) == 1 and errors[0].whose == "local" and "KeyError" in errors[0].message, late.told
    assert "hunter2" not in str(late.told) and not late.ended.clean
    monkeypatch.undo()


def hosting(parties: int = 3, threshold: int | None = None, what: Any = None, **local: Any) -> Any:
    local = {"name": "Ada"} | local

    def make(url: str) -> Party:
        plan = HostPlan(what or program(SUM), parties, threshold, rendezvous=local.pop("url", url))
        return Party(plan, settings(**local), *person())

    return make


def joining(invitation: str, **local: Any) -> Any:
    return lambda url: Party(GuestPlan(invitation), settings("Bob", **local), *person())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (joining("nonsense"), "link"),
        (joining("1234-apple-river"), "rendezvous"),
        (joining("x", python="/no/python"), "python"),
        (hosting(1), "2 to"),
        (hosting(3, 2), "2"),
        (hosting(3, -1), "1"),
        (hosting(url="ftp://x"), ""),
        (hosting(what=Program("p.txt", {"p.txt": b""})), "proposed"),
    ],
)
async def test_what_cannot_be_is_this_partys_own_error(table: Table, make: Any, words: str) -> None:
    seat = table.sit("X", make(table.url))
    await table.over()
    (error,) = seat.all(events.Error)
    assert error.whose == "local" and words in error.message and "itself failed" not in error.message, error
    assert seat.ended.reason == "No session was started."


async def test_decisions_that_come_too_late_or_too_early_do_nothing(table: Table) -> None:
    party = Party(HostPlan(program(SUM), 2, rendezvous=table.url), settings("Ada"), *person())

    def everything() -> None:
        party.admit("did:key:x")
        party.refuse("did:key:x", "no")
        party.heard([])
        party.accept()
        party.again()
        party.finish()
        party.type_line("x")
        party.say("hello")
        party.stop_run()
        party.decline("no")
        party.leave("no")
        party.fail(KeyError())

    everything()
    assert not party.running and party.files == {}
    seat = table.sit("Ada", party)
    bob = table.join("Bob", (await seat.until(events.Invitation)).url)
    await table.over()
    assert seat.ended.clean and bob.ended.clean
    with_errors: list[HuddleError] = []
    try:
        everything()
    except HuddleError as error:
        with_errors.append(error)
    assert with_errors == []


async def test_who_was_heard_say_earlier_words_has_not_said_those_that_came_of_it(table: Table) -> None:
    def decide(seat: Seat, event: events.Event) -> Any:
        if seat.name != "Ada" or not isinstance(event, events.Question) or event.what != "accept":
            return None
        if len(seat.all(events.Words)) > 1:
            return None
        seat.party.heard([p.did for p in seat.all(events.Party) if p.name == "Bob"])
        seat.party.differ()
        return True

    host, *_ = await table.session(program(SUM), decide=decide)
    await table.over()
    (did,) = {p.did for p in host.all(events.Party) if p.name == "Bob"}
    assert len(host.all(events.Words)) == 2 and host.party.contacts.of(did) is None
