"""What people do for a session, step by step, each really performed: docs/effort.json is what was counted.

`people.py` says what a step is, and docs/evaluation.md shows the counts. Where a session asks for more or
less than the file says, the test that performs it fails.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle_lab.runs.browser import check
from huddle_lab.runs.chrome import Chrome
from tests.e2e.harness import PATIENCE
from tests.e2e.people import COUNTED, Person, Steps, crowd, invite, sessions
from tests.ports import free_ports

NETWORKS = ("tls", "webrtc", "iroh", "relay")


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Callable[[str], Person]]:
    with crowd(tmp_path) as one:
        yield one


@pytest.mark.parametrize("network", NETWORKS)
def test_the_steps_of_a_session(
    network: str, url: str, people: Callable[[str], Person], programs: Path
) -> None:
    if network in ("webrtc", "iroh"):
        pytest.importorskip({"webrtc": "aiolibdatachannel", "iroh": "iroh"}[network])
    assert sessions(network, url, people, str(programs / "total.py")) == COUNTED[network]


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
            out, _ = process.communicate(timeout=PATIENCE)
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


@pytest.mark.long
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
        ada.tell("the four words")
        ada.answer("Whom did you hear say these words", "all", "whom one heard, and start")
        tab.tick()
        tab.press("Accept and run")
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
