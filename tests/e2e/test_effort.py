"""What people do for a session, step by step, each really performed: docs/effort.json is what was counted.

A step is one thing that a person does: types a command or an answer, or tells others something by another way
(a link, four words, an address). Reading what the screen shows is none. docs/evaluation.md shows the counts;
where a session asks for more or less than the file says, the test that performs it fails.
"""

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle.lab.browser import check
from huddle.lab.chrome import Chrome
from tests.e2e.harness import PATIENCE
from tests.e2e.terminal import Terminal

ROOT = Path(__file__).parents[2]
COUNTED = json.loads((ROOT / "docs" / "effort.json").read_text())
NETWORKS = ("tls", "webrtc", "iroh", "relay")

Steps = dict[str, list[str]]


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody has."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


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


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Callable[[str], Person]]:
    made: list[Person] = []

    def one(name: str) -> Person:
        made.append(Person(tmp_path, name))
        return made[-1]

    yield one
    for person in made:
        if person.terminal is not None:
            person.terminal.close()


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
    ada.answer(rf"Let {bob.name} in\? \[y/n\] ", "y", "let the guest in")
    ada.tell("the four words")
    bob.answer("Whom did you hear say these words", "all", "whom one heard")
    ada.answer("Whom did you hear say these words", "all", "whom one heard")
    bob.answer(r"Run this program here\? \[y/n/v = view it\] ", "y", "run this program")
    ada.answer(r"Start\? \[y/n/v = view the program\] ", "y", "start")
    ada.end()
    bob.end()
    return {"host": ada.take(), "guest": bob.take()}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("network", NETWORKS)
def test_the_steps_of_a_session(
    network: str, url: str, people: Callable[[str], Person], programs: Path
) -> None:
    if network in ("webrtc", "iroh"):
        pytest.importorskip({"webrtc": "aiolibdatachannel", "iroh": "iroh"}[network])
    program = str(programs / "total.py")
    ada, bob = people("Ada"), people("Bob")
    options = ("--network", network, "--rendezvous", url)

    # The first time: they know nothing of each other.
    first = meet(ada, bob, program, network, url)

    # The same people again: each is a verified contact of the other.
    host = ada.command("huddle host PROGRAM --yes", "host", "--yes", "--parties", "2", *options, program)
    link = host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1]
    ada.tell("the link")
    bob.command("huddle join LINK --yes", "join", "--yes", "--network", network, link)
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
    ada.answer("run it once more with the same people", "", "once more")
    host.wait("Run 2 finished")
    more: Steps = {"host": ada.take(), "guest": bob.take()}
    host.wait("q: end")
    host.type("q")
    ada.end()
    bob.end()
    # Afterwards there is nothing to do, for nothing stays but identity and contacts.
    assert {
        "first": first,
        "again": again,
        "others": others,
        "another run": more,
        "afterwards": {"host": [], "guest": []},
    } == COUNTED[network]


def test_the_steps_of_plain_mpyc(programs: Path, people: Callable[[str], Person]) -> None:
    ada, bob = people("Ada"), people("Bob")
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]

    def run() -> None:
        processes = []
        for pid, person in enumerate((ada, bob)):  # whoever they are by then
            person.steps.append("type: python PROGRAM -P … -P … -I n")
            flags = [part for address in addresses for part in ("-P", address)]
            command = [sys.executable, str(programs / "total.py"), *flags, "-I", str(pid)]
            processes.append(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            )
        for process in processes:
            out, _ = process.communicate(timeout=60)
            assert process.returncode == 0 and "total: 2" in out

    found: dict[str, Steps] = {}
    for person in (ada, bob):
        person.tell("address and port")
    ada.tell("the program, and who has which number")
    for when in ("first", "again", "another run"):
        run()
        found[when] = {"host": ada.take(), "guest": bob.take()}
    # Other people: their addresses are new to the host, and so is the host's to them.
    bob = people("Cyd")
    bob.tell("address and port")
    ada.tell("address and port")
    ada.tell("the program, and who has which number")
    run()
    found["others"] = {"host": ada.take(), "guest": bob.take()}
    assert {**found, "afterwards": {"host": [], "guest": []}} == COUNTED["plain"]


class Tab:
    """A person before the page of the rendezvous: what they do with it, by what it shows."""

    def __init__(self, chrome: Chrome, person: Person, link: str) -> None:
        person.steps.append("open: the link")
        self._person = person
        self.page = chrome.open(link)

    def look(self, what: str) -> object:
        """What a JavaScript expression finds in the page, as soon as it does."""
        for _ in range(4000):
            with contextlib.suppress(LocalError):  # the page is just being replaced by its link's
                if found := self.page.evaluate(what):
                    return found
            time.sleep(0.05)
        raise AssertionError(f"not in the page: {what}: {self.page.evaluate('document.body.innerText')}")

    def type_name(self) -> None:
        field = "document.querySelector('#own-name')"
        self.look(f"!!{field}")
        self.page.evaluate(
            f"{field}.value = {json.dumps(self._person.name)}; "
            f"{field}.dispatchEvent(new Event('input', {{bubbles: true}}))"
        )
        self._person.steps.append("type: one's name")

    def press(self, label: str) -> None:
        button = (
            f"[...document.querySelectorAll('button')].find((one) => one.textContent.trim() === '{label}')"
        )
        self.look(f"{button} && !{button}.disabled")
        self.page.evaluate(f"{button}.click()")
        self._person.steps.append(f"press: {label}")

    def tick(self) -> None:
        box = "document.querySelector('fieldset input[type=checkbox]')"
        self.look(f"!!{box}")
        self.page.evaluate(f"{box}.click()")
        self._person.steps.append("tick: whom one heard")


@pytest.mark.timeout(500)  # a loaded machine starts Python in a page slowly
def test_the_steps_of_a_guest_in_a_browser(
    url: str, people: Callable[[str], Person], programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - of a rendezvous of this test
        if b"<title>" not in answer.read():
            pytest.skip("this rendezvous has no page: scripts/build-web")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    ada, bob = people("Ada"), people("Bob")
    ada.patience = 200.0
    program = str(programs / "total.py")
    try:
        check()
    except LocalError as error:
        pytest.skip(error.message)
    with Chrome() as chrome:
        tab = Tab(chrome, bob, invite(ada, program, "relay", url))
        tab.type_name()
        tab.press("Join")
        ada.answer(r"Let Bob in\? \[y/n\] ", "y", "let the guest in")
        ada.tell("the four words")
        tab.tick()
        ada.answer("Whom did you hear say these words", "all", "whom one heard")
        tab.press("Accept and run")
        ada.answer(r"Start\? \[y/n/v = view the program\] ", "y", "start")
        ada.end()
        tab.look("document.body.innerText.includes('total: 2')")
        first: Steps = {"host": ada.take(), "guest": bob.take()}
        tab.page.close()

        # The same people again: the browser has kept who they are.
        options = ("--yes", "--parties", "2", "--network", "relay", "--rendezvous", url)
        host = ada.command("huddle host PROGRAM --yes", "host", *options, program)
        tab = Tab(chrome, bob, host.wait(r"Send this link[^\n]*\s+(\S+/j#\S+)")[1])
        ada.tell("the link")
        tab.press("Join")
        tab.press("Accept and run")
        ada.end()
        tab.look("document.body.innerText.includes('total: 2')")
        again: Steps = {"host": ada.take(), "guest": bob.take()}
    assert {"first": first, "again": again} == {when: COUNTED["browser"][when] for when in ("first", "again")}
