"""Notebooks in a session: a real kernel and its person, with parties at terminals and in other notebooks."""

import contextlib
import itertools
import os
import queue
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from traitlets.config import Config

from tests.e2e.harness import PATIENCE, Lab

# A kernel that root starts for these tests would be refused, as every program is.
PREPARED = """
import huddle
from huddle.running import account
account.refuse_root = lambda: None
LOCAL = {"via": "127.0.0.1", "networks": ("tls",)}
"""
SUM = """
secint = mpc.SecInt(32)
async with mpc:
    print("total", await mpc.output(mpc.sum(mpc.input(secint(mpc.pid + 1)))))
"""
DISCONNECT = "await huddle.disconnect()\nprint('over')"


class Kernel:
    """An IPython kernel in a process of its own, and whoever types at its notebook."""

    def __init__(self, folder: Path, config: Config) -> None:
        folder.mkdir(exist_ok=True, parents=True)
        self._manager = KernelManager(kernel_name="python3", config=config)
        environment = os.environ | {"IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder)}
        self._manager.start_kernel(env=environment, cwd=str(folder))
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)
        self.asked: list[str] = []

    def begin(self, code: str) -> Callable[..., str]:
        """Run a cell; what is returned waits for its end and gives its text, typing `lines` when asked."""
        cell = self._client.execute(code, allow_stdin=True)

        def end(*lines: str, until: str = "") -> str:
            typed, text, over = iter(lines), "", False
            deadline = time.monotonic() + PATIENCE
            while not over and time.monotonic() < deadline:
                with contextlib.suppress(queue.Empty):
                    self.asked.append(self._client.get_stdin_msg(timeout=0.05)["content"]["prompt"])
                    self._client.input(next(typed))
                try:
                    message = self._client.get_iopub_msg(timeout=0.1)
                except queue.Empty:
                    continue
                if message["parent_header"].get("msg_id") != cell:
                    continue
                content = message["content"]
                match message["msg_type"]:
                    case "stream":
                        text += content["text"]
                    case "error":
                        text += f"{content['ename']}: {content['evalue']}\n"
                    case "status" if content["execution_state"] == "idle":
                        over = True
                if until and until in text:
                    return text
            assert over, text
            return text

        return end

    def run(self, code: str, *lines: str) -> str:
        return self.begin(code)(*lines)

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@pytest.fixture
def sockets() -> Iterator[Callable[[], Config]]:
    """Has a kernel listen on sockets in a directory.

    A free TCP port that jupyter has chosen may be another's by the time that its kernel listens.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a socket's path is short
        number = itertools.count()
        yield lambda: Config(ConnectionFileMixin={"transport": "ipc", "ip": f"{folder}/{next(number)}"})


@pytest.fixture
def kernel(tmp_path: Path, sockets: Callable[[], Config]) -> Iterator[Callable[[str], Kernel]]:
    made: list[Kernel] = []

    def make(name: str) -> Kernel:
        made.append(Kernel(tmp_path / name, sockets()))
        made[-1].run(PREPARED)
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_notebook_takes_part_with_people_at_terminals(
    url: str, people: Lab, kernel: Callable[[str], Kernel], programs: Path
) -> None:
    host = people.host(programs / "total.py", parties=3, url=url)
    link = host.wait("invitation")["url"]
    guest = people.join("Bob", link, None)
    notebook = kernel("nora")
    joining = notebook.begin(f"mpc = await huddle.connect({link!r}, name='Nora', **LOCAL)")
    guest.wait("question")
    guest.type("nobody")
    told = joining("perhaps", "all")
    words = host.wait("words")["words"]
    assert f"Words: {' '.join(words)}" in told and "The others run: total.py" in told
    assert len(notebook.asked) == 2 and "Whom did you hear" in notebook.asked[0]
    assert "Nothing of it runs here" in told
    # The cell before has ended; the session goes on, and a cell that computes does not hold it up.
    notebook.run("import time; time.sleep(3)")
    assert "total 5" in notebook.run(SUM)  # the terminals' programs give 1 each
    assert "over" in notebook.run(DISCONNECT)
    for party in (host, guest):
        assert party.end() == 0, party.story()
        assert "total: 5" in party.output()


def test_a_notebook_hosts_others_and_they_compute_twice(
    url: str, kernel: Callable[[str], Kernel], tmp_path: Path
) -> None:
    ada, bob = kernel("ada"), kernel("bob")
    hosting = ada.begin(
        f"mpc = await huddle.invite(parties=2, name='Ada', rendezvous={url!r}, answer='nobody', **LOCAL)"
    )
    told = hosting(until="code")
    link = re.search(r"\S+/j#\S+", told)
    assert link is not None, told
    joining = bob.begin(f"%load_ext huddle\nmpc = await connect({link[0]!r}, name='Bob', **LOCAL)")
    said = joining("nobody")
    assert "In its own words: A session of notebooks" in said
    hosting()
    for _ in range(2):
        begun = ada.begin(SUM)
        assert "total 3" in bob.run(SUM)
        assert "total 3" in begun()
    ended = ada.begin(DISCONNECT)
    assert "over" in bob.run(DISCONNECT)
    assert "over" in ended()
    # Then there is no session, and another can be entered.
    assert "takes part in no session" in bob.run("await huddle.disconnect()")


def test_a_whole_notebook_is_run_by_nbclient_and_one_that_can_ask_nobody_says_so(
    url: str, people: Lab, programs: Path, tmp_path: Path, sockets: Callable[[], Config]
) -> None:
    def run(link: str, answer: str) -> Any:
        connect = f"mpc = await huddle.connect({link!r}, name='Nora', {answer} **LOCAL)"
        cells = [nbformat.v4.new_code_cell(text) for text in (PREPARED, connect, SUM, DISCONNECT)]
        notebook = nbformat.v4.new_notebook(cells=cells)
        client = NotebookClient(
            notebook,
            config=sockets(),
            timeout=int(PATIENCE),
            allow_errors=True,
            resources={"metadata": {"path": tmp_path}},
        )
        client.execute()
        return "\n".join(
            one.get("text", one.get("evalue", "")) for cell in notebook.cells for one in cell.outputs
        )

    host = people.host(programs / "total.py", parties=2, url=url)
    link = host.wait("invitation")["url"]
    assert "Nobody can be asked" in run(link, "")
    # Whoever left so can come again.
    text = run(link, "answer='nobody',")
    assert "total 3" in text and "over" in text, text
    assert host.end() == 0, host.story()
