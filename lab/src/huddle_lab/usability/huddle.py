"""Huddle: a link, four words, an answer each; the next time a name. Terminals, or a guest with a phone.

Somebody's rendezvous is there already, on a machine of its own, as a web site would be.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huddle.errors import LocalError
from huddle_lab.usability.people import Person, Terminal
from huddle_lab.usability.phone import OpenPage, Phone, no_phone
from huddle_lab.usability.solution import PROGRAM, TOTAL, VENV, Stage

_PORT = 8037
_PATIENCE = 120.0
LINK = r"(https?://\S+/j#\S+)\s"  # whole, as what a terminal says may come in pieces
WORDS = "Whom did you hear say these words"

SECURITY = (
    (
        "on the path",
        "sees addresses, sizes, times",
        "tests/netlab/test_attackers.py::test_who_listens_reads_nothing_of_a_session",
    ),
    (
        "the rendezvous",
        "sees that there is a session, sizes, times; may stop it; in the middle, other words show it",
        "tests/e2e/test_attackers.py::test_one_in_the_middle_of_two_shows_other_words",
    ),
    (
        "the host, with the rendezvous",
        "may show each guest other people; they notice before anything runs",
        "tests/e2e/test_attackers.py::test_different_rosters_for_different_guests_are_noticed",
    ),
    (
        "a party",
        "can't stand in for another: a wire that leads to another party is not used",
        "tests/e2e/test_chaos.py::test_a_wire_that_leads_to_another_party_is_not_used",
    ),
    (
        "a party",
        "can't claim another's number: it gets no link, and is named",
        "tests/e2e/test_attackers.py::test_a_party_that_claims_the_pid_of_another_gets_no_link",
    ),
    (
        "a party",
        "can't come with another's certificate: it is named",
        "tests/e2e/test_attackers.py::test_a_party_that_offers_the_certificate_of_another_is_named",
    ),
    (
        "the relay",
        "may drop and delay: the session goes on by another wire",
        "tests/e2e/test_rendezvous_failures.py::test_wires_to_the_relay_that_are_lost_again_and_again",
    ),
    (
        "the relay",
        "what it changes is noticed: that wire is lost, and nothing of it is taken",
        "tests/unit/links/test_record_layer.py::test_any_changed_byte_loses_the_wire",
    ),
    (
        "a control server (`tailscale`)",
        "puts machines into the tailnet, which reach a session's port and get no further",
        "tests/unit/networks/tailscale/test_network.py::test_a_wire_from_another_machine_is_turned_away",
    ),
    (
        "a control server (`headscale`)",
        "machines of other sessions see and reach nothing",
        "tests/netlab/test_headscale.py::test_only_the_session_s_machines_see_each_other_and_at_one_port",
    ),
)


class Huddle:
    """People at terminals who never met."""

    name = "huddle"
    title = "Huddle"
    security = SECURITY

    def problem(self) -> str:
        return ""

    def perform(self, stage: Stage) -> None:
        ada, bob, cyd = stage.ada, stage.bob, stage.cyd
        with built(stage.checkout) as wheel:
            for person in (ada, bob):
                install(person, wheel)
            with stage.story.uncounted():
                install(cyd, wheel)
                install(stage.server, wheel)
        with rendezvous(stage.server) as url:
            stage.story.when = "first"
            self._meet(ada, bob, url)
            stage.story.when = "again"
            self._call(ada, bob, url)
            stage.story.when = "others"
            self._meet(ada, cyd, url)
        stage.story.when = "end"

    def _meet(self, ada: Person, other: Person, url: str) -> None:
        """They know nothing of each other."""
        line = f"huddle host --name Ada --parties 2 --rendezvous {url} {PROGRAM}"
        with ada.start(line) as host:
            link = host.see(LINK)
            ada.tell(other, "the link")
            with other.start(f"huddle join --name {other.name} '{link}'") as guest:
                ada.tell(other, "the four words")
                for terminal, what in ((host, "start"), (guest, "run this program")):
                    terminal.see(WORDS)
                    terminal.answer("all", f"whom one heard, and {what}")
                comes_right(host, guest)

    def _call(self, ada: Person, other: Person, url: str) -> None:
        """They are contacts, and need no link."""
        line = f"huddle host --name Ada --with {other.name} --yes --rendezvous {url} {PROGRAM}"
        with ada.start(line) as host, other.start(f"huddle join --yes --name {other.name} Ada") as guest:
            comes_right(host, guest)


class HuddlePhone:
    """A host at a terminal, and guests who have a phone."""

    name = "huddle-phone"
    title = "Huddle, a guest with a phone"
    security = (
        (
            "who serves the page",
            "is the program that holds the keys; `huddle web check` compares it with one's own",
            "tests/unit/cli/commands/test_web.py::test_a_changed_page_is_told",
        ),
    )

    def problem(self) -> str:
        return no_phone()

    def perform(self, stage: Stage) -> None:
        ada, bob, cyd = stage.ada, stage.bob, stage.cyd
        with built(stage.checkout) as wheel:
            install(ada, wheel)
            with stage.story.uncounted():
                install(stage.server, wheel)
        with rendezvous(stage.server) as url:
            with Phone(bob, url) as phone:
                stage.story.when = "first"
                self._meet(ada, bob, phone, url)
                stage.story.when = "again"
                with ada.start(_hosting(url, "--yes")) as host:
                    page = _opened(ada, bob, phone, host)
                    page.press("Join")
                    page.press("Accept and run")
                    comes_right(host)
                    page.see(TOTAL)
                    page.done()
            stage.story.when = "others"
            with Phone(cyd, url) as phone:
                self._meet(ada, cyd, phone, url)
        stage.story.when = "end"

    def _meet(self, ada: Person, other: Person, phone: Phone, url: str) -> None:
        with ada.start(_hosting(url)) as host:
            page = _opened(ada, other, phone, host)
            page.fill("#own-name", other.name, "one's name")
            page.press("Join")
            ada.tell(other, "the four words")
            host.see(WORDS)
            host.answer("all", "whom one heard, and start")
            page.tick("fieldset input[type=checkbox]", "whom one heard")
            page.press("Accept and run")
            comes_right(host)
            page.see(TOTAL)
            page.done()


def _hosting(url: str, *options: str) -> str:
    return " ".join(
        ["huddle host", *options, "--name Ada --parties 2 --network relay --rendezvous", url, PROGRAM]
    )


def _opened(ada: Person, other: Person, phone: Phone, host: Terminal) -> OpenPage:
    link = host.see(LINK)
    ada.tell(other, "the link")
    return phone.open(link, "the link")


def comes_right(*terminals: Terminal) -> None:
    """All have ended well, with the sum."""
    for terminal in terminals:
        if TOTAL not in terminal.end():
            raise LocalError(f"The session did not come to its end:\n{terminal.text[-2000:]}")


def install(person: Person, wheel: Path) -> None:
    """From a wheel of this checkout, as from a registry."""
    person.machine.put(wheel.name, wheel.read_bytes())
    person.type(VENV)
    person.type(f"pip install -q ./{wheel.name} && rm {wheel.name}", online=True)


@contextmanager
def rendezvous(server: Person) -> Iterator[str]:
    """A rendezvous on that machine, where Huddle is installed; its URL."""
    url = f"http://{server.machine.address}:{_PORT}"
    command = f"exec huddle serve --host {server.machine.address} --port {_PORT}"
    process = subprocess.Popen(
        server.machine.command(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        asks = f"python3 -c 'import urllib.request; urllib.request.urlopen(\"{url}/healthz\")'"
        until = time.monotonic() + _PATIENCE
        while subprocess.run(server.machine.command(asks), capture_output=True, check=False).returncode:
            if time.monotonic() > until:
                raise LocalError("The rendezvous did not start.")
            time.sleep(0.2)
        yield url
    finally:
        process.kill()  # and with the machine what it started
        process.wait()


@contextmanager
def built(checkout: Path) -> Iterator[Path]:
    """A wheel of Huddle's sources, with the page where that is built."""
    with tempfile.TemporaryDirectory(prefix="huddle-wheel-") as folder:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LocalError(f"No wheel could be made of {checkout}: {done.stderr[-300:]}")
        yield next(Path(folder).glob("*.whl"))
