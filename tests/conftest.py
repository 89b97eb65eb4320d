"""What all tests share: a home of their own, so that none touches the identity of who runs them."""

import os
import re
from pathlib import Path

import hypothesis
import pytest

from huddle.running import account

# A deadline for a single example would measure how busy the machine is.
hypothesis.settings.register_profile("huddle", deadline=None)
hypothesis.settings.load_profile("huddle")

# Of what is new in each process: keys, addresses in memory.
_RANDOM = re.compile(r"did:key:|0x[0-9a-f]{6}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the long ones first, so that nobody waits for one at the end."""
    if random := [item.nodeid for item in items if _RANDOM.search(item.nodeid)]:
        raise pytest.UsageError(f"each process would call these tests differently; give ids: {random}")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory, for this process and for those that it starts."""
    path = tmp_path / "home"
    path.mkdir()
    for name in [name for name in os.environ if name.startswith(("XDG_", "HUDDLE_", "MPYC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("HUDDLE_LANG", "en")
    return path


@pytest.fixture(autouse=True)
def our_programs_may_run_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a test's own process only: where the tests run as root, so do these programs, which are ours."""
    monkeypatch.setattr(account, "refuse_root", lambda: None)
