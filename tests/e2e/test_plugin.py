"""Sessions over a network of another distribution: that of docs/adding-a-network.md, beside Huddle."""

from pathlib import Path

import pytest

from tests.e2e.harness import Lab
from tests.plugins import installed


def test_three_parties_run_over_a_network_that_was_added(
    people: Lab, url: str, santa: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed.UDP))
    chosen = ("--network", "udp", "--udp-window", "8")
    parties = people.session(santa, "--size", "5", url=url, options=chosen, guest_options=chosen)
    assert [party.end() for party in parties] == [0, 0, 0], "\n".join(party.story() for party in parties)
    for party in parties:
        assert {link["network"] for link in party.all("link")} == {"udp"}
        assert party.all("ended")[0]["clean"] is True
