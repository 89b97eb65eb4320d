"""Two parties wait for each other until both their tailscaleds can reach the other's machine.

A new machine is in the network map of others before its addresses are: for a second they know that it is
there and not where. WireGuard's first message to such a peer is taken, but not answered, as there is no way
back; and no other is sent, by either side, for five seconds. So nobody says anything in the tailnet before
both have a way:

    channel = 16 bytes of HKDF(the pair's secret, "huddle/1 headscale ready"), where each comes that has one
    message = one byte, which says no more than that

Who passes these on can at most bring back the five seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable

from huddle.errors import NetworkError
from huddle.networks.base import PeerOffer
from huddle.networks.pairing import paired
from huddle.networks.tailscale.api import Node
from huddle.rendezvous.client import dialing

_CHANNEL = b"huddle/1 headscale ready"
_LOOK = 0.1  # seconds between two looks at the network map
_MEET = 20.0  # seconds for the other one to come, in one attempt
_SAID = 5.0  # and then to say so


async def both_ready(url: str, peer: PeerOffer, find: Callable[[], Awaitable[Node]]) -> None:
    """Wait until this party and that peer have a way to each other, told at the rendezvous `url`.

    `find` gives the peer's machine as it is known now, or raises NetworkError. It takes as long as it takes.
    """
    while True:
        try:
            if has_way(await find()):
                async with paired(url, peer, _CHANNEL, within=_MEET) as socket:
                    await socket.send(b"\x01")
                    async with asyncio.timeout(_SAID):
                        await socket.recv(decode=False)
                return
        except (NetworkError, TimeoutError, *dialing.LOST):
            pass  # it is not there yet, or the two have missed each other
        await asyncio.sleep(_LOOK)


def has_way(machine: Node) -> bool:
    """Whether something can be sent to that machine, directly or by DERP."""
    return bool(machine.direct or machine.peer_relay or machine.relay)
