"""The keeper, as a real process: it does what it is asked, and leaves nothing when its input ends."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from huddle_lab.sites import agent as module
from tests.e2e.harness import alive

BOOTSTRAP = "import sys, json; exec(json.loads(sys.stdin.readline()))"


class Client:
    """What is at the other end of the keeper's input and output."""

    def __init__(self, base: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-uc", BOOTSTRAP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.told: list[dict[str, Any]] = []
        self._write(Path(str(module.__file__)).read_text())
        self.opened = self.ask("open", base=str(base))
        self.folder = Path(self.opened["folder"])

    def _write(self, content: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(content) + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.told.append(message)
        return message

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        self._write({"do": what, "id": 7, **more})
        while (message := self.hear()).get("answer") != what:
            pass
        assert message["id"] == 7
        return message

    def start(self, *command: str, job: int = 1) -> None:
        self.ask("start", job=job, command=command, env={"OWN": "yes"}, without=["HOM"], cwd=None)

    def end(self, job: int = 1) -> dict[str, Any]:
        while not any(one.get("job") == job and "code" in one for one in self.told):
            self.hear()
        return next(one for one in self.told if one.get("job") == job and "code" in one)

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    one = Client(tmp_path)
    yield one
    one.close()


def test_a_job_tells_its_lines_its_end_and_its_cost(client: Client) -> None:
    work = "import os; print(os.environ['OWN'], 'HOME' in os.environ); print('x' * 25000); sum(range(9**7))"
    client.start(sys.executable, "-c", work)
    end = client.end()
    assert end["code"] == 0 and end["cpu"] > 0
    lines = [one["line"] for one in client.told if "line" in one]
    pieces = "".join(one["piece"] for one in client.told if "piece" in one)
    assert lines[0] == "yes False" and pieces + lines[1] == "x" * 25000


def test_a_job_can_be_ended_and_mistakes_are_answered(client: Client) -> None:
    client.start("sleep", "600")
    client.ask("signal", job=1, number=int(signal.SIGTERM))
    assert client.end()["code"] == -signal.SIGTERM
    client.ask("signal", job=1, number=9)  # which is gone: nothing happens
    assert (
        "FileNotFoundError"
        in client.ask("start", job=2, command=["no-such"], env={}, without=[], cwd=None)["error"]
    )
    assert "error" in client.ask("nonsense")


def test_files_are_put_and_removed(client: Client) -> None:
    client.ask("put", name="run/a.txt", data=base64.b64encode(b"hello").decode())
    assert (client.folder / "run" / "a.txt").read_bytes() == b"hello"
    assert client.ask("run", command=["cat", "run/a.txt"])["text"] == "hello"
    client.ask("remove", name="run")
    assert not (client.folder / "run").exists()


def test_the_way_between_two_is_measured(client: Client) -> None:
    port = client.ask("listen")["port"]
    assert client.ask("rtt", address="127.0.0.1", port=port)["ms"] > 0
    assert client.ask("rtt", address="127.0.0.1", port=1)["ms"] is None


def test_its_end_is_that_of_everything_even_of_what_hides(client: Client, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    # A process whose parent ends, in a session of its own, which ignores polite requests.
    work = (
        "import os, signal, time\n"
        "if os.fork() == 0:\n os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f" open({str(hidden)!r}, 'w').write(str(os.getpid()))\n time.sleep(600)\n"
    )
    client.start(sys.executable, "-c", work)
    while not hidden.exists() or not hidden.read_text():
        time.sleep(0.05)
    client.close()
    assert not client.folder.exists()
    assert alive([int(hidden.read_text())]) == []


def test_what_a_killed_one_left_is_removed_by_the_next(tmp_path: Path) -> None:
    first = Client(tmp_path)
    first.process.kill()
    first.close()
    assert first.folder.exists()
    second = Client(tmp_path)
    assert not first.folder.exists() and second.folder.exists()
    second.close()
    assert not second.folder.exists()


# As bubblewrap does, its first process ends without waiting for the one that works.
APART = """
import os, sys, time
reading, writing = os.pipe()
if os.fork():
    os.read(reading, 1)
    os._exit(0)
while time.process_time() < 1:
    pass
os.write(writing, b"x")
"""


def test_what_a_job_s_orphan_took_is_counted_as_ours(client: Client) -> None:
    before = client.ask("load")["own"]
    client.start(sys.executable, "-c", APART)
    assert client.end()["cpu"] < 1
    assert client.ask("load")["own"] - before >= 1


APT = """#!{python}
import json, pathlib, sys
state = pathlib.Path({state!r})
has = json.loads(state.read_text())
words = [word for word in sys.argv[1:] if not word.startswith("-")]
if pathlib.Path(sys.argv[0]).name == "dpkg-query":
    print("".join(f"ii  {{name}}\\n" for name in has) + "rc  gone-long-ago")
elif words[0] == "install" and "no-such-package" in words:
    sys.exit("E: Unable to locate package no-such-package")
elif words[0] == "install":
    state.write_text(json.dumps([*has, *words[1:], "libneeded1"]))
else:
    state.write_text(json.dumps([name for name in has if name not in words[1:]]))
"""


def test_packages_are_added_and_taken_away_with_what_came_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, state, base = tmp_path / "bin", tmp_path / "state", tmp_path / "base"
    tools.mkdir()
    base.mkdir()
    for name in ("apt-get", "dpkg-query"):
        (tools / name).write_text(APT.format(python=sys.executable, state=str(state)))
        (tools / name).chmod(0o755)
    state.write_text(json.dumps(["bash", "there-before"]))
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    one = Client(base)
    try:
        assert "Unable to locate" in one.ask("install", packages=["no-such-package"])["error"]
        added = one.ask("install", packages=["there-before", "wireguard-go"])["added"]
        assert added == ["libneeded1", "wireguard-go"]
    finally:
        one.close()
    assert json.loads(state.read_text()) == ["bash", "there-before"]
    # One that is killed can't; the next one does.
    dead = Client(base)
    dead.ask("install", packages=["wireguard-go"])
    dead.process.kill()
    dead.close()
    assert "wireguard-go" in json.loads(state.read_text())
    Client(base).close()
    assert json.loads(state.read_text()) == ["bash", "there-before"] and list(base.iterdir()) == []


def test_commands_that_were_sent_come_first(client: Client) -> None:
    script = base64.b64encode(b"#!/bin/sh\necho sent\n").decode()
    client.ask("put", name="tools/sort", data=script)
    (client.folder / "tools" / "sort").chmod(0o755)
    client.start("/bin/sh", "-c", "sort </dev/null")
    client.end()
    assert "sent" in [one.get("line") for one in client.told]
