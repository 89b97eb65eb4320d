"""Parties in one room in memory: deterministic delays, an attacker in the middle, and Lamport depths.

`Room` is the rendezvous. `Mesh` moves records between the parties and the room, one party at a time, in an
order drawn from a seed; each party gets the log's records in the log's order, but late by its own luck.
A `shows` function may lie about the log: it is called with the party's name and the log.
"""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from huddle.ceremony import events
from huddle.ceremony import manifest as manifests
from huddle.ceremony.ceremony import Ceremony
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.messages import Message, Offer, Options, Software
from huddle.ceremony.states import CeremonyState
from huddle.errors import HuddleError, LocalError
from huddle.identity.crypto import ExchangeKey, SigningKey
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto

SOFTWARE = (Software("mpyc", "0.11"), Software("huddle", "0.1.0"), Software("bits", "64"))
FILES = {"prog.py": b"print('hello')\n" * 20, "data/table.csv": b"1,2,3\n" * 40_000}
OFFERS = (Offer("tls", b"192.0.2.1"), Offer("relay", b""))


class SeededCrypto(NativeCrypto):
    """The native crypto with a random source that a seed fixes, keys included."""

    def __init__(self, seed: int | str) -> None:
        super().__init__()
        self._source = random.Random(seed)

    def random(self, size: int) -> bytes:
        return self._source.randbytes(size)

    def signing_key(self) -> SigningKey:
        return self.signing_from_seed(self.random(32))

    def exchange_key(self) -> ExchangeKey:
        return ExchangeKey(X25519PrivateKey.from_private_bytes(self.random(32)))


@dataclass
class Station:
    """A party at the room: what it has read, and what it has told."""

    name: str
    core: Ceremony
    read: int = 0
    depth: int = 0
    told: list[events.CeremonyEvent] = field(default_factory=list)
    decides: bool = True

    def of(self, kind: type[events.CeremonyEvent]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def error(self) -> HuddleError | None:
        failed = self.of(events.Failed)
        return failed[0].error if failed else None


@dataclass(frozen=True)
class Posted:
    """A record in the log, who wrote it, and its Lamport depth."""

    sender: str
    record: bytes
    depth: int = 0


class Mesh:
    """A room, its parties, and a person at each who says yes to everything unless told otherwise."""

    def __init__(
        self, seed: int = 1, *, shows: Callable[[str, list[Posted]], list[bytes]] | None = None
    ) -> None:
        self.random = random.Random(seed)
        self.crypto = SeededCrypto(seed)
        self.now = 1000.0
        self.log: list[Posted] = []
        self.stations: dict[str, Station] = {}
        self.mute: set[str] = set()
        self.admit: Callable[[events.GuestCame], bool] = lambda _: True
        self._shows = shows
        self.host_identity = Identity.fresh(self.crypto)
        self.invitation = Invitation.fresh(self.crypto, "https://huddle.example", self.host_identity.did)

    def host(
        self,
        name: str = "Hanna",
        *,
        files: Mapping[str, bytes] = FILES,
        parties: int | None = None,
        options: Options | None = None,
        flags: manifests.Flags | None = None,
        software: tuple[Software, ...] = SOFTWARE,
        order: Callable[[str], int] = lambda name: 0,
        lobby: bool = False,
        **more: Any,
    ) -> Station:
        manifest = manifests.build("prog.py", files, args=("-n", "3"), flags=flags, versions=software)
        core = HostCeremony(
            self.crypto,
            self.host_identity,
            self.invitation,
            name=name,
            software=software,
            manifest=manifest,
            files=files,
            parties=parties,
            options=options,
            order=order,
            lobby=lobby,
            now=self.now,
            **more,
        )
        return self.join(name, core)

    def guest(self, name: str, *, identity: Identity | None = None, **more: Any) -> Station:
        more.setdefault("software", SOFTWARE)
        more.setdefault("invitation", self.invitation)
        invitation = more.pop("invitation")
        core = GuestCeremony(
            self.crypto, identity or Identity.fresh(self.crypto), invitation, name=name, now=self.now, **more
        )
        return self.join(name, core)

    def join(self, name: str, core: Ceremony) -> Station:
        station = self.stations[name] = Station(name, core)
        return station

    def view(self, name: str) -> list[bytes]:
        """The log as this party is shown it."""
        if self._shows is not None:
            return self._shows(name, self.log)
        return [posted.record for posted in self.log]

    def post(self, record: bytes, sender: str = "attacker") -> None:
        self.log.append(Posted(sender, record))

    def step(self, station: Station, *, until: int | None = None) -> bool:
        """Let one party read a few records, decide, and write; False where nothing happened."""
        view = self.view(station.name)
        end = station.read + self.random.randint(1, 4) if until is None else until
        fresh = view[station.read : end]
        for index, record in enumerate(fresh, station.read):
            station.core.receive(record, self.now)
            if index < len(self.log):
                station.depth = max(station.depth, self.log[index].depth)
        station.read += len(fresh)
        happened = station.core.events()
        station.told += happened
        if station.decides:
            self._decide(station, happened)
        records = [] if station.name in self.mute else station.core.records_to_send()
        for record in records:
            self.log.append(Posted(station.name, record, station.depth + 1))
        return bool(fresh or happened or records)

    def run(self, steps: int = 20_000) -> None:
        """Until nobody has anything to do."""
        for _ in range(steps):
            stations = list(self.stations.values())
            self.random.shuffle(stations)
            if not any([self.step(station) for station in stations]):
                return
        raise AssertionError("the parties never come to rest")

    def run_in_rounds(self, rounds: int = 100) -> int:
        """All at once: in each round everybody reads all that was there at its beginning. How many rounds."""
        for number in range(rounds):
            until = len(self.log)
            if not any([self.step(station, until=until) for station in self.stations.values()]):
                return number
        raise AssertionError("the parties never come to rest")

    def pass_time(self, seconds: float) -> None:
        """Let the clock go, timers fire in order, and everybody act on what follows."""
        end = self.now + seconds
        while True:
            due = [
                (timer, station)
                for station in self.stations.values()
                if (timer := station.core.next_timer()) is not None and timer <= end
            ]
            if not due:
                break
            self.now, station = min(due, key=lambda one: one[0])
            station.core.handle_timer(self.now)
            self.run()
        self.now = end

    def _decide(self, station: Station, happened: list[events.CeremonyEvent]) -> None:
        for event in happened:
            if isinstance(event, events.GuestCame) and not event.admitted and self.admit(event):
                assert isinstance(station.core, HostCeremony)
                station.core.admit(event.hello)
        words = station.of(events.WordsReady)
        if (
            words
            and station.core.state is CeremonyState.ACCEPTING
            and station.core._current.files is not None
        ):
            peers = {pid: OFFERS for pid in range(32)}
            # Somebody may have left since the words came; the core says so, and a person would wait.
            with suppress(LocalError):
                station.core.accept(peers, digest=words[-1].digest)

    def sealed(self, *names: str) -> bool:
        """Whether these parties have sealed the same session, with the same secrets by pairs."""
        seals = [self.stations[name].core.sealed for name in names]
        if any(seal is None for seal in seals) or len({seal.digest for seal in seals if seal}) != 1:
            return False
        for one in seals:
            for other in seals:
                assert one is not None and other is not None
                if one.pid != other.pid and one.link_key(other.pid) != other.link_key(one.pid):
                    return False
        return True


Change = Callable[[Any], list[Message]]


def corrupt(station: Station, cls: type[Message], change: Change) -> None:
    """Make a party send other messages instead of its next one of this type."""
    send = station.core._send
    done = False

    def tampered(message: Message) -> None:
        nonlocal done
        if isinstance(message, cls) and not done:
            done = True
            for other in change(message):
                send(other)
        else:
            send(message)

    station.core._send = tampered  # type: ignore[method-assign]


def records(log: list[Posted]) -> list[bytes]:
    return [posted.record for posted in log]


def session(mesh: Mesh, *, parties: int = 3) -> tuple[Station, Station, Station]:
    return mesh.host(parties=parties), mesh.guest("Ann"), mesh.guest("Bob")


def nobody_sealed(mesh: Mesh) -> bool:
    return all(station.core.sealed is None for station in mesh.stations.values())
