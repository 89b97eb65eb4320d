"""A lobby that people leave and come back to; what failed or was declined is tried again. On terminals."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Lab
from tests.e2e.terminal import Terminal

Seat = Callable[..., Terminal]
PROGRAM = """from mpyc.runtime import mpc

mpc.run(mpc.start())
print('first')
mpc.run(mpc.shutdown())
"""
WORDS = r"Whom did you hear say these words"


@pytest.fixture
def seat(tmp_path: Path) -> Iterator[Seat]:
    """Sits a person down at a terminal with a command."""
    taken: list[Terminal] = []

    def sit(name: str, command: str, *args: str, **environment: str) -> Terminal:
        taken.append(Terminal(tmp_path, name, command, *args, **environment))
        return taken[-1]

    yield sit
    for terminal in taken:
        terminal.close()


@pytest.fixture
def program() -> Iterator[Path]:
    """A program that each test may edit, where an account that root has become can read it too."""
    with tempfile.TemporaryDirectory(prefix="huddle-lobby-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - for that account
        path = Path(folder) / "prog.py"
        path.write_text(PROGRAM)
        yield path


def invited(host: Terminal) -> str:
    return host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]


def hosts(seat: Seat, url: str, program: Path, parties: int) -> tuple[Terminal, str]:
    ada = seat("Ada", "host", "--parties", str(parties), "--rendezvous", url, str(program))
    return ada, invited(ada)


def all_say_yes(*people: Terminal) -> None:
    for person in people:
        person.wait(WORDS)
        person.type("nobody")


def test_a_guest_leaves_and_another_takes_the_seat(url: str, seat: Seat, program: Path) -> None:
    ada, link = hosts(seat, url, program, 3)
    bob = seat("Bob", "join", link)
    ada.wait("Bob has a seat")
    bob.wait("you have a seat.*2 of 3 are here")
    bob.ctrl_c()
    bob.end()
    ada.wait("Bob left the session")
    cyd = seat("Cyd", "join", link)
    ada.wait("Cyd has a seat")
    dan = seat("Dan", "join", link)
    all_say_yes(ada, cyd, dan)
    for person in (ada, cyd, dan):
        person.wait("first")
        assert person.end() == 0, person.text


def test_a_no_leads_back_to_the_lobby_where_the_edited_program_is_proposed(
    url: str, seat: Seat, program: Path
) -> None:
    ada, link = hosts(seat, url, program, 2)
    bob = seat("Bob", "join", link)
    ada.wait(WORDS)
    ada.type("nobody")
    bob.wait(WORDS)
    bob.type("n")
    ada.wait("Bob said no: not now")
    ada.wait(r"Try again\?")
    ada.type("")
    ada.wait("Nothing is decided yet")
    ada.type("p")
    ada.wait("the same as before")
    program.write_text(program.read_text().replace("first", "second"))
    ada.type("p")
    ada.wait("All are asked anew: prog.py changed")
    ada.asks(r"Try again\?")
    ada.type("y")
    bob.wait("The program is another one than before: prog.py")
    all_say_yes(ada, bob)
    for person in (ada, bob):
        person.wait("second")
        assert person.end() == 0, person.text


def test_a_run_that_failed_is_tried_again_with_the_edited_program(
    url: str, seat: Seat, program: Path
) -> None:
    right = program.read_text()
    program.write_text(right.replace("print('first')", "raise SystemExit(3)"))
    ada, link = hosts(seat, url, program, 2)
    bob = seat("Bob", "join", link)
    all_say_yes(ada, bob)
    ada.wait("Run 1 failed")
    ada.wait(r"Try again\?")
    program.write_text(right)
    ada.type("y")
    ada.wait("It is proposed as it is now: prog.py changed")
    bob.wait("The program is another one than before: prog.py")
    bob.wait(r"Run this program here\?")
    bob.type("y")
    for person in (ada, bob):
        person.wait("Run 2 finished")
        assert "first" in person.text
        person.end()


def test_another_code_and_somebody_removed(url: str, seat: Seat, program: Path) -> None:
    ada, link = hosts(seat, url, program, 3)
    first = ada.wait(r"good for ten minutes:\s+(\d+-[a-z]+-[a-z]+)")[1]
    bob = seat("Bob", "join", link)
    ada.wait("Bob has a seat")
    ada.stands("While you wait")  # what is typed before it stands there answers nothing
    ada.type("c")
    second = ada.wait(r"good for ten minutes:\s+(\d+-[a-z]+-[a-z]+)")[1]
    assert first != second
    late = seat("Late", "join", first, "--rendezvous", url)
    late.wait("closed this code|No code begins with")
    late.end()
    ada.type("r Bob")
    ada.wait("Bob was not let in|Bob left")
    bob.wait("Ada did not let you in")
    bob.ctrl_c()
    assert bob.end() != 0
    cyd = seat("Cyd", "join", second, "--rendezvous", url)
    ada.wait(r"Let Cyd in\?")
    ada.type("y")
    cyd.wait("You are let in")


@pytest.mark.parametrize("plain", ["0", "1"])
def test_somebody_who_was_refused_waits_and_is_called_back(
    url: str, seat: Seat, program: Path, plain: str
) -> None:
    ada, link = hosts(seat, url, program, 3)
    bob = seat("Bob", "join", link, HUDDLE_PLAIN=plain)
    ada.wait("Bob has a seat")
    ada.stands("While you wait")
    ada.type("r Bob")
    bob.wait("Ada did not let you in, but can still call you back")
    ada.stands("Not let in, and still here: Bob")
    cyd = seat("Cyd", "join", link)
    ada.wait(r"Let Cyd in\?")  # who was refused had the link, so all are asked about now
    ada.type("y")
    ada.stands("l NAME: let somebody in after all")
    ada.type("l Bob")
    bob.wait("You are let in")
    all_say_yes(ada, bob, cyd)
    for person in (ada, bob, cyd):
        person.wait("first")
        assert person.end() == 0, person.text


def test_somebody_who_is_refused_over_the_words_hears_that_alone_and_can_go(
    url: str, seat: Seat, program: Path
) -> None:
    ada, link = hosts(seat, url, program, 3)
    bob = seat("Bob", "join", link)
    cyd = seat("Cyd", "join", link)
    ada.wait(WORDS)
    bob.wait("waiting for the host to decide")
    ada.type("r Bob")
    cyd.wait("It begins again")
    bob.wait("Ada did not let you in, but can still call you back")
    bob.stands("waiting to be called back")
    ada.stands("Not let in, and still here: Bob")
    bob.ctrl_c()
    assert bob.end() != 0 and "begins again" not in bob.text, bob.text
    dan = seat("Dan", "join", link)
    ada.wait(r"Let Dan in\?")
    assert "still here: Bob" not in ada.screen
    ada.type("y")
    all_say_yes(ada, dan)
    cyd.stands(rf"Dan +new to you[\s\S]*{WORDS}")
    cyd.type("nobody")
    for person in (ada, cyd, dan):
        person.wait("first")
        assert person.end() == 0, person.text


def test_somebody_who_was_refused_hears_that_the_others_have_begun(
    url: str, seat: Seat, program: Path
) -> None:
    ada, link = hosts(seat, url, program, 3)
    bob = seat("Bob", "join", link)
    cyd = seat("Cyd", "join", link)
    ada.stands(rf"Bob +new to you[\s\S]*{WORDS}")
    ada.type("r Bob")
    bob.wait("can still call you back")
    ada.stands("While you wait")
    ada.type("m 2")
    ada.stands(rf"Cyd +new to you[\s\S]*{WORDS}")
    ada.type("nobody")
    cyd.wait("It begins again")
    cyd.stands(rf"0 +Ada[^\n]*\n1 +Cyd[^\n]*\nProgram[\s\S]*{WORDS}")  # and Bob stands there no more
    cyd.type("nobody")
    bob.wait("the session has begun without you")
    assert bob.end() != 0


def test_the_host_of_a_class_takes_a_refusal_back(url: str, seat: Seat, program: Path) -> None:
    tia = seat("Tia", "host", "--groups", "1", "--parties", "2", "--rendezvous", url, str(program))
    link = invited(tia)
    ada = seat("Ada", "join", link)
    tia.wait("Ada wants to come in")
    bob = seat("Bob", "join", link)
    tia.wait("Bob wants to come in")
    tia.stands("Deal the groups")
    tia.type("r 2")
    bob.wait("Tia did not let you in, but can still call you back")
    tia.stands(r"Not let in, and still here: 2 Bob[\s\S]*Deal the groups")
    tia.type("1 2")
    tia.wait("Bob is in")
    tia.asks(r"Deal the groups\?")
    tia.type("all")
    bob.wait("You are in group 1 with Ada")
    all_say_yes(ada, bob)
    for person in (ada, bob):
        person.wait("first")
        assert person.end() == 0, person.text
    assert tia.end() == 0, tia.text


def test_four_knock_for_three_seats(url: str, seat: Seat, program: Path) -> None:
    ada, link = hosts(seat, url, program, 3)
    bob = seat("Bob", "join", link)
    ada.wait("Bob has a seat")
    cyd = seat("Cyd", "join", link)
    ada.wait(WORDS)
    dan = seat("Dan", "join", link)
    ada.wait("Dan waits: all seats are taken")
    dan.wait("The session is full; you are waiting for a seat")
    bob.ctrl_c()
    bob.end()
    for person in (ada, cyd):  # the question before is answered by nobody; the new one reads alike
        person.wait("Bob left the session")
        person.wait("It begins again, with other words")
        person.stands(rf"Dan +new to you[\s\S]*{WORDS}")
        person.type("nobody")
    all_say_yes(dan)
    for person in (ada, cyd, dan):
        person.wait("first")
        assert person.end() == 0, person.text


def test_a_guest_who_is_killed_in_the_lobby_comes_back_to_the_seat(
    url: str, seat: Seat, program: Path
) -> None:
    ada, link = hosts(seat, url, program, 3)
    bob = seat("Bob", "join", link)
    bob.wait("you have a seat")
    bob.process.kill()
    bob.process.wait(10)
    again = seat("Bob", "join", link)
    again.wait("you have a seat")
    cyd = seat("Cyd", "join", link)
    all_say_yes(ada, again, cyd)
    for person in (ada, again, cyd):
        person.wait("first")
        assert person.end() == 0, person.text
    assert len(re.findall("Bob has a seat", ada.text)) >= 1


def test_fewer_parties_than_planned_start_without_joining_anew(
    url: str, seat: Seat, people: Lab, program: Path
) -> None:
    ada, link = hosts(seat, url, program, 4)
    bob = seat("Bob", "join", link)
    ada.wait("Bob has a seat")
    ada.stands("While you wait")  # what is typed before it stands there answers nothing
    ada.type("m 9 9")
    ada.wait("is no answer")
    ada.type("m 2")
    all_say_yes(ada, bob)
    for person in (ada, bob):
        person.wait("first")
        assert person.end() == 0, person.text
