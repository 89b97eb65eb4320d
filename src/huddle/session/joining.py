"""A guest's session: the host's room, the sealed session, and again where the host goes on after a loss."""

import asyncio
from contextlib import AsyncExitStack

from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.manifest import Flags
from huddle.ceremony.messages import Software
from huddle.groups.front_room import FrontRoom
from huddle.rendezvous.client.room import RoomClient
from huddle.running.spec import check_arguments
from huddle.session.calling import answered, caller
from huddle.session.group_seat import Decider, GroupSeat
from huddle.session.hosting import host
from huddle.session.patience import told_if_slow
from huddle.session.plans import GuestPlan, HostPlan, digest_of
from huddle.session.platform import ProgramRuntime
from huddle.session.sealed_session import SealedSession
from huddle.session.stages import Stages
from huddle.session.tasks import whole_stack
from huddle.shortcode.code import looks_like_code

ANEW = "You keep your seat and need not join again. Somebody else can take the free one; new words follow."


async def join(stages: Stages, plan: GuestPlan, stack: AsyncExitStack, decider: Decider) -> bool:
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
        return await _join_group(stages, plan, invitation, runtime, stack, decider)
    following: Invitation | None = invitation
    while following is not None:
        well, following = await _session(stages, plan, following, runtime)
    return stages.result(well)


async def _join_group(
    stages: Stages,
    plan: GuestPlan,
    invitation: Invitation,
    runtime: ProgramRuntime,
    stack: AsyncExitStack,
    decider: Decider,
) -> bool:
    me = stages.identity
    front = await FrontRoom.enter(
        stages.crypto, me, invitation, stages.settings.name, runtime.software, stack
    )
    stages.group = await GroupSeat.take(front, decider, me.did, stages.emit, stages.standing)
    found = stages.group.plan(plan)
    if isinstance(found, HostPlan):
        return await host(stages, found, stack, stages.group)
    return await join(stages, found, stack, decider)


async def _session(
    stages: Stages, plan: GuestPlan, invitation: Invitation, runtime: ProgramRuntime
) -> tuple[bool, Invitation | None]:
    """One session; whether its runs went well, and the invitation to the next where somebody was lost."""
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
            now=asyncio.get_running_loop().time(),
        )
        sealed = await stages.meet(core, room, runtime)
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
