"""Sessions over iroh, each party a process of its own."""

from pathlib import Path

from tests.e2e.harness import Lab


def test_three_parties_run_over_iroh_alone(people: Lab, url: str, santa: Path) -> None:
    chosen = ("--network", "iroh")
    parties = people.session(santa, "--size", "5", url=url, options=chosen, guest_options=chosen)
    assert [party.end() for party in parties] == [0, 0, 0], "\n".join(party.story() for party in parties)
    for party in parties:
        links = party.all("link")
        assert {link["network"] for link in links} == {"iroh"}
        assert {link["run"] for link in links} >= {0, 1}
        # iroh tells the other end of all its addresses, and moves to the one that answers first.
        paths = {link["path"].partition(" port ")[0] for link in links}
        assert paths <= {"direct, 127.0.0.1", "direct, ::1"}
        assert party.all("ended")[0]["clean"] is True
        assert not party.all("reconnect")


def test_auto_takes_iroh_where_the_other_one_has_nothing_else(people: Lab, url: str, santa: Path) -> None:
    iroh = ("--network", "iroh")
    parties = people.session(santa, "--size", "4", names=("Bob",), url=url, guest_options=iroh)
    assert [party.end() for party in parties] == [0, 0], "\n".join(party.story() for party in parties)
    assert {link["network"] for link in parties[0].all("link")} == {"iroh"}
