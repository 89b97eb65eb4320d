"""`huddle web check` against real servers: the same page, a changed one, none."""

import asyncio
import hashlib
import queue
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from huddle.cli.commands import web
from huddle.cli.commands.web import web_group
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig


@contextmanager
def served(site: Path | None) -> Iterator[str]:
    """A rendezvous with that page, in a thread of its own."""
    ports: queue.Queue[int] = queue.Queue()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with RendezvousServer(ServerConfig(site=site)) as server:
            ports.put(server.port)
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield f"http://127.0.0.1:{ports.get(timeout=20)}"
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "page"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<p>page")
    (root / "assets" / "script-AbC.js").write_text("1")
    names = ("assets/script-AbC.js", "index.html")
    sums = [f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (root / "SHA256SUMS").write_text("".join(sums))
    monkeypatch.setattr(web, "find_site", lambda: root)
    return root


def check(url: str) -> tuple[int, str]:
    result = CliRunner().invoke(web_group, ["check", url])
    return result.exit_code, result.output


def test_the_same_page_is_recognized(page: Path) -> None:
    with served(page) as url:
        assert check(url) == (0, f"{url} serves this installation's page, in all its 2 files.\n")


@pytest.mark.parametrize(
    ("name", "differs"),
    [("index.html", ["/index.html", "/", "/j"]), ("assets/script-AbC.js", ["/assets/script-AbC.js"])],
)
def test_a_changed_page_is_told(page: Path, tmp_path: Path, name: str, differs: list[str]) -> None:
    other = shutil.copytree(page, tmp_path / "other")
    (other / name).write_text("changed")
    with served(other) as url:
        code, said = check(url)
    assert code == 1
    assert [line.split()[1] for line in said.splitlines() if line.startswith("differs")] == differs


def test_a_server_without_the_page_differs_in_all(page: Path) -> None:
    with served(None) as url:
        code, said = check(url)
    assert (code, said.count("differs")) == (1, 4)


def test_what_is_no_server_is_explained(page: Path) -> None:
    code, said = check("http://127.0.0.1:1")
    assert code != 0 and "can't be fetched" in said
    code, said = check("file:///etc/passwd")
    assert code == 3 and "no address" in said


def test_nothing_to_compare_with_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "find_site", lambda: None)
    code, said = check("http://127.0.0.1:1")
    assert code == 3 and "no page in this installation" in said
