"""Who is in a front room, and who is in which group: what the host knows, without any message or clock."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from huddle.ceremony.messages import Software
from huddle.ceremony.roster import bits
from huddle.ceremony.sealed import Pairs
from huddle.groups.expected import ExpectedPeople
from huddle.groups.messages import STATES
from huddle.identity.names import alike


@dataclass(slots=True)
class Guest:
    """Somebody who knocked; `number` is by the order of knocking, from 1.

    `state` is waiting, admitted (dealt next), dealt, refused or left; `called` the last roll call that it
    answered; `standing` how far it says its group's session is, one of STATES. `group` is the one it is in,
    or was in last: whoever is left of a group stays together.
    """

    did: str
    name: str
    number: int
    software: tuple[Software, ...]
    pair: Pairs = field(repr=False)
    state: str = "waiting"
    called: int = 0
    group: int = 0
    standing: str = ""
    reports: int = 0

    @property
    def present(self) -> bool:
        """Whether it waits for a group."""
        return self.state in ("waiting", "admitted")


@dataclass(slots=True)
class Group:
    """One group, its first in the first place."""

    number: int
    members: list[Guest]
    opened: bool = False

    @property
    def state(self) -> str:
        """How far it is as a whole: where its last member is, or failed."""
        said = [guest.standing for guest in self.members]
        if "failed" in said or "left" in said:
            return "failed"
        return min(said, key=STATES.index)

    @property
    def over(self) -> bool:
        """Whether nothing more happens there."""
        return self.state in ("result", "failed")

    @property
    def begun(self) -> bool:
        """Whether somebody there says that the program runs, or ran."""
        return any(guest.standing in ("computing", "result", "failed") for guest in self.members)

    @property
    def mixed(self) -> bool:
        """Whether some compute with another word size than others."""
        return len({bits(guest.software) for guest in self.members}) > 1


class Roster:
    """All of them. `alarm` says of a name and a did why it should not come in unseen."""

    def __init__(
        self,
        host: str,
        parties: int,
        groups: int,
        expected: ExpectedPeople | None,
        alarm: Callable[[str, str], str],
    ) -> None:
        self.guests: dict[str, Guest] = {}
        self.groups: dict[int, Group] = {}
        self._host = host
        self._parties = parties
        self._most = groups
        self._expected = expected
        self._alarm = alarm
        self._knocked: set[tuple[str, str]] = set()  # names and dids, also of those who left

    def knock(self, guest: Guest) -> None:
        """Somebody came, or came back: who was let in once need not be asked about again."""
        before = self.guests.get(guest.did)
        if before is not None:
            guest.number, guest.group = before.number, before.group
            if before.name == guest.name and before.state in ("admitted", "dealt"):
                guest.state = "admitted"
            if before.state == "dealt" and before.standing != "result":
                before.standing = "left"
        self.guests[guest.did] = guest
        self._knocked.add((guest.name, guest.did))

    def problem(self, guest: Guest) -> str:
        """Why this guest is not admitted with all who are expected; empty where it is."""
        if alike(guest.name, self._host):
            return f"{guest.name} is called like you."
        if alarm := self._alarm(guest.name, guest.did):
            return f"{alarm}."
        others = [one for one in self._knocked if one[1] != guest.did]
        if self._expected is not None:
            return self._expected.problem(guest.name, guest.did, others)
        if any(alike(name, guest.name) for name, _ in others):
            return f"Two people knocked as {guest.name}: ask them which key is theirs."
        return ""

    def clash(self, guest: Guest) -> str:
        """The name of somebody admitted who can't be told from this guest; empty where there is nobody."""
        names = (
            one.name
            for one in self.guests.values()
            if one.did != guest.did and one.state == "admitted" and alike(one.name, guest.name)
        )
        return next(names, "")

    @property
    def waiting(self) -> list[Guest]:
        """Who is here and in no group, in the list's order, then in that of knocking."""
        here = [guest for guest in self.guests.values() if guest.present]
        rank = self._expected.rank if self._expected is not None else lambda name: 0
        return sorted(here, key=lambda guest: (rank(guest.name), guest.number))

    @property
    def refused(self) -> list[Guest]:
        """Those who were not let in and have not left: they can be called back."""
        return [guest for guest in self.guests.values() if guest.state == "refused"]

    @property
    def admitted(self) -> list[Guest]:
        """Those of them who are dealt next."""
        return [guest for guest in self.waiting if guest.state == "admitted"]

    @property
    def enough(self) -> bool:
        """Whether a group can be dealt."""
        return bool(self.free) and len(self.admitted) >= self._parties

    @property
    def free(self) -> list[int]:
        """The numbers of groups that are not dealt, or failed."""
        numbers = range(1, self._most + 1)
        return [n for n in numbers if n not in self.groups or self.groups[n].state == "failed"]

    @property
    def finished(self) -> bool:
        """Whether all groups have been dealt and have their result."""
        return len(self.groups) == self._most and all(g.state == "result" for g in self.groups.values())

    def deal(self, guests: Iterable[Guest]) -> list[Group]:
        """Whole groups of these guests, in this order; who remains waits.

        What is left of a group that lost somebody stays together, and is completed first: by those who were
        in none, if there are enough of them.
        """
        left, made, free = list(guests), [], self.free
        for number in sorted(free, key=lambda one: -sum(guest.group == one for guest in left)):
            if len(left) < self._parties:
                break
            ranked = sorted(left, key=lambda guest: (guest.group != number, guest.group in free))
            chosen = {guest.did for guest in ranked[: self._parties]}
            members = [guest for guest in left if guest.did in chosen]
            left = [guest for guest in left if guest.did not in chosen]
            for guest in members:
                guest.state, guest.group, guest.standing = "dealt", number, "dealt"
            group = self.groups[number] = Group(number, members)
            made.append(group)
        return made

    def group_of(self, guest: Guest) -> Group | None:
        """The group that this guest is in now."""
        group = self.groups.get(guest.group) if guest.state == "dealt" else None
        return group if group is not None and guest in group.members else None

    def break_up(self, group: Group) -> None:
        """This group has lost somebody: it is none any more, and its number is free."""
        del self.groups[group.number]

    def undo(self, group: Group, lost: Guest) -> None:
        """This group never began: `lost` did not open it, and the others wait again."""
        for guest in group.members:
            if guest.state == "dealt" and guest.group == group.number and guest.standing == "dealt":
                guest.state = "admitted"
        lost.state, lost.standing = "left", "left"
        del self.groups[group.number]
