"""A party's seat in a group of a class: from its place to the plan of a session, and who may be in there.

The host of the class decided who is in the group, so the first of it asks nobody: it admits exactly those.
Each member sees to it that the roster has nobody else. Where somebody of the group is lost, those who are
left go back to where they were dealt from, and wait for another place.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol

from huddle import events
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.manifest import Flags, differences
from huddle.errors import LocalError, PeerError
from huddle.groups.expected import ExpectedPeople
from huddle.groups.front_room import FrontRoom
from huddle.groups.guest import Assignment
from huddle.session.plans import GuestPlan, HostPlan, digest_of
from huddle.session.program import Program
from huddle.tasks import cancel


class Decider(Protocol):
    """What is needed of the party."""

    def admit(self, did: str) -> None: ...

    def refuse(self, did: str, reason: str) -> None: ...

    def fail(self, error: BaseException) -> None: ...


def _told_of_host(name: str) -> str:
    return (
        f"{name} deals the guests to groups and is in none of them. {name} sees how far yours is"
        " (in, words, computing, result, failed), and nothing of what you give or get."
    )


class GroupSeat:
    """One party's seat; `invitation` is that of its group's own session."""

    def __init__(self, front: FrontRoom, assignment: Assignment, party: Decider, did: str) -> None:
        self.invitation = Invitation.parse(assignment.placement.url)
        self._front = front
        self._assignment = assignment
        self._party = party
        self._did = did
        self._dids = {member.did for member in assignment.placement.members}

    @classmethod
    async def take(
        cls,
        front: FrontRoom,
        party: Decider,
        did: str,
        emit: Callable[[events.Event], None],
        standing: Callable[[str, str], str],
    ) -> "GroupSeat":
        """Wait for a place; tell whom this party waits for, and where it is then."""
        emit(events.Party(front.name, did, "waiting", "self"))
        name, host = await front.host()
        if not front.dealt:
            emit(events.Notice(_told_of_host(name)))
        known = standing(name, host)
        emit(events.Group(0, "waiting", (), name, known))

        def refused(now: bool) -> None:
            emit(events.Lobby("refused" if now else "admitted", (name,), (), 0, False))

        seat = cls(front, await front.placed(refused), party, did)
        emit(seat.event(known))
        return seat

    def event(self, standing: str) -> events.Group:
        """What the person is told; `standing` is that of the host."""
        placement = self._assignment.placement
        members = tuple(
            {"name": member.name, "did": member.did, "state": "dealt"} for member in placement.members
        )
        return events.Group(placement.group, "dealt", members, self._assignment.host, standing)

    def plan(self, own: GuestPlan) -> HostPlan | GuestPlan:
        """The session to host or to enter.

        Raises the HuddleError for a program that is not the one which this person expects.
        """
        found, placement = self._assignment, self._assignment.placement
        self._check(own)
        if not found.first:
            # Whoever is first can't bring another program than the host of the class.
            digest = own.digest or placement.digest.hex()
            return GuestPlan(placement.url, None, own.own, digest, own.record, own.threshold, own.no_prss)
        manifest = found.manifest
        program = Program(manifest.entry, found.files, manifest.args, manifest.folders, manifest.workdir)
        return HostPlan(
            program,
            len(placement.members),
            manifest.flags.threshold,
            manifest.flags.no_prss,
            found.options.stay,
            found.options.record,
            self.invitation.rendezvous,
            ExpectedPeople.named(member.name for member in placement.members),
        )

    @property
    def parties(self) -> int:
        """How many are in the group."""
        return len(self._dids)

    async def hold(self, session: Coroutine[Any, Any, bool], sealed: Callable[[], bool]) -> bool:
        """The session of the group, to its end; whether all its runs went well.

        Raises PeerError where the host of the class takes the group apart before it is `sealed`.
        """
        held = asyncio.create_task(session, name="group")
        undone = asyncio.create_task(self._front.undone(), name="group undone")
        try:
            await asyncio.wait({held, undone}, return_when=asyncio.FIRST_COMPLETED)
            if not (held.done() or sealed()):
                number, name = self._assignment.placement.group, self._assignment.host
                raise PeerError(f"group {number} has lost somebody", peer=name)
            return await held
        finally:
            await cancel(held, undone)

    def leave(self) -> None:
        """Wait for another place, since somebody of the group is lost."""
        self._front.back()

    @property
    def is_last(self) -> bool:
        """Whether there will be no other place."""
        return self._front.waits_in_vain

    def opened(self) -> None:
        """The first: the group's room is there, for the others to enter."""
        self._front.opened()

    def handles(self, event: events.Event) -> bool:
        """Report what happens; whether this was a question that the host of the class has answered."""
        self._front.note(event)
        if isinstance(event, events.Party) and event.pid is not None and event.did not in self._dids:
            name = self._assignment.host
            self._party.fail(
                PeerError(
                    f"{event.name} is in the roster, whom {name} did not deal to this group.",
                    peer=event.name,
                    hint=f"Ask {name}, then join again.",
                )
            )
        if not isinstance(event, events.Question) or event.what != "admit":
            return False
        loop = asyncio.get_running_loop()
        if event.did in self._dids:
            loop.call_soon(self._party.admit, event.did)
        else:
            loop.call_soon(self._party.refuse, event.did, "this group is of others")
        return True

    def _check(self, own: GuestPlan) -> None:
        manifest, name = self._assignment.manifest, self._assignment.host
        wrong: tuple[str, ...] = ()
        if own.own is not None:
            flags = Flags(own.threshold, own.no_prss)
            mine = own.own.manifest(flags, manifest.versions)
            theirs = {file.path for file in manifest.files}
            kept = tuple(f for f in mine.files if f.path in theirs or f.path not in own.own.optional)
            mine = replace(mine, files=kept, folders=manifest.folders, workdir=manifest.workdir)
            wrong = differences(mine, manifest, args=bool(mine.args), flags=flags != Flags())
        if digest_of(own.digest) not in (None, self._assignment.placement.digest):
            wrong = (*wrong, f"its digest is {self._assignment.placement.digest.hex()}")
        if wrong:
            raise PeerError(
                f"{name} proposes another program than the one expected here: {'; '.join(wrong)}",
                peer=name,
                hint=f"Agree on one program with {name}, then join again.",
            )
        if own.record and not self._assignment.options.record:
            raise LocalError(
                "No record is made of this session, and this guest wants one.",
                hint="Ask the host to use --record, or do without.",
            )
