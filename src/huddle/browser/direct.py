"""Direct channels of a run: from this runner's frame to a peer's, where both parties are in browsers.

The data link of a run stays in the session worker, which answers for it at any time. Beside it the two
programs may have a data channel that no process stands between (web/src/core/direct-stream.ts says how they
share the bytes). The runner's frame makes its connection (frame.ts), and knows of the peer only what
this party was told over the proven control link, in `RunnerSignal`s:

    signal = number U32 | RtcSignal or nothing        (`Direct`)

    0, nothing     this party's runner can have direct channels; the higher pid says so once more when asked
    n, signal      of the nth connection: the lower pid begins it, and both offer, as `signals` describes
    n, nothing     the higher pid has lost it; the lower one makes the next

One is made only while the data link itself goes by `webrtc`, so nobody is reached in a way that
their person did not choose. All of it is an attempt: where it fails, the link carries the run.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from huddle.browser.loop import MailboxLoop
from huddle.codec import U32, DecodeError, decode, encode
from huddle.networks.webrtc import signals
from huddle.networks.webrtc.signals import MAX_CANDIDATES, RtcSignal
from huddle.running.channel import RunLink

LIMIT = 15.0  # seconds for one connection
PAUSE = 0.5  # seconds after a lost one, doubled with each that fails,
PAUSE_MOST = 30.0  # up to this

# Kinds of a connection's notes, as in web/src/core/rtc.ts.
_DESCRIBED, _CANDIDATE, _PAIR, _OVER = 1, 2, 4, 5


@dataclass(frozen=True, slots=True)
class Direct:
    """What one end says of the connection of that number."""

    number: U32
    signal: RtcSignal | None


class DirectLink(RunLink, Protocol):
    """A link that tells by which path a direct channel beside it goes; empty where there is none."""

    direct: str


class DirectChannels:
    """Those of one run. `connect` makes the nth connection to a peer in the frame, or gives None."""

    def __init__(
        self, pid: int, connect: Callable[[int, int], Any], say: Callable[[int, bytes], None]
    ) -> None:
        self._pid = pid
        self._connect = connect
        self._say = say
        self._peers: dict[int, _Peer] = {}

    def begin(self, links: Mapping[int, DirectLink]) -> None:
        """Say that there can be some, beside these links."""
        for pid, link in links.items():
            self._peers[pid] = _Peer(pid, self._pid < pid, link, self._connect, self._say)
            self._say(pid, encode(Direct(0, None)))

    def wire(self, pid: int) -> None:
        """The link to that peer has a wire, the first or a new one."""
        if (peer := self._peers.get(pid)) is not None:
            peer.try_it()

    def signal_came(self, pid: int, data: bytes) -> None:
        """Take what the peer says; what means nothing is none, since the link needs nothing of it."""
        peer = self._peers.get(pid)
        with suppress(DecodeError):
            said = decode(Direct, data)
            if said.signal is not None:
                signals.check(said.signal)
            if peer is not None:
                peer.take(said)

    def close(self) -> None:
        """Take all down, and make none any more."""
        peers, self._peers = self._peers, {}
        for peer in peers.values():
            peer.drop()


class _Peer:
    """The connections to one peer, one at a time; `lower`: this party's pid is the lower one."""

    def __init__(
        self,
        pid: int,
        lower: bool,
        link: DirectLink,
        connect: Callable[[int, int], Any],
        say: Callable[[int, bytes], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MailboxLoop)
        self._loop = loop
        self._pid = pid
        self._lower = lower
        self._link = link
        self._connect = connect
        self._send = say
        self._able = False  # the peer
        self._number = 0
        self._script: Any = None  # the connection's JavaScript
        self._timer: asyncio.TimerHandle | None = None
        self._pause = PAUSE
        self._described = False
        self._early: list[RtcSignal] = []  # heard before this end was described
        self._candidates = 0

    def try_it(self) -> None:
        """Begin a connection, if this end is to, and can."""
        if self._lower and self._able and self._script is None and self._timer is None and self._by_webrtc():
            self._open(self._number + 1)

    def take(self, said: Direct) -> None:
        """Take what the peer says."""
        if said.number == 0:
            self._able = True
            if self._lower:
                self.try_it()
            else:
                self._say(0, None)
        elif said.signal is None:
            if self._lower and said.number == self._number:
                self._lost()
        else:
            if not self._lower and said.number > self._number and self._by_webrtc():
                self._open(said.number)
            if said.number == self._number and self._script is not None:
                self._heard(said.signal)

    def drop(self) -> None:
        """Take down what there is."""
        self._link.direct = ""
        self._stop_timer()
        script, self._script = self._script, None
        self._described = False
        self._early.clear()
        if script is not None:
            self._loop.unlisten(script.id)
            script.close()

    # --- inside

    def _by_webrtc(self) -> bool:
        return bool(self._link.stats.network == "webrtc")

    def _say(self, number: int, signal: RtcSignal | None) -> None:
        self._send(self._pid, encode(Direct(number, signal)))

    def _open(self, number: int) -> None:
        self.drop()
        self._number = number
        self._candidates = 0
        self._script = self._connect(self._pid, number)
        self._timer = self._loop.call_later(LIMIT, self._lost)
        if self._script is not None:
            self._loop.listen(self._script.id, self._note)
            self._script.describe()

    def _heard(self, signal: RtcSignal) -> None:
        if not self._described:
            if len(self._early) < MAX_CANDIDATES:
                self._early.append(signal)
            return
        if signal.description is not None:
            self._script.answer(signals.sdp(signal.description, lower=self._lower))
        for one in signal.candidates[: MAX_CANDIDATES - self._candidates]:
            self._candidates += 1
            self._script.candidate(one.line)

    def _note(self, kind: int, value: Any) -> None:
        if kind == _DESCRIBED:
            try:
                mine = signals.described(str(value))
            except DecodeError:
                self._lost()
                return
            self._say(self._number, RtcSignal(mine, (), False))
            self._described = True
            early, self._early = self._early, []
            for signal in early:
                self._heard(signal)
        elif kind == _CANDIDATE:
            if (found := signals.candidate(str(value))) is not None:
                self._say(self._number, RtcSignal(None, (found,), False))
        elif kind == _PAIR:
            self._link.direct = _path(str(value.local), str(value.remote))
            self._stop_timer()
            self._pause = PAUSE
        elif kind == _OVER:
            self._lost()

    def _lost(self) -> None:
        had = self._script is not None
        self.drop()
        if self._lower:
            self._timer = self._loop.call_later(self._pause, self._again)
            self._pause = min(2 * self._pause, PAUSE_MOST)
        elif had:
            self._say(self._number, None)

    def _again(self) -> None:
        self._timer = None
        self.try_it()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _path(local: str, remote: str) -> str:
    """The path of a channel between these candidates, with their kinds."""
    (here, _, kind), (there, port, other) = signals.where(local), signals.where(remote)
    if "relay" in (kind, other):
        return f"tab to tab, relayed by TURN {here if kind == 'relay' else there}"
    return f"tab to tab ({kind} to {other}), {there} port {port}"
