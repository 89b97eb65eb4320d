"""One attempt at a WebRTC connection to a peer: look for candidates, meet the peer, tell and hear, wait.

It ends with a connection whose channel 0 is open, or with a NetworkError that says what was tried.
Cancelled, it leaves nothing. It knows nothing of runs, wires or later attempts.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from huddle.errors import NetworkError
from huddle.identity.crypto import Crypto
from huddle.networks.base import PeerOffer
from huddle.networks.webrtc import signals
from huddle.networks.webrtc.base import ConnectionEvents
from huddle.networks.webrtc.library import Channel, Connection
from huddle.networks.webrtc.meeting import CandidateExchange, meeting
from huddle.networks.webrtc.signals import Description, IceCandidate, RtcSignal
from huddle.rendezvous.client import dialing
from huddle.rendezvous.messages import TurnServer
from huddle.tasks import beside, joined

MEET = 15.0  # seconds for the peer to come: less than the 30 s of a dial, so that it fails with a reason
CHECKS = 10.0  # seconds for ICE and DTLS since the peer last said something: several checks of each pair
PARTED = 3.0  # seconds that are left once the peer has left the meeting: its end may stand already

_KINDS = ("own", "seen by STUN", "by TURN")


class RtcAttempt:
    """One attempt; the callbacks are those of `ConnectionEvents`."""

    def __init__(
        self,
        peer: PeerOffer,
        servers: Sequence[TurnServer],
        crypto: Crypto,
        *,
        on_channel: Callable[[Channel], None],
        on_pair: Callable[[str, str], None],
        on_over: Callable[[str], None],
    ) -> None:
        self._peer = peer
        self._crypto = crypto
        self._found: asyncio.Queue[str] = asyncio.Queue()
        self._mine: list[IceCandidate] = []
        self._theirs: list[IceCandidate] = []
        self.connection = Connection(
            servers, ConnectionEvents(self._found.put_nowait, on_channel, on_pair, on_over)
        )

    async def run(self, url: str) -> tuple[Description, Description]:
        """Both descriptions, mine and theirs, once there is a connection; `url`: of the rendezvous."""
        try:
            mine = signals.described(await self.connection.describe())
            async with meeting(url, self._peer, self._crypto, within=MEET) as met:
                async with beside(self._tell(met, mine)):
                    theirs = await self._introduced(met)
                    await self._checked(met)
        except BaseException:
            await self.connection.close()
            raise
        return mine, theirs

    async def _tell(self, met: CandidateExchange, description: Description | None) -> None:
        """All that is found here, as soon as it is."""
        last = False
        while not last:
            lines = [await self._found.get()]
            while not self._found.empty():
                lines.append(self._found.get_nowait())
            usable = [one for one in map(signals.candidate, lines) if one]
            told = usable[: signals.MAX_CANDIDATES - len(self._mine)]
            self._mine += told
            last = "" in lines
            with suppress(*dialing.LOST):
                await met.tell(RtcSignal(description, tuple(told), last))
            description = None

    async def _introduced(self, met: CandidateExchange) -> Description:
        """Hear who the peer is."""
        try:
            async with asyncio.timeout(MEET):
                first = await met.hear()
        except dialing.LOST as error:
            raise NetworkError(
                f"{self._peer.name} came to the rendezvous and said nothing.", hint="It is tried again."
            ) from error
        if first.description is None:
            raise NetworkError(
                f"{self._peer.name} does not say how WebRTC is to reach it.",
                hint="Let all parties use the same version of Huddle.",
            )
        await self.connection.answer(signals.sdp(first.description, lower=self._peer.lower))
        await self._take(first)
        return first.description

    async def _checked(self, met: CandidateExchange) -> None:
        """Wait until channel 0 is open, and take more candidates as they are heard."""
        try:
            async with asyncio.timeout(CHECKS) as limit:
                async with beside(self._hear(met, limit)):
                    await joined(self.connection.opened)
        except TimeoutError:
            raise self._failed("nothing came through") from None
        except NetworkError as error:
            raise self._failed(error.message) from error

    async def _hear(self, met: CandidateExchange, limit: asyncio.Timeout) -> None:
        now = asyncio.get_running_loop().time
        try:
            last = False
            while not last:
                signal = await met.hear()
                await self._take(signal)
                last = signal.last
                limit.reschedule(now() + CHECKS)
            await met.gone()
        except NetworkError as error:
            self.connection.fail(error.message)
        except dialing.LOST:
            pass
        # Either its end of the connection stands, and this one will in a moment, or it has given up.
        limit.reschedule(min(limit.when() or 0.0, now() + PARTED))

    async def _take(self, signal: RtcSignal) -> None:
        for one in signal.candidates[: signals.MAX_CANDIDATES - len(self._theirs)]:
            self._theirs.append(one)
            # One that this machine can't use, such as IPv6 where there is none, is no reason to give up.
            with suppress(RuntimeError):
                await self.connection.candidate(one.line)

    def _failed(self, what: str) -> NetworkError:
        name = self._peer.name
        stun = any(one.kind == 1 for one in (*self._mine, *self._theirs))
        turn = any(one.kind == 2 for one in (*self._mine, *self._theirs))
        if turn:
            hint = "Is UDP blocked there? The network relay needs none."
        elif stun:
            hint = "The routers between let no UDP through: use a rendezvous with TURN, or the network relay."
        else:
            hint = "No STUN server answered, so only one network was tried; the network relay works without."
        return NetworkError(
            f"{name} can't be reached by WebRTC: {what}. "
            f"Tried from {_listed(self._mine)}; to {_listed(self._theirs)}.",
            hint=hint,
        )


def _listed(candidates: Sequence[IceCandidate]) -> str:
    return ", ".join(f"{one.host} ({_KINDS[one.kind]})" for one in candidates) or "no address"
