"""Huddle: a link, four words, one answer; the rendezvous is on a machine of its own."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from huddle.errors import LocalError
from huddle_lab.usability.people import Terminal
from huddle_lab.usability.solution import PROGRAM, TOTAL, VENV, Stage


class Huddle:
    """People who never met."""

    name = "huddle"
    title = "Huddle"
    security = (
        ("on the path", "sees addresses, sizes, times", "not tried"),
        (
            "the rendezvous",
            "sees that there is a session, sizes, times; may stop it; in the middle, other words show it",
            "tests/e2e/test_attackers.py::test_one_in_the_middle_of_two_shows_other_words",
        ),
        (
            "a party",
            "can't stand in for another: a wire that leads to another party is not used",
            "tests/e2e/test_chaos.py::test_a_wire_that_leads_to_another_party_is_not_used",
        ),
        (
            "the relay",
            "may drop and delay; what it changes is noticed",
            "tests/unit/links/test_record_layer.py",
        ),
        (
            "a control server (`headscale`)",
            "machines of other sessions see and reach nothing",
            "tests/netlab/test_headscale.py::test_only_the_session_s_machines_see_each_other_and_at_one_port",
        ),
    )

    def problem(self) -> str:
        return ""

    def perform(self, stage: Stage) -> None:
        wheel = built(stage.checkout)
        for person in (stage.ada, stage.bob, stage.server):
            person.machine.put(wheel.name, wheel.read_bytes())
        for person in (stage.ada, stage.bob):
            person.type(VENV)
            person.type(f"pip install -q ./{wheel.name} && rm {wheel.name}", online=True)
        # Somebody runs a rendezvous already; its steps are not those of the two.
        for line in (VENV, f"pip install -q ./{wheel.name}"):
            subprocess.run(stage.server.machine.command(line, online=True), check=True, capture_output=True)
        url = f"http://{stage.server.machine.address}:8037"
        serve = f"huddle rendezvous serve --host {stage.server.machine.address} --port 8037"
        server = subprocess.Popen(
            stage.server.machine.command(serve), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _answers(stage, url)
            stage.story.when = "first"
            self._session(stage, url, known=False)
            stage.story.when = "again"
            self._session(stage, url, known=True)
        finally:
            server.kill()
            server.wait()
        stage.story.when = "end"

    def _session(self, stage: Stage, url: str, *, known: bool) -> None:
        ada, bob = stage.ada, stage.bob
        yes = " --yes" if known else ""
        host_line = f"huddle host{yes} --name Ada --parties 2 --rendezvous {url} {PROGRAM}"
        with ada.start(host_line) as host:
            link = host.see(r"(https?://\S+/j#\S+)")
            ada.tell(bob, "the link")
            with bob.start(f"huddle join{yes} --name Bob '{link}'") as guest:
                if not known:
                    ada.tell(bob, "the four words")
                    _say(host)
                    _say(guest)
                for terminal in (host, guest):
                    if TOTAL not in terminal.end(within=300.0):
                        raise LocalError(f"The session did not come to its end:\n{terminal.text[-2000:]}")


def _answers(stage: Stage, url: str) -> None:
    """Wait until the rendezvous is there."""
    asks = f"python3 -c 'import urllib.request; urllib.request.urlopen(\"{url}/healthz\")'"
    deadline = time.monotonic() + 120
    while subprocess.run(stage.server.machine.command(asks), capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            raise LocalError("The rendezvous did not start.")
        time.sleep(0.2)


def _say(terminal: Terminal) -> None:
    terminal.see("Whom did you hear say these words", within=300.0)
    terminal.answer("all", "whom one heard, and start")


def built(checkout: Path) -> Path:
    """A wheel of Huddle's sources."""
    where = Path(tempfile.mkdtemp(prefix="huddle-wheel-"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(where)]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(f"No wheel could be made of {checkout}: {done.stderr[-300:]}")
    return next(where.glob("*.whl"))
