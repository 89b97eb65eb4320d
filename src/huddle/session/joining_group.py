"""A guest's way through a class: the front room, the session of its group, and back after a loss."""

from contextlib import AsyncExitStack

from huddle.ceremony.invitation import Invitation
from huddle.errors import PeerError
from huddle.groups.front_room import FrontRoom
from huddle.rendezvous.client.room import RoomGone
from huddle.session.group_seat import Decider, GroupSeat
from huddle.session.hosting import host
from huddle.session.joining import join
from huddle.session.plans import GuestPlan, HostPlan
from huddle.session.platform import ProgramRuntime
from huddle.session.room_keeping import MAX_RETURNS
from huddle.session.stages import Stages
from huddle.session.tasks import whole_stack

MAX_PLACES = 1 + MAX_RETURNS  # in groups, one after another: each shows words again
DEALT_AGAIN = "You are still in the class, and wait until its host deals the groups again."


async def join_group(
    stages: Stages,
    plan: GuestPlan,
    invitation: Invitation,
    runtime: ProgramRuntime,
    stack: AsyncExitStack,
    decider: Decider,
) -> bool:
    """Take part in whatever group this guest is dealt to, also again after a loss; whether all was well."""
    me = stages.identity
    front = await FrontRoom.enter(
        stages.crypto,
        me,
        invitation,
        stages.settings.name,
        runtime.software,
        stack,
        patient=plan.patient,
    )
    places = 0
    while True:
        seat = stages.group = await GroupSeat.take(front, decider, me.did, stages.emit, stages.standing)
        places += 1
        session = _in_group(stages, seat.plan(plan), seat, decider)
        try:
            return await seat.hold(session, lambda: stages.together is not None)
        except (PeerError, RoomGone) as error:
            if seat.is_last or places == MAX_PLACES or not _has_lost_somebody(stages):
                raise
            lost = error.message.removesuffix(".")
        stages.begin_anew(lost, DEALT_AGAIN)
        seat.leave()


async def _in_group(stages: Stages, plan: HostPlan | GuestPlan, seat: GroupSeat, decider: Decider) -> bool:
    async with whole_stack() as stack:
        if isinstance(plan, HostPlan):
            return await host(stages, plan, stack, seat)
        return await join(stages, plan, stack, decider)


def _has_lost_somebody(stages: Stages) -> bool:
    """Whether the group's session could not go on without somebody, rather than that it went wrong."""
    if stages.together is None:
        return True  # nobody has a session yet, so all that can be wrong there is with who takes part
    return bool(stages.together.regrouping.lost or stages.together.regrouping.wanted)
