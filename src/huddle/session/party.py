"""A party: one person's session from its invitation to its end, with everything that belongs to it.

    party = Party(plan, …)                        a HostPlan or a GuestPlan
    async for event in party: ...                 what happens, ending with `Ended`
    party.admit(did), accept(), type_line(text), …    what the person decides

The one place where identity, rendezvous, ceremony, networks and runs are wired; each does its own work.
Iterating over the events runs the session. However it ends, all that it made is taken down first.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from huddle import events
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.manifest import MAX_CEREMONY, Flags
from huddle.ceremony.messages import Offer, Options, Software
from huddle.ceremony.roster import PSEUDONYM
from huddle.ceremony.sealed import Sealed
from huddle.errors import HuddleError, LocalError, unexpected
from huddle.groups.front_room import FrontRoom
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.networks.base import Network
from huddle.networks.outsiders import OutsiderPart
from huddle.rendezvous.client.room import OWNER_KEY, RoomClient
from huddle.running import output_files as results
from huddle.running.limits import Confinement
from huddle.running.spec import check_arguments
from huddle.session import gifts, networks
from huddle.session.acquaintances import contacts_after
from huddle.session.ceremony_driver import CeremonyDriver
from huddle.session.context import PartyContext
from huddle.session.group_seat import GroupSeat
from huddle.session.host_lobby import HostLobby
from huddle.session.patience import told_if_slow
from huddle.session.plans import GuestPlan, HostPlan, digest_of
from huddle.session.platform import Platform, ProgramRuntime
from huddle.session.preparation import Preparation
from huddle.session.program import Program
from huddle.session.sealed_session import SealedSession
from huddle.session.settings import Settings
from huddle.shortcode.code import looks_like_code

MAX_UNREAD = 64 << 20  # bytes of events that nobody reads; a person's screen is never that far behind
MAX_AHEAD = 1 << 20  # from here on nothing more of a program's output is read, until a quarter of it waits
_EVENT = 500  # bytes that an event takes beside its text


class Party:
    """One party of one session. The person's decisions may come at any time; one too late does nothing."""

    def __init__(
        self,
        plan: HostPlan | GuestPlan,
        settings: Settings,
        identity: Identity,
        contacts: Contacts,
        *,
        surroundings: Platform | None = None,
    ) -> None:
        self.contacts = contacts
        self.record: bytes | None = None
        self._plan = plan
        self._settings = settings
        self._identity = identity
        self._surroundings = surroundings or _machine()
        self._crypto = self._surroundings.crypto
        self._events: asyncio.Queue[events.Event] = asyncio.Queue()
        self._unread = 0  # what waits there, in bytes
        self._behind = False  # whoever reads the events, so that the program waits
        self._heard: set[str] = set()
        self._leaving = ""
        self._broken: HuddleError | None = None
        self._begun = self._declined = False
        self._entered = False  # a room, so that there is a session
        self._ending = False  # all is being taken down, which nothing may interrupt
        self._task: asyncio.Task[None] | None = None
        self._meeting: CeremonyDriver | None = None
        self._together: SealedSession | None = None
        self._lobby: HostLobby | None = None
        self._group: GroupSeat | None = None  # in a class: the way in, and who belongs to the group
        self._networks: list[Network] = []
        self._plain: OutsiderPart | None = None
        self._preparation = Preparation(self._surroundings, settings, self._notice, self.fail)

    def __aiter__(self) -> AsyncGenerator[events.Event, None]:
        """Run the session; what happens, in order. The last event is `Ended`."""
        return self._run()

    async def _run(self) -> AsyncGenerator[events.Event, None]:
        self._task = asyncio.create_task(self._main(), name="session")
        try:
            while True:
                event = await self._events.get()
                self._unread -= _weight(event)
                if self._behind and self._unread <= MAX_AHEAD // 4:
                    self._hold_output(False)
                yield event
                if isinstance(event, events.Ended):
                    return
        finally:
            self.leave("left the session")
            await asyncio.gather(self._task, return_exceptions=True)

    # --- what the person decides

    @property
    def running(self) -> bool:
        """Whether a program runs now."""
        return self._together is not None and self._together.execution is not None

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files of the program that is proposed or runs."""
        if self._together is not None:
            return self._together.files
        return self._meeting.files if self._meeting is not None else {}

    def admit(self, did: str) -> None:
        """Let a waiting guest in."""
        if self._meeting is not None:
            self._meeting.admit(did)

    def seat(self, did: str) -> None:
        """Give a waiting guest a seat, and decide by `accept`, with the words on the screen."""
        if self._meeting is not None:
            self._meeting.seat(did)

    def refuse(self, did: str, reason: str) -> None:
        """Turn a guest away, before the sealing; one who knocks again is asked about again."""
        if self._meeting is not None:
            self._meeting.refuse(did, reason)

    def heard(self, dids: Iterable[str]) -> None:
        """The person heard these parties say the words: they are verified contacts once it is sealed."""
        self._heard.update(dids)

    @property
    def private_args(self) -> tuple[str, ...]:
        """The arguments that this person alone gives the program."""
        return self._settings.private_args

    @property
    def inputs(self) -> tuple[tuple[str, Path], ...]:
        """The private files that this person gives the program: where it finds each, and where it is."""
        return self._settings.named_inputs

    def give(self, private_args: tuple[str, ...], inputs: tuple[tuple[str, Path], ...]) -> None:
        """What the program gets from this person alone, in runs to come; `inputs` as the property says."""
        self._settings = self._settings.giving(private_args, inputs)
        if self._together is not None:
            self._together.context = replace(self._together.context, settings=self._settings)

    def accept(self) -> None:
        """Take part: with this roster and program, or in the further run that is proposed."""
        if self._together is not None:
            self._together.answer(True, "")
        elif self._meeting is not None:
            self._meeting.accept()

    def differ(self) -> None:
        """The person sees other words than the others: all are told so, and new words follow."""
        if self._together is None and self._meeting is not None:
            self._meeting.differ()

    def not_now(self, reason: str) -> None:
        """Take no part in what is proposed, and stay: the host can propose again, or another thing."""
        if self._together is not None:
            self._together.answer(False, reason)
        elif self._meeting is not None:
            self._meeting.not_now(reason)

    def propose(self) -> None:
        """The host: go on from the lobby, as soon as all are here; LocalError where nobody else is."""
        if self._together is None and self._meeting is not None:
            self._meeting.propose()

    def change(self, program: Program | None = None, parties: int | None = None) -> None:
        """The host, until the start: another program, or number of parties; nobody has to join anew."""
        if self._together is None and self._lobby is not None:
            self._lobby.change(program, parties)

    def new_code(self) -> None:
        """The host, until the start: another short code for the free seats; LocalError where none is free."""
        if self._together is None and self._lobby is not None:
            self._lobby.new_code()

    def decline(self, reason: str) -> None:
        """Do not take part."""
        if self._together is not None:
            self._together.answer(False, reason)
        else:
            self.leave(reason, declined=True)

    def again(self, program: Program | None = None) -> None:
        """The host: one more run, of another program or the same one."""
        if self._together is not None:
            self._together.again(program)

    def finish(self) -> None:
        """The host: no more runs; the session ends in order, and well if all runs did."""
        if self._together is not None:
            self._together.finish()

    def type_line(self, line: str | None) -> None:
        """A line for the program; None: there is no more input."""
        if self._together is not None and self._together.execution is not None:
            self._together.execution.type_line(line)

    def say(self, text: str) -> None:
        """A line for all parties to read."""
        if self._together is not None:
            self._together.say(text)

    def stop_run(self, *, well: bool = False) -> None:
        """End the present run, not the session; `well`: what was started by hand in its place is over."""
        if self._together is not None and self._together.execution is not None:
            self._together.execution.stop(well=well)

    def leave(self, reason: str, *, declined: bool = False) -> None:
        """End the session for this party; everything is taken down in order."""
        if self._task is not None and not self._task.done() and not self._leaving:
            self._leaving = reason
            self._declined = declined
            if declined and self._meeting is not None:
                self._meeting.decline(reason)
            if self._begun and not self._ending:
                self._task.cancel()

    def fail(self, error: BaseException) -> None:
        """End the session because of what nobody expected, wherever that was noticed."""
        if self._task is not None and not self._task.done() and self._broken is None:
            self._broken = unexpected(error)
            self.leave("Huddle failed there")

    # --- the order of things

    async def _main(self) -> None:
        reason, clean = "The session has ended.", False
        self._begun = True
        try:
            async with AsyncExitStack() as stack:
                try:
                    if self._leaving:
                        raise asyncio.CancelledError
                    clean = await (
                        self._host(plan, stack)
                        if isinstance(plan := self._plan, HostPlan)
                        else self._join(plan, stack)
                    )
                finally:
                    self._ending = True
                    await self._preparation.end()
        except asyncio.CancelledError:
            reason = "You declined to take part." if self._declined else "You left the session."
        except Exception as exc:
            # The one place where an exception that nobody foresaw becomes an error that a person can read.
            self._broken = self._broken or unexpected(exc)
        if (error := self._broken) is not None:
            clean = False
            self._emit(events.Error(error.whose, error.message, error.hint, getattr(error, "peer", "")))
            reason = "The session has ended with an error." if self._entered else "No session was started."
        self._emit(events.Ended(reason, clean))

    async def _host(self, plan: HostPlan, stack: AsyncExitStack, seat: GroupSeat | None = None) -> bool:
        if plan.threshold is not None and not 0 <= 2 * plan.threshold < plan.parties:
            raise LocalError(
                f"A threshold of {plan.threshold} does not fit {plan.parties} parties.",
                hint=f"It can be from 0 to {(plan.parties - 1) // 2}: fewer than half of the parties.",
            )
        check_arguments(plan.program.args, self._settings.private_args)
        ground, software = await self._prepare()
        # What a group runs was locked by who dealt it.
        program = plan.program if seat else await self._surroundings.locked(plan.program, ground)
        url = plan.rendezvous or ""
        if not url:
            url, reach = await self._surroundings.embed(self._settings, stack)
            self._emit(events.Notice(reach))
        flags = Flags(plan.threshold, plan.no_prss)
        manifest = program.manifest(flags, (Software("mpyc", ground.interpreter.mpyc),))
        options = Options(
            record=plan.record,
            files_follow=manifest.size > MAX_CEREMONY,
            stay=plan.stay,
            networks=self._settings.networks,
        )
        invitation = seat.invitation if seat else Invitation.fresh(self._crypto, url, self._identity.did)
        key = self._crypto.random(OWNER_KEY)
        room = RoomClient(url, bytes.fromhex(invitation.room_id), create=True, owner_key=key)
        await self._enter_room(room, stack)
        stack.push_async_callback(_delete, room)
        await self._open_networks(invitation, stack)
        self._emit(events.Party(self._settings.name, self._identity.did, "admitted", "self"))
        lobby = self._lobby = HostLobby(
            self._crypto, invitation, program, flags, self._surroundings, ground, self._emit, stack
        )
        stack.push_async_callback(lobby.close)
        if seat is not None:
            seat.opened()
        else:
            await lobby.open(plan.parties - 1)
        if plan.expected is not None and seat is None:
            self._emit(events.Expected(plan.expected.names))
        core = HostCeremony(
            self._crypto,
            self._identity,
            invitation,
            name=self._settings.name,
            software=(*software, *self._part()),
            manifest=manifest,
            files={} if options.files_follow else program.files,
            parties=plan.parties,
            options=options,
            order=plan.expected.rank if plan.expected is not None else lambda name: 0,
            lobby=plan.lobby,
            now=asyncio.get_running_loop().time(),
        )
        lobby.attend(core)
        sealed = await self._meet(core, room, ground.confinement)
        await lobby.close()
        return await self._stay_together(sealed, ground, stack, lobby.files, room)

    async def _join_group(
        self, plan: GuestPlan, invitation: Invitation, software: tuple[Software, ...], stack: AsyncExitStack
    ) -> bool:
        name, me = self._settings.name, self._identity
        front = await FrontRoom.enter(self._crypto, me, invitation, name, software, stack)
        self._group = await GroupSeat.take(front, self, me.did, self._emit, self._standing)
        found = self._group.plan(plan)
        if isinstance(found, HostPlan):
            return await self._host(found, stack, self._group)
        return await self._join(found, stack)

    async def _join(self, plan: GuestPlan, stack: AsyncExitStack) -> bool:
        digest = digest_of(plan.digest)
        check_arguments((), self._settings.private_args)
        ground, software = await self._prepare()
        if looks_like_code(plan.invitation):
            from huddle.shortcode.driver import redeem

            with told_if_slow(plan.rendezvous, self._notice):
                invitation = await redeem(self._crypto, plan.invitation, plan.rendezvous)
        else:
            invitation = Invitation.parse(plan.invitation)
        if invitation.groups:
            return await self._join_group(plan, invitation, software, stack)
        flags, mpyc = Flags(plan.threshold, plan.no_prss), Software("mpyc", ground.interpreter.mpyc)
        own = plan.own.manifest(flags, (mpyc,)) if plan.own else None
        room = RoomClient(invitation.rendezvous, bytes.fromhex(invitation.room_id))
        await self._enter_room(room, stack)
        await self._open_networks(invitation, stack)
        self._emit(events.Party(self._settings.name, self._identity.did, "waiting", "self"))
        core = GuestCeremony(
            self._crypto,
            self._identity,
            invitation,
            name=self._settings.name,
            software=(*software, *self._part()),
            own=own,
            optional=plan.own.optional if plan.own else frozenset(),
            program_digest=digest,
            record=plan.record,
            now=asyncio.get_running_loop().time(),
        )
        sealed = await self._meet(core, room, ground.confinement)
        return await self._stay_together(sealed, ground, stack, {}, room)

    def _notice(self, text: str) -> None:
        self._emit(events.Notice(text))

    async def _enter_room(self, room: RoomClient, stack: AsyncExitStack) -> None:
        with told_if_slow(room.url, self._notice):
            await stack.enter_async_context(room)
        self._entered = True

    async def _prepare(self) -> tuple[ProgramRuntime, tuple[Software, ...]]:
        if self._settings.output is not None:
            results.check_target(self._settings.output)
        ground = self._preparation.ground = await self._surroundings.ground(self._settings)
        return ground, ground.software

    async def _open_networks(self, invitation: Invitation, stack: AsyncExitStack) -> None:
        self._networks, self._plain = await networks.opened(
            self._settings, self._surroundings, invitation.rendezvous, self._emit, stack
        )

    def _part(self) -> tuple[Software, ...]:
        """What all must know of this party beside its versions: plain MPyC, a key for this session alone."""
        part = (Software(self._plain.network, self._plain.role),) if self._plain is not None else ()
        return (*part, PSEUDONYM) if self._settings.pseudonym else part

    async def _meet(
        self, core: HostCeremony | GuestCeremony, room: RoomClient, locked: Confinement | None
    ) -> Sealed:
        lobby, alarm = self._lobby, self._alarm
        meeting = self._meeting = CeremonyDriver(
            core, room, self._emit, self._standing, self._offers, locked=locked, alarm=alarm, lobby=lobby
        )
        try:
            return await meeting.sealed()
        except asyncio.CancelledError:
            await meeting.leave(self._leaving or "left")
            raise

    async def _stay_together(
        self,
        sealed: Sealed,
        ground: ProgramRuntime,
        stack: AsyncExitStack,
        contents: Mapping[str, bytes],
        room: RoomClient,
    ) -> bool:
        self.contacts = contacts_after(self.contacts, sealed, self._heard, time.time(), self._notice)
        roster = tuple({"pid": m.pid, "name": m.name, "did": m.did} for m in sealed.roster)
        self._emit(events.Sealed(sealed.digest.hex(), roster, sealed.pid))
        context = PartyContext(
            settings=self._settings,
            platform=self._surroundings,
            runtime=ground,
            identity=self._identity,
            networks=self._networks,
            emit=self._emit,
            standing=self._standing,
            plain=self._plain,
            lobby=isinstance(self._plan, HostPlan) and self._plan.lobby,
        )
        together = self._together = SealedSession(sealed, context)
        stack.push_async_callback(lambda: together.part(self._leaving))
        await together.connect()
        # A link to everybody means that all have sealed: the room has done its work.
        await (_delete(room) if together.is_host else room.close())
        well = await together.run_all(contents)
        self.record = together.record
        if together.broken is not None:
            raise together.broken
        return well

    def _standing(self, name: str, did: str) -> str:
        return "self" if did == self._identity.did else self.contacts.standing(name, did)

    def _alarm(self, name: str, did: str) -> str:
        return "" if did == self._identity.did else self.contacts.alarm(name, did)

    def _offers(self) -> tuple[Offer, ...]:
        offers = [Offer(network.name, network.offer()) for network in self._networks]
        if self._plain is not None:
            offers.append(Offer(self._plain.network, self._plain.offer()))
        return tuple(offers)

    def _emit(self, event: events.Event) -> None:
        self._preparation.note(event, self.files)
        if isinstance(event, events.Question) and event.what in ("accept", "program"):
            if text := gifts.told(self._settings, self.files):
                self._emit(events.Notice(text))
        if self._group is not None and self._group.handles(event):
            return
        self._unread += _weight(event)
        if self._unread > MAX_UNREAD and not isinstance(event, events.Error | events.Ended):
            self._unread -= _weight(event)
            self.fail(
                LocalError(
                    f"Nobody reads the events of this session: {MAX_UNREAD >> 20} MiB wait.",
                    hint="Iterate over the party for as long as it lasts.",
                )
            )
            return
        self._events.put_nowait(event)
        if self._unread > MAX_AHEAD and isinstance(event, events.Output):
            self._hold_output(True)

    def _hold_output(self, behind: bool) -> None:
        self._behind = behind
        if self._together is not None and self._together.execution is not None:
            self._together.execution.hold_output(behind)


def _weight(event: events.Event) -> int:
    return _EVENT + (len(event.text) if isinstance(event, events.Output | events.Chat) else 0)


async def _delete(room: RoomClient) -> None:
    with contextlib.suppress(HuddleError):
        await room.delete()


def _machine() -> Platform:
    from huddle.session.native_platform import NativePlatform  # what it imports is not there in a browser

    return NativePlatform()
