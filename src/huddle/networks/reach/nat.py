"""What stands between this machine and others: asked of STUN servers from one UDP port, and of the router.

One port that two servers see alike, the router keeps for everybody; one that each sees otherwise can't be
punched through. A router whose own address is not the one that STUN sees is behind another one, mostly the
provider's. A packet to the address that STUN saw comes back only where the router does hairpin.
"""

import asyncio
import ipaddress
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, cast

from huddle.networks.reach import addresses, udp
from huddle.networks.reach import port_mapping as mapping
from huddle.rendezvous import stun

PORT = 3478  # of STUN, where none is named
_TIMES = (0.0, 0.25, 0.75)  # of a request: it or its answer may be lost
_PATIENCE = 2.0
_TRANSACTION = 12

Where = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found: `own` is where this machine sent from, `seen` how each server that answered saw it.

    `asked` is the number of servers, `hairpin` whether a packet to the outer address came back, `outside`
    the address that the router says it has ("" where it says nothing).
    """

    own: Where
    asked: int
    seen: tuple[Where, ...]
    hairpin: bool = False
    outside: str = ""


async def look(servers: Sequence[Where]) -> Seen:
    """Ask these STUN servers by IPv4 and, behind a router, the router."""
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(_StunClient, local_addr=("0.0.0.0", 0))  # noqa: S104
    try:
        found = await asyncio.gather(*(_resolved(host, port) for host, port in servers))
        places = [place for place in found if place]
        answers = await asyncio.gather(*(client.seen(place) for place in places))
        own = (_source(places), transport.get_extra_info("sockname")[1])
        seen = tuple(answer for answer in answers if answer)
        if not seen or addresses.kind(ipaddress.ip_address(seen[0][0])) == "loopback" or seen[0][0] == own[0]:
            return Seen(own, len(servers), seen)
        return Seen(own, len(servers), seen, await client.hears(seen[0]), await mapping.outside())
    finally:
        transport.close()


async def outer(server: Where | None, host: str, within: float) -> tuple[int, Where | None]:
    """A free UDP port of that address, let go again, and how the server saw it; None where it did not."""
    transport, client = await udp.endpoint(_StunClient, local_addr=(host, 0))
    try:
        port: int = transport.get_extra_info("sockname")[1]
        place = await _resolved(*server) if server else None
        if place is None:
            return port, None
        try:
            return port, await asyncio.wait_for(client.seen(place), within)
        except TimeoutError:
            return port, None
    finally:
        transport.close()
        await asyncio.sleep(0)  # the loop closes the socket in its next turn


def verdict(seen: Seen) -> tuple[Literal["ok", "warn"], str, str]:
    """What that means for a person: how it is, what was found, what to do."""
    if not seen.seen:
        return (
            "warn",
            f"no answer by STUN ({seen.asked} asked): UDP is blocked, or they are away",
            "webrtc and iroh need UDP. tls works if one of the two can be reached; else the relay is used.",
        )
    host = seen.seen[0][0]
    address = ipaddress.ip_address(host)
    if addresses.kind(address) == "loopback" or host == seen.own[0]:
        return "ok", f"none: others see this machine as {host}, which is its own address", ""
    facts = [f"others see this machine as {host}"]
    if len(set(seen.seen)) > 1:
        facts.append("with another port for each destination (symmetric)")
        advice = "No hole can be punched: a link to somebody behind such a router too is relayed. "
        state: Literal["ok", "warn"] = "warn"
    elif len(seen.seen) > 1:
        facts.append("with one port for all destinations")
        advice, state = "webrtc gets through. ", "ok"
    else:
        facts.append("by one server only")
        advice, state = "Name a second STUN server by --stun to learn what the router does with ports. ", "ok"
    shared = addresses.kind(address) in ("cgnat", "private") or (seen.outside and seen.outside != host)
    if shared:
        by = f", which says it is {seen.outside}," if seen.outside else ""
        facts.append(f"the router{by} is behind another one (CGNAT)")
        return (
            "warn",
            "; ".join(facts),
            advice + "Forwarding or mapping a port here does not help: use webrtc, or an overlay by --via.",
        )
    if seen.outside:
        facts.append("the router gives ports")
        advice += "--map-port makes this machine reachable by tls."
    else:
        advice += (
            "To be reachable by tls, forward a TCP port at the router: --port PORT --advertise HOST:PORT."
        )
    facts.append(f"hairpin {'works' if seen.hairpin else 'does not work'}")
    if not seen.hairpin:
        advice += (
            " People in your own network reach you only by your address in it, which tls offers as well."
        )
    return state, "; ".join(facts), advice


def _source(places: Sequence[Where]) -> str:
    """The address from which this machine reaches the first of these that it has a route to."""
    for place in places:
        # Connecting a UDP socket only asks the routing table.
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(place)
            return str(sock.getsockname()[0])
    return ""


async def _resolved(host: str, port: int) -> Where | None:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, family=2, type=2)  # IPv4, datagrams
    except OSError:
        return None
    return cast(Where, found[0][4][:2])


class _StunClient(asyncio.DatagramProtocol):
    """One UDP port that asks, and may hear itself."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._asked: dict[bytes, asyncio.Future[Where]] = {}
        self._token = os.urandom(16)
        self._heard = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if data == self._token:
            self._heard.set()
        waiting = self._asked.get(data[8:20])
        if waiting is not None and not waiting.done():
            found = stun.mapped(data, data[8:20])
            if found:
                waiting.set_result(found)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there, or the way is closed: no answer comes."""

    async def seen(self, server: Where) -> Where | None:
        """How that server sees this port; None where it does not answer."""
        assert self._transport is not None
        transaction = os.urandom(_TRANSACTION)
        answer = self._asked[transaction] = asyncio.get_running_loop().create_future()
        waited = 0.0
        for after in _TIMES:
            await asyncio.wait([answer], timeout=after - waited)
            waited = after
            if not answer.done():
                self._transport.sendto(stun.request(transaction), server)
        await asyncio.wait([answer], timeout=_PATIENCE - waited)
        return answer.result() if answer.done() else None

    async def hears(self, outer: Where) -> bool:
        """Whether what another port sends to this one's outer address arrives."""
        transport, _ = await udp.endpoint(
            asyncio.DatagramProtocol,
            local_addr=("0.0.0.0", 0),  # noqa: S104
        )
        try:
            # This port speaks to that address first, so that a router that filters by address lets it in.
            assert self._transport is not None
            self._transport.sendto(b"", outer)
            for _ in range(3):
                transport.sendto(self._token, outer)
                try:
                    await asyncio.wait_for(self._heard.wait(), 0.3)
                except TimeoutError:
                    continue
                return True
            return False
        finally:
            transport.close()
