"""A session as persons see and type it, each on a terminal."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import LOCAL, emptied
from tests.e2e.terminal import HIDE_CURSOR, SHOW_CURSOR, Terminal

Seat = Callable[..., Terminal]


@pytest.fixture
def seat(tmp_path: Path) -> Iterator[Seat]:
    """Sits a person down at a terminal with a command."""
    taken: list[Terminal] = []

    def sit(name: str, command: str, *args: str) -> Terminal:
        taken.append(Terminal(tmp_path, name, command, *args))
        return taken[-1]

    yield sit
    for terminal in taken:
        terminal.close()


def invited(host: Terminal) -> str:
    """The link on the host's screen."""
    return host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]


def test_three_persons_type_their_way_through_a_session(url: str, seat: Seat, programs: Path) -> None:
    salaries = programs.parents[1] / "programs" / "average_salary.py"
    ada = seat("Ada", "host", "--parties", "3", "--rendezvous", url, str(salaries))
    link = invited(ada)
    ada.wait(r"read out this code \(ten minutes\):  \d+-[a-z]+-[a-z]+")
    ada.wait("▄▀|▀▄|█")  # the picture of the link
    ada.wait("waiting for the others")

    bob = seat("Bob", "join", link)
    ada.wait("Bob wants to come in: new to you")
    ada.wait(r"Let Bob in\? \[y/n\] ")
    cyd = seat("Cyd", "join", link)
    ada.wait("Cyd wants to come in")
    ada.wait(r"Let Bob in\? \[y/n\] ")  # the question stands below the news again
    ada.type("y")
    ada.wait("Bob is in")
    ada.wait(r"Let Cyd in\? \[y/n\] ")
    bob.wait("waiting for the host to let you in")
    ada.type("y")

    words = []
    for person in (ada, bob, cyd):
        person.wait("Program: average_salary.py")
        person.wait("digest [0-9a-f]{64}")
        person.wait("It runs in a sandbox here|This program can read your files")
        person.wait("The same four words must stand on all screens")
        words.append(person.wait(r"│ +([a-z]+   [a-z]+   [a-z]+   [a-z]+) +│")[1])
        person.wait("Whom did you hear say these words")
    assert words[0] == words[1] == words[2]

    bob.type("all")
    bob.wait(r"Run this program here\? \[y/n/v = view it\] ")
    bob.type("v")
    bob.wait(r"1 \"\"\"The average of the parties' salaries")
    bob.wait(r"mpc.run\(main\(\)\)")
    bob.wait(r"Run this program here\?")
    bob.type("y")
    bob.wait("waiting for the others to accept")
    ada.wait("Bob accepts")
    cyd.type("ada")
    cyd.wait(r"Run this program here\?")
    cyd.type("y")
    ada.wait("Cyd accepts")
    ada.type("")
    ada.wait(r"Start\? \[y/n/v = view the program\] ")
    ada.type("y")

    for person, salary in ((ada, "3100"), (bob, "2850.50"), (cyd, "4000")):
        person.wait("Sealed by Ada, ")
        person.wait("Link to ")
        person.wait("Your salary: ")
        person.type(salary)
    for person in (ada, bob, cyd):
        person.wait(r"The average salary is 3316\.83")
        person.wait(r"Run 1 finished after")
        person.wait(r"party +doing +path +RTT +sent +received")
        person.wait("What stays on this machine:")
        person.wait(r"identity:\s+your\s+identity")
        assert person.end() == 0
        assert person.raw.rfind(SHOW_CURSOR) >= person.raw.rfind(HIDE_CURSOR), "the cursor stays hidden"
        assert list(person.temp.iterdir()) == []
    assert not (ada.home / "contacts.json").exists()
    assert "Ada" in (bob.home / "contacts.json").read_text()
    assert "Cyd" in (bob.home / "contacts.json").read_text()
    assert "Bob" not in (cyd.home / "contacts.json").read_text()
    assert emptied(url)


def test_ctrl_c_ends_the_run_then_the_session(url: str, seat: Seat, programs: Path) -> None:
    program = str(programs / "forever.py")
    ada = seat("Ada", "host", "--parties", "2", "--open", "--stay", "--rendezvous", url, program)
    bob = seat("Bob", "join", "--yes", "--program", program, invited(ada))
    for person in (ada, bob):
        person.wait("computing")
        person.wait(r"running for .* rounds?; Ctrl-C ends it")
    ada.ctrl_c()
    ada.wait("Run 1 failed.*You stopped the run")
    ada.wait("Enter: run it once more with the same people;  q: end")
    bob.wait("Run 1 failed.*Ada")
    assert bob.process.poll() is None
    ada.type("")
    for person in (ada, bob):
        person.wait("Run 2")
        person.wait("computing")
    ada.ctrl_c()
    ada.wait("q: end")
    ada.ctrl_c()
    ada.wait("You left the session")
    bob.wait("Ada")
    for person in (ada, bob):
        assert person.end() == 1
        assert "Traceback" not in person.text
        assert person.raw.rfind(SHOW_CURSOR) >= person.raw.rfind(HIDE_CURSOR)


def test_an_error_on_a_terminal_says_what_to_do(url: str, seat: Seat) -> None:
    bob = seat("Bob", "join", f"{url}/j#AQIDBAUG")
    bob.wait("typing error")
    bob.wait("Copy the whole link again")
    assert bob.end() == LOCAL
    assert "Traceback" not in bob.text
