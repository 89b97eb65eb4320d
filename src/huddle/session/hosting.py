"""A host's session: a room of its own, a lobby, the sealed session, and again where somebody was lost.

After a loss the host makes another room, tells those who are still here over the sealed session's links, and
waits for somebody else there (`huddle.session.regrouping`).
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from huddle import events
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.invitation import Invitation, rendezvous_url
from huddle.ceremony.manifest import MAX_CEREMONY, Flags
from huddle.ceremony.messages import Options, Software
from huddle.errors import LocalError, RendezvousError
from huddle.rendezvous.client.room import OWNER_KEY, RoomClient
from huddle.running.spec import check_arguments
from huddle.session.calling import call, place_of
from huddle.session.host_lobby import HostLobby
from huddle.session.plans import HostPlan
from huddle.session.platform import ProgramRuntime
from huddle.session.room_keeping import KeptRoom
from huddle.session.sealed_session import SealedSession
from huddle.session.stages import Stages, delete
from huddle.session.tasks import whole_stack

if TYPE_CHECKING:
    from huddle.session.group_seat import GroupSeat

STAYED = "The others keep their seats."
FREE = "Whoever gets the new link or code can take the free seat; new words follow."
AGAIN = "`huddle host --again` goes on with the link that you sent then."
ON_THE_PAGE = "The first screen of this page goes on with the link that you sent."
ALL_HERE = "All are still here and keep their seats; new words follow when you go on."


async def host(
    stages: Stages, plan: HostPlan, stack: AsyncExitStack, seat: "GroupSeat | None" = None
) -> bool:
    """Host the planned session to its end; whether all runs went well. `seat`: as the first of a group."""
    if plan.threshold is not None and not 0 <= 2 * plan.threshold < plan.parties:
        raise LocalError(
            f"A threshold of {plan.threshold} does not fit {plan.parties} parties.",
            hint=f"It can be from 0 to {(plan.parties - 1) // 2}: fewer than half of the parties.",
        )
    check_arguments(plan.program.args, stages.settings.private_args)
    runtime = await stages.prepare()
    if seat is None:  # what a group runs was locked by who dealt it
        plan = replace(plan, program=await stages.platform.locked(plan.program, runtime))
    before = stages.rooms.before if seat is None else None
    embedded = before.embedded if before is not None else not plan.rendezvous
    plan = replace(plan, rendezvous=await _rendezvous(stages, plan, before, stack))
    if before is None and seat is None and (left := stages.rooms.left) is not None:
        stages.notice(f"You left a session of {left.program} before its start. {AGAIN}")
    hosting = Hosting(stages, runtime, stack, seat, embedded=embedded)
    await hosting.open(plan, seat.invitation if seat else None, before)
    if plan.expected is not None and seat is None:
        stages.emit(events.Expected(plan.expected.names))
    try:
        while (following := await hosting.session(plan)) is not None:
            plan = following
    except RendezvousError:  # nobody has said goodbye: one can come back, as after a crash
        if hosting.kept:
            stages.notice(ON_THE_PAGE if stages.platform.in_browser else AGAIN)
        raise
    except BaseException:
        stages.rooms.drop()
        raise
    return stages.result(hosting.well)


async def _rendezvous(stages: Stages, plan: HostPlan, before: KeptRoom | None, stack: AsyncExitStack) -> str:
    """Where guests meet: as the person says, where they did before, or in this process."""
    wanted = plan.rendezvous
    if before is None:
        if wanted:
            return wanted
        met_at = [place_of(contact).rendezvous for contact in map(stages.contacts.meant, plan.called)]
        url, reach = await stages.platform.embed(stages.settings, stack, met_at[0] if met_at else "")
        stages.notice(reach)
        return url
    known = before.invitation(stages.identity.did).rendezvous
    if wanted and rendezvous_url(wanted) != known:
        raise LocalError(
            f"The link that you sent leads to {known}.",
            hint="Leave --rendezvous out, or host without --again.",
        )
    if before.embedded:
        url, reach = await stages.platform.embed(stages.settings, stack, known)
        if url != known:
            raise LocalError(
                f"The link that you sent leads to {known}, and this machine is at {url} now.",
                hint="Host without --again, by a new link.",
            )
        stages.notice(reach)
    return known


class Hosting:
    """The rooms and sessions of one host, one after another; `well` once all runs of the last went well."""

    def __init__(
        self,
        stages: Stages,
        runtime: ProgramRuntime,
        stack: AsyncExitStack,
        seat: "GroupSeat | None",
        *,
        embedded: bool = False,
    ) -> None:
        self.well = False
        self.kept = False  # so that the host can come back, until the start
        self._stages = stages
        self._runtime = runtime
        self._stack = stack
        self._seat = seat
        self._embedded = embedded  # the rendezvous runs in this process
        self._stayed: Mapping[str, str] | None = None  # names, by did, from the session before

    async def open(
        self, plan: HostPlan, invitation: Invitation | None = None, before: KeptRoom | None = None
    ) -> None:
        """Make the room where guests meet this host; `before`: the same one as then, anew."""
        stages, url = self._stages, plan.rendezvous or ""
        if before is not None:
            invitation, key = before.invitation(stages.identity.did), before.owner_key
            lifetime = max(1, int(before.expires - time.time()))
            room = bytes.fromhex(invitation.room_id)
            async with RoomClient(url, room, create=True, owner_key=key) as left:
                await left.delete()
        else:
            invitation = invitation or Invitation.fresh(stages.crypto, url, stages.identity.did)
            key, lifetime = stages.crypto.random(OWNER_KEY), 0
            room = bytes.fromhex(invitation.room_id)
        self._invitation = invitation
        self._room = RoomClient(url, room, create=True, owner_key=key, lifetime=lifetime)
        await stages.enter(self._room, self._stack)
        self._stack.push_async_callback(delete, self._room)
        if self._seat is None:
            self._keep(plan, key, before)

    def _keep(self, plan: HostPlan, key: bytes, before: KeptRoom | None) -> None:
        if before is not None:
            kept = before.returned()
        else:
            expires = self._room.state.expires or time.time()
            kept = KeptRoom(self._invitation.url, key, self._embedded, expires, plan.program.entry)
        self.kept = self._stages.rooms.keep(kept)

    async def session(self, plan: HostPlan) -> HostPlan | None:
        """One session, from its lobby to its end; the plan of the next one where somebody was lost."""
        stages, seat = self._stages, self._seat
        async with whole_stack() as stack:
            await stages.open_networks(self._invitation.rendezvous, stack)
            stages.present("admitted")
            core, lobby = self._lobby(plan, stack)
            if seat is not None:
                seat.opened()
            elif core.free:
                await lobby.open(core.free)
            away = [did for did in plan.called if did not in (self._stayed or ())]
            calls = call(stages, away, self._invitation, stack) if away else []
            sealed = await stages.meet(core, self._room, self._runtime)
            stages.rooms.drop()
            self.kept = False
            await lobby.close()
            for one in calls:
                await one.close()
            together = stages.seal(
                sealed, self._runtime, self._invitation.rendezvous, stack, lobby=plan.lobby
            )
            self.well = await stages.run(lobby.files, self._room)
            if not (together.is_cut_short and together.regrouping.may):
                return None
            await self.open(plan)
            reason = self._call(together)
        what = (f"{STAYED} {FREE}" if self._stayed else FREE) if together.regrouping.lost else ALL_HERE
        stages.begin_anew(reason, what)
        return replace(plan, program=together.program or lobby.program, parties=len(sealed.roster))

    def _lobby(self, plan: HostPlan, stack: AsyncExitStack) -> tuple[HostCeremony, HostLobby]:
        stages, runtime, program = self._stages, self._runtime, plan.program
        flags = Flags(plan.threshold, plan.no_prss)
        manifest = program.manifest(flags, (Software("mpyc", runtime.interpreter.mpyc),))
        options = Options(
            record=plan.record,
            files_follow=manifest.size > MAX_CEREMONY,
            stay=plan.stay,
            networks=stages.settings.networks,
        )
        lobby = stages.lobby = HostLobby(
            stages.crypto, self._invitation, program, flags, stages.platform, runtime, stages.emit, stack
        )
        stack.push_async_callback(lobby.close)
        core = HostCeremony(
            stages.crypto,
            stages.identity,
            self._invitation,
            name=stages.settings.name,
            software=stages.software(runtime),
            manifest=manifest,
            files={} if options.files_follow else program.files,
            parties=plan.parties,
            options=options,
            order=plan.expected.rank if plan.expected is not None else lambda name: 0,
            lobby=plan.lobby,
            stayed=self._stayed,
            held=self._stayed is not None and len(self._stayed) + 1 == plan.parties,
            now=asyncio.get_running_loop().time(),
        )
        lobby.attend(core)
        return core, lobby

    def _call(self, together: SealedSession) -> str:
        """Tell all who are still here where it goes on; the reason."""
        roster, regrouping = together.sealed.roster, together.regrouping
        names = [roster[pid].name for pid in sorted(regrouping.lost)]
        were = "were" if len(names) > 1 else "was"
        reason = f"{' and '.join(names)} {were} lost" if names else "two guests have lost each other"
        regrouping.call(self._invitation, reason)
        self._stayed = {roster[pid].did: roster[pid].name for pid in regrouping.stayed()}
        return reason
