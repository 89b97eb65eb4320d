"""Ctrl-C and SIGTERM at every stage: the others are told, and no process, file, socket or room stays."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from huddle.cli.errors import INTERRUPTED
from tests.e2e.chaos import wait_until
from tests.e2e.harness import COMMAND, PEER, Huddle, Lab, alive, emptied

INT, TERM = signal.SIGINT, signal.SIGTERM


def nothing_stays(url: str, parties: list[Huddle], processes: list[int]) -> None:
    """All have ended, with no trace but their identities."""
    for party in parties:
        assert party.process.poll() is not None
        assert party.left() == []
        assert {path.name for path in party.home.iterdir()} <= {"identity"}
        assert party.foreign == []
        assert "Traceback" not in party.stderr, party.stderr
        ended = party.all("ended")
        assert len(ended) == 1
        assert ended[0] == party.events[-1]
        assert ended[0]["clean"] is False
    # What is killed may take a moment to go.
    assert wait_until(lambda: not alive(processes), 20), alive(processes)
    assert emptied(url)


def everybody(parties: list[Huddle]) -> list[int]:
    """All processes of these parties."""
    return [pid for party in parties for pid in party.descendants()]


@pytest.mark.parametrize("number", [INT, TERM])
def test_while_the_host_waits(url: str, people: Lab, programs: Path, number: signal.Signals) -> None:
    host = people.host(programs / "total.py", url=url, admit=())
    guest = people.join("Bob", host.wait("invitation")["url"], programs / "total.py")
    host.wait("question", lambda event: event["what"] == "admit")
    guest.wait("party", lambda event: event["name"] == "Ada")
    host.signal(number)
    assert host.end() == 1
    assert guest.end() == PEER
    assert "Ada" in guest.errors() and "ended the session" in guest.errors()
    nothing_stays(url, [host, guest], [])


def test_a_guest_leaves_while_waiting(url: str, people: Lab, programs: Path) -> None:
    host = people.host(programs / "total.py", url=url, admit=())
    guest = people.join("Bob", host.wait("invitation")["url"], programs / "total.py")
    host.wait("question", lambda event: event["what"] == "admit")
    guest.wait("party", lambda event: event["name"] == "Ada")
    guest.signal(INT)
    assert guest.end() == 1
    host.wait("party", lambda event: (event["name"], event["state"]) == ("Bob", "left"))
    host.signal(INT)
    assert host.end() == 1
    nothing_stays(url, [host, guest], [])


@pytest.mark.parametrize(("who", "number"), [(0, INT), (1, INT), (1, TERM)])
def test_while_the_words_are_shown(
    url: str, people: Lab, programs: Path, who: int, number: signal.Signals
) -> None:
    host = people.host(programs / "total.py", parties=2, url=url)
    guest = people.join("Bob", host.wait("invitation")["url"], None)
    guest.wait("question", lambda event: event["what"] == "accept")
    parties = [host, guest]
    parties[who].signal(number)
    assert parties[who].end() == 1
    if who == 0:
        assert guest.end() == PEER
        assert "Ada ended the session" in guest.errors()
    else:
        host.wait("party", lambda event: (event["name"], event["state"]) == ("Bob", "left"))
        host.signal(INT)
        assert host.end() == 1
    nothing_stays(url, parties, [])


@pytest.mark.parametrize("who", [0, 1])
def test_while_they_connect(url: str, people: Lab, programs: Path, who: int) -> None:
    """As soon as the session is sealed; whether links are there by then is a matter of luck."""
    grace = ("--grace", "10")
    parties = people.session(
        programs / "forever.py", url=url, names=("Bob",), options=grace, guest_options=grace
    )
    parties[who].wait("sealed")
    parties[who].signal(TERM)
    assert parties[who].end() == 1
    other = parties[1 - who]
    assert other.end() == PEER
    assert ("Ada", "Bob")[who] in other.errors(), other.story()
    nothing_stays(url, parties, [])


RUNNING: dict[str, Callable[[Huddle], object]] = {
    "computing": lambda party: party.wait("output", lambda event: "computing" in event["text"]),
    "input": lambda party: party.wait("input", lambda event: event["waiting"]),
}


@pytest.mark.parametrize(
    ("stage", "who", "number"),
    [("computing", 0, INT), ("computing", 1, TERM), ("input", 0, TERM), ("input", 1, INT)],
)
def test_while_the_program_runs(
    url: str, people: Lab, programs: Path, stage: str, who: int, number: signal.Signals
) -> None:
    args = ("--ask",) if stage == "input" else ()
    parties = people.session(programs / "forever.py", *args, url=url, names=("Bob",))
    for party in parties:
        RUNNING[stage](party)
    processes = everybody(parties)
    assert processes
    parties[who].signal(number)
    assert parties[who].end() == 1
    assert parties[1 - who].end() == (1 if number == INT else PEER), "only the run has failed, or the session"
    name = ("Ada", "Bob")[who]
    failed = next(run for run in parties[1 - who].all("run") if run["state"] == "failed")
    assert name in failed["reason"], failed
    assert failed["peer"] == name
    if number == INT:
        mine = next(run for run in parties[who].all("run") if run["state"] == "failed")
        assert "You stopped the run" in mine["reason"]
    nothing_stays(url, parties, processes)


def test_the_first_ends_the_run_and_the_second_the_session(url: str, people: Lab, programs: Path) -> None:
    host, guest = people.session(programs / "forever.py", url=url, names=("Bob",), options=("--stay",))
    for party in (host, guest):
        RUNNING["computing"](party)
    processes = everybody([host, guest])
    host.signal(INT)
    for party in (host, guest):
        party.wait("run", lambda event: event["state"] == "failed")
    host.wait("question", lambda event: event["what"] == "again")
    # The guest's may end a moment later.
    assert wait_until(lambda: not alive(processes), 20), alive(processes)
    assert guest.process.poll() is None, "the session was to go on"
    host.signal(INT)
    assert host.end() == 1
    assert guest.end() == 1
    nothing_stays(url, [host, guest], processes)


def test_a_rendezvous_ends_on_both_signals(people: Lab) -> None:
    for number in (INT, TERM):
        server, _ = people.rendezvous()
        server.signal(number)
        assert server.end() == 0
        assert "Traceback" not in server.stderr


@pytest.mark.parametrize("number", [INT, TERM, signal.SIGHUP])
def test_the_demo_leaves_nothing_when_it_is_interrupted(people: Lab, number: signal.Signals) -> None:
    # As a script starts it in the background: the shell has set SIGINT to be ignored. SIGHUP may be here,
    # too, by whoever runs the tests, and would stay so.
    start = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    people.commands["Ada"] = (sys.executable, "-c", start, *COMMAND)
    demo = people.huddle("Ada", "demo", "--size", "30")  # which would take long
    demo.wait_line("invitation")
    processes = demo.descendants()
    assert processes
    demo.signal(number)
    assert demo.end() == INTERRUPTED
    assert wait_until(lambda: not alive(processes), 20), alive(processes)
    assert demo.left() == []
    assert "Traceback" not in demo.stderr, demo.stderr
