"""The stages that a host's and a guest's session have in common: room, networks, ceremony, sealed session.

What a host alone does is in `hosting`, what a guest does in `joining`. What a person decides comes by
`Party`, which looks here for whom to tell.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from huddle import events
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.messages import Offer, Software
from huddle.ceremony.roster import PSEUDONYM
from huddle.ceremony.sealed import Sealed
from huddle.errors import HuddleError, PeerError
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.networks.base import Network
from huddle.networks.outsiders import OutsiderPart
from huddle.rendezvous.client.room import RoomClient
from huddle.running import output_files as results
from huddle.session import networks
from huddle.session.acquaintances import contacts_after
from huddle.session.ceremony_driver import CeremonyDriver
from huddle.session.context import PartyContext
from huddle.session.host_lobby import HostLobby
from huddle.session.patience import told_if_slow
from huddle.session.platform import Platform, ProgramRuntime
from huddle.session.preparation import Preparation
from huddle.session.room_keeping import NoKeeper, RoomKeeper
from huddle.session.sealed_session import SealedSession
from huddle.session.settings import Settings

if TYPE_CHECKING:
    from huddle.session.group_seat import GroupSeat


class Stages:
    """Where one party's session is: the ceremony (`meeting`) or the sealed session (`together`), if any.

    `leaving` tells why this party leaves, if it does. `contacts` grow with each sealing, by those whom the
    person has `heard` say the words.
    """

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        contacts: Contacts,
        platform: Platform,
        emit: Callable[[events.Event], None],
        preparation: Preparation,
        leaving: Callable[[], str],
        rooms: RoomKeeper | None = None,
    ) -> None:
        self.settings = settings
        self.identity = identity
        self.contacts = contacts
        self.platform = platform
        self.crypto = platform.crypto
        self.emit = emit
        self.heard: set[str] = set()
        self._record: bytes | None = None  # of the session before
        self.rooms = rooms or NoKeeper()
        self.sealed = False  # by all, so that there is a session, or was
        self.meeting: CeremonyDriver | None = None
        self.together: SealedSession | None = None
        self.lobby: HostLobby | None = None
        self.group: GroupSeat | None = None  # in a class: the way in, and who belongs to the group
        self._preparation = preparation
        self._leaving = leaving
        self._networks: list[Network] = []
        self._plain: OutsiderPart | None = None

    @property
    def record(self) -> bytes | None:
        """What is to be kept of the present session, or of the one before."""
        return self.together.record if self.together is not None else self._record

    def notice(self, text: str) -> None:
        """Something that a person should know."""
        self.emit(events.Notice(text))

    def standing(self, name: str, did: str) -> str:
        """What this person knows of that key."""
        return "self" if did == self.identity.did else self.contacts.standing(name, did)

    def present(self, state: str) -> None:
        """Tell of this party itself."""
        self.emit(events.Party(self.settings.name, self.identity.did, state, "self"))

    async def prepare(self) -> ProgramRuntime:
        """Where programs run here."""
        ground = self._preparation.ground
        if ground is None:  # else a group's session, which is not the first thing here
            if self.settings.output is not None:
                results.check_target(self.settings.output)
            ground = self._preparation.ground = await self.platform.ground(self.settings)
        return ground

    async def enter(self, room: RoomClient, stack: AsyncExitStack) -> None:
        """Enter a room; the stack leaves it."""
        with told_if_slow(room.url, self.notice):
            await stack.enter_async_context(room)

    async def open_networks(self, rendezvous: str, stack: AsyncExitStack) -> None:
        """Open the networks that the person chose; the stack closes them."""
        self._networks, self._plain = await networks.opened(
            self.settings, self.platform, rendezvous, self.emit, stack
        )

    def software(self, runtime: ProgramRuntime) -> tuple[Software, ...]:
        """What all must know of this party: its versions, plain MPyC, a key for this session alone."""
        part = (Software(self._plain.network, self._plain.role),) if self._plain is not None else ()
        all_ = (*runtime.software, *part)
        return (*all_, PSEUDONYM) if self.settings.pseudonym else all_

    async def meet(
        self, core: HostCeremony | GuestCeremony, room: RoomClient, runtime: ProgramRuntime
    ) -> Sealed:
        """Go through the ceremony."""
        meeting = self.meeting = CeremonyDriver(
            core,
            room,
            self.emit,
            self.standing,
            self._offers,
            locked=runtime.confinement,
            alarm=self._alarm,
            lobby=self.lobby,
            returning=self.group is None,
            whole=self.group.parties if self.group is not None else 0,
        )
        try:
            return await meeting.sealed()
        except asyncio.CancelledError:
            await meeting.leave(self._leaving() or "left")
            raise

    def seal(
        self, sealed: Sealed, runtime: ProgramRuntime, rendezvous: str, stack: AsyncExitStack, *, lobby: bool
    ) -> SealedSession:
        """What all have signed is a session now, which the stack leaves."""
        self.sealed = True
        findable = not (self.platform.in_browser or self.settings.pseudonym)
        self.contacts = contacts_after(
            self.contacts,
            sealed,
            self.heard,
            time.time(),
            self.notice,
            meet_at=rendezvous if findable else None,
        )
        roster = tuple({"pid": m.pid, "name": m.name, "did": m.did} for m in sealed.roster)
        self.emit(events.Sealed(sealed.digest.hex(), roster, sealed.pid))
        context = PartyContext(
            settings=self.settings,
            platform=self.platform,
            runtime=runtime,
            identity=self.identity,
            networks=self._networks,
            emit=self.emit,
            standing=self.standing,
            plain=self._plain,
            lobby=lobby,
            rendezvous=rendezvous,
        )
        together = self.together = SealedSession(sealed, context)

        async def part() -> None:
            await together.part(self._leaving())
            self._record = together.record

        stack.push_async_callback(part)
        return together

    async def run(self, contents: Mapping[str, bytes], room: RoomClient) -> bool:
        """All runs of the sealed session; whether they finished well. What broke it is in `broken`."""
        together = self.together
        if together is None:
            raise RuntimeError("nothing is sealed")
        try:
            await together.connect()
            # A link to everybody means that all have sealed: the room has done its work.
            await (delete(room) if together.is_host else room.close())
            return await together.run_all(contents)
        except PeerError:
            if together.broken is None:
                raise
            return False

    def result(self, well: bool) -> bool:
        """The end of the sealed session: whether all was well; raises what broke it."""
        together = self.together
        if together is None:
            return well
        if together.broken is not None:
            raise together.broken
        return well

    def begin_anew(self, reason: str, what: str) -> None:
        """The sealed session is over, and another ceremony follows."""
        self.together = self.meeting = None
        self.heard.clear()
        self.emit(events.Restarted(0, reason))
        self.notice(f"{reason[:1].upper()}{reason[1:]}. {what}")

    def _alarm(self, name: str, did: str) -> str:
        return "" if did == self.identity.did else self.contacts.alarm(name, did)

    def _offers(self) -> tuple[Offer, ...]:
        offers = [Offer(network.name, network.offer()) for network in self._networks]
        if self._plain is not None:
            offers.append(Offer(self._plain.network, self._plain.offer()))
        return tuple(offers)


async def delete(room: RoomClient) -> None:
    """Delete a room of this host's own, if it can be."""
    with contextlib.suppress(HuddleError):
        await room.delete()
