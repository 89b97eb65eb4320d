"""MPyC that people start by hand (`huddle proxy`): its end, good or bad, leaves nobody computing for ever."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import LOOPBACK, PATIENCE, Huddle, Lab

HURRIED = {"PYTHONPATH": str(Path(__file__).parent / "hurried_by_hand")}
MPyC = subprocess.Popen[str]


@pytest.fixture
def start() -> Iterator[Callable[[Huddle], MPyC]]:
    """Starts, as its person would, the MPyC that a `huddle proxy` waits for."""
    started: list[MPyC] = []

    def by_hand(proxy: Huddle) -> MPyC:
        told = proxy.wait("proxy")
        command = [sys.executable, str(Path(told["directory"]) / told["entry"]), *told["arguments"]]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield by_hand
    for one in started:
        if one.poll() is None:
            one.kill()
        one.communicate()


def session(people: Lab, url: str, program: Path, *proxies: str) -> list[Huddle]:
    """Ada hosts and runs the program as usual; the others start their MPyC by hand."""
    host = people.host(program, parties=len(proxies) + 1, url=url, env=HURRIED)
    link = host.wait("invitation")["url"]
    parties = [host]
    for name in proxies:
        options = ("--name", name, *LOOPBACK, "--yes", "--program", str(program))
        parties.append(people.huddle(name, "proxy", "--json", *options, link, env=HURRIED))
        host.wait("party", lambda event, name=name: event["name"] == name and event["state"] == "admitted")
    return parties


def state_of(name: str, state: str) -> Callable[[dict[str, object]], bool]:
    def found(event: dict[str, object]) -> bool:
        peers = event["peers"]
        assert isinstance(peers, list)
        return any((peer["name"], peer["state"]) == (name, state) for peer in peers)

    return found


def test_among_others_it_ends_when_they_do(
    people: Lab, url: str, programs: Path, start: Callable[[Huddle], MPyC]
) -> None:
    ada, bob = session(people, url, programs / "total.py", "Bob")
    ada.wait("stats", state_of("Bob", "input"))  # nobody computes before Bob has started it
    out, _ = start(bob).communicate(timeout=PATIENCE)
    assert "total: 2" in out
    assert [party.end() for party in (ada, bob)] == [0, 0], ada.story() + bob.story()


def test_two_that_start_it_by_hand_do_not_wait_for_each_other_for_ever(
    people: Lab, url: str, programs: Path, start: Callable[[Huddle], MPyC]
) -> None:
    ada, bob, cyd = session(people, url, programs / "total.py", "Bob", "Cyd")
    for one in [start(bob), start(cyd)]:
        assert "total: 3" in one.communicate(timeout=PATIENCE)[0]
    assert [party.end() for party in (ada, bob, cyd)] == [0, 0, 0], bob.story() + cyd.story()
    assert any("No program is connected any more" in event["text"] for event in bob.all("notice"))


def test_one_that_is_killed_is_told_to_all_and_ends_the_run(
    people: Lab, url: str, programs: Path, start: Callable[[Huddle], MPyC]
) -> None:
    ada, bob, cyd = session(people, url, programs / "awaits.py", "Bob", "Cyd")
    mpyc = start(bob)
    start(cyd)  # what it does without peers is MPyC's affair: it may wait for ever
    ada.wait("output")
    ada.wait("stats", state_of("Bob", "computing"))
    mpyc.send_signal(signal.SIGKILL)
    for party in (ada, cyd):
        party.wait("notice", lambda event: "that Bob started by hand has closed its" in event["text"])
        party.wait("stats", state_of("Bob", "hung_up"))
        ended = party.wait("run", lambda event: event["state"] == "failed")
        assert ended["peer"] == "Bob" and "closed its connections" in ended["reason"], ended
        assert "program failed" not in ended["reason"], ended
    bob.wait("notice", lambda event: "The MPyC that you started by hand has closed" in event["text"])
    assert 0 not in [party.end() for party in (ada, bob, cyd)], ada.story() + bob.story()
