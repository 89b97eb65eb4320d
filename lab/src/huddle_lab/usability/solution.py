"""What a solution of the thesis is here: what two people do on fresh machines, from nothing to nothing.

To add one, write a module with a `Solution` and name it in `registry.py`. It performs the occasions in order,
setting `story.when`: `install`, `first` (people who have never met), `again` (the same two), `others` (Ada
with somebody new, who has it installed), `end` (what one does to be rid of it). Whatever it does a person
must be able to do.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from huddle.errors import LocalError
from huddle_lab.usability.people import Person, Story

PROGRAM = "total.py"
TOTAL = "total: 2"
VENV = "python3 -m venv venv"  # as Debian's own Python lets nobody install into it


@dataclass(frozen=True, slots=True)
class Stage:
    """Two people, a third whom Ada meets later, and a machine for a server that all can reach."""

    ada: Person
    bob: Person
    cyd: Person
    server: Person
    story: Story
    checkout: Path  # Huddle's sources, of which a wheel is made


class Solution(Protocol):
    """One way to come to a session."""

    @property
    def name(self) -> str:
        """In a word."""
        ...

    @property
    def title(self) -> str:
        """For people."""
        ...

    @property
    def security(self) -> tuple[tuple[str, str, str], ...]:
        """Attackers: who, what they see and can do, and the test that tried it, or "not tried" and why."""
        ...

    def problem(self) -> str:
        """Why it can't be performed on this computer; "" where it can."""
        ...

    def perform(self, stage: Stage) -> None:
        """Do it all; LocalError where something does not work."""
        ...


def install_mpyc(stage: Stage) -> None:
    """All install MPyC; the two have the program."""
    for person in (stage.ada, stage.bob):
        install_for(person)
    with stage.story.uncounted():
        install_for(stage.cyd)
    stage.ada.send(stage.bob, PROGRAM)


def install_for(person: Person) -> None:
    """One of them."""
    person.type(VENV)
    person.type("pip install -q mpyc", online=True)


def run_mpyc(people: tuple[Person, Person], addresses: tuple[str, str], *flags: str) -> None:
    """Both start the program with each other's addresses, and it gives the sum."""
    parties = " ".join(f"-P {address}:11365" for address in addresses)
    more = "".join(f" {flag}" for flag in flags)
    line = f"python {PROGRAM} {parties}{more} -I "
    one, other = people
    with one.start(f"{line}0") as first, other.start(f"{line}1") as second:
        for terminal in (first, second):
            if TOTAL not in terminal.end():
                raise LocalError(f"MPyC did not come to its end:\n{terminal.text[-2000:]}")
