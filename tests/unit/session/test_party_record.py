"""What a session with a record leaves where it does not come to its end, by whole sessions in one process."""

import pytest

from huddle import events
from huddle.record import signed as record
from huddle.record import unfinished
from tests.unit.session.test_party import CRYPTO, FOR_EVER, Table, program, rendezvous, table

__all__ = ["rendezvous", "table"]  # fixtures

KILLED = b"""from mpyc.runtime import mpc
import os, signal
mpc.run(mpc.start())
if mpc.pid == 1:
    os.kill(os.getpid(), signal.SIGKILL)
mpc.run(mpc.shutdown())
"""


@pytest.mark.parametrize("how", ["left", "lost"])
async def test_a_session_that_was_cut_short_leaves_each_a_record_that_says_so(table: Table, how: str) -> None:
    seats = await table.session(program(FOR_EVER), "Bob", record=True)
    for seat in seats:
        await seat.until(events.Output)
    host, bob = seats
    if how == "left":
        bob.party.leave("left the session")
    else:
        bob.party.fail(RuntimeError("a fault of Huddle's own"))
    await table.over()
    for pid, seat in enumerate(seats):
        found = unfinished.verify_unfinished(CRYPTO, seat.party.record or b"")
        assert found.party == pid and [run.outcome for run in found.report.runs] == ["failed"]
        assert [member.name for member in found.report.roster] == ["Ada", "Bob"]
    why = unfinished.verify_unfinished(CRYPTO, host.party.record or b"").reason
    assert why.startswith("Bob left the session"), why


async def test_a_runner_that_is_killed_fails_the_run_and_all_sign_that(table: Table) -> None:
    seats = await table.session(program(KILLED), "Bob", record=True)
    await table.over()
    reports = [record.verify(CRYPTO, seat.party.record or b"") for seat in seats]
    assert [[run.outcome for run in report.runs] for report in reports] == [["failed"]] * 2
