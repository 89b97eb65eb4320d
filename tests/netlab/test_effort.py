"""What people do for a session by a network that needs one of its own; see tests/e2e/test_effort.py."""

from pathlib import Path

import pytest

from tests import wireguard_go
from tests.e2e.people import COUNTED, crowd, sessions
from tests.netlab.conftest import Neighbours
from tests.netlab.net import Net


@pytest.mark.timeout(600)
def test_the_steps_of_a_session_by_wireguard(
    net: Net, neighbours: Neighbours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wireguard_go.on_path(monkeypatch)
    node = net.node("10.77.0.1/24")
    url = neighbours.serve(node)
    with node.inside(), crowd(tmp_path) as people:
        found = sessions("wireguard", url, people, str(neighbours.program.parent / "total.py"))
    assert found == COUNTED["wireguard"]
