"""A UDP port as others see it, learnt from a STUN server for somebody who then uses that port.

What a router keeps for a port, it keeps for whoever has the port next. It forgets after a while without
packets; many then give the same outer port again.
"""

import asyncio
import ipaddress
from contextlib import suppress

from huddle.errors import HuddleError
from huddle.networks.reach import addresses, nat
from huddle.rendezvous import ice
from huddle.rendezvous.client import dialing


async def stun_server(url: str, *, within: float) -> tuple[str, int] | None:
    """Where the rendezvous at `url` answers STUN; None where it does not say."""
    with suppress(HuddleError):
        port = (await ice.ask(url, within=within)).stun
        if port:
            host, _, number = dialing.stun_url(url, port).removeprefix("stun:").rpartition(":")
            return host.strip("[]"), int(number)
    return None


async def outer(url: str, host: str, *, within: float) -> tuple[int, tuple[str, int] | None]:
    """A UDP port of that address of ours, free again, and how the rendezvous's STUN server sees it.

    None instead of the latter where it does not answer in time, or sees nothing new.
    """
    server: tuple[str, int] | None = None
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            server = await stun_server(url, within=within)
    port, seen = await nat.outer(server, host, within)
    if seen is None or seen[0] in {str(local.ip) for local in addresses.local_addresses()}:
        return port, None
    return port, None if ipaddress.ip_address(seen[0]).is_loopback else seen
