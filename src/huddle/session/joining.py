"""A guest's session: the host's room, the sealed session, and again where the host goes on after a loss."""

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.manifest import Flags
from huddle.ceremony.messages import Software
from huddle.errors import RendezvousError
from huddle.rendezvous.client.room import RoomClient, RoomGone
from huddle.running.spec import check_arguments
from huddle.session.calling import answered, caller
from huddle.session.patience import told_if_slow
from huddle.session.plans import GuestPlan, digest_of
from huddle.session.platform import ProgramRuntime
from huddle.session.room_keeping import MAX_RETURNS
from huddle.session.room_watch import HOST_RETURNS
from huddle.session.sealed_session import SealedSession
from huddle.session.stages import Stages
from huddle.session.tasks import whole_stack
from huddle.shortcode.code import looks_like_code

if TYPE_CHECKING:
    from huddle.session.group_seat import Decider

BACK = "You keep your seat and need not join again; new words follow."
MADE_ANEW = 15.0  # seconds for a host to make the room anew that it has just deleted
_LOOK_AGAIN = 1.0  # seconds between two looks whether the room is there
ANEW = "You keep your seat and need not join again. Somebody else can take the free one; new words follow."


async def join(stages: Stages, plan: GuestPlan, stack: AsyncExitStack, decider: "Decider") -> bool:
    """Take part in the planned session to its end; whether all runs went well."""
    digest_of(plan.digest)
    check_arguments((), stages.settings.private_args)
    runtime = await stages.prepare()
    if looks_like_code(plan.invitation):
        from huddle.shortcode.driver import redeem

        with told_if_slow(plan.rendezvous, stages.notice):
            invitation = await redeem(stages.crypto, plan.invitation, plan.rendezvous)
    elif (contact := caller(stages.contacts, plan.invitation)) is not None:
        invitation = await answered(stages, contact, plan.rendezvous)
    else:
        invitation = Invitation.parse(plan.invitation)
    if invitation.groups:
        from huddle.session.joining_group import join_group  # only who is in a class waits for its import

        return await join_group(stages, plan, invitation, runtime, stack, decider)
    following: Invitation | None = invitation
    returns = 0
    while (here := following) is not None:
        try:
            well, following = await _session(stages, plan, here, runtime, back=returns > 0)
        except HostIsAway as away:
            returns += 1
            if returns > MAX_RETURNS:
                raise away.gone from away
            waiting = f"Waiting for {away.host} to come back. {BACK}"
            stages.begin_anew(f"{away.host}'s connection ended", waiting)
            await _host_is_back(here, away.gone)
    return stages.result(well)


class HostIsAway(Exception):
    """The room has gone before the start, and its host said no goodbye: it may come back to the same room."""

    def __init__(self, host: str, gone: RoomGone) -> None:
        super().__init__(gone.message)
        self.host = host
        self.gone = gone


async def _host_is_back(invitation: Invitation, gone: RoomGone) -> None:
    """Wait until the room is there again; raises `gone` where it does not come in time."""
    loop = asyncio.get_running_loop()
    # Its host alone deletes a room: to make it anew at once, or never, where a goodbye was not heard.
    until = loop.time() + (MADE_ANEW if gone.reason == "deleted" else HOST_RETURNS)
    while True:
        try:
            async with RoomClient(invitation.rendezvous, bytes.fromhex(invitation.room_id)):
                return
        except RendezvousError:  # nor is the rendezvous, if it is the host's own
            if loop.time() > until:
                raise gone from None
        await asyncio.sleep(_LOOK_AGAIN)


async def _session(
    stages: Stages, plan: GuestPlan, invitation: Invitation, runtime: ProgramRuntime, *, back: bool
) -> tuple[bool, Invitation | None]:
    """One session; whether its runs went well, and the invitation to the next where somebody was lost.

    `back`: the host has come back to the room. Raises HostIsAway where it has gone before the start.
    """
    flags = Flags(plan.threshold, plan.no_prss)
    async with whole_stack() as stack:
        room = RoomClient(invitation.rendezvous, bytes.fromhex(invitation.room_id))
        own = plan.own.manifest(flags, (Software("mpyc", runtime.interpreter.mpyc),)) if plan.own else None
        await stages.enter(room, stack)
        await stages.open_networks(invitation.rendezvous, stack)
        stages.present("waiting")
        core = GuestCeremony(
            stages.crypto,
            stages.identity,
            invitation,
            name=stages.settings.name,
            software=stages.software(runtime),
            own=own,
            optional=plan.own.optional if plan.own else frozenset(),
            program_digest=digest_of(plan.digest),
            record=plan.record,
            patient=plan.patient,
            now=asyncio.get_running_loop().time(),
        )
        try:
            sealed = await stages.meet(core, room, runtime)
        except RoomGone as gone:
            may = stages.group is None and gone.reason != "expired"
            if not (may and (core.host or back)):
                raise
            raise HostIsAway(core.host or "the host", gone) from gone
        together = stages.seal(sealed, runtime, invitation.rendezvous, stack, lobby=False)
        well = await stages.run({}, room)
        following = await _following(stages, together)
    if following is not None:
        stages.begin_anew(together.regrouping.reason, ANEW)
    return well, following


async def _following(stages: Stages, together: SealedSession) -> Invitation | None:
    """Where the host goes on with those who are left, if it does."""
    if not together.is_cut_short:
        return None
    regrouping = together.regrouping
    if regrouping.may and not regrouping.over:
        stages.notice(f"Waiting for {together.sealed.roster[0].name}, who may let somebody else in.")
    return regrouping.invitation if await regrouping.host_s_word() else None
