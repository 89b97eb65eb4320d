"""People who run plain MPyC behind a WireGuard app, by what they are handed out, with parties of Huddle."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from huddle.errors import LocalError
from huddle.networks.wireguard.keys import owner_of
from huddle_lab.runs import chrome
from huddle_lab.runs.chrome import Chrome
from tests import wireguard_go
from tests.e2e.chaos import wait_until
from tests.e2e.harness import Huddle
from tests.netlab.conftest import Neighbours
from tests.netlab.nat import Home
from tests.netlab.net import Net, Node

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "programs" / "total.py"
PLAIN = ("--network", "auto,plain")
LONG = 200.0  # seconds for a browser, on a machine that has much else to do

# Where wireguard-go has to be built first, that takes a minute.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    wireguard_go.on_path(monkeypatch)
    if shutil.which("wg-quick") is None:
        pytest.skip("wireguard-tools is not installed")


class End:
    """Somebody who takes part as the page does."""

    def __init__(self, node: Node, name: str, invitation: str) -> None:
        self.node = node
        self.name = name
        self.events: list[dict[str, Any]] = []
        with node.inside():
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.netlab.plain_end", name, invitation],
                stdout=subprocess.PIPE, text=True, cwd=ROOT,
            )  # fmt: skip

    def wait(self, name: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for event in self.events:
            if event["event"] == name:
                return event
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == name:
                return self.events[-1]
        raise AssertionError(f"{self.name}: no {name} among {self.events}")

    def close(self) -> int:
        try:
            return self.process.wait(LONG)
        finally:
            self.abandon()

    def abandon(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


LOADED = "document.readyState === 'complete' && !!document.querySelector('form')"
FIND = """
globalThis.until = async (find, what) => {
  for (let i = 0; i < 1800; i++) {
    const found = find();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no ${what} in: ${document.body.innerText}`);
};
const called = (name) => (one) => one.textContent.trim() === name && !one.disabled;
globalThis.button = (name) => until(() => [...document.querySelectorAll("button")].find(called(name)), name);
globalThis.field = (name) => until(
  () => [...document.querySelectorAll("label")].find((one) => one.textContent.includes(name))?.control, name);
globalThis.text = (words) => until(() => document.body.innerText.includes(words), words);
0
"""


class PageEnd:
    """Somebody without Huddle, before the page in Chromium; `saved` is where their browser saves files."""

    def __init__(self, node: Node, saved: Path) -> None:
        self.node = node
        self.saved = saved
        saved.mkdir()
        self._chrome = Chrome()

    def join(self, name: str, invitation: str) -> None:
        with self.node.inside():
            self._chrome.__enter__()
        where = {"behavior": "allow", "downloadPath": str(self.saved)}
        self._chrome.call("Browser.setDownloadBehavior", where)
        self._page = self._chrome.open(invitation)
        assert wait_until(self._loaded, LONG), "the page does not come"
        self.see("field('Your name')", f".value = {json.dumps(name)}")
        self.see("field('Your name')", ".dispatchEvent(new Event('input', { bubbles: true }))")
        self.see("field('Run it myself')", ".click()")
        self.click("Join")
        self.see("text('is in')")

    def _loaded(self) -> bool:
        with suppress(LocalError):  # it is just going there
            return bool(self._page.evaluate(LOADED))
        return False

    def see(self, what: str, then: str = "") -> Any:
        self._page.evaluate(FIND)
        return self._page.evaluate(f"(await {what}){then}; 0" if then else f"!!(await {what})")

    def click(self, name: str) -> None:
        self.see(f"button('{name}')", ".click()")

    def said(self, selector: str) -> str:
        quoted = json.dumps(selector)
        self.see(f"until(() => document.querySelector({quoted}), {quoted})")
        found: str = self._page.evaluate(f"document.querySelector({quoted}).textContent")
        return found

    def save(self, name: str) -> Path:
        """The file that came last, once it is whole."""
        file = self.saved / name
        assert wait_until(file.exists, 30), list(self.saved.iterdir())
        return file

    def close(self) -> None:
        self._chrome.__exit__()


@contextmanager
def tunnel(node: Node, file: Path) -> Iterator[None]:
    """What an app does with the file."""
    file.chmod(0o600)
    with node.inside():
        quick("up", file)
    try:
        yield
    finally:
        with node.inside():
            quick("down", file)


def quick(what: str, config: Path) -> None:
    done = subprocess.run(
        ["wg-quick", what, str(config)],
        env=os.environ | {"WG_QUICK_USERSPACE_IMPLEMENTATION": "wireguard-go"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def mpyc(node: Node, line: str, folder: Path) -> "subprocess.Popen[str]":
    """Type the line, where the program's files lie."""
    words = shlex.split(line)
    assert words[0] == "python"
    with node.inside():
        return subprocess.Popen(
            [sys.executable, *words[1:]], cwd=folder,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


def links(party: Huddle, peer: str) -> list[tuple[str, str]]:
    return [(one["network"], one["path"]) for one in party.all("link") if one["peer"] == peer and one["run"]]


def joined(host: Huddle, name: str) -> None:
    host.wait("party", lambda event: event["name"] == name and event["state"] == "admitted", timeout=LONG)


# The lab's Chromium is driven over a connection of websockets that is closed by hand.
@pytest.mark.filterwarnings("ignore:connect.. must be used as a context manager:DeprecationWarning")
def test_two_plain_ends_and_two_of_huddle(
    net: Net,
    neighbours: Neighbours,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Only Ada can be reached; the others sit behind routers of their own. Ben has a browser."""
    if not (ROOT / "web" / "dist" / "SHA256SUMS").exists():
        pytest.skip("the page is not built: scripts/build-web")
    post, open_ = net.node("10.77.0.1/24"), net.node("10.77.0.2/24")
    homes = [Home(net, f"10.77.0.{number}/24", f"192.168.{number}").node for number in (3, 4, 5)]
    neighbours.program = PROGRAM
    url = neighbours.serve(post)
    ada = neighbours.host(open_, url, *PLAIN, parties=4)
    link = ada.wait("invitation", timeout=LONG)["url"]
    # By https a browser would have what a key needs; here it is told so.
    secure = f"--unsafely-treat-insecure-origin-as-secure={url}"
    monkeypatch.setattr(chrome, "_FLAGS", (*chrome._FLAGS, secure))
    ben = PageEnd(homes[0], tmp_path / "ben")
    request.addfinalizer(ben.close)
    ben.join("Ben", link)
    joined(ada, "Ben")
    bob = neighbours.join(homes[1], "Bob", link, *PLAIN)
    joined(ada, "Bob")
    cem = End(homes[2], "Cem", link)
    request.addfinalizer(cem.abandon)
    ben.click("Accept")
    ben.click("Run without comparing")  # nobody was heard
    ben.click("Save huddle.conf")
    ben.click("Save")
    line = ben.said("code[aria-label='The line to type']")
    config, program = ben.save("huddle.conf"), ben.save(PROGRAM.name)
    assert program.read_bytes() == PROGRAM.read_bytes()
    theirs = cem.wait("plain")
    folder = tmp_path / "cem"
    folder.mkdir()
    shutil.copy(PROGRAM, folder)
    # The name is the interface's, and of the socket of wireguard-go, of which this one machine has one.
    (folder / "cem.conf").write_text(theirs["config"])
    with tunnel(ben.node, config), tunnel(cem.node, folder / "cem.conf"):
        parties = [mpyc(ben.node, line, ben.saved), mpyc(cem.node, theirs["command"], folder)]
        try:
            for process in parties:
                said, _ = process.communicate(timeout=LONG)
                assert process.returncode == 0 and "total: 4" in said, said
        finally:
            for process in parties:
                process.kill()
                process.communicate()
        assert (ada.end(), bob.end(), cem.close()) == (0, 0, 0), f"{ada.story()} {bob.story()}"
        ben.see("text('You have the result')")
    assert "total: 4" in ada.output() and "total: 4" in bob.output()
    by_key = "raw, known by its WireGuard key"
    assert links(ada, "Ben") == links(ada, "Cem") == [("plain", f"direct, {by_key}")]
    assert links(bob, "Ben") == links(bob, "Cem") == [("plain", f"relayed by Ada, {by_key}")]
    assert links(ada, "Bob")[0][0] != "plain"
    for party in (ada, bob):
        notices = " ".join(event["text"] for event in party.all("notice"))
        assert "Ben runs plain MPyC" in notices and "Ada passes on what goes between Ben and Bob" in notices
    for node in (open_, homes[1]):
        with node.inside():
            assert not [name for _, name in socket.if_nameindex() if owner_of(name)]
