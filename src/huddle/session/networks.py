"""From what a person chose to the networks of a session; which there are is the registry's."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

from huddle import events
from huddle.errors import LocalError, NetworkError
from huddle.identity.crypto import Crypto
from huddle.networks import registry
from huddle.networks.base import Network, NetworkContext
from huddle.networks.outsiders import OutsiderPart
from huddle.session.platform import Platform
from huddle.session.settings import Settings


def context(
    settings: Settings, crypto: Crypto, rendezvous: str, notice: Callable[[str], None], helper: Any = None
) -> NetworkContext:
    """What the networks of a session are made with.

    `notice` tells the person something, such as what a killed session had left here.
    """
    return NetworkContext(
        rendezvous,
        crypto,
        near=urlsplit(rendezvous).hostname in ("127.0.0.1", "::1", "localhost"),
        via=settings.via,
        advertise=settings.advertise,
        port=settings.port,
        notice=notice,
        helper=helper,
    )


async def create(settings: Settings, made_with: NetworkContext, *, in_browser: bool) -> list[Network]:
    """The networks that the person chose, as far as this place has them, in the registry's order.

    Who chose by `auto` can do without those whose libraries or daemons are not here; whoever names a network,
    or sets its options, is told why it does not work, when it is opened.
    """
    usual = registry.automatic(in_browser=in_browser)
    by_auto = usual if set(usual) <= set(settings.networks) else ()
    made = []
    for kind in registry.kinds():
        if (
            kind.name not in settings.networks
            or not kind.links_parties
            or (in_browser and not kind.in_browser)
        ):
            continue
        options = settings.options_of(kind)
        if kind.name in by_auto and kind.unconfigured(options):
            continue
        if kind.name in by_auto and options == kind.Options() and await kind.problem():
            continue
        made.append(kind.create(made_with, options))
    return made


def outsider_part(settings: Settings, made_with: NetworkContext, *, in_browser: bool) -> OutsiderPart | None:
    """This party's part where somebody runs plain MPyC, not yet open; None where it has none."""
    kind = registry.for_outsiders()
    if settings.plain_end:
        return kind.outsider(made_with)
    chosen = kind.name in settings.networks and (kind.in_browser or not in_browser)
    return kind.participant(made_with) if chosen else None


async def opened(
    settings: Settings,
    platform: Platform,
    rendezvous: str,
    emit: Callable[[events.Event], None],
    stack: AsyncExitStack,
) -> tuple[list[Network], OutsiderPart | None]:
    """The networks that could be opened, and this party's part where somebody runs plain MPyC.

    The stack closes them. What is left out is told by a notice; raises NetworkError where nothing is left.
    """

    def notice(text: str) -> None:
        emit(events.Notice(text))

    made_with = context(settings, platform.crypto, rendezvous, notice, platform.helper)
    failed: NetworkError | None = None
    open_ones = []
    for network in await create(settings, made_with, in_browser=platform.in_browser):
        try:
            await network.open()
        except NetworkError as error:
            failed = error
            notice(f"The network {network.name} is left out: {error.message}")
            continue
        stack.push_async_callback(network.close)
        open_ones.append(network)
    if not open_ones:
        raise failed or LocalError("No network was chosen.")
    return open_ones, await _opened_plain(settings, platform, made_with, notice, stack)


async def _opened_plain(
    settings: Settings,
    platform: Platform,
    made_with: NetworkContext,
    notice: Callable[[str], None],
    stack: AsyncExitStack,
) -> OutsiderPart | None:
    part = outsider_part(settings, made_with, in_browser=platform.in_browser)
    if part is None:
        return None
    stack.push_async_callback(part.close)
    try:
        await part.open()
    except NetworkError as error:
        notice(f"The network {part.network} is left out: {error.message}")
        return None
    return part
