"""Attackers among real parties on a real rendezvous: all refuse, say whose fault it is, and leave nothing.

The attackers hold the invitation, which has leaked, or made it. What a rendezvous does by itself is in
`test_rendezvous_failures`, what a program tries in `test_sandbox`.
"""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from huddle import events
from huddle.ceremony import manifest as manifests
from huddle.ceremony.admissions import Admissions
from huddle.ceremony.epoch import Greeting
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.log import Log, LogEntry
from huddle.ceremony.messages import Accept, Bye, ForPeer, Message, Offers, Proposal, Reveal
from huddle.ceremony.states import CeremonyState
from huddle.codec import decode, encode
from huddle.identity.keys import Identity
from tests.e2e.cheats import SOFTWARE, cheating_guest, cheating_host
from tests.e2e.harness import PEER, RENDEZVOUS, Huddle, Lab, alive, emptied
from tests.e2e.liar import Liar

HERE = Path(__file__).parent


@pytest.fixture
def program(programs: Path) -> Path:
    """What all are to run."""
    return programs / "total.py"


def manifest_of(program: Path) -> tuple[manifests.Manifest, dict[str, bytes]]:
    """A program as its host proposes it."""
    files = {program.name: program.read_bytes()}
    return manifests.build(program.name, files, versions=SOFTWARE), files


def leaves_nothing(*parties: Huddle) -> None:
    """They have ended, with no process and no trace but identity and contacts."""
    for party in parties:
        assert party.process.poll() is not None
        assert party.left() == [] and alive(party.descendants()) == []
        assert {path.name for path in party.home.iterdir()} <= {"identity", "contacts.json"}
        assert "Traceback" not in party.stderr, party.stderr


def refuses(party: Huddle, whose: str, peer: str, *said: str, sealed: bool = False) -> None:
    """This party ends with an error that says whose fault it is, and has run nothing."""
    error = party.wait("error")
    assert (error["whose"], error["peer"]) == (whose, peer), error
    for words in said:
        assert words in error["message"], error
    assert party.end() == {"peer": PEER, "rendezvous": RENDEZVOUS}[whose]
    assert not party.all("run") and not party.output(), party.story()
    assert bool(party.all("sealed")) is sealed
    leaves_nothing(party)


def runs_well(url: str, *parties: Huddle) -> None:
    """The honest ones hold their session in spite of it, all of them the same one."""
    assert [party.end() for party in parties] == [0] * len(parties), "\n".join(p.story() for p in parties)
    assert len({party.all("sealed")[0]["digest"] for party in parties}) == 1
    assert len({tuple(party.all("words")[-1]["words"]) for party in parties}) == 1
    leaves_nothing(*parties)
    assert emptied(url)


def turned_away(host: Huddle, name: str, why: str) -> None:
    """The host says that this guest is out, and why."""
    out = host.wait("party", lambda event: event["name"] == name and event["state"] == "left")
    assert why in out["detail"], out


def admitted(host: Huddle, name: str) -> dict[str, Any]:
    return host.wait("party", lambda event: event["name"] == name and event["state"] == "admitted")


# --- a holder of the leaked invitation


def test_one_in_the_middle_of_two_shows_other_words(people: Lab, url: str, program: Path) -> None:
    """Ada's link leaked, and Bob got another one: he meets the attacker as Ada, and she as Bob."""
    host = people.host(program, parties=2, url=url, admit=(), options=("--ask-each",))
    link = host.wait("invitation")["url"]
    with cheating_guest(link, "Bob") as inside:
        host.wait("question", lambda event: event["what"] == "admit")
        host.type("y")
        inside.wait(events.Question, lambda event: event.what == "accept")
        assert inside.core is not None
        true = inside.core._current.proposed.manifest
        with cheating_host(url, true, inside.files, parties=2) as outside:
            bob = people.join("Bob", outside.wait_link(), None)
            bob.wait("question", lambda event: event["what"] == "accept")
            shown = [party.wait("program") for party in (host, bob)]
            assert shown[0]["digest"] == shown[1]["digest"]  # all that could be passed on was
            mine, his = (party.wait("words")["words"] for party in (host, bob))
            assert mine != his and len(set(mine) & set(his)) < 2
            dids = {event["did"] for event in bob.all("party") if event["name"] == "Ada"}
            assert host.all("party")[0]["did"] not in dids
            for party in (host, bob):  # they heard each other say other words
                party.type("n")
                assert party.end() == 1
                assert not party.all("run") and not party.all("sealed")
            leaves_nothing(host, bob)
    assert emptied(url)


class Copier(GuestCeremony):
    """Commits to nothing of its own: it waits for Bob's hello and says his commitment again."""

    def _greet(self) -> None:
        pass

    def _on_hello(self, greeting: Greeting, entry: LogEntry) -> None:
        super()._on_hello(greeting, entry)
        if greeting.hello.name == "Bob":
            mine = self._current.room.hello(
                self.role, self.did, self._name, self._software, self._current.secrets
            )
            self._send(replace(mine, commitment=greeting.hello.commitment))


def test_a_copied_commitment_is_turned_away(people: Lab, url: str, program: Path) -> None:
    host = people.host(program, url=url)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program)
    admitted(host, "Bob")
    with cheating_guest(link, "Eve", Copier) as eve:
        turned_away(host, "Eve", "a commitment that another party has made")
        cyd = people.join("Cyd", link, program)
        runs_well(url, host, bob, cyd)
    assert "a commitment that another party has made" in str(eve.error)


def test_a_host_that_lets_a_copied_commitment_in_is_refused_by_its_guests(
    people: Lab, url: str, program: Path
) -> None:
    class Lenient(HostCeremony):
        def _on_hello(self, greeting: Greeting, entry: LogEntry) -> None:
            with patch.object(Admissions, "unfit", return_value=""):
                super()._on_hello(greeting, entry)

    with cheating_host(url, *manifest_of(program), kind=Lenient) as ada:
        bob = people.join("Bob", ada.wait_link(), program)
        with cheating_guest(ada.link, "Eve", Copier):
            refuses(bob, "peer", "Ada", "Ada proposes what cannot be run", "the same commitment")


def encodings(reveal: Reveal) -> list[Reveal]:
    """What a last revealer may try: the same key in other bytes, and other nonces."""
    high = reveal.exchange[:31] + bytes([reveal.exchange[31] ^ 0x80])
    nonces = [bytes([reveal.nonce[0] ^ change]) + reveal.nonce[1:] for change in range(1, 40)]
    return [replace(reveal, exchange=high), *(replace(reveal, nonce=nonce) for nonce in nonces)]


class LastRevealer(GuestCeremony):
    """Waits until all others have revealed, looks at every digest that it could make, and tries them all."""

    honest_first = False
    digests: set[bytes]

    def _send(self, message: Message) -> None:
        if isinstance(message, Reveal) and self.epoch == 1:
            self._kept = message
            self._when_last()
        else:
            super()._send(message)

    def _dispatch(self, entry: LogEntry, message: Message) -> None:
        super()._dispatch(entry, message)
        if not isinstance(message, Reveal):
            return
        self._when_last()

    def _when_last(self) -> None:
        plan, reveals, kept = self._current.proposed, self._current.reveals, getattr(self, "_kept", None)
        if kept is None or self.state is not CeremonyState.REVEALING or len(reveals) != len(plan.roster) - 1:
            return
        me, tries = plan.pid(self.did), encodings(kept)
        self.digests = set()
        for one in tries:
            all_ = [one if pid == me else reveals[pid] for pid in range(len(plan.roster))]
            bodies = [greeting.body for greeting in plan.greetings]
            exchanges, nonces = [r.exchange for r in all_], [r.nonce for r in all_]
            self.digests.add(self._current.room.digest(plan.body, bodies, exchanges, nonces))
        del self._kept
        for one in ([kept] if self.honest_first else []) + tries:
            super()._send(one)


class LaterRevealer(LastRevealer):
    """First says what it committed to, then all the rest."""

    honest_first = True


@pytest.mark.parametrize("kind", [LastRevealer, LaterRevealer])
def test_a_last_revealer_cannot_choose_the_words(
    people: Lab, url: str, program: Path, kind: type[LastRevealer]
) -> None:
    host = people.host(program, url=url)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, None)  # he would be asked if there were anything to accept
    admitted(host, "Bob")
    with cheating_guest(link, "Eve", kind) as eve:
        why = (
            "Eve sent a reveal while accepting" if kind.honest_first else "other values than it had committed"
        )
        turned_away(host, "Eve", why)
        assert isinstance(eve.core, LastRevealer) and len(eve.core.digests) == 40  # there was a choice
        cyd = people.join("Cyd", link, program)
        bob.wait("question", lambda event: event["what"] == "accept" and admitted(host, "Cyd") is not None)
        words = bob.wait("words", lambda event: event["epoch"] > 1)
        bob.type("nobody")
        runs_well(url, host, bob, cyd)
    first = [party.all("words")[0] for party in (host, bob)]
    if kind.honest_first:  # the one choice that she had committed to, and none after it
        assert first[0] == first[1] and first[0]["epoch"] == 1
    else:
        assert first == [words, words]
    for party in (host, bob, cyd):
        assert [member["name"] for member in party.all("sealed")[0]["parties"]] == ["Ada", "Bob", "Cyd"]


class Claimant(GuestCeremony):
    """Says in its hello that it is Bob, and writes in Bob's name without his key."""

    def _greet(self) -> None:
        pass

    def _on_hello(self, greeting: Greeting, entry: LogEntry) -> None:
        super()._on_hello(greeting, entry)
        if greeting.hello.name == "Bob":
            mine = self._current.room.hello(
                self.role, self.did, self._name, self._software, self._current.secrets
            )
            self._send(replace(mine, did=greeting.hello.did))
            forger = Identity(greeting.hello.did, self._identity.key)
            log = Log(self._crypto, forger, self._invitation.room_id, self._invitation.room_key)
            self.forged = [log.write(1, Bye.kind, encode(Bye("I am Bob and I leave")))]

    def records_to_send(self) -> list[bytes]:
        forged, self.forged = getattr(self, "forged", []), []
        return [*super().records_to_send(), *forged]


def test_a_guest_that_claims_the_did_of_another_is_ignored(people: Lab, url: str, program: Path) -> None:
    host = people.host(program, url=url)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program)
    his = admitted(host, "Bob")["did"]
    with cheating_guest(link, "Eve", Claimant) as eve:
        for party in (host, bob):
            party.wait("notice", lambda event: f"says that it is {his}" in event["text"])
            party.wait("notice", lambda event: f"in the name of {his} without its signature" in event["text"])
        assert eve.core is not None
        who = eve.core.did
        cyd = people.join("Cyd", link, program)
        runs_well(url, host, bob, cyd)
    for party in (host, bob):
        assert any(who in notice["text"] for notice in party.all("notice"))  # who it was
        assert "Eve" not in {event["name"] for event in party.all("party")}


def test_a_party_that_claims_the_pid_of_another_gets_no_link(people: Lab, url: str, program: Path) -> None:
    grace = ("--grace", "12")
    host = people.host(program, url=url, options=grace)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program, options=grace)
    admitted(host, "Bob")
    eve = people.join(
        "Eve", link, program, options=grace, env={"PYTHONPATH": str(HERE / "cheating"), "CHEAT": "pid"}
    )
    for party in (host, bob):
        refuses(party, "peer", "Eve", "no link could be made to Eve", sealed=True)
    assert "could not prove that it is Eve" in host.errors()
    assert eve.end() != 0 and not eve.output()
    assert emptied(url)


class Borrower(GuestCeremony):
    """Waits for Bob's accept and offers his certificate as its own, to be taken for him on the wire."""

    def _send(self, message: Message) -> None:
        if isinstance(message, Accept) and 1 not in self._current.offers:
            self._kept: Accept | None = message
        else:
            super()._send(message)

    def _take_accept(self, did: str, message: Accept) -> None:
        super()._take_accept(did, message)
        if self._current.proposed.pid(did) == 1:
            his = tuple(offer for offer in self._current.offers[1] if offer.network == "tls")
            seal = self._current.paired.seal
            mine = tuple(ForPeer(to, seal(b"offers", to, encode(Offers(his)))) for to in (0, 1))
            signed = self._current.room.accepted(self._current.paired.digest)
            self._send(Accept(self._crypto.sign(self._identity.key, signed), mine))


def test_a_party_that_offers_the_certificate_of_another_is_named(
    people: Lab, url: str, program: Path
) -> None:
    host = people.host(program, url=url)
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program)
    admitted(host, "Bob")
    with cheating_guest(link, "Eve", Borrower):
        for party in (host, bob):
            refuses(party, "peer", "Eve", "Eve offers a certificate that is another party's", sealed=True)
    assert emptied(url)


def test_a_party_that_never_says_how_its_part_has_ended_is_named(
    people: Lab, url: str, program: Path
) -> None:
    grace = ("--grace", "12")
    host = people.host(program, url=url, options=(*grace, "--stay"))
    link = host.wait("invitation")["url"]
    bob = people.join("Bob", link, program, options=grace)
    eve = people.join("Eve", link, program, env={"PYTHONPATH": str(HERE / "cheating"), "CHEAT": "outcome"})
    for party in (host, bob):
        run = party.wait("run", lambda event: event["state"] == "failed")
        assert (run["whose"], run["peer"]) == ("peer", "Eve"), run
        assert "Eve's part of the run is over, and for 12 s Eve has not said how" in run["reason"]
        assert "total" in party.output()  # the program itself has ended well
    host.wait("question", lambda event: event["what"] == "again")
    host.type("q")
    assert all(party.end() != 0 for party in (host, bob))
    eve.end()
    leaves_nothing(host, bob)
    assert emptied(url)


# --- a host


class SecondProposer(HostCeremony):
    """Keeps its own reveal back until all others are open, and proposes something else over them."""

    def _send(self, message: Message) -> None:
        if not isinstance(message, Reveal):
            super()._send(message)

    def _dispatch(self, entry: LogEntry, message: Message) -> None:
        super()._dispatch(entry, message)
        if not isinstance(message, Reveal):
            return
        plan = self._current.proposed
        if len(self._current.reveals) == len(plan.roster) - 1:
            super()._send(replace(plan.proposal, options=replace(plan.proposal.options, stay=True)))


def test_a_second_proposal_over_opened_commitments_is_refused(people: Lab, url: str, program: Path) -> None:
    with cheating_host(url, *manifest_of(program), kind=SecondProposer) as ada:
        guests = [people.join(name, ada.wait_link(), program) for name in ("Bob", "Cyd")]
        for guest in guests:
            refuses(guest, "peer", "Ada", "Ada sent a proposal while revealing, where none belongs")
            assert not guest.all("words")


class Forker(HostCeremony):
    """Proposes two rosters at the same place of its log: Bob before Cyd, and Cyd before Bob."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.proposals: list[bytes] = []

    def records_to_send(self) -> list[bytes]:
        kinds = [type(message) for _, message in self._room.outgoing]
        fork: bytes | None = None
        if kinds == [Proposal]:
            epoch, message = self._room.outgoing[0]
            fork = self._log.write(epoch, message.kind, encode(self._other(encode(message))))
            self._log._counter -= 1
            self._log._sent.pop()
        records = super().records_to_send()
        if fork is not None:
            self.proposals += [*records, fork]
            return [*records, fork]
        return records

    @staticmethod
    def _other(body: bytes) -> Proposal:
        proposal = decode(Proposal, body)
        first, *rest = proposal.hellos
        return replace(proposal, hellos=(first, *reversed(rest)))


def test_different_rosters_for_different_guests_are_noticed(people: Lab, url: str, program: Path) -> None:
    """The host and the rendezvous together show Bob one proposal and Cyd another."""
    with Liar(url) as liar, cheating_host(liar.url, *manifest_of(program), kind=Forker) as ada:
        hidden = {0: 1, 1: 1, 2: 0}  # of the two proposals, for each connection to the room

        def lie(before: list[bytes], record: bytes, who: int) -> list[bytes]:
            core = ada.core
            assert isinstance(core, Forker)
            fork = core.proposals
            return [] if len(fork) == 2 and record == fork[hidden[who]] else [record]

        liar.lie = lie
        bob = people.join("Bob", ada.wait_link(), program)
        ada.wait(events.Party, lambda event: event.name == "Bob" and event.state == "admitted")
        cyd = people.join("Cyd", ada.link, program)
        for guest, pid in ((bob, 1), (cyd, 2)):
            guest.wait("program")
            own = {event["pid"] for event in guest.all("party") if event["name"] == "Bob"} - {None}
            assert own == {pid}  # they were shown two rosters
        for guest in (bob, cyd):
            assert not guest.all("words")
            refuses(guest, "rendezvous", "", "another log of this room than the one shown here")


HOSTILE_PATHS = [
    "../planted.py",
    "/tmp/planted.py",
    "a/../../planted.py",
    "C:/planted.py",
    "a\\planted.py",
    "~/planted.py",
    "nul.py",
    "planted\0.py",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_manifest_with_a_hostile_path_is_refused(
    people: Lab, url: str, program: Path, path: str, tmp_path: Path
) -> None:
    class Hostile(HostCeremony):
        def _send(self, message: Message) -> None:
            if isinstance(message, Proposal):
                data = b"open('planted', 'w')\n"
                file = manifests.File(path, len(data), hashlib.sha256(data).digest())
                plain = manifests.read(message.manifest)
                message = replace(message, manifest=encode(replace(plain, entry=path, files=(file,))))
            super()._send(message)

    with cheating_host(url, *manifest_of(program), parties=2, kind=Hostile) as ada:
        bob = people.join("Bob", ada.wait_link(), None)
        refuses(bob, "peer", "Ada", "Ada proposes what cannot be run")
        assert not bob.all("program") and not bob.all("question") and not bob.all("words")
    assert not list(tmp_path.rglob("*planted*")) and not Path("/tmp/planted.py").exists()


def test_a_later_program_with_a_hostile_path_is_refused(
    people: Lab, url: str, program: Path, tmp_path: Path
) -> None:
    """It comes over the control links, when the session is sealed and one program has run."""
    cheating = {"PYTHONPATH": str(HERE / "cheating"), "CHEAT": "paths"}
    host = people.host(program, parties=2, url=url, options=("--stay",), env=cheating)
    bob = people.join("Bob", host.wait("invitation")["url"], program)
    host.wait("question", lambda event: event["what"] == "again")
    host.type("y")
    error = bob.wait("error")
    assert (error["whose"], error["peer"]) == ("peer", "Ada"), error
    assert "a program that must not run" in error["message"] and "climbs" in error["message"]
    assert bob.end() == PEER and host.end() != 0
    assert [run["state"] for run in bob.all("run")] == ["started", "finished"]
    leaves_nothing(bob, host)
    assert not list(tmp_path.rglob("*planted*"))
    assert emptied(url)
