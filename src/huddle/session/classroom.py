"""A class: one person who hosts several groups, takes part in none of them, and sees how far each is.

    classroom = Classroom(plan, …)              a GroupsPlan
    async for event in classroom: ...           ending with `Ended`
    classroom.admit(did), refuse(did, …), deal()

It holds the front room (`huddle.groups`) and nothing else: no program runs here, and there are no links.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack

from huddle import events
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.manifest import MAX_CEREMONY, Flags
from huddle.ceremony.messages import Options, Software
from huddle.errors import HuddleError, LocalError, unexpected
from huddle.groups import MAX_GUESTS
from huddle.groups import dealer as heard
from huddle.groups.dealer import Dealer
from huddle.groups.roster import Guest, Roster
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.rendezvous.client.room import OWNER_KEY, RoomClient
from huddle.session.inviting import invite
from huddle.session.plans import GroupsPlan
from huddle.session.platform import Platform
from huddle.session.settings import Settings
from huddle.tasks import beside

_FAREWELL = 2.0  # seconds for the last records


class Classroom:
    """The host's side of a class, with as much of a `Party` as a screen needs."""

    running = False
    record: bytes | None = None

    def __init__(
        self,
        plan: GroupsPlan,
        settings: Settings,
        identity: Identity,
        contacts: Contacts,
        surroundings: Platform,
    ) -> None:
        self.contacts = contacts
        self.files: Mapping[str, bytes] = plan.session.program.files
        self._plan = plan
        self._settings = settings
        self._identity = identity
        self._surroundings = surroundings
        self._events: asyncio.Queue[events.Event] = asyncio.Queue()
        self._dealer: Dealer | None = None
        self._room: RoomClient | None = None
        self._last: asyncio.Future[int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asking = False  # the person is asked whom to let in and whether to deal
        self._leaving = ""
        self._error: HuddleError | None = None
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __aiter__(self) -> AsyncGenerator[events.Event, None]:
        """Hold the class; what happens, in order. The last event is `Ended`."""
        return self._run()

    async def _run(self) -> AsyncGenerator[events.Event, None]:
        self._task = asyncio.create_task(self._main(), name="class")
        try:
            while True:
                event = await self._events.get()
                yield event
                if isinstance(event, events.Ended):
                    return
        finally:
            self.leave("its host left")
            await asyncio.gather(self._task, return_exceptions=True)

    # --- what the person decides

    def admit(self, did: str) -> None:
        """Let a guest be dealt."""
        if self._dealer is not None:
            try:
                self._dealer.admit(did)
            except LocalError as error:
                self._emit(events.Notice(f"{error.message} {error.hint}"))
            self._step()

    def refuse(self, did: str, reason: str) -> None:
        """Send a guest away."""
        if self._dealer is not None:
            self._dealer.refuse(did, reason)
            self._step()

    def deal(self, *, expected: bool = True) -> None:
        """Deal those who are admitted, and with `expected` all who are."""
        if self._dealer is None:
            return
        if expected:
            self._dealer.admit_expected()
            here, parties = len(self._dealer.roster.admitted), self._plan.session.parties
            if here < parties:
                self._emit(events.Notice(f"A group needs {parties}; {here} of those here can be dealt."))
        self._dealer.deal()
        self._step()

    def wait(self) -> None:
        """The person has answered, and is asked again when there is something to decide."""
        self._asking = False
        self._ask()

    def problem(self, did: str) -> str:
        """Why this guest is not admitted with all who are expected; empty where it is."""
        guest = self._dealer.roster.guests.get(did) if self._dealer is not None else None
        return self._dealer.roster.problem(guest) if self._dealer is not None and guest is not None else ""

    def type_line(self, line: str | None) -> None:
        """Nothing runs here."""

    def stop_run(self) -> None:
        """Nothing runs here."""

    def leave(self, reason: str) -> None:
        """Close the front room. Groups that have begun go on."""
        self._leaving = self._leaving or reason
        self._over.set()

    def fail(self, error: BaseException) -> None:
        """End it because of what nobody expected."""
        self._error = self._error or unexpected(error)
        self.leave("something failed there")

    # --- the order of things

    async def _main(self) -> None:
        clean = False
        try:
            async with AsyncExitStack() as stack:
                clean = await self._hold(stack)
        except Exception as error:
            self._error = self._error or unexpected(error)
        reason = "All groups have their result." if clean else "You closed the groups."
        if self._error is not None:
            shown = self._error
            self._emit(events.Error(shown.whose, shown.message, shown.hint, getattr(shown, "peer", "")))
            clean, reason = False, "The groups were closed after an error."
        self._emit(events.Ended(reason, clean))

    async def _hold(self, stack: AsyncExitStack) -> bool:
        plan = self._plan.session
        if self._plan.groups * plan.parties > MAX_GUESTS:
            raise LocalError(
                f"{self._plan.groups} groups of {plan.parties} are more than {MAX_GUESTS} guests.",
                hint="Host them in two classes.",
            )
        ground = await self._surroundings.ground(self._settings)
        program = await self._surroundings.locked(plan.program, ground)
        self.files = program.files
        manifest = program.manifest(
            Flags(plan.threshold, plan.no_prss), (Software("mpyc", ground.interpreter.mpyc),)
        )
        if manifest.size > MAX_CEREMONY:
            raise LocalError(
                f"The program has {manifest.size} bytes; groups take {MAX_CEREMONY}.",
                hint="Give large files to each guest by --input.",
            )
        url = plan.rendezvous or ""
        if not url:
            url, reach = await self._surroundings.embed(self._settings, stack)
            self._emit(events.Notice(reach))
        crypto = self._surroundings.crypto
        invitation = Invitation.fresh(crypto, url, self._identity.did, groups=True)
        key = crypto.random(OWNER_KEY)
        room = RoomClient(url, bytes.fromhex(invitation.room_id), create=True, owner_key=key)
        self._room = await stack.enter_async_context(room)
        self._emit(events.Party(self._settings.name, self._identity.did, "admitted", "self"))
        guests = self._plan.session.parties * self._plan.groups
        spoken = await invite(crypto, invitation, guests, stack, self._emit)
        if plan.expected is not None:
            self._emit(events.Expected(plan.expected.names))
        self._dealer = Dealer(
            crypto,
            self._identity,
            invitation,
            name=self._settings.name,
            software=ground.software,
            parties=plan.parties,
            options=Options(record=plan.record, stay=plan.stay, networks=self._settings.networks),
            manifest=manifest,
            files=program.files,
            roster=Roster(
                self._settings.name, plan.parties, self._plan.groups, plan.expected, self.contacts.alarm
            ),
            now=asyncio.get_running_loop().time(),
        )
        self._step()
        try:
            return await self._until_over(room)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            await spoken.close()
            await self._say_goodbye(room)

    async def _until_over(self, room: RoomClient) -> bool:
        async with beside(self._read(room), name="front room"):
            await self._over.wait()
        return self._dealer is not None and self._dealer.roster.finished

    async def _say_goodbye(self, room: RoomClient) -> None:
        if self._dealer is None:
            return
        waiting = bool(self._dealer.roster.waiting or self._dealer.roster.refused)
        self._dealer.leave(self._leaving or "all groups are done")
        self._send()
        with contextlib.suppress(TimeoutError, HuddleError):
            if self._last is not None:
                await asyncio.wait_for(self._last, _FAREWELL)
            if not waiting:  # else those who wait would not read it; the room expires
                await room.delete()

    async def _read(self, room: RoomClient) -> None:
        try:
            async for index, record in room:
                if self._dealer is not None:
                    self._dealer.receive(record, index, asyncio.get_running_loop().time())
                    self._step()
        except Exception as error:
            self.fail(error)

    def _step(self) -> None:
        if self._dealer is None:
            return
        self._send()
        for event in self._dealer.events():
            self._tell(event)
        self._send()
        if self._timer is not None:
            self._timer.cancel()
        due = self._dealer.next_timer()
        loop = asyncio.get_running_loop()
        self._timer = None if due is None else loop.call_at(due, self._on_timer)
        self._ask()
        if self._dealer.roster.finished and not self._plan.session.stay:
            self._over.set()

    def _on_timer(self) -> None:
        if self._dealer is not None:
            self._dealer.handle_timer(asyncio.get_running_loop().time())
            self._step()

    def _send(self) -> None:
        if self._dealer is not None and self._room is not None:
            for record in self._dealer.records_to_send():
                self._last = self._room.append(record)

    def _ask(self) -> None:
        """Ask the person, once, while somebody is here in no group and there is a group to be dealt."""
        if self._asking or self._dealer is None or self._over.is_set():
            return
        roster = self._dealer.roster
        if (roster.waiting or roster.refused) and roster.free and not self._dealer.calling:
            self._asking = True
            self._emit(events.Question("deal"))

    def _tell(self, event: heard.DealerEvent) -> None:
        match event:
            case heard.Came(index) if self._room is not None:
                self._room.admit(index)
            case heard.GuestChanged(guest, reason):
                self._emit(self._party(guest, reason))
            case heard.GroupChanged(group, undone):
                members = tuple(
                    {"name": guest.name, "did": guest.did, "state": guest.standing} for guest in group.members
                )
                state = "undone" if undone else group.state
                self._emit(events.Group(group.number, state, members, self._settings.name, "self"))
            case heard.Failed(error):
                self.fail(error)

    def _party(self, guest: Guest, reason: str) -> events.Party:
        standing = self.contacts.standing(guest.name, guest.did)
        detail = reason
        if guest.state == "waiting" and self._dealer is not None:
            detail = self._dealer.roster.problem(guest)
        return events.Party(guest.name, guest.did, guest.state, standing, guest.number, detail)

    def _emit(self, event: events.Event) -> None:
        self._events.put_nowait(event)
