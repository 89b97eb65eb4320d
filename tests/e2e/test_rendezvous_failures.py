"""Rendezvous that die, come back, and lie, in front of real parties."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from huddle.ceremony.invitation import Invitation
from huddle.cli.errors import EXIT_CODES
from tests.e2e.chaos import Chaos
from tests.e2e.harness import Huddle, Lab
from tests.e2e.liar import Liar, Lie
from tests.ports import free_port

HURRIED = {"PYTHONPATH": str(Path(__file__).parent / "hurried")}
PEER, RENDEZVOUS = EXIT_CODES["peer"], EXIT_CODES["rendezvous"]
RELAY = ("--network", "relay")


class Restarted:
    """A rendezvous that keeps its rooms in a file and can be killed and started again."""

    def __init__(self, people: Lab, folder: Path) -> None:
        self._people = people
        self._database = folder / "rooms.sqlite"
        self._port = free_port()
        self.server, self.url = self._start()

    def _start(self) -> tuple[Huddle, str]:
        return self._people.rendezvous("--database", str(self._database), port=self._port)

    def kill(self) -> None:
        """As a power cut would."""
        self.server.process.kill()
        self.server.process.wait(10)

    def start(self) -> None:
        """On the same port, with the same rooms."""
        self.server, url = self._start()
        assert url == self.url


@pytest.fixture
def rendezvous(people: Lab, tmp_path: Path) -> Restarted:
    """One of this test's own."""
    return Restarted(people, tmp_path)


def test_a_restart_in_mid_ceremony_is_survived(people: Lab, rendezvous: Restarted, programs: Path) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, url=rendezvous.url)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program)
    host.wait("party", lambda event: event["name"] == "Bob" and event["state"] == "admitted")
    rendezvous.kill()
    rendezvous.start()
    cyd = people.join("Cyd", link, None)
    cyd.wait("question", lambda event: event["what"] == "accept")
    rendezvous.kill()  # again, between the words and the last accept
    cyd.type("nobody")
    rendezvous.start()
    assert [party.end() for party in (host, bob, cyd)] == [0, 0, 0], host.story() + cyd.story()
    for party in (host, bob, cyd):
        assert "second sum 60" in party.output()
        assert len(party.all("words")) == 1


def test_an_outage_in_mid_run_ends_nothing(people: Lab, rendezvous: Restarted, programs: Path) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, parties=2, url=rendezvous.url)
    bob = people.join("Bob", host.wait("invitation")["url"], program, "--ask")
    bob.wait("input", lambda event: event["waiting"])
    rendezvous.kill()
    bob.type("go")
    assert [host.end(), bob.end()] == [0, 0], host.story() + bob.story()
    assert "second sum 30" in host.output()
    assert not host.all("error") and not host.all("reconnect")


def test_a_restart_in_mid_run_is_survived_by_relayed_links(
    people: Lab, rendezvous: Restarted, programs: Path
) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, url=rendezvous.url, options=RELAY)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program, "--ask", options=RELAY)
    cyd = people.join("Cyd", link, program, options=RELAY)
    bob.wait("input", lambda event: event["waiting"])
    rendezvous.kill()
    for party in (host, cyd):
        party.wait("reconnect", lambda event: event["state"] == "lost")
    rendezvous.start()
    for party in (host, cyd):
        for peer in {"Ada", "Bob", "Cyd"} - {party.all("party")[0]["name"]}:
            party.wait(
                "reconnect", lambda event, peer=peer: event["state"] == "restored" and event["peer"] == peer
            )
    bob.type("go")
    assert [party.end() for party in (host, bob, cyd)] == [0, 0, 0], host.story() + bob.story()
    for party in (host, bob, cyd):
        assert "second sum 60" in party.output()
        assert {event["network"] for event in party.all("link")} == {"relay"}


def test_wires_to_the_relay_that_are_lost_again_and_again(people: Lab, url: str, santa: Path) -> None:
    with Chaos() as chaos:
        proxy = chaos.proxy(int(url.rsplit(":", 1)[1]))
        behind = f"http://127.0.0.1:{proxy.port}"
        host = people.host(santa, "--size", "12", "--fields", url=behind, options=RELAY)
        link = host.wait("invitation")["url"]
        parties = [host, *(people.join(name, link, santa, options=RELAY) for name in ("Bob", "Cyd"))]
        for party in parties:
            party.wait("link", lambda event: event["run"] == 1)
        cuts = 0
        while not any(event["state"] != "started" for event in host.all("run")) and cuts < 20:
            if proxy.wait_passed(proxy.passed + 12_000, 0.5) and proxy.cut():
                cuts += 1
        assert [party.end() for party in parties] == [0, 0, 0], host.story()
        assert cuts >= 3
    for party in parties:
        assert sum(peer["reconnects"] for peer in party.all("stats")[-1]["peers"]) >= 2
        assert len(party.output().split("Over ")) == 8


# --- rendezvous that lie


@pytest.fixture
def liar(url: str) -> Iterator[Liar]:
    """An honest rendezvous behind one that is not."""
    with Liar(url) as one:
        yield one


def drops(before: list[bytes], record: bytes, who: int) -> list[bytes]:
    return [] if who == LAST and len(before) == 4 else [record]


def reorders(before: list[bytes], record: bytes, who: int) -> list[bytes]:
    if who != LAST or len(before) not in (4, 5):
        return [record]
    return [] if len(before) == 4 else [record, before[4]]


def replays(before: list[bytes], record: bytes, who: int) -> list[bytes]:
    return [record, before[1]] if who == LAST and len(before) == 4 else [record]


def forges(before: list[bytes], record: bytes, who: int) -> list[bytes]:
    return [record, bytes(len(record))] if who == LAST and len(before) == 4 else [record]


def forks(before: list[bytes], record: bytes, who: int) -> list[bytes]:
    """The host and the last guest are shown different reveals first."""
    if len(before) not in (4, 5):
        return [record]
    if who == 0:
        return [] if len(before) == 4 else [record, before[4]]
    return [record]


def floods(before: list[bytes], record: bytes, who: int) -> list[bytes]:
    return [record, *(bytes([number]) * 200 for number in range(100))] if len(before) == 2 else [record]


# The connections to rooms: the host's to the session's and to its short code's, then the guests'.
LAST = 3


@pytest.mark.parametrize("lie", [drops, reorders, replays, forges, forks])
def test_a_rendezvous_that_lies_is_named_by_every_party(
    people: Lab, liar: Liar, programs: Path, lie: Lie
) -> None:
    program = programs / "chaos_steps.py"
    liar.lie = lie
    parties = [people.host(program, url=liar.url)]
    link = parties[0].wait("invitation")["url"]
    parties.append(people.join("Bob", link, program))
    parties[0].wait("party", lambda event: event["name"] == "Bob")
    parties.append(people.join("Cyd", link, program))
    for party in parties:
        party.wait("error")
        assert party.end() in (PEER, RENDEZVOUS)
        assert "the rendezvous" in party.errors(), party.story()
        assert not party.all("run") and not party.all("sealed")
    assert "rendezvous" in [party.all("error")[0]["whose"] for party in parties]


def test_a_rendezvous_that_floods_the_room_with_noise_ends_nothing(
    people: Lab, liar: Liar, programs: Path
) -> None:
    program = programs / "chaos_steps.py"
    liar.lie = floods
    parties = [people.host(program, parties=2, url=liar.url)]
    parties.append(people.join("Bob", parties[0].wait("invitation")["url"], program))
    for party in parties:
        assert party.wait("ended")["clean"], party.story()
        assert party.end() == 0
        notices = [event["text"] for event in party.all("notice")]
        assert len([text for text in notices if "ignored a record" in text]) == 16
        assert len([text for text in notices if "more such records" in text]) == 1


def test_a_rendezvous_that_leads_a_guest_into_another_room(
    people: Lab, liar: Liar, url: str, programs: Path
) -> None:
    program = programs / "chaos_steps.py"
    other = people.huddle(
        "Eve", "host", "--json", "--name", "Eve", "--open", "--parties", "2", "--rendezvous", url,
        "--via", "127.0.0.1", str(program),
    )  # fmt: skip
    theirs = other.wait("invitation")["url"]
    host = people.host(program, parties=2, url=liar.url)
    link = host.wait("invitation")["url"]
    room = liar.seen[0]
    liar.rooms[room] = room[: -len(room.rsplit("/", 1)[1])] + Invitation.parse(theirs).room_id
    bob = people.join("Bob", link, program, env=HURRIED)
    error = bob.wait("error")
    # The host may have gone, and whoever has the link made the room again: nobody can know whose fault it is.
    assert "the host is not in this room" in error["message"]
    assert bob.end() == PEER
    assert not other.all("question") and not bob.all("words")
