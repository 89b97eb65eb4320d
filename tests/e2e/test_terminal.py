"""A session as persons see and type it, each on a terminal."""

import re
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

    def sit(name: str, command: str, *args: str, **environment: str) -> Terminal:
        taken.append(Terminal(tmp_path, name, command, *args, **environment))
        return taken[-1]

    yield sit
    for terminal in taken:
        terminal.close()


def invited(host: Terminal) -> str:
    """The link on the host's screen."""
    return host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]


def same_words(*people: Terminal) -> None:
    """All see the same four words, and are asked about them."""
    words = [person.wait(r"\n    ([a-z]+   [a-z]+   [a-z]+   [a-z]+)\n")[1] for person in people]
    assert len(set(words)) == 1
    for person in people:  # a line that stood there before does not come anew
        assert "Everyone must see the same four words" in person.text


def test_three_persons_type_their_way_through_a_session(url: str, seat: Seat, programs: Path) -> None:
    salaries = programs.parents[1] / "programs" / "average_salary.py"
    ada = seat("Ada", "host", "--parties", "3", "--rendezvous", url, str(salaries))
    ada.wait("Average salary: The average of your salaries")
    ada.wait("Your salary a month .*stays on this device")
    ada.type("3100")
    ada.wait("Everybody will see: average_salary.py")
    ada.wait("▄▀|▀▄|█")  # the picture of the link
    link = invited(ada)
    ada.wait(r"read out this code; it is good for ten minutes:  \d+-[a-z]+-[a-z]+")
    ada.wait("waiting for the others")

    bob = seat("Bob", "join", link)
    ada.wait("Bob wants to come in: new to you")
    ada.wait("Bob has a seat")
    cyd = seat("Cyd", "join", link)
    ada.wait("Cyd wants to come in")

    for person in (ada, bob, cyd):
        person.wait("Program: average_salary.py")
        person.wait("digest [0-9a-f]{64}")
        person.wait("It runs in a sandbox here|This program can read your files")
    same_words(ada, bob, cyd)
    for guest in (bob, cyd):
        guest.wait("waiting for the host to decide")
    ada.wait("Whom did you hear say these words")
    ada.type("")
    ada.wait("Nothing is decided yet")
    ada.type("nobody")

    bob.wait("Ada accepts")
    bob.wait(r"Then run the program here.")
    bob.type("v")
    bob.wait(r"1 \"\"\"The average of the parties' salaries")
    bob.wait("q back")
    bob.press("q")
    bob.asks(r"Then run the program here\.")
    bob.type("all")
    bob.wait("Your salary a month")
    bob.type("much")
    bob.wait("A number, please")
    bob.type("2850.50")
    bob.wait("waiting for the others to accept")
    ada.wait("Bob accepts")
    cyd.wait(r"Then run the program here.")
    cyd.type("ada")
    cyd.wait("Your salary a month")
    cyd.type("4000")
    ada.wait("Cyd accepts")

    for person in (ada, bob, cyd):
        assert person.end() == 0
        # The run is short, now that nobody types in it: what stands there for a moment is not waited for.
        for shown in (
            "Signed by Ada, ",
            r"The average salary is 3316\.83",
            "Run 1 finished after",
            "What stays on this machine:",
            r"identity:\s+your\s+identity",
        ):
            assert re.search(shown, person.text), shown
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
    ada.wait("Try again")
    ada.type("")
    ada.wait("Nothing is decided yet")
    bob.wait("Run 1 failed.*Ada")
    assert bob.process.poll() is None
    ada.type("y")
    for person in (ada, bob):
        person.wait("Run 2")
        person.wait("computing")
    ada.ctrl_c()
    ada.wait("Try again")
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


def test_who_sees_other_words_says_so_to_all_and_new_ones_come(url: str, seat: Seat, programs: Path) -> None:
    program = str(programs / "total.py")
    ada = seat("Ada", "host", "--parties", "3", "--rendezvous", url, program)
    link = invited(ada)
    bob, cyd = seat("Bob", "join", link), seat("Cyd", "join", link)
    ada.wait("Then start.")
    ada.type("nobody")
    cyd.wait("Then run the program here.")
    cyd.type("nobody")
    bob.wait("Then run the program here.")
    bob.type("w")
    for person, who in ((ada, "Bob"), (bob, "You"), (cyd, "Bob")):
        person.wait(f"{who} saw other words")
        person.wait("Someone may be intercepting")
        person.wait("It begins again, with other words")
    same_words(ada, bob, cyd)
    for person in (ada, bob, cyd):
        person.stands(r"Bob saw other words\.")  # it stays in sight
    ada.asks(r"Then start\.")  # which reads as before
    ada.type("all")
    for person in (bob, cyd):
        person.asks(r"Then run the program here\.")
        person.type("all")
    for person in (ada, bob, cyd):
        person.wait("total: 3")
        assert person.end() == 0


def test_a_refusal_is_taken_back_when_they_knock_again(url: str, seat: Seat, programs: Path) -> None:
    ada = seat("Ada", "host", "--parties", "2", "--rendezvous", url, str(programs / "total.py"))
    link = invited(ada)
    bob = seat("Bob", "join", link)
    ada.wait("Then start.")
    ada.type("r bob")
    bob.wait("Ada did not let you in")
    bob.ctrl_c()
    assert bob.end() != 0
    again = seat("Bob", "join", link)
    ada.wait(r"Let Bob in\?")
    ada.type("y")
    ada.wait("Then start.")
    ada.type("all")
    again.wait("Then run the program here.")
    again.type("all")
    for person in (ada, again):
        person.wait("total: 2")
        assert person.end() == 0


def test_lines_alone_do_for_a_whole_session(url: str, seat: Seat, programs: Path) -> None:
    program = str(programs / "total.py")
    ada = seat("Ada", "host", "--parties", "2", "--rendezvous", url, program, HUDDLE_PLAIN="1")
    bob = seat("Bob", "join", invited(ada), HUDDLE_PLAIN="1")
    ada.wait("Then start.")
    ada.type("all")
    bob.wait("Then run the program here.")
    bob.type("all")
    for person in (ada, bob):
        person.wait("total: 2")
        assert person.end() == 0
        assert "\x1b" not in person.raw and "█" not in person.raw
