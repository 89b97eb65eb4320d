"""A member of a group is lost after the deal: the others stay in the class, and the seat is filled."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.harness import LOOPBACK, PEER, Huddle, Lab
from tests.e2e.test_groups import dealt, state

QUICK = ("--grace", "12")
HURRIED = {"PYTHONPATH": str(Path(__file__).parent / "hurried")}


@pytest.fixture
def tia(people: Lab, url: str) -> Callable[[Path], Huddle]:
    """A teacher of one group of three."""

    def hosts(program: Path) -> Huddle:
        options = ("--groups", "1", "--parties", "3", "--rendezvous", url, *LOOPBACK)
        return people.huddle("Tia", "host", "--json", "--name", "Tia", *options, str(program))

    return hosts


def knocks(host: Huddle, *names: str) -> None:
    """The host's Huddle has seen all of them."""
    for name in names:
        host.wait("party", lambda event, name=name: event["name"] == name)


def deals(host: Huddle, *names: str, times: int = 1) -> None:
    """The host is asked for so many times, now that these are there, and deals."""
    knocks(host, *names)
    host.wait("question", lambda _: sum(one.get("what") == "deal" for one in host.events) >= times)
    host.type("all")


def places(guest: Huddle) -> list[list[str]]:
    """Who was in each group that this guest was dealt to."""
    return [[member["name"] for member in event["members"]] for event in guest.all("group") if dealt(event)]


def back(host: Huddle, *names: str) -> None:
    """These have come back from a group that lost somebody."""
    for name in names:
        host.wait(
            "party",
            lambda event, name=name: (
                event["name"] == name and event["detail"].startswith("back from group 1")
            ),
        )


def complete(host: Huddle, *guests: Huddle) -> None:
    """All have their result, and nothing went wrong in the end."""
    for guest in guests:
        assert guest.wait("ended")["clean"], guest.story()
        assert guest.end() == 0 and "total: 3" in guest.output()
    assert host.wait("ended")["clean"] and host.end() == 0


def test_who_leaves_before_the_start_is_replaced_by_who_waits(
    tia: Callable[[Path], Huddle], people: Lab, programs: Path
) -> None:
    program = programs / "total.py"
    host = tia(program)
    link = host.wait("invitation")["url"]
    ada = people.join("Ada", link, program)
    knocks(host, "Ada")
    bob = people.join("Bob", link, None)  # who is asked, and does not answer
    knocks(host, "Bob")
    cyd = people.join("Cyd", link, program)
    knocks(host, "Cyd")
    dan = people.join("Dan", link, program)
    deals(host, "Dan")
    bob.wait("question", lambda event: event["what"] == "accept")
    bob.signal(signal.SIGINT)
    bob.end()
    host.wait("party", lambda event: event["name"] == "Bob" and event["state"] == "left")
    host.wait("group", lambda event: event["state"] == "undone")
    back(host, "Ada", "Cyd")
    for guest in (ada, cyd):
        guest.wait("restarted", lambda event: event["epoch"] == 0)
        guest.wait("notice", lambda event: "You are still in the class" in event["text"])
    deals(host, times=2)
    complete(host, ada, cyd, dan)
    assert places(ada) == places(cyd) == [["Ada", "Bob", "Cyd"], ["Ada", "Cyd", "Dan"]]
    assert places(dan) == [["Ada", "Cyd", "Dan"]]
    assert len({tuple(event["words"]) for event in ada.all("words")}) >= 2
    assert state(host, "Bob") == "left" and "total" not in bob.output()


def test_who_is_killed_before_the_start_is_replaced_by_who_comes_then(
    tia: Callable[[Path], Huddle], people: Lab, programs: Path
) -> None:
    program = programs / "total.py"
    host = tia(program)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, None)  # the first: its room goes with it
    knocks(host, "Bob")
    ada = people.join("Ada", link, program)
    knocks(host, "Ada")
    cyd = people.join("Cyd", link, None)
    deals(host, "Cyd")
    for guest in (bob, cyd):
        guest.wait("question", lambda event: event["what"] == "accept")
    cyd.process.kill()
    cyd.end()
    host.wait("group", lambda event: event["state"] == "undone")
    back(host, "Ada", "Bob")
    dan = people.join("Dan", link, program)
    deals(host, "Dan", times=2)
    bob.wait("question", lambda event: event["what"] == "accept" and len(bob.all("words")) > 1)
    bob.type("nobody")
    complete(host, bob, ada, dan)
    assert places(bob) == [["Bob", "Ada", "Cyd"], ["Bob", "Ada", "Dan"]]


@pytest.mark.parametrize("first", [True, False])
def test_who_is_killed_while_it_runs_is_replaced_and_all_run_again(
    tia: Callable[[Path], Huddle], people: Lab, programs: Path, first: bool
) -> None:
    program = programs / "whose.py"
    host = tia(program)
    link = host.wait("invitation")["url"]
    names = ("Bob", "Ada", "Cyd") if first else ("Ada", "Bob", "Cyd")
    guests: dict[str, Huddle] = {}
    for name in (*names, "Dan"):
        guests[name] = people.join(name, link, program, options=QUICK)
        knocks(host, name)
    deals(host)
    for name in names:
        guests[name].wait("input", lambda event: event["waiting"])
    guests["Bob"].process.kill()
    guests["Bob"].end()
    back(host, "Ada", "Cyd")
    deals(host, times=2)
    stayed = [guests[name] for name in ("Ada", "Cyd", "Dan")]
    for guest, runs in zip(stayed, (2, 2, 1), strict=True):
        guest.wait("input", lambda _, guest=guest, runs=runs: waits(guest) == runs)
        guest.type("go")
    complete(host, *stayed)
    assert places(guests["Ada"])[-1] == ["Ada", "Cyd", "Dan"]
    assert guests["Ada"].output().count("total: 3") == 1


def test_who_waits_in_a_class_whose_host_was_killed_is_told_and_waits_no_longer(
    tia: Callable[[Path], Huddle], people: Lab, programs: Path
) -> None:
    program = programs / "total.py"
    host = tia(program)
    link = host.wait("invitation")["url"]
    guests = [people.join(name, link, program, env=HURRIED) for name in ("Ada", "Bob")]
    knocks(host, "Ada", "Bob")
    host.process.kill()
    for guest in guests:
        error = guest.wait("error")
        assert "Tia has gone: nobody has seen the host in the room" in error["message"]
        assert error["peer"] == "Tia" and error["hint"] == "Ask the host for a new invitation."
        assert guest.end() == PEER


def waits(guest: Huddle) -> int:
    """How often its program has asked for a line."""
    return sum(event["waiting"] for event in guest.all("input"))
