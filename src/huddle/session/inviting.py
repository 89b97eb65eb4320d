"""The ways into a room that its host tells: the link, and a short code for as many as may come."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from huddle import events
from huddle.ceremony.invitation import Invitation
from huddle.identity.crypto import Crypto
from huddle.session.plans import GroupsPlan, HostPlan

Emit = Callable[[events.Event], None]


async def invite(
    crypto: Crypto, invitation: Invitation, plan: HostPlan | GroupsPlan, stack: AsyncExitStack, emit: Emit
) -> Callable[[], Awaitable[None]]:
    """Tell the link and a short code; what ends the code."""
    from huddle.shortcode.driver import SpokenCode  # its groups take long to set up: not for guests

    guests = plan.session.parties * plan.groups if isinstance(plan, GroupsPlan) else plan.parties - 1
    spoken = await SpokenCode.open(crypto, invitation, guests, stack, lambda text: emit(events.Notice(text)))
    emit(events.Invitation(invitation.url, spoken.text))
    return spoken.close
