"""Finds a wire for one link: dials while the link has none, and proves who is at the other end.

The party with the lower pid starts the proof on every wire that it gets, and the first one that is
proven wins; the other wires are dropped before their last message, so that at most one is ever taken.
The party with the higher pid answers proofs on any wire, also while it still believes in its old one.
Both dial, since only one of them may be reachable, and by all networks that both have, the preferred ones
a little ahead. A link that got one of the others keeps it and tries the better ones now and then.

What is behind a proven wire (the link, its receiver) is unknown here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from huddle.errors import HuddleError, NetworkError
from huddle.identity.crypto import Crypto
from huddle.links.proof import NONCE, Ends, Proof, Proven
from huddle.links.wire import Wire, WireInfo

Dial = Callable[[int, int], Awaitable[Wire]]  # pid of the peer, number of the run (0: control link)

CANDIDATES = 8  # wires of one link in proof at a time: two ends, a few networks each, and strangers


@dataclass(frozen=True, slots=True)
class DialTarget:
    """Another party: its pid, its name for messages, and the pair's link key.

    `networks` are those by which it may be dialled (None: by all), `without` says of others why not.
    """

    pid: int
    name: str
    key: bytes = field(repr=False)
    networks: frozenset[str] | None = None
    without: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """The patience of a keeper, in seconds."""

    head_start: float = 0.5  # of a network over the next one in order of preference
    reversal: float = 0.1  # of the lower pid's dialling: mostly its wire is there before the other dials
    dial: float = 30.0  # for one attempt, which a network mostly ends sooner and says why
    proof: float = 5.0  # for the three messages
    backoff: float = 0.2  # after a failed attempt; doubled each time,
    backoff_most: float = 2.0  # up to this
    improve: float = 5.0  # until a link on another network than the best tries again; doubled each time,
    improve_most: float = 60.0  # up to this
    linger: float = 1.0  # of a wire that was left for a better one: the other end may still believe in it
    settle: float = 1.0  # a wire is so old before another one, dialled by the peer, may replace it
    parked: float = 10.0  # for a wire of a link that is not open here yet


class Connector:
    """Seeks wires for one link; `found` gets each proven one, and the dialling rests from then on."""

    def __init__(
        self,
        pid: int,
        peer: DialTarget,
        run: int,
        dialers: Sequence[tuple[str, Dial]],
        crypto: Crypto,
        timing: Timing,
        clock: Callable[[], float],
        found: Callable[[Wire, Proven], None],
    ) -> None:
        self.initiator = pid < peer.pid
        self.generation = 0  # of the newest proven wire
        self.rtt: float | None = None  # of that wire, in its proof; seconds
        self.reason = ""  # why the last attempt failed
        self.tried: dict[str, str] = {}  # what became of each network since the link last had no wire
        self._pid = pid
        self._peer = peer
        self._run = run
        self._dialers = dialers
        self._crypto = crypto
        self.timing = timing
        self.clock = clock
        self._found = found
        self._loop = asyncio.get_running_loop()
        self._proposed = 0
        self._candidates: set[_Dialled] = set()
        self._dials: set[asyncio.Task[None]] = set()

    def seek(self, delay: float = 0.0, *, first: str = "") -> None:
        """Dial by all networks, each after its head start, until a wire is proven.

        `first` is one that is known to work, and goes before the preferred ones.
        """
        self._rest()
        self.tried = dict(self._peer.without)
        if not self._dialers:
            no_way = [f"{network}: {why}" for network, why in self._peer.without]
            self.reason = f"no network that both allow ({'; '.join(no_way)})" if no_way else ""
        if not self.initiator:
            delay += self.timing.reversal
        before: asyncio.Event | None = None
        for name, dial in sorted(self._dialers, key=lambda dialer: dialer[0] != first):
            failed = asyncio.Event()
            self._begin(self._dial_by(name, dial, delay, before, failed))
            delay += self.timing.head_start
            before = failed

    def better(self, than: WireInfo) -> tuple[str, ...]:
        """The networks preferred to this wire's: those before it, and where it is relayed all others.

        None for a network that this party never dials.
        """
        names = [name for name, _ in self._dialers]
        if than.network not in names:
            return ()
        if than.relayed:
            return tuple(name for name in names if name != than.network)
        return tuple(names[: names.index(than.network)])

    def improve(self, networks: Collection[str]) -> None:
        """Dial once by each of these, beside the wire that there is; one that is relayed is no better."""
        if self._dials:
            return
        for name, dial in self._dialers:
            if name in networks:
                self._begin(self._attempt(name, dial, direct=True))

    def offer(self, wire: Wire, delay: float = 0.0) -> None:
        """Here is a wire that the peer, or somebody, dialled; its proof starts after `delay`."""
        if len(self._candidates) >= CANDIDATES:
            wire.abort()
        else:
            self._prove(wire, delay, dialled=False)

    def stop(self) -> None:
        """Dial no more and drop what is not proven."""
        self._rest()
        for candidate in list(self._candidates):
            candidate.drop()

    # --- inside

    def _rest(self) -> None:
        for task in self._dials:
            task.cancel()
        self._dials.clear()

    def _begin(self, dialling: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(dialling)
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    async def _dial_by(
        self, name: str, dial: Dial, delay: float, before: asyncio.Event | None, failed: asyncio.Event
    ) -> None:
        timing = self.timing
        if before is None:
            await asyncio.sleep(delay)
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(before.wait(), delay)
        pause = timing.backoff
        while True:
            await self._attempt(name, dial)
            failed.set()
            jitter = 0.5 + int.from_bytes(self._crypto.random(2), "big") / 65536
            await asyncio.sleep(pause * jitter)
            pause = min(2 * pause, timing.backoff_most)

    async def _attempt(self, name: str, dial: Dial, *, direct: bool = False) -> None:
        self.tried.setdefault(name, "no answer yet")
        try:
            async with asyncio.timeout(self.timing.dial):
                wire = await dial(self._peer.pid, self._run)
        except TimeoutError:
            self._missed(name, f"no answer within {self.timing.dial:g} s")
        except (HuddleError, OSError, EOFError) as exc:
            self._missed(name, str(exc))
        else:
            if direct and wire.info.relayed:
                wire.abort()
                self.tried[name] = f"it would be {wire.info.path}"
                return
            self.tried[name] = await self._prove(wire, 0.0, dialled=True)

    def _missed(self, name: str, why: str) -> None:
        self.tried[name] = why
        self.reason = f"{name}: {why}"

    def _prove(self, wire: Wire, delay: float, *, dialled: bool) -> asyncio.Future[str]:
        self._proposed += 1
        info = wire.info
        ends = Ends(self._pid, self._peer.pid, self._peer.name, self._run, info.local_key, info.peer_key)
        proof = Proof(ends, self._peer.key, self._crypto.random(NONCE), generation=self._proposed)
        candidate = _Dialled(self, wire, proof, dialled)
        self._candidates.add(candidate)
        candidate.begin_in(delay, self.timing.proof)
        return candidate.done

    def _proven(self, winner: "_Dialled", proven: Proven) -> None:
        self.generation = proven.generation
        self.rtt = winner.rtt
        self._candidates.discard(winner)
        self._rest()
        # What the responder has accepted may be a newer attempt of the initiator, who decides.
        for candidate in list(self._candidates):
            if self.initiator or candidate.dialled:
                candidate.drop()
        self._found(winner.wire, proven)

    def _failed(self, candidate: "_Dialled", why: str) -> None:
        self.reason = why or self.reason
        self._candidates.discard(candidate)


class _Dialled:
    """A wire during its proof; `done` is resolved, with the reason, when that is over without success."""

    def __init__(self, seeker: Connector, wire: Wire, proof: Proof, dialled: bool) -> None:
        self.wire = wire
        self.dialled = dialled
        self.rtt: float | None = None
        self._asked: float | None = None  # when this end last sent a part of the proof
        self._seeker = seeker
        self._proof = proof
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[str] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._over = False

    def begin_in(self, delay: float, limit: float) -> None:
        """Start the proof after `delay`, with a time limit."""
        if delay > 0:
            self._timer = self._loop.call_later(delay, self.begin_in, 0.0, limit)
            return
        self._timer = self._loop.call_later(limit, self._fail, f"no proof within {limit:g} s")
        self.wire.start(self)
        first = self._proof.start()
        if first and not self._over:
            self._send(first)

    def drop(self) -> None:
        """This wire is not wanted."""
        self._fail("")

    def wire_data(self, data: bytes) -> None:
        """A part of the proof."""
        if self._over:
            return
        try:
            answer = self._proof.receive(data, self._seeker.generation)
        except NetworkError as exc:
            self._fail(exc.message)
            return
        if self._asked is not None:
            self.rtt = self._seeker.clock() - self._asked
        if answer:
            self._send(answer)
        if self._proof.proven and not self._over:
            self._end()
            self._seeker._proven(self, self._proof.proven)

    def wire_lost(self, reason: str) -> None:
        """The wire did not last."""
        self._fail(reason)

    def _send(self, part: bytes) -> None:
        self._asked = self._seeker.clock()
        self.wire.send(part)

    def _fail(self, why: str) -> None:
        if self._over:
            return
        self._end()
        self.wire.abort()
        self._seeker._failed(self, why)
        if not self.done.done():
            self.done.set_result(why or "another wire was taken")

    def _end(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
