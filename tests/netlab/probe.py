"""One end of a pair in the NAT table: makes its offers, takes the other's, and says what each network did.

    python -m tests.netlab.probe PID RENDEZVOUS SECONDS [IROH-RELAY [NETWORK,…]]

It writes its offers as one JSON line, reads the other's, seeks a control link by each network by itself,
as a session does, writes what came of it after so many seconds or as soon as all are settled, and ends
when its input does. A network called `iroh+` is iroh with that relay.
"""

import asyncio
import json
import sys
import time
from typing import Any

from huddle.errors import HuddleError
from huddle.identity.native import NativeCrypto
from huddle.links.frames import Slice
from huddle.links.manager import DialTarget, Link, LinkManager
from huddle.links.wire import WireInfo
from huddle.networks.base import Network, PeerOffer
from huddle.networks.iroh.library import Reach
from huddle.networks.iroh.network import IrohNetwork
from huddle.networks.relay.network import RelayNetwork
from huddle.networks.tls.network import TlsNetwork
from huddle.networks.webrtc.network import WebRtcNetwork
from huddle.networks.wireguard.network import WireGuardNetwork

SECRET = bytes(range(32))
SETTLING = 3.0  # seconds in which a connection may still find a better path


class Probe:
    """The receiver of one network's control link."""

    def __init__(self, name: str, network: Network, pid: int) -> None:
        self.name = name
        self.network = network
        self.online = asyncio.Event()
        self.end: Link
        self._crypto = NativeCrypto()
        self._pid = pid
        self.keeper: LinkManager

    def begin(self, offer: bytes) -> None:
        peer = 1 - self._pid
        self.keeper = LinkManager(
            self._pid,
            [DialTarget(peer, f"party {peer}", SECRET)],
            [(self.network.name, self.network.dial)],
            self._crypto,
            clock=time.monotonic,
        )
        lower = self._pid < peer
        secret = bytes(31) + bytes([len(self.name)])  # another channel for each network
        self.network.begin((PeerOffer(peer, f"party {peer}", offer, secret, lower),), self.keeper.accepted)
        self.end = self.keeper.open(peer, 0, self)

    def said(self) -> dict[str, str]:
        stats = self.end.stats
        if not self.end.online:
            return {"outcome": "refused", "why": self.end.reason}
        outcome = "relayed" if stats.path.startswith("relayed") else "direct"
        return {"outcome": outcome, "path": stats.path}

    def link_frames(self, frames: Slice) -> None:
        raise AssertionError("nothing was sent")

    def link_taken(self, total: int) -> None:
        raise AssertionError("nothing was sent")

    def link_restored(self, info: WireInfo) -> None:
        self.online.set()

    def link_lost(self, reason: str) -> None:
        self.online.clear()

    def link_failed(self, error: HuddleError) -> None:
        print(f"{self.name}: {error}", file=sys.stderr)


async def main(pid: int, url: str, seconds: float, iroh_relay: str = "", only: str = "") -> None:
    networks: dict[str, Network] = {
        "tls": TlsNetwork(),
        "webrtc": WebRtcNetwork(url, NativeCrypto()),
        "iroh": IrohNetwork(url=url),
        "relay": RelayNetwork(url),
    }
    if "wireguard" in only.split(","):
        networks["wireguard"] = WireGuardNetwork(url, NativeCrypto())
    if iroh_relay:
        networks["iroh+"] = IrohNetwork(reach=Reach(relay=iroh_relay), url=url)
    if only:
        networks = {name: network for name, network in networks.items() if name in only.split(",")}
    probes = [Probe(name, network, pid) for name, network in networks.items()]
    await asyncio.gather(*(network.open() for network in networks.values()))
    say({name: network.offer().hex() for name, network in networks.items()})
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    theirs = json.loads(await reader.readline())
    for probe in probes:
        probe.begin(bytes.fromhex(theirs[probe.name]))
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(probe.online.wait() for probe in probes))
    except TimeoutError:
        pass
    await asyncio.sleep(SETTLING)
    say({probe.name: probe.said() for probe in probes})
    await reader.read()
    await asyncio.gather(*(probe.keeper.close(1.0) for probe in probes))
    await asyncio.gather(*(network.close() for network in networks.values()))


def say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), *sys.argv[4:6]))
