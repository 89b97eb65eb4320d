"""People who have sessions step by step; a step is one thing that a person does.

They type a command or an answer, or tell others something by another way (a link, four words, an address).
Reading what the screen shows is no step.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.harness import PATIENCE
from tests.e2e.terminal import Terminal

ROOT = Path(__file__).parents[2]
COUNTED = json.loads((ROOT / "docs" / "effort.json").read_text())

Steps = dict[str, list[str]]


class Person:
    """Somebody at a terminal, and a list of what they do."""

    patience = PATIENCE  # seconds for one thing to be seen

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.steps: list[str] = []
        self.terminal: Terminal | None = None

    def command(self, what: str, *args: str) -> Terminal:
        """Type a command."""
        self.steps.append(f"type: {what}")
        self.terminal = Terminal(self.folder, self.name, *args)
        return self.terminal

    def answer(self, question: str, line: str, what: str) -> None:
        """Answer what is asked."""
        assert self.terminal is not None
        self.terminal.wait(question, self.patience)
        self.steps.append(f"answer: {what}")
        self.terminal.type(line)

    def tell(self, what: str) -> None:
        """Tell others something, by a way that people have already."""
        self.steps.append(f"tell: {what}")

    def end(self) -> None:
        """The command ends by itself and well."""
        assert self.terminal is not None and self.terminal.end(self.patience) == 0, (
            self.terminal and self.terminal.text
        )

    def take(self) -> list[str]:
        """What they did since it was asked for last."""
        done, self.steps = self.steps, []
        return done


def invite(ada: Person, program: str, network: str, url: str) -> str:
    """Ada hosts, and the link is told."""
    options = ("--network", network, "--rendezvous", url)
    host = ada.command("huddle host PROGRAM", "host", "--parties", "2", *options, program)
    link = host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]
    ada.tell("the link")
    return link


def meet(ada: Person, bob: Person, program: str, network: str, url: str) -> Steps:
    """A session of two who know nothing of each other."""
    link = invite(ada, program, network, url)
    bob.command("huddle join LINK", "join", "--network", network, link)
    ada.tell("the four words")
    ada.answer(r"Whom did you hear say these words\? Then start", "all", "whom one heard, and start")
    bob.answer(r"Whom did you hear say these words\? Then run", "all", "whom one heard, and run this program")
    ada.end()
    bob.end()
    return {"host": ada.take(), "guest": bob.take()}


@contextmanager
def crowd(folder: Path) -> Iterator[Callable[[str], Person]]:
    """Makes people by name, whose terminals are closed at the end."""
    made: list[Person] = []

    def one(name: str) -> Person:
        made.append(Person(folder, name))
        return made[-1]

    try:
        yield one
    finally:
        for person in made:
            if person.terminal is not None:
                person.terminal.close()


def sessions(network: str, url: str, people: Callable[[str], Person], program: str) -> dict[str, Steps]:
    """Sessions by that network as people have them one after the other: what each did, by the occasion."""
    ada, bob = people("Ada"), people("Bob")
    options = ("--network", network, "--rendezvous", url)

    # The first time: they know nothing of each other.
    first = meet(ada, bob, program, network, url)

    # The same people again: each is a verified contact of the other, and needs no link.
    ada.command("huddle host PROGRAM --with NAME --yes", "host", "--yes", "--with", "Bob", *options, program)
    bob.command("huddle join NAME --yes", "join", "--yes", "--network", network, "Ada")
    ada.end()
    bob.end()
    again: Steps = {"host": ada.take(), "guest": bob.take()}

    # Other people the next time.
    cyd = people("Cyd")
    others = meet(ada, cyd, program, network, url)

    # Several runs in one session.
    host = ada.command("", "host", "--yes", "--stay", "--parties", "2", *options, program)
    bob.command("", "join", "--yes", "--network", network, host.wait(r"(\S+/j#\S+)")[1])
    host.wait("Run 1 finished")
    ada.take(), bob.take()
    ada.answer("run it once more with the same people", "y", "once more")
    host.wait("Run 2 finished")
    more: Steps = {"host": ada.take(), "guest": bob.take()}
    host.stands("q: end")
    host.type("q")
    ada.end()
    bob.end()
    # Afterwards there is nothing to do, for nothing stays but identity and contacts.
    return {
        "first": first,
        "again": again,
        "others": others,
        "another run": more,
        "afterwards": {"host": [], "guest": []},
    }
