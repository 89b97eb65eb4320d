"""A session waits for people who take their time, and for a machine that stands still for a while."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.harness import PATIENCE, Lab

PAUSE = 20.0
LONG = 60.0


def each(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to all of these, as far as they are there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@pytest.mark.long
@pytest.mark.timeout(500)  # one waits for a minute, and another for a minute after that
def test_patience_with_who_types_who_computes_and_who_was_stopped(
    people: Lab, url: str, programs: Path
) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, parties=4, url=url)
    link = host.wait("invitation")["url"]
    typing = people.join("Bob", link, program, "--ask")
    blocking = people.join("Cyd", link, program, "--block", str(LONG))
    stopped = people.join("Dan", link, program)
    parties = [host, typing, blocking, stopped]
    typing.wait("input", lambda event: event["waiting"])
    began = time.monotonic()
    blocking.wait("output", lambda event: "blocking" in event["text"])
    pids = [stopped.process.pid, *stopped.descendants()]
    each(pids, signal.SIGSTOP)
    try:
        for party in (host, typing):
            party.wait("party", lambda event: event["name"] == "Dan" and event["state"] == "silent")
        # The durations are what is tried here.
        time.sleep(max(0, began + PAUSE - time.monotonic()))
    finally:
        each(pids, signal.SIGCONT)
    time.sleep(max(0, began + LONG - time.monotonic()))
    typing.type("at last")
    # The pids decide whether the one that blocks begins to before or after the one that types is back.
    codes = [party.end(LONG + PATIENCE) for party in parties]
    assert codes == [0, 0, 0, 0], "\n".join(party.story() for party in parties)
    for party in parties:
        assert "first sum 10" in party.output() and "second sum 100" in party.output()
        assert [run["state"] for run in party.all("run")] == ["started", "finished"]
        assert party.all("run")[1]["seconds"] >= LONG
    dans = [event["state"] for event in host.all("party") if event["name"] == "Dan"]
    assert dans.index("silent") < len(dans) - 1 and "connected" in dans[dans.index("silent") :]
    assert "gone" not in dans
    states = {(peer["name"], peer["state"]) for event in host.all("stats") for peer in event["peers"]}
    assert {("Bob", "input"), ("Cyd", "computing")} <= states
