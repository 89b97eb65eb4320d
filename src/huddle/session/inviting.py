"""The ways into a room that its host tells: the link, and a short code for as many as may come."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from huddle import events
from huddle.ceremony.invitation import Invitation
from huddle.identity.crypto import Crypto

if TYPE_CHECKING:
    from huddle.shortcode.driver import SpokenCode

Emit = Callable[[events.Event], None]


async def invite(
    crypto: Crypto, invitation: Invitation, guests: int, stack: AsyncExitStack, emit: Emit
) -> "SpokenCode":
    """Tell the link and a short code for so many guests; the code, to be closed."""
    from huddle.shortcode.driver import SpokenCode  # its groups take long to set up: not for guests

    spoken = await SpokenCode.open(crypto, invitation, guests, stack, lambda text: emit(events.Notice(text)))
    emit(events.Invitation(invitation.url, spoken.text))
    return spoken
