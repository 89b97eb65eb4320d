"""The network `headscale`: a tailnet for one session, with nobody in it but the parties of its roster.

    offer = this party has a Headscale (bool) | certificate and port (as an offer of `tls`)

When the session is sealed, the host makes a user for each did, an auth key for one machine each, and a rule
that lets these machines reach each other (`admission`); each guest gets its key sealed
(`auth_keys`). Every party then joins with a tailscaled of its own. A peer's machine is the one whose
user was made for the peer's did. At the end the host takes all of it away. What goes over it:
`huddle.networks.tailscale.tailnet`.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from huddle.codec import DecodeError, Limit, decode, encode
from huddle.errors import HuddleError, LocalError, NetworkError
from huddle.identity.crypto import Crypto
from huddle.links.wire import Wire
from huddle.networks.base import Accepted, PeerOffer
from huddle.networks.headscale.admission import Admission, user_name
from huddle.networks.headscale.api import HeadscaleApi
from huddle.networks.headscale.auth_keys import AuthKeyGrant, give, take
from huddle.networks.headscale.marks import Marks
from huddle.networks.headscale.readiness import both_ready
from huddle.networks.tailscale.api import Node, TailscaleStatus
from huddle.networks.tailscale.daemon import EXPOSED, Daemon, installed, missing
from huddle.networks.tailscale.network import MAX_TLS_OFFER
from huddle.networks.tailscale.tailnet import TailnetWires
from huddle.tasks import cancel

_PATIENCE = 20.0  # seconds that one dial waits until this party is in the tailnet
_SEEN = 5.0  # and then until the peer is seen there
_READY = 10.0  # and then, once for each peer, until both can reach each other
_LOOK = 5.0  # seconds between two looks at the policy


@dataclass(frozen=True, slots=True)
class HeadscaleOffer:
    """What a peer must know: whether this party has a Headscale, and as what it shows itself."""

    has_server: bool
    tls: Annotated[bytes, Limit(MAX_TLS_OFFER)]


class HeadscaleNetwork:
    """One party's part in the network; see `huddle.networks.base.Network`.

    `rendezvous` is where keys are handed over. The host names its Headscale by `server` and `api_key`, and
    by `certificate` (PEM) where no authority vouches for it; guests are told. `marks` say what dead sessions
    have left (None: this account's own). `notice` is told what its person should read.
    """

    name = "headscale"

    def __init__(
        self,
        rendezvous: str,
        crypto: Crypto,
        *,
        server: str | None = None,
        api_key: str | None = None,
        certificate: str = "",
        marks: Marks | None = None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._rendezvous = rendezvous
        self._crypto = crypto
        self._server = server
        self._api_key = api_key
        self._certificate = certificate
        self._marks = marks
        self._admission: Admission | None = None
        self._daemon: Daemon | None = None
        self._inside = False
        self._tag = ""
        self._dids: dict[int, tuple[str, str]] = {}
        self._peers: tuple[PeerOffer, ...] = ()
        self._wires = TailnetWires(self.name, self._find)
        self._entering: asyncio.Task[None] | None = None
        self._ready: dict[int, asyncio.Task[None]] = {}  # by pid, until both can reach each other
        self._giving: list[asyncio.Task[None]] = []
        self._failed: HuddleError | None = None
        self._notice = notice

    def __repr__(self) -> str:
        return f"<HeadscaleNetwork {self._tag or 'outside'}, {self._wires!r}>"

    async def open(self) -> None:
        """See that there is a tailscaled and, at a host, a Headscale that will do; raises NetworkError."""
        if not installed():
            raise missing()
        if self._server:
            if not self._api_key:
                raise LocalError(
                    "A Headscale needs an API key.",
                    hint="Make one with headscale apikeys create, and give it in HUDDLE_HEADSCALE_KEY.",
                )
            admission = Admission(HeadscaleApi(self._server, self._api_key, self._certificate), self._marks)
            swept = await admission.open()
            for tag in swept:
                self._notice(f"What a dead session {tag} had left in the Headscale is gone.")
            self._admission = admission
        self._notice(EXPOSED)
        self._wires.listen()

    def offer(self) -> bytes:
        """Whether this party has a Headscale, its certificate and port."""
        return encode(HeadscaleOffer(self._admission is not None, self._wires.tls_offer()))

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """Take the peers' offers, and go into the tailnet; raises PeerError for an offer that is none."""
        inner, host = [], None
        for peer in peers:
            try:
                offer = decode(HeadscaleOffer, peer.offer)
            except DecodeError as exc:
                raise peer.refused("the network headscale", exc) from exc
            self._dids[peer.pid] = (peer.name, peer.did)
            inner.append(peer.with_offer(offer.tls))
            if peer.pid == 0 and offer.has_server:
                host = peer
        self._wires.begin(tuple(inner), accepted)
        self._peers = peers
        loop = asyncio.get_running_loop()
        if peers and peers[0].own_pid == 0 and self._admission is not None:
            self._entering = loop.create_task(self._admit(self._admission, peers))
        elif host is not None:
            self._entering = loop.create_task(self._come(host))
        else:
            self._failed = NetworkError(
                "The host of this session has named no Headscale.",
                hint="The host names one by --headscale URL.",
            )

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt; waits until this party and the peer are in the tailnet. Raises NetworkError."""
        if self._entering is not None and not self._entering.done():
            await asyncio.wait({self._entering}, timeout=_PATIENCE)
        if self._failed is not None:
            raise NetworkError(self._failed.message, hint=self._failed.hint)
        if self._daemon is None or not self._inside:
            raise NetworkError("This machine is not in the session's tailnet yet.")
        await self._seen(pid, self._daemon)
        if (ready := self._ready.get(pid)) is not None and not ready.done():
            await asyncio.wait({ready}, timeout=_READY)
            ready.cancel()  # if it has not come by now, it is tried without
        return await self._wires.dial(pid, run)

    async def close(self) -> None:
        """Leave the tailnet; the host takes away what it has made. Raises NetworkError where that fails."""
        await cancel(*self._giving, self._entering, *self._ready.values())
        try:
            await self._wires.close()
        finally:
            try:
                if self._daemon is not None:
                    await self._daemon.close()
            finally:
                if self._admission is not None:
                    await self._admission.remove()

    # --- the way in

    async def _admit(self, admission: Admission, peers: tuple[PeerOffer, ...]) -> None:
        """The host: make what all need, tell each its own, and come in."""
        dids = {peers[0].own_pid: peers[0].own_did, **{peer.pid: peer.did for peer in peers}}
        loop = asyncio.get_running_loop()
        try:
            keys = await admission.arrange(dids, {pid: self._wires.port_of(pid) for pid in dids})
        except HuddleError as error:
            self._failed = error
            refused = AuthKeyGrant("", "", "", error.message[:500])
            self._giving = [loop.create_task(give(self._rendezvous, p, self._crypto, refused)) for p in peers]
            return
        for peer in peers:
            grant = AuthKeyGrant(admission.api.url, keys[peer.pid], admission.tag, "", self._certificate)
            self._giving.append(loop.create_task(give(self._rendezvous, peer, self._crypto, grant)))
        mine = AuthKeyGrant(admission.api.url, keys[0], admission.tag, "", self._certificate)
        await self._join(mine, 0)
        self._giving.append(loop.create_task(self._guard(admission)))

    async def _guard(self, admission: Admission) -> None:
        """Another session, or a person, may write an older policy over the one with this session's line."""
        while True:
            await asyncio.sleep(_LOOK)
            with suppress(HuddleError):  # it is tried again
                await admission.repair()

    async def _come(self, host: PeerOffer) -> None:
        """A guest: take what the host has for this party, and come in."""
        try:
            grant = await take(self._rendezvous, host, self._crypto)
        except HuddleError as error:
            self._failed = error
            return
        if grant.refused:
            self._failed = NetworkError(f"{host.name}'s Headscale takes nobody in: {grant.refused}")
            return
        await self._join(grant, host.own_pid)

    async def _join(self, grant: AuthKeyGrant, pid: int) -> None:
        try:
            daemon = await Daemon.start(grant.certificate)
            self._daemon = daemon
            await daemon.join(grant.key, grant.url, user_name(grant.tag, pid))
        except HuddleError as error:
            self._failed = error
            return
        self._tag = grant.tag
        self._inside = True
        self._wires.attach(daemon.api)
        loop = asyncio.get_running_loop()
        for peer in self._peers:
            find = partial(self._look, peer.pid, daemon)
            self._ready[peer.pid] = loop.create_task(both_ready(self._rendezvous, peer, find))

    # --- who is who

    async def _seen(self, pid: int, daemon: Daemon) -> None:
        deadline = asyncio.get_running_loop().time() + _SEEN
        while True:
            try:
                await self._look(pid, daemon)
                return
            except NetworkError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(0.2)

    async def _look(self, pid: int, daemon: Daemon) -> Node:
        """The machine of that party, as the tailnet knows it now; NetworkError where it does not."""
        return self._find(pid, await daemon.api.status())

    def _find(self, pid: int, status: TailscaleStatus) -> Node:
        """The machine of the user that was made for that party's did."""
        name, did = self._dids[pid]
        wanted = user_name(self._tag, pid)
        for node in status.peers.values():
            if node.login.partition("@")[0] == wanted and node.display == did:
                return node
        raise NetworkError(
            f"{name}'s machine is not in the session's tailnet yet.",
            hint=f"{name} needs Tailscale installed, and to reach the Headscale.",
        )
