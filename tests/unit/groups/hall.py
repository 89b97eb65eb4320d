"""A front room in memory: its host, guests, and a log that all read in one order."""

from dataclasses import dataclass, field
from typing import Any

from huddle.ceremony import manifest as manifests
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.messages import Options, Software
from huddle.groups import dealer as heard
from huddle.groups.dealer import Dealer
from huddle.groups.expected import ExpectedPeople
from huddle.groups.guest import GroupGuest
from huddle.groups.roster import Roster
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import SeededCrypto

SOFTWARE = (Software("mpyc", "0.11"), Software("bits", "64"))
FILES = {"prog.py": b"print('hello')\n" * 20_000}


@dataclass
class Person:
    """A guest, and how much of the room it has read."""

    core: GroupGuest
    identity: Identity
    read: int = 0
    mute: bool = False  # its process has died
    told: list[Any] = field(default_factory=list)


class Hall:
    """The room and all who are in it."""

    def __init__(self, *names: str, parties: int = 3, groups: int = 2, expected: bool = False) -> None:
        self.crypto = SeededCrypto(1)
        self.now = 1000.0
        self.log: list[bytes] = []
        self.told: list[heard.DealerEvent] = []
        self.admitted: list[int] = []
        identity = Identity.fresh(self.crypto)
        self.invitation = Invitation.fresh(self.crypto, "https://huddle.example", identity.did, groups=True)
        listed = ExpectedPeople.named(names) if expected else None
        self.manifest = manifests.build("prog.py", FILES, args=("-n", "3"), versions=SOFTWARE[:1])
        self.host = Dealer(
            self.crypto,
            identity,
            self.invitation,
            name="Tia",
            software=SOFTWARE,
            parties=parties,
            options=Options(),
            manifest=self.manifest,
            files=FILES,
            roster=Roster("Tia", parties, groups, listed, lambda name, did: ""),
            now=self.now,
        )
        self._read = 0
        self.people: dict[str, Person] = {}
        self.run()
        for name in names:
            self.join(name)

    def join(
        self,
        name: str,
        *,
        as_: str = "",
        identity: Identity | None = None,
        software: tuple[Software, ...] = SOFTWARE,
        patient: bool = False,
    ) -> Person:
        """Somebody comes; `as_` is another name for the test where two have one."""
        identity = identity or Identity.fresh(self.crypto)
        core = GroupGuest(
            self.crypto,
            identity,
            self.invitation,
            name=name,
            software=software,
            now=self.now,
            patient=patient,
        )
        person = self.people[as_ or name] = Person(core, identity)
        self.run()
        return person

    def run(self) -> None:
        """Until nobody has anything to say."""
        while True:
            while self._read < len(self.log):
                self.host.receive(self.log[self._read], self._read, self.now)
                self._read += 1
            for person in self.people.values():
                while person.read < len(self.log):
                    person.core.receive(self.log[person.read])
                    person.read += 1
            self.told += self.host.events()
            said = self.host.records_to_send()
            for person in self.people.values():
                if not person.mute:
                    said += person.core.records_to_send()
            if not said:
                return
            self.log += said

    def deal(self) -> None:
        """The person at the host says `all`."""
        self.host.admit_expected()
        self.host.deal()
        self.run()

    def open(self, *names: str) -> None:
        """The first of groups make their rooms."""
        for name in names:
            self.people[name].core.opened()
        self.run()

    def back(self, *names: str) -> None:
        """Those leave their group, which has lost somebody."""
        for name in names:
            self.people[name].core.back()
        self.run()

    def pass_time(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds
        self.host.handle_timer(self.now)
        self.run()

    def members(self, number: int) -> list[str]:
        """The names in a group."""
        return [guest.name for guest in self.host.roster.groups[number].members]

    def state(self, name: str) -> str:
        """How the host sees somebody."""
        return self.host.roster.guests[self.people[name].identity.did].state
