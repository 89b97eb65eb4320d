"""The ceremony on a real rendezvous: feeds the sans-IO core, sends what it says, tells what happened.

Between a record of the room, a decision of the person and a timer, this only waits; it decides nothing.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from huddle import events
from huddle.ceremony import events as heard
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.lookalikes import lookalikes
from huddle.ceremony.manifest import MAX_CEREMONY, Manifest
from huddle.ceremony.messages import MAX_EPOCHS, Offer, departed, parting, shorten
from huddle.ceremony.sealed import Member, Sealed
from huddle.ceremony.silence import HOST_MISSED, host_gone
from huddle.ceremony.states import CeremonyState
from huddle.errors import HuddleError, LocalError, PeerError, unexpected
from huddle.networks import outsiders, registry
from huddle.rendezvous.client.room import RoomClient
from huddle.running.limits import Confinement
from huddle.running.metadata import needs
from huddle.session import proposal_told as told
from huddle.session import room_watch
from huddle.session.context import TrustLookup
from huddle.session.program import Program

Alarm = Callable[[str, str], str]  # of a name and a did: why its standing is an alarm; empty where it is none

_COMES_AGAIN = 2 * MAX_EPOCHS  # times that one guest is let in: it comes back in each epoch, perhaps twice
FAREWELL = 2.0  # seconds for the last records when somebody leaves


def _sentence(error: LocalError) -> str:
    return error.message[:1].upper() + error.message[1:] + "."


class LobbyOfHost(Protocol):
    """What a host's person can change beside the ceremony, until the start."""

    driver: "CeremonyDriver | None"

    def seat_is_free(self) -> None:
        """A guest has left."""
        ...


class CeremonyDriver:
    """One party's way through the ceremony."""

    def __init__(  # noqa: PLR0913 - all by keyword but the first, all it knows at first
        self,
        core: HostCeremony | GuestCeremony,
        room: RoomClient,
        emit: Callable[[events.Event], None],
        standing: TrustLookup,
        offers: Callable[[], tuple[Offer, ...]],
        *,
        locked: Confinement | None,
        alarm: Alarm = lambda name, did: "",
        lobby: LobbyOfHost | None = None,
        returning: bool = False,
        whole: int = 0,
    ) -> None:
        self.files: dict[str, bytes] = {}
        self.roster: tuple[Member, ...] = ()
        self._core = core
        self._room = room
        self._emit = emit
        self._standing = standing
        self._offers = offers
        self._locked = locked
        self._alarm = alarm
        self._lobby = lobby
        self._returning = returning  # the host can come back to the room
        self._whole = whole  # of a group, whose members nobody replaces there: how many they are
        if lobby is not None:
            lobby.driver = self
        self._alarmed: set[str] = set()
        self._came: dict[str, heard.GuestCame] = {}  # who wants to come in, has a seat, or was let in
        self._in_lobby = False  # the host's person has been asked what to do
        self._outside = False  # a guest whom the host did not let in, and who may be called back
        self._seats: set[str] = set()  # of them, about whom the person decides by accepting
        self._said: set[str] = set()  # why it may have to begin again, as the person was told already
        self._index = 0  # of the record that is being read
        self._hellos: dict[str, int] = {}  # where the last hello of a guest stands, by did
        self._let_in = Counter[str]()
        self._digest = b""  # of the words that the person saw last
        self._allowed: tuple[str, ...] = ()  # networks that all have agreed to; empty: all of them
        self._last: asyncio.Future[int] | None = None
        self._host_did = self._host_name = self._entry = ""
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[Sealed] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    async def sealed(self) -> Sealed:
        """Wait until all have signed; raises HuddleError where that fails."""
        reader = asyncio.create_task(self._read(), name="room")
        watching = self._watch_host() if isinstance(self._core, GuestCeremony) else self._watch_group()
        watcher = asyncio.create_task(watching, name="host watch")
        self._step()
        try:
            return await self._done
        finally:
            for task in (reader, watcher):
                task.cancel()
            await asyncio.gather(reader, watcher, return_exceptions=True)
            if self._timer is not None:
                self._timer.cancel()

    def admit(self, did: str) -> None:
        """Let a waiting guest in."""
        self._core.handle_timer(self._loop.time())
        came = self._came.get(did)
        if came is not None and isinstance(self._core, HostCeremony):
            self._seats.discard(did)
            self._let_write(did)
            self._core.admit(came.hello)
            self._party(did, came.name, "admitted")
            self._step()

    def seat(self, did: str) -> None:
        """Give a waiting guest a seat; the person decides about them by `accept`."""
        self._core.handle_timer(self._loop.time())
        came = self._came.get(did)
        if came is not None and isinstance(self._core, HostCeremony):
            self._seats.add(did)
            self._let_write(did)  # who has a seat takes part in the ceremony
            self._core.seat(came.hello)
            self._party(did, came.name, "seated")
            self._step()

    def refuse(self, did: str, reason: str) -> None:
        """Turn a guest away; one who is in already costs an epoch. `admit` calls back one who stays."""
        self._core.handle_timer(self._loop.time())
        came = self._came.get(did)
        if came is not None and isinstance(self._core, HostCeremony):
            self._seats.discard(did)
            self._core.refuse(came.hello, reason)
            self._party(did, came.name, "refused", reason)
            if self._lobby is not None:
                self._lobby.seat_is_free()
            self._step()

    def accept(self) -> None:
        """This party takes part: with these people, in this program.

        Raises LocalError where it allows none of the networks that the session may use.
        """
        self._core.handle_timer(self._loop.time())
        mine = tuple(offer for offer in self._offers() if not self._allowed or offer.network in self._allowed)
        # By that one nobody says anything to anybody of Huddle's.
        if all(offer.network == registry.for_outsiders().name for offer in mine):
            raise LocalError(
                f"This session is held over {', '.join(self._allowed)} only, which you do not allow.",
                hint="Join again with another --network, or talk to the host.",
            )
        offers: Mapping[int, tuple[Offer, ...]] = {
            member.pid: mine for member in self.roster if member.did != self._core.did
        }
        try:
            self._core.accept(offers, digest=self._digest)
        except LocalError as crossed:  # a new epoch has begun: its own question follows
            self._emit(events.Notice(_sentence(crossed)))
        else:
            for did in sorted(self._seats & {member.did for member in self.roster}):
                self._party(did, self._came[did].name, "admitted")
            self._seats.clear()
        self._step()

    def differ(self) -> None:
        """This person sees other words than the others."""
        self._core.handle_timer(self._loop.time())
        try:
            self._core.differ(digest=self._digest)
        except LocalError as crossed:
            self._emit(events.Notice(_sentence(crossed)))
        self._step()

    def not_now(self, reason: str) -> None:
        """This party takes no part in what is proposed, and stays in the lobby."""
        self._core.handle_timer(self._loop.time())
        try:
            if isinstance(self._core, HostCeremony):
                self._core.hold(reason)
            else:
                self._core.not_now(reason)
        except LocalError as crossed:
            self._emit(events.Notice(_sentence(crossed)))
        self._step()

    def propose(self) -> None:
        """The host's person: go on once all seats are taken. Raises LocalError where nobody is here."""
        if isinstance(self._core, HostCeremony):
            self._core.propose()
            self._in_lobby = False
            self._step()

    def change(
        self, reason: str, program: Program | None = None, manifest: Manifest | None = None, parties: int = 0
    ) -> None:
        """The host's person: propose this program, or to so many parties; LocalError where that can't be."""
        if isinstance(self._core, HostCeremony):
            options = files = None
            if program is not None and manifest is not None:
                follow = manifest.size > MAX_CEREMONY
                options = replace(self._core.options, files_follow=follow)
                files = {} if follow else program.files
            self._core.change(
                reason, manifest=manifest, files=files, options=options, parties=parties or None
            )
            self._step()

    def decline(self, reason: str) -> None:
        """This party does not take part."""
        self._core.handle_timer(self._loop.time())
        self._core.decline(reason)
        self._step()

    async def leave(self, reason: str) -> None:
        """Say goodbye in the room; bounded."""
        self._core.leave(reason)
        self._send()
        if self._last is not None:
            with contextlib.suppress(TimeoutError, HuddleError):
                await asyncio.wait_for(self._last, FAREWELL)

    async def _read(self) -> None:
        try:
            async for index, record in self._room:
                self._index = index
                self._core.receive(record, self._loop.time())
                self._step()
        except Exception as error:
            self._fail(unexpected(error))

    async def _watch_host(self) -> None:
        """A guest does not wait for ever for a host that is not there any more."""
        most = room_watch.HOST_RETURNS if self._returning else HOST_MISSED
        await room_watch.host_missed(self._room, most, self._on_silent_host)
        self._fail(host_gone(self._host_name or "the host", most))

    def _on_silent_host(self, silent: bool) -> bool:
        if not (name := self._host_name):
            return False
        state, detail = ("silent", "not in the room now") if silent else ("admitted", "")
        self._party(self._host_did, name, state, detail)
        if silent and self._returning:
            self._emit(events.Notice(f"{name}'s connection ended. Waiting for {name} to come back."))
        return True

    async def _watch_group(self) -> None:
        """The first of a group does not wait for ever for a member who has gone, or never came."""
        if self._whole:
            await room_watch.member_missed(self._room, self._whole)
            away = f"Somebody of the group has not been in its room for {room_watch.MEMBER_MISSED:.0f} s."
            self._fail(PeerError(away, peer="", hint="Whoever is left can be dealt again."))

    def _step(self) -> None:
        """Send and tell what the core has, and come back when it wants to."""
        self._send()
        for event in self._core.events():
            self._tell(event)
        self._send()
        self._ask_in_lobby()
        if self._timer is not None:
            self._timer.cancel()
        due = self._core.next_timer()
        self._timer = None if due is None or self._done.done() else self._loop.call_at(due, self._on_timer)

    def _ask_in_lobby(self) -> None:
        core = self._core
        if isinstance(core, HostCeremony) and core.held and core.state is CeremonyState.GATHERING:
            if not self._in_lobby:
                self._in_lobby = True
                self._emit(events.Question("lobby"))

    def _on_timer(self) -> None:
        try:
            self._core.handle_timer(self._loop.time())
            self._step()
        except Exception as error:
            self._fail(unexpected(error))

    def _send(self) -> None:
        for record in self._core.records_to_send():
            self._last = self._room.append(record)

    def _fail(self, error: HuddleError) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    def _party(self, did: str, name: str, state: str, detail: str = "", pid: int | None = None) -> None:
        self._emit(events.Party(name, did, state, self._standing(name, did), pid, detail))
        if did not in self._alarmed and (alarm := self._alarm(name, did)):
            self._alarmed.add(did)
            self._emit(events.Notice(f"{alarm}: somebody may be posing as that person."))

    def _tell(self, event: heard.CeremonyEvent) -> None:  # noqa: C901 - one case an event
        match event:
            case heard.GuestCame():
                self._on_guest(event)
            case heard.GuestLeft(did, name, reason):
                self._came.pop(did, None)
                self._seats.discard(did)
                self._said.add(departed(name, reason))
                self._party(did, name, "left", reason)
                if self._lobby is not None:
                    self._lobby.seat_is_free()
            case heard.SaidNo(did, name, reason):
                self._said.add(f"{name} {parting(reason, stays=True)}")
                self._emit(events.Notice(f"{name} said no: {reason}"))
            case heard.LobbyChanged(place, here, missing, parties, full):
                self._outside = place == "refused"
                self._emit(events.Lobby(place, here, missing, parties, full))
            case heard.HostCame(did, name):
                self._host_did, self._host_name = did, name
                self._party(did, name, "admitted")
            case heard.Proposed(roster=roster, options=options, manifest=manifest):
                self._forget_others(roster)
                self.roster = roster
                if self._outside:
                    self._outside = False
                    here = tuple(member.name for member in roster)
                    self._emit(events.Lobby("admitted", here, (), len(here), True))
                self._allowed = options.networks
                self._entry = manifest.entry
                self._host_did = roster[0].did
                for member in roster:
                    detail = "runs plain MPyC" if member.plain == outsiders.END else ""
                    state = "seated" if member.did in self._seats else "admitted"
                    self._party(member.did, member.name, state, detail, pid=member.pid)
                if self._impossible(roster):
                    return
                self._emit(told.program_event(manifest, self._locked))
                for text in (*told.terms(event), *told.outsiders_explained(roster)):
                    self._emit(events.Notice(text))
            case heard.WordsReady(epoch, words, digest):
                self._digest = digest
                self._emit(events.Words(words, epoch))
            case heard.WordsDiffer(did, name, epoch):
                self._said.add(f"{name} saw other words")
                self._emit(events.WordsDiffer(name, did, epoch))
            case heard.FilesReady(files):
                self.files = files
                for text in filter(None, (needs(self._entry, files), *lookalikes(files))):
                    self._emit(events.Notice(text))
                self._emit(events.Question("accept", self.roster[0].name, self._host_did))
            case heard.Accepted(pid):
                self._party(self.roster[pid].did, self.roster[pid].name, "accepted", pid=pid)
            case heard.Restarted(epoch, reason):
                self.files = {}
                self._emit(events.Restarted(epoch, reason))
                held = isinstance(self._core, HostCeremony) and self._core.held
                if not self._outside:  # what begins again is the others'
                    for notice in told.begun_again(reason, told=reason in self._said, held=held):
                        self._emit(notice)
                self._said.clear()
            case heard.SessionSealed(sealed):
                if not self._done.done():
                    self._done.set_result(sealed)
            case heard.CeremonyNotice(text):
                self._said.add(text)
                self._emit(events.Notice(text))
            case heard.Failed(error):
                self._fail(error)

    def _forget_others(self, roster: tuple[Member, ...]) -> None:
        """Tell a guest who has no part in it any more; why, was said. A host knows that."""
        dids = {member.did for member in roster}
        for member in self.roster if isinstance(self._core, GuestCeremony) else ():
            if member.did not in dids:
                self._party(member.did, member.name, "left")

    def _impossible(self, roster: tuple[Member, ...]) -> bool:
        """Whether these can't be linked with those among them who run plain MPyC; then it ends here."""
        problem = told.outsiders_problem(roster)
        if problem is not None:
            self._core.leave(shorten(problem.message))
            self._send()
            self._fail(problem)
        return problem is not None

    def _on_guest(self, event: heard.GuestCame) -> None:
        self._came[event.did] = event
        self._hellos[event.did] = self._index
        self._party(event.did, event.name, "waiting")
        if event.admitted:
            self._let_write(event.did)
            self._party(event.did, event.name, "seated" if event.did in self._seats else "admitted")
        else:
            self._emit(events.Question("admit", event.name, event.did))

    def _let_write(self, did: str) -> None:
        """Tell the rendezvous that whoever wrote this guest's hello takes part."""
        self._let_in[did] += 1
        if self._let_in[did] <= _COMES_AGAIN:
            self._room.admit(self._hellos[did])
