"""One party of `bench.between`: python -m bench.link_end NETWORK PID RENDEZVOUS TIMES PEER-ADDRESS

Writes its offer as one line, reads the peer's as one, and is connected; then, so many times in turn: plain
TCP by the same way (in the network's tunnel where it has one), a link over such a connection, and the
network's own link. Party 0 writes what it measured as one line of JSON. Settings come by the environment, as
with `huddle`.
"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from bench.channels import Channel, Linked, Plain, follow, lead
from huddle.identity.native import NativeCrypto
from huddle.links.manager import DialTarget, LinkManager
from huddle.links.stream import StreamWire
from huddle.links.wire import Wire, WireInfo
from huddle.networks import sockets
from huddle.networks.base import Network, PeerOffer
from huddle.networks.headscale.network import HeadscaleNetwork
from huddle.networks.headscale.policy import users_of
from huddle.networks.iroh.network import IrohNetwork
from huddle.networks.relay.network import RelayNetwork
from huddle.networks.tailscale.network import TailscaleNetwork
from huddle.networks.tls.network import TlsNetwork
from huddle.networks.webrtc.network import WebRtcNetwork
from huddle.networks.wireguard.keys import address, owner_of
from huddle.networks.wireguard.network import WireGuardNetwork
from huddle.session.native_platform import keep_freed_memory

SECRET = bytes(range(32))
DIDS = ("did:key:zBenchA", "did:key:zBenchB")
PATIENCE = 60.0
BOUND = b"bound"  # what stands for keys seen on a wire: without any, a link has its record layer


def network_of(name: str, url: str) -> Network:
    """The network as a session would make it, for this environment."""
    made: dict[str, Callable[[], Network]] = {
        "tls": TlsNetwork,
        "webrtc": lambda: WebRtcNetwork(url, NativeCrypto()),
        "iroh": lambda: IrohNetwork(url=url),
        "relay": lambda: RelayNetwork(url),
        "wireguard": lambda: WireGuardNetwork(url, NativeCrypto()),
    }
    if name in made:
        return made[name]()
    if name == "tailscale":
        return TailscaleNetwork(path=os.environ["BENCH_TAILSCALED"])
    certificate = os.environ.get("HUDDLE_HEADSCALE_CERTIFICATE")
    return HeadscaleNetwork(
        url,
        NativeCrypto(),
        server=os.environ.get("HUDDLE_HEADSCALE"),
        api_key=os.environ.get("HUDDLE_HEADSCALE_KEY"),
        certificate=Path(certificate).read_text() if certificate else "",
    )


class Through:
    """Plain TCP by the way of a network: through its tunnel, or from machine to machine."""

    def __init__(self, network: Any, peer: str) -> None:
        self._network = network
        self._peer = peer
        self._loop = asyncio.get_running_loop()

    async def listen(self) -> socket.socket:
        """A socket for the peer to reach."""
        if isinstance(self._network, WireGuardNetwork):
            one = self._in_tunnel()
        elif not isinstance(self._network, TailscaleNetwork | HeadscaleNetwork):
            one = socket.socket()
            one.bind(("", 0))
        else:
            api = self._network._wires._api
            assert api is not None
            me = (await api.status()).me
            assert me is not None
            host = me.addresses[0] if self._network._wires._tun else "127.0.0.1"
            one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            one.bind((host, 0))
        sockets.tune(one)
        one.setblocking(False)
        one.listen()
        return one

    async def dial(self, offer: bytes, port: int) -> socket.socket:
        """A connection to the peer, whose offer this is."""
        if isinstance(self._network, WireGuardNetwork):
            one = self._in_tunnel()
            one.setblocking(False)
            await self._loop.sock_connect(one, (str(address(offer[1:])), port))
        elif not isinstance(self._network, TailscaleNetwork | HeadscaleNetwork):
            one = socket.socket()
            one.setblocking(False)
            await self._loop.sock_connect(one, (self._peer, port))
        else:
            wires = self._network._wires
            assert wires._api is not None
            node = self._network._find(1, await wires._api.status())
            assert node is not None
            host = node.addresses[0]
            if wires._tun:
                one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
                one.setblocking(False)
                await self._loop.sock_connect(one, (host, port))
            else:
                one = await wires._api.dial(host, port)
        if one.family != socket.AF_UNIX:
            sockets.tune(one)
        return one

    def _in_tunnel(self) -> socket.socket:
        one = socket.socket(socket.AF_INET6)
        (name,) = (name for _, name in socket.if_nameindex() if owner_of(name))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
        one.bind((str(address(self._network.offer()[1:])), 0))
        return one


class Unencrypted:
    """A network for this measurement only: wires without TLS over the same connections as `plain`."""

    name = "unencrypted"

    def __init__(self) -> None:
        self.next: StreamWire | None = None

    def wire(self) -> StreamWire:
        return StreamWire(WireInfo(self.name, "direct", BOUND, BOUND, sealed=True))

    async def dial(self, pid: int, run: int) -> Wire:
        while self.next is None:  # noqa: ASYNC110 - a moment
            await asyncio.sleep(0.01)
        wire, self.next = self.next, None
        return wire


async def open_ports(network: HeadscaleNetwork) -> None:
    """Let the session's machines reach each other at all ports: a session's policy has one for each."""
    assert network._admission is not None
    api = network._admission.api
    text = await api.policy() or ""
    users = sorted(f"{user}@" for user in users_of(text, bool))
    line = json.dumps({"action": "accept", "src": users, "dst": [f"{user}:*" for user in users]})
    await api.set_policy(text.replace("[", f"[{line},", 1))


async def main(name: str, pid: int, url: str, times: int, peer: str) -> None:
    keep_freed_memory()
    loop = asyncio.get_running_loop()
    incoming = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(incoming), sys.stdin)

    def tell(what: object) -> None:
        print(json.dumps(what), flush=True)

    async def hear() -> Any:
        return json.loads(await incoming.readline())

    network, other = network_of(name, url), 1 - pid
    await network.open()
    tell(network.offer().hex())
    theirs = bytes.fromhex(await hear())
    unencrypted = Unencrypted()
    keepers = [
        LinkManager(
            pid,
            [DialTarget(other, "peer", SECRET)],
            [(one.name, one.dial)],
            NativeCrypto(),
            clock=time.monotonic,
        )
        for one in (network, unencrypted)
    ]
    numbers = iter(range(1, 1000))

    async def linked(keeper: LinkManager, run: int) -> Linked:
        channel = Linked()
        channel.end = keeper.open(other, run, channel)
        async with asyncio.timeout(PATIENCE):
            await channel.online.wait()
        return channel

    async def connection(protocol: asyncio.Protocol) -> None:
        """One through the tunnel, from 0 to 1."""
        if pid:
            listening = await through.listen()
            tell(listening.getsockname()[1])
            one, _ = await loop.sock_accept(listening)
            listening.close()
        else:
            one = await through.dial(theirs, await hear())
        await loop.connect_accepted_socket(lambda: protocol, one)

    async def measured(channel: Channel) -> dict[str, float]:
        if pid:
            await follow(channel)
            return {}
        return await lead(channel)

    start = time.perf_counter()
    offer = PeerOffer(other, "peer", theirs, SECRET, pid < other, DIDS[other], pid, DIDS[pid])
    network.begin((offer,), keepers[0].accepted)
    first = await linked(keepers[0], 0)
    found: dict[str, Any] = {"up_s": time.perf_counter() - start, "plain": [], "off": [], "on": []}
    found["path"] = first.end.stats.path
    if isinstance(network, HeadscaleNetwork) and not pid:
        await open_ports(network)
    through = Through(network, peer)
    try:
        for _ in range(times):
            plain = Plain()
            await connection(plain)
            found["plain"].append(await measured(plain))
            wire = unencrypted.wire()
            await connection(wire)
            run = next(numbers)
            if pid:
                keepers[1].accepted(other, run, wire)
            else:
                unencrypted.next = wire
            found["off"].append(await measured(await linked(keepers[1], run)))
            own = await linked(keepers[0], run)
            found["on"].append(await measured(own))
        if not pid:
            tell(found)
        await hear()  # both have what they want
    finally:
        await asyncio.gather(*(keeper.close(1) for keeper in keepers))
        await network.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]))
