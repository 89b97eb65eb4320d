"""Sessions as they should be: by link and by code, from the invitation to nothing being left."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.chaos import wait_until
from tests.e2e.harness import LOCAL, RENDEZVOUS, Huddle, Lab, alive, emptied, lab

SIZE = 7


@dataclass
class Past:
    """A session that is over: its parties by name, its link, and the processes that it had."""

    parties: list[Huddle]
    codes: list[int]
    link: str
    processes: list[int]
    url: str


@pytest.fixture(scope="module")
def past(url: str, santa: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Three parties have run Secret Santa; all assertions about it share one session."""
    with lab(tmp_path_factory.mktemp("past")) as people:
        tls = ("--network", "tls")  # else a busy machine might take another one
        parties = people.session(santa, "--size", str(SIZE), url=url, options=tls, guest_options=tls)
        processes: list[int] = []
        for party in parties:
            party.wait("link", lambda event: event["run"] == 1)
            processes += party.descendants()
        codes = [party.end() for party in parties]
        yield Past(parties, codes, parties[0].all("invitation")[0]["url"], processes, url)


def test_all_finish_well(past: Past) -> None:
    assert past.codes == [0, 0, 0], "\n".join(party.story() for party in past.parties)
    for party in past.parties:
        assert [run["state"] for run in party.all("run")] == ["started", "finished"]
        assert party.all("ended")[0]["clean"] is True
        assert not party.errors()


def test_all_see_the_same(past: Past) -> None:
    words = [party.all("words")[0]["words"] for party in past.parties]
    assert words[0] == words[1] == words[2]
    assert len(words[0]) == 4
    sealed = [party.all("sealed")[0] for party in past.parties]
    assert len({one["digest"] for one in sealed}) == 1
    assert sealed[0]["parties"] == sealed[1]["parties"] == sealed[2]["parties"]
    assert sorted(one["pid"] for one in sealed) == [0, 1, 2]
    assert sealed[0]["parties"][0]["name"] == "Ada"
    digests = {party.all("program")[0]["digest"] for party in past.parties}
    assert len(digests) == 1


def test_the_lots_are_a_drawing_without_fixed_points(past: Past) -> None:
    lots: dict[int, int] = {}
    for party in past.parties:
        pid = party.all("sealed")[0]["pid"]
        for giver, receiver in re.findall(r"Person (\d+) gives a present to person (\d+)", party.output()):
            assert int(giver) % 3 == pid, "a lot came to a party that it does not belong to"
            lots[int(giver)] = int(receiver)
    assert sorted(lots) == sorted(lots.values()) == list(range(SIZE))
    assert all(giver != receiver for giver, receiver in lots.items())


def test_links_and_counters_are_told(past: Past) -> None:
    names = {party.home.name for party in past.parties}
    for party in past.parties:
        others = names - {party.home.name}
        for run in (0, 1):
            links = [link for link in party.all("link") if link["run"] == run]
            assert {link["peer"] for link in links} == others
            assert {link["network"] for link in links} == {"tls"}
            assert all("127.0.0.1" in link["path"] for link in links)
            assert all(0 < link["rtt_ms"] < 5000 for link in links)
        last = party.all("stats")[-1]
        assert {peer["name"] for peer in last["peers"]} == others
        for peer in last["peers"]:
            assert peer["bytes_sent"] > 500
            assert peer["bytes_received"] > 500
            assert peer["messages_sent"] > 5
            assert peer["reconnects"] == 0
        assert last["rounds"] > 5


def test_standard_output_is_events_only(past: Past) -> None:
    for party in past.parties:
        assert party.foreign == []
        assert all(event["version"] == 1 for event in party.events)
        assert "Traceback" not in party.stderr
    assert [party.stderr for party in past.parties[1:]] == ["", ""]


def test_nothing_is_left(past: Past) -> None:
    assert past.processes, "a runner was expected while the program ran"
    assert wait_until(lambda: not alive(past.processes), 20), alive(past.processes)
    for party in past.parties:
        assert party.left() == []
        assert sorted(path.name for path in party.home.iterdir()) == ["identity"]
        (left,) = party.all("ended")[0]["left"]
        assert "identity" in left
    assert emptied(past.url)


def test_the_link_is_of_no_use_afterwards(past: Past, people: Lab, santa: Path) -> None:
    late = people.join("Eve", past.link, santa)
    assert late.end() == RENDEZVOUS
    assert "room" in late.errors() or "session" in late.errors()
    assert "new invitation" in late.errors()
    assert not late.all("words")
    assert late.left() == []


def test_guests_come_in_by_the_short_code(url: str, people: Lab, programs: Path) -> None:
    host = people.host(programs / "total.py", "--number", "5", url=url)
    code = host.wait("invitation")["code"]
    assert re.fullmatch(r"\d+-[a-z]+-[a-z]+", code)
    spaced = code.replace("-", " ").upper()
    guests = [
        people.join(name, text, programs / "total.py", options=("--rendezvous", url))
        for name, text in (("Bob", code), ("Cyd", spaced))
    ]
    for party in (host, *guests):
        assert party.end() == 0, party.story()
        assert "total: 15" in party.output()
    used = people.join("Eve", code, None, options=("--rendezvous", url))
    assert used.end() == RENDEZVOUS
    assert "code" in used.errors(), used.story()
    assert emptied(url)


def test_a_wrong_code_is_told_and_three_use_it_up(url: str, people: Lab, programs: Path) -> None:
    host = people.host(programs / "total.py", url=url)
    code = host.wait("invitation")["code"]
    number, first, second = code.split("-")
    wrong = f"{number}-{second}-{first}" if first != second else f"{number}-{first}-abandon"
    guessers = [
        people.join(name, wrong, None, options=("--rendezvous", url)) for name in ("Eve", "Fay", "Gus")
    ]
    for guesser in guessers:
        assert guesser.end() == LOCAL
        assert "the code is wrong" in guesser.errors(), guesser.story()
    host.wait("notice", lambda event: "spent" in event["text"])
    honest = people.join("Bob", code, None, options=("--rendezvous", url))
    assert honest.end() == LOCAL
    assert "used up" in honest.errors(), honest.story()


@pytest.mark.parametrize(
    ("invitation", "complaint"),
    [
        ("4821-apple", "not a short code"),
        ("4821-apple-rivr", "“rivr” is not a word of any code"),
        ("999999999-apple-river", "No code begins with 999999999"),
        ("https://huddle.example/j#AQIDBAUG", "typing error"),
        ("huddle", "neither a link nor a code nor a contact"),
        ("huddle.example.org", "not an invitation link"),
    ],
)
def test_what_is_no_invitation(url: str, people: Lab, invitation: str, complaint: str) -> None:
    guest = people.join("Bob", invitation, None, options=("--rendezvous", url))
    assert guest.end() in (LOCAL, RENDEZVOUS)
    assert complaint in guest.errors(), guest.story()
    assert guest.foreign == []


def test_a_link_with_a_typo(url: str, people: Lab, programs: Path) -> None:
    host = people.host(programs / "total.py", url=url)
    link = host.wait("invitation")["url"]
    at = link.index("#") + 9
    typo = link[:at] + ("A" if link[at] != "A" else "B") + link[at + 1 :]
    guest = people.join("Bob", typo, None)
    assert guest.end() == LOCAL
    assert "typing error" in guest.errors()


def test_a_code_needs_its_rendezvous(people: Lab) -> None:
    guest = people.join("Bob", "4821-apple-river", None)
    assert guest.end() == LOCAL
    assert "--rendezvous" in guest.errors()
