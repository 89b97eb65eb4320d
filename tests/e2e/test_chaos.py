"""Wires that are cut, swallowed, left half open and stalled while programs run over them.

Every party's listener is behind a proxy, so each wire passes one.
"""

import hashlib
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.chaos import Chaos, Proxy, wait_until
from tests.e2e.harness import Event, Huddle, Lab

MB = 1 << 20
NAMES = ("Ada", "Bob", "Cyd")
PEOPLE = 20
KINDS = 7  # of secret numbers that `secret_santa.py --fields` draws over


@pytest.fixture
def chaos() -> Iterator[Chaos]:
    """Proxies for one test."""
    with Chaos() as one:
        yield one


def resident(party: Huddle, field: str) -> int:
    """VmRSS or VmHWM of a supervisor, in bytes."""
    status = Path(f"/proc/{party.process.pid}/status").read_text()
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def drawings(parties: list[Huddle]) -> list[dict[int, int]]:
    """What the parties' lots say together, one dictionary from giver to receiver for each kind."""
    found: list[dict[int, int]] = [{} for _ in range(KINDS)]
    for party in parties:
        for kind, text in enumerate(party.output().split("Over ")[1:]):
            for giver, receiver in re.findall(r"Person (\d+) gives a present to person (\d+)", text):
                found[kind][int(giver)] = int(receiver)
    return found


def lost(party: Huddle) -> list[Event]:
    return [event for event in party.all("reconnect") if event["state"] == "lost"]


def passed(proxies: list[Proxy]) -> int:
    return sum(proxy.passed for proxy in proxies)


def finished(party: Huddle) -> bool:
    return any(event["state"] != "started" for event in party.all("run"))


@pytest.mark.long
def test_secret_santa_comes_right_though_every_wire_is_lost_again_and_again(  # noqa: C901 - a story, told in order
    people: Lab, url: str, santa: Path, chaos: Chaos
) -> None:
    hidden = {name: chaos.hidden(name) for name in NAMES}
    host = people.host(santa, "--size", str(PEOPLE), "--fields", url=url, options=hidden["Ada"].options)
    link = host.wait("invitation")["url"]
    parties = [host, *(people.join(name, link, santa, options=hidden[name].options) for name in NAMES[1:])]
    for party in parties:
        party.wait("link", lambda event: event["run"] == 1)
    proxies = [one.proxy for one in hidden.values()]  # whoever dials, and both may, a wire passes one of them
    before: list[float] = []
    turn, deadline = 0, time.monotonic() + 120
    while not finished(host) and turn < 20 and time.monotonic() < deadline:
        total = passed(proxies) + 25_000  # the handshakes of new wires are a part
        if not wait_until(lambda total=total: passed(proxies) >= total or finished(host), 10, every=0.005):
            continue
        turn += 1
        known = len(lost(host))
        if turn == 3:
            for proxy in proxies:
                proxy.half_open()  # who has heard of it dials at once
        elif turn == 6:
            for proxy in proxies:
                proxy.black_hole()
            wait_until(lambda known=known: len(lost(host)) >= known + 4, 12)
            for proxy in proxies:
                proxy.heal()
        elif turn == 9:
            for proxy in proxies:
                proxy.stall(back=True)
            wait_until(lambda known=known: len(lost(host)) > known, 12)
            for proxy in proxies:
                proxy.heal()
        else:
            for proxy in proxies:
                proxy.cut()
        if turn == 10:  # wires were lost in all ways, and all that this needs is imported
            before = [resident(party, "VmHWM") for party in parties]
    codes = [party.end() for party in parties]
    assert codes == [0, 0, 0], "\n".join(party.story() for party in parties)
    assert turn > 10, turn

    for lots in drawings(parties):
        assert sorted(lots) == sorted(lots.values()) == list(range(PEOPLE)), drawings(parties)
        assert all(giver != receiver for giver, receiver in lots.items())
    for party in parties:
        losses = [event for event in lost(party) if event["run"] == 1]
        wires = [event for event in party.all("link") if event["run"] == 1]
        counted = sum(peer["reconnects"] for peer in party.all("stats")[-1]["peers"])
        assert counted >= 3
        # A new wire may come before its link has noticed that the old one is dead.
        assert len(wires) - 2 == counted >= len(losses) >= 3, (len(wires), counted, len(losses))
        assert all(event["reason"] for event in losses)
    reasons = " ".join(event["reason"] for party in parties for event in party.all("reconnect"))
    assert "nothing was heard" in reasons
    peaks = [party.all("stats")[-1]["memory_mb"] * 1e6 for party in parties]
    for party, start, peak in zip(parties, before, peaks, strict=True):
        assert peak - start < 5 * MB, (party.home.name, start, peak)


def digests(pids: range, megabytes: int) -> set[str]:
    lines = set()
    for pid in pids:
        digest = hashlib.sha256()
        for number in range(megabytes):
            digest.update(hashlib.shake_128(b"%d of %d" % (number, pid)).digest(256) * (MB // 256))
        lines.add(f"from {pid} {digest.hexdigest()}")
    return lines


def test_full_windows_in_all_directions_and_one_party_that_does_not_read(
    people: Lab, url: str, programs: Path, chaos: Chaos
) -> None:
    hidden = {name: chaos.hidden(name) for name in NAMES}
    program = programs / "chaos_flood.py"
    host = people.host(program, "--ask", url=url, options=hidden["Ada"].options)
    link = host.wait("invitation")["url"]
    parties = [host, *(people.join(name, link, program, options=hidden[name].options) for name in NAMES[1:])]
    host.wait("input", lambda event: event["waiting"])  # its loop is blocked
    before = [resident(party, "VmRSS") for party in parties]
    for party in parties[1:]:
        # A window that was full stays shut until a quarter of it is acknowledged.
        full = party.wait("stats", lambda event: event["peers"][0]["queued"] > 6 * MB)
        assert full["peers"][0]["queued"] < 10 * MB
    # The wires go while the windows are full, so that all of them is sent again.
    assert sum(one.proxy.cut() for one in hidden.values()) >= 6  # whoever has dialled
    host.type("go")
    assert [party.end() for party in parties] == [0, 0, 0], "\n".join(party.story() for party in parties)
    expected = digests(range(3), 24)
    for party in parties:
        assert expected <= set(party.output().splitlines())
        assert sum(peer["reconnects"] for peer in party.all("stats")[-1]["peers"]) >= 2
    for party, start in zip(parties, before, strict=True):
        # Two links, each with a window of 8 MiB to send and one to receive, and their copies on the way.
        assert party.all("stats")[-1]["memory_mb"] * 1e6 - start < 120 * MB


def test_a_peer_that_takes_too_little_ends_the_run_of_who_set_a_limit(
    people: Lab, url: str, programs: Path
) -> None:
    program = programs / "chaos_flood.py"
    host = people.host(program, "--block", "300", parties=2, url=url)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program, options=("--max-queue", "2000000"))
    run = bob.wait("run", lambda event: event["state"] == "failed")
    assert run["whose"] == "peer" and run["peer"] == "Ada"
    assert "Ada is slow" in run["reason"] and "2000000" in run["reason"]
    # The one there is at work for minutes: it goes on for as long as it can, and its person is told.
    told = host.wait("notice", lambda event: "Bob has failed" in event["text"])
    assert "slow" in told["text"]
    host.signal(signal.SIGINT)
    assert (host.end(), bob.end()) == (1, 1)


def test_a_run_without_progress_ends_where_a_limit_is_set_and_says_who_is_busy(
    people: Lab, url: str, programs: Path
) -> None:
    program = programs / "chaos_steps.py"
    host = people.host(program, parties=2, url=url, options=("--stall", "15"))
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program, "--ask")
    bob.wait("input", lambda event: event["waiting"])
    run = host.wait("run", lambda event: event["state"] == "failed")
    assert "no progress for 15 s" in run["reason"] and "Bob is typing" in run["reason"]
    assert "--stall" in run["hint"]
    # Who types is not interrupted; what comes of it is that nothing can come any more.
    told = bob.wait("notice", lambda event: "Ada has failed" in event["text"])
    assert "no progress" in told["text"]
    bob.type("")
    run = bob.wait("run", lambda event: event["state"] == "failed")
    assert run["peer"] == "Ada"
    assert (host.end(), bob.end()) == (1, 1)


def test_a_wire_that_leads_to_another_party_is_not_used(
    people: Lab, url: str, programs: Path, chaos: Chaos
) -> None:
    program = programs / "chaos_steps.py"
    hidden = {name: chaos.hidden(name) for name in NAMES}
    bobs, cyds = hidden["Bob"].proxy, hidden["Cyd"].proxy
    right, bobs.target = bobs.target, cyds.target  # who dials Bob meets Cyd, with Cyd's certificate
    hidden["Ada"].proxy.refuse()  # so that Bob can't dial in the other direction
    host = people.host(program, url=url, options=hidden["Ada"].options)
    link = host.wait("invitation")["url"]
    parties = [host, *(people.join(name, link, program, options=hidden[name].options) for name in NAMES[1:])]
    host.wait("link", lambda event: event["peer"] == "Cyd")
    assert bobs.wait_accepted(bobs.accepted + 3, 20), "Ada does not try again"
    assert not [event for event in host.all("link") if event["peer"] == "Bob"]
    bobs.target = right
    assert [party.end() for party in parties] == [0, 0, 0], "\n".join(party.story() for party in parties)
    for party in parties:
        assert "first sum 6" in party.output() and "second sum 60" in party.output()
