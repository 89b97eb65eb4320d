"""The network `tailscale`: the tailnet that a party's machine is in, or one that an auth key lets it into.

    offer = key of the machine in its tailnet (text) | certificate and port (as an offer of `tls`)

A peer is found by that key among the machines that this party's own tailscaled sees: so addresses are
those of one's own tailnet, also for a machine that was shared from another one. What goes over it, and what
is believed of whom: `huddle.networks.tailscale.tailnet`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from huddle.codec import DecodeError, Limit, decode, encode
from huddle.errors import NetworkError
from huddle.links.wire import Wire
from huddle.networks.base import Accepted, PeerOffer
from huddle.networks.tailscale.api import LocalApi, Node, TailscaleStatus, find_socket
from huddle.networks.tailscale.daemon import EXPOSED, Daemon
from huddle.networks.tailscale.tailnet import TailnetWires

_KEY = "nodekey:"
MAX_KEY = 80  # `nodekey:` and 64 hexadecimal digits
MAX_TLS_OFFER = 2_048


@dataclass(frozen=True, slots=True)
class TailscaleOffer:
    """What a peer must know: which machine, and as what it shows itself there."""

    key: Annotated[str, Limit(MAX_KEY)]
    tls: Annotated[bytes, Limit(MAX_TLS_OFFER)]


class TailscaleNetwork:
    """One party's part in the network; see `huddle.networks.base.Network`.

    With an `auth_key` it makes a tailscaled of its own, ephemeral, at `server` (None: Tailscale's own);
    else it uses the one that runs here, at `path` or where packages put it. `host_name` is what the
    tailnet sees of a machine of its own. `notice` is told what its person should read.
    """

    name = "tailscale"

    def __init__(
        self,
        *,
        auth_key: str | None = None,
        server: str | None = None,
        path: str | None = None,
        host_name: str = "huddle",
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._auth_key = auth_key
        self._server = server
        self._socket = path
        self._host_name = host_name
        self._daemon: Daemon | None = None
        self._me: Node | None = None
        self._keys: dict[int, tuple[str, str]] = {}
        self._wires = TailnetWires(self.name, self._find)
        self._notice = notice

    def __repr__(self) -> str:
        return f"<TailscaleNetwork {self._me.name if self._me else 'closed'}, {self._wires!r}>"

    async def open(self) -> None:
        """Find this machine's tailscaled, or make one; raises NetworkError."""
        if self._auth_key:
            self._daemon = await Daemon.start()
            try:
                status = await self._daemon.join(self._auth_key, self._server, self._host_name)
            except BaseException:
                await self._daemon.close()
                raise
            api = self._daemon.api
            self._notice(EXPOSED)
        else:
            api = LocalApi(running(self._socket))
            status = await api.status()
            if status.state != "Running" or status.me is None:
                raise NetworkError(
                    f"tailscaled runs here but is in no tailnet ({status.state or 'no state'}).",
                    hint="Run tailscale up, or give an auth key in HUDDLE_TS_AUTHKEY.",
                )
        self._me = status.me
        self._wires.attach(api)
        self._wires.listen(status)

    def offer(self) -> bytes:
        """This machine's key in its tailnet, certificate and port."""
        assert self._me is not None
        return encode(TailscaleOffer(self._me.key, self._wires.tls_offer()))

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """Take the peers' offers and accept wires from now on; raises PeerError for an offer that is none."""
        inner = []
        for peer in peers:
            try:
                offer = decode(TailscaleOffer, peer.offer)
                if not offer.key.startswith(_KEY) or not offer.key.isascii():
                    raise DecodeError("a machine that is none")
            except DecodeError as exc:
                raise peer.refused("the network tailscale", exc) from exc
            self._keys[peer.pid] = (peer.name, offer.key)
            inner.append(peer.with_offer(offer.tls))
        self._wires.begin(tuple(inner), accepted)

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt; raises NetworkError."""
        return await self._wires.dial(pid, run)

    async def close(self) -> None:
        """Take all down, and the machine out of the tailnet if it was made for this session."""
        try:
            await self._wires.close()
        finally:
            if self._daemon is not None:
                await self._daemon.close()

    def _find(self, pid: int, status: TailscaleStatus) -> Node:
        name, key = self._keys[pid]
        if self._me is not None and key == self._me.key:
            raise NetworkError(
                f"{name} uses the same tailscaled as you, which can't connect to itself.",
                hint="On one machine the network tls works; or give one of you an auth key.",
            )
        node = status.peers.get(key)
        if node is None:
            raise NetworkError(
                f"{name}'s machine is none that your tailnet sees.",
                hint=f"Use one tailnet, share your machine with {name}, or let the access rules allow it.",
            )
        return node


def running(chosen: str | None = None) -> str:
    """The socket of the tailscaled that runs here; NetworkError where none does."""
    found = find_socket(chosen)
    if found is None:
        where = f" at {chosen}" if chosen else ""
        raise NetworkError(
            f"No tailscaled runs here{where}.",
            hint="Start Tailscale, or give an auth key in HUDDLE_TS_AUTHKEY: then Huddle starts its own.",
        )
    return found
