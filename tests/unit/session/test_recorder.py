"""The record of a session: all sign what all saw, and who saw something else does not."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from huddle import events
from huddle.ceremony.messages import Options
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.record import signed as record
from huddle.record.signed import PathRecord
from huddle.record.unfinished import verify_unfinished
from huddle.session import control_messages as control
from huddle.session import recorder as chronicle
from huddle.session.control_messages import Paths, RecordDraft, RecordSignature
from huddle.session.recorder import SessionRecorder
from tests.unit.session.company import CRYPTO, company

OPTIONS = Options(record=True)


def seen(pid: int, others: int = 3) -> events.Stats:
    rows: tuple[dict[str, Any], ...] = tuple(
        {"pid": peer, "network": "tls", "path": "direct"} for peer in range(others) if peer != pid
    )
    return events.Stats(1, rows)


class Table:
    """The chronicles of all parties; what one says reaches all others unless `censor` changes or drops it."""

    def __init__(self, parties: int = 3) -> None:
        self.seats = company(parties, options=OPTIONS)
        self.all = [SessionRecorder(CRYPTO, seat.identity, seat.sealed) for seat in self.seats]
        self.censor: Callable[[int, Any], Any] = lambda pid, message: message

    def run(self, number: int = 1, *, well: bool = True, except_at: int | None = None) -> None:
        for pid, own in enumerate(self.all):
            first = self.seats[pid].sealed.manifest
            manifest = first if number == 1 else first.for_run(self.seats[pid].sealed.digest, number)
            own.note_run(manifest, time.time() - 1, well is not (pid == except_at), seen(pid, len(self.all)))

    def tell(self) -> None:
        for pid, own in enumerate(self.all[1:], 1):
            self.say(pid)(own.paths())

    def say(self, pid: int) -> Callable[[control.Message], None]:
        def broadcast(message: control.Message) -> None:
            changed = self.censor(pid, message)
            for other, own in enumerate(self.all):
                if changed is not None and other != pid:
                    own.take(pid, changed)

        return broadcast

    async def sign(self) -> list[bytes | HuddleError]:
        signing = (own.sign(self.say(pid)) for pid, own in enumerate(self.all))
        found = await asyncio.gather(*signing, return_exceptions=True)
        return found  # type: ignore[return-value]


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "PATIENCE", 2)


async def test_all_sign_the_same_record_and_it_holds() -> None:
    table = Table()
    table.run(1)
    table.run(2, well=False)
    table.tell()
    files = await table.sign()
    assert len(set(files)) == 1 and isinstance(files[0], bytes)
    report = record.verify(CRYPTO, files[0])
    assert [run.outcome for run in report.runs] == ["finished", "failed"]
    assert [(path.run, path.lower, path.higher) for path in report.paths] == [
        (run, *pair) for run in (1, 2) for pair in ((0, 1), (0, 2), (1, 2))
    ]


async def test_a_guest_that_is_slow_to_tell_its_paths_is_waited_for() -> None:
    table = Table()
    table.run()
    signing = asyncio.create_task(table.sign())
    for _ in range(3):
        await asyncio.sleep(0)
    table.tell()
    assert all(isinstance(file, bytes) for file in await signing)


async def test_who_saw_another_outcome_does_not_sign(hurry: None) -> None:
    table = Table()
    table.run(except_at=1)
    table.tell()
    errors = await table.sign()
    assert "other runs" in str(errors[1])
    for pid in (0, 2):
        error = errors[pid]
        assert isinstance(error, PeerError) and error.peer == table.seats[1].name


async def test_who_never_tells_its_paths_is_named(hurry: None) -> None:
    table = Table()
    table.run()
    table.censor = lambda pid, message: None if (pid, type(message)) == (2, Paths) else message
    table.tell()
    error = (await table.sign())[0]
    assert isinstance(error, PeerError) and error.peer == table.seats[2].name
    assert table.seats[1].name not in error.message, "the other guest could not sign before"


@pytest.mark.parametrize(
    "path",
    [
        PathRecord(1, 2, 2, "tls", "direct"),
        PathRecord(1, 2, 9, "tls", "direct"),
        PathRecord(1, 1, 2, "tls", "relayed\x1b[2J"),
        PathRecord(1, 1, 2, "", "direct"),
        PathRecord(1, 0, 1, "tls", "not mine to tell"),
    ],
)
async def test_a_guest_with_impossible_paths_spoils_no_honest_ones_record(
    path: PathRecord, hurry: None
) -> None:
    table = Table()
    table.run()

    def censor(pid: int, message: Any) -> Any:
        return Paths(1, (path,)) if (pid, type(message)) == (1, Paths) else message

    table.censor = censor
    table.tell()
    errors = await table.sign()
    assert "other paths" in str(errors[1]), "it does not find its own paths"
    for pid in (0, 2):
        error = errors[pid]
        assert isinstance(error, PeerError) and error.peer == table.seats[1].name


async def test_a_draft_that_is_damaged_or_of_another_session_is_not_signed(hurry: None) -> None:
    for change in (lambda data: data[:-1], lambda data: data[:10] + bytes(10) + data[20:]):
        table = Table()
        table.run()
        table.tell()

        def censor(pid: int, message: Any, change: Any = change) -> Any:
            return RecordDraft(change(message.record)) if isinstance(message, RecordDraft) else message

        table.censor = censor
        errors = await table.sign()
        assert all(isinstance(error, PeerError) for error in errors)
        assert [getattr(errors[pid], "peer", "") for pid in (1, 2)] == ["Hanna", "Hanna"]


async def test_a_wrong_signature_makes_no_record(hurry: None) -> None:
    table = Table()
    table.run()
    table.tell()
    table.censor = lambda pid, message: (
        RecordSignature(bytes(64)) if (pid, type(message)) == (1, RecordSignature) else message
    )
    errors = await table.sign()
    assert table.seats[1].name in str(errors[0]) and isinstance(errors[0], PeerError)


async def test_only_the_host_drafts_and_its_first_draft_counts() -> None:
    own = Table().all[2]
    own.take(1, RecordDraft(b"mine"))
    assert not own._draft.done()
    own.take(0, RecordDraft(b"first"))
    own.take(0, RecordDraft(b"second"))
    assert own._draft.result() == b"first"


async def test_peers_cannot_fill_the_memory() -> None:
    host = Table().all[0]
    for run in range(1000):
        for pid in (1, 2):
            path = PathRecord(run, pid, 2, "tls", "direct")
            host.take(pid, Paths(run, (path,) * 400))
            host.take(pid, RecordSignature(bytes(64)))
    assert len(host._theirs) <= 800 and len(host._signatures) == 2 and len(host._told) == 2


async def test_an_afternoon_of_runs_is_told_in_messages_that_can_be_sent() -> None:
    table = Table()
    for number in range(1, 300):
        table.run(number)
    for own in table.all:
        control.pack(own.paths())
        with pytest.raises(LocalError, match="299 runs"):
            await own.sign(lambda message: None)


async def test_a_record_that_is_too_long_to_be_sent_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    table.run()
    table.tell()
    monkeypatch.setattr(control, "MAX_RECORD", 1000)
    with pytest.raises(LocalError, match="it can have 1000"):
        await table.all[0].sign(lambda message: pytest.fail("sent"))


async def test_a_clock_that_is_set_back_breaks_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    table.run()
    table.tell()
    assert all(isinstance(file, bytes) for file in await table.sign())


async def test_nothing_is_noted_where_no_record_is_wanted() -> None:
    seat = company()[0]
    own = SessionRecorder(CRYPTO, seat.identity, seat.sealed)
    own.note_run(seat.sealed.manifest, 0.0, True, seen(0))
    assert not own.wanted and own.paths() == Paths(0, ())


@pytest.mark.parametrize("runs", [0, 1, 2])
async def test_a_session_that_was_cut_short_has_the_word_of_each_on_what_it_saw(runs: int) -> None:
    table = Table()
    for number in range(1, runs + 1):
        table.run(number, well=number == 1)
    for pid, own in enumerate(table.all):
        found = verify_unfinished(CRYPTO, own.cut_short("Bob\nis gone") or b"")
        assert (found.party, found.reason) == (pid, "Bob is gone")
        assert found.report.digest == table.seats[0].sealed.digest
        assert [run.outcome for run in found.report.runs] == ["finished", "failed"][:runs]
        assert all(path.lower == pid for path in found.report.paths)


async def test_nobody_has_one_where_no_record_was_agreed_to() -> None:
    seat = company(2)[0]
    own = SessionRecorder(CRYPTO, seat.identity, seat.sealed)
    assert own.cut_short("why") is None and own.so_far() is None


async def test_what_there_is_should_it_be_killed_names_the_run_under_way() -> None:
    table = Table()
    table.run(1)
    first = table.seats[1].sealed.manifest
    second = first.for_run(table.seats[1].sealed.digest, 2)
    found = verify_unfinished(CRYPTO, table.all[1].so_far(second) or b"")
    name = table.seats[1].name
    assert found.party == 1 and found.reason.startswith(f"{name}'s Huddle ended before the session")
    assert [run.outcome for run in found.report.runs] == ["finished", "not ended"]
    assert [path.run for path in found.report.paths] == [1]
    later = verify_unfinished(CRYPTO, table.all[1].so_far() or b"")
    assert [run.outcome for run in later.report.runs] == ["finished"]
    file = (await _signed(table))[0]
    assert [run.outcome for run in record.verify(CRYPTO, file).runs] == ["finished"]


async def _signed(table: Table) -> list[bytes]:
    table.tell()
    return [file for file in await table.sign() if isinstance(file, bytes)]


async def test_who_might_be_asked_for_each_signature_is_asked_at_the_end_alone() -> None:
    seat = company(2, options=OPTIONS)[0]
    own = SessionRecorder(CRYPTO, replace(seat.identity, asks=True), seat.sealed)
    assert own.so_far() is None and own.cut_short("why") is not None
