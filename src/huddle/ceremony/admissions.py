"""Whom a host lets in: who has knocked, who has a seat, and who is turned away without asking.

It must not know how far the ceremony is; what follows from an admission is for `host`.
"""

from collections.abc import Callable, Iterable, Mapping

from huddle.ceremony.epoch import Greeting
from huddle.ceremony.manifest import version_differences
from huddle.ceremony.messages import MAX_PARTIES, PROTOCOL, Hello, Lobby, Place, Software
from huddle.ceremony.roster import Plan
from huddle.errors import LocalError
from huddle.identity.names import alike

MAX_REFUSALS = 3  # of one guest in one room: the host's person may think better of it, and is not pestered


class Admissions:
    """The guests of one room. `admitted` are the names of those with a seat by did, in order of admission."""

    def __init__(self, name: str, software: tuple[Software, ...], parties: int | None) -> None:
        self.parties = parties  # how many it will be with the host; None: any number
        self.admitted: dict[str, str] = {}
        self.seated: set[str] = set()  # admitted for now; the person decides with the words on the screen
        self._told: tuple[tuple[Place, ...], int | None] = (), parties  # what guests know of the seats
        self._name = name
        self._software = software
        self._asked: dict[bytes, Hello] = {}
        # Refused by the person, who may call them back: their names by did.
        self.refused: dict[str, str] = {}
        self._waiting: dict[str, Greeting] = {}  # of them, in this epoch
        self._refusals: dict[str, int] = {}
        self._banned: set[str] = set()  # who broke the protocol

    @property
    def free(self) -> int:
        """Seats that nobody has."""
        return (self.parties or MAX_PARTIES) - 1 - len(self.admitted)

    def assembled(
        self, present: Mapping[str, Greeting], order: Callable[[str], int], *, ready: bool
    ) -> list[Greeting]:
        """The hellos of all who have a seat, by the `order` of their names; none while somebody is awaited.

        `present` are the hellos by did; `ready`: nobody more is awaited, where any number may come.
        """
        enough = ready if self.parties is None else not self.free
        if not enough or any(did not in present for did in self.admitted):
            return []
        return [present[did] for did in sorted(self.admitted, key=lambda did: order(self.admitted[did]))]

    def places(self) -> tuple[Place, ...]:
        """Who has a seat, as guests are told."""
        return tuple(Place(did, did not in self.seated) for did in self.admitted)

    def news(self) -> Lobby | None:
        """What guests are to be told of the seats, where it is not what they were told last."""
        now = self.places(), self.parties
        if now == self._told:
            return None
        self._told = now
        return Lobby(self.parties or 0, now[0])

    def knock(self, hash_: bytes, hello: Hello) -> None:
        """Somebody wants to take part."""
        self._asked[hash_] = hello

    def asked_by(self, hash_: bytes) -> Hello:
        """The hello with this hash; LocalError where nobody sent it."""
        try:
            return self._asked[hash_]
        except KeyError:
            raise LocalError("no guest with this hello was here") from None

    def lose(self, did: str) -> None:
        """Its seat is free again, and it does not wait either."""
        self.refused.pop(did, None)
        self._waiting.pop(did, None)
        self.admitted.pop(did, None)
        self.seated.discard(did)

    def refuse(self, did: str, name: str, greeting: Greeting | None) -> None:
        """The host's person does not want this guest, who has greeted so in this epoch."""
        self._refusals[did] = self._refusals.get(did, 0) + 1
        self.refused[did] = name
        if greeting is not None:
            self._waiting[did] = greeting

    def waits(self, greeting: Greeting, *, anew: bool) -> bool:
        """Whether this is of a guest who was refused and waits; else, or with a hello `anew`, it knocks."""
        did = greeting.hello.did
        if anew or self.refused.get(did) != greeting.hello.name:
            self.refused.pop(did, None)
            return False
        self._waiting[did] = greeting
        return True

    def waiting(self) -> list[Greeting]:
        """Those of refused guests in this epoch."""
        return list(self._waiting.values())

    def call_back(self, did: str) -> Greeting | None:
        """The host's person wants a refused guest after all; its greeting, where it has one in this epoch."""
        if self.refused.pop(did, None) is not None:
            del self._refusals[did]
        return self._waiting.pop(did, None)

    def new_epoch(self) -> None:
        """No hello counts any more."""
        self._waiting.clear()

    def belongs(self, did: str, plan: Plan | None) -> bool:
        """Whether it is in the plan, or let in while there is none; never who broke the protocol."""
        inside = plan.has(did) if plan is not None else did in self.admitted
        return inside and did not in self._banned

    def ban(self, did: str) -> None:
        """Whoever this is broke the protocol."""
        self._banned.add(did)

    def unwelcome(
        self, hello: Hello, greeting: Greeting | None = None, present: Iterable[Greeting] = ()
    ) -> str:
        """Why nobody can let this guest in now; empty where somebody can. `greeting`: it is called back."""
        if not self.free and hello.did not in self.admitted:
            return "the session is full"
        return self._same_name(hello) if greeting is None else self.unfit(greeting.hello, present)

    def unfit(self, hello: Hello, present: Iterable[Greeting]) -> str:
        """Why this guest is turned away without asking; empty where it is not. `present` are all hellos."""
        if hello.did in self._banned:
            return "this guest broke the protocol"
        if self._refusals.get(hello.did, 0) >= MAX_REFUSALS:
            return f"the host declined {MAX_REFUSALS} times"
        if PROTOCOL not in hello.versions:
            spoken = ", ".join(map(str, hello.versions))
            return f"the host's Huddle speaks version {PROTOCOL} of the protocol, this guest's {spoken}"
        if differing := "; ".join(version_differences(host=self._software, guest=hello.software)):
            return f"{differing}: all need the same version"
        if same := self._same_name(hello):
            return same
        others = (one.hello for one in present if one.hello.did != hello.did)
        if hello.commitment in {one.commitment for one in others}:
            return "a commitment that another party has made"
        return ""

    def _same_name(self, hello: Hello) -> str:
        others = (known for other, known in self.admitted.items() if other != hello.did)
        if not any(alike(hello.name, other) for other in (self._name, *others)):
            return ""
        return f"somebody else has the name {hello.name}, or one that looks like it; take another name"
