"""What end-to-end tests share: a rendezvous for each module, and a lab for each test."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Lab, lab

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TIMEOUT = 300  # seconds for one test: several waits, each of which a busy machine may make long


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each of these tests its time, unless it says how much it takes."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a rendezvous on loopback."""
    with lab(tmp_path_factory.mktemp("rendezvous")) as servers:
        yield servers.rendezvous()[1]


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Lab]:
    """A lab for one test; what it starts is ended."""
    with lab(tmp_path / "people") as one:
        yield one


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine on which somebody listens."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def programs() -> Path:
    """The small programs of these tests."""
    return ROOT / "tests" / "programs"


@pytest.fixture(scope="session")
def santa() -> Path:
    """Secret Santa, of Huddle's own programs."""
    return ROOT / "programs" / "secret_santa.py"
