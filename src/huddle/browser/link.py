"""A run's data link in a browser, whose bytes go by JavaScript (web/src/core/data-link.ts).

`ScriptEnd` seeks, proves, attaches and detaches wires as every `Link`. What a link's machine does with
bytes, times and counters is its JavaScript's, so that a message costs no Python in this worker, and a link
answers whatever the runner does. Of what a wire brings only the bytes right behind the proof come here.
"""

from collections.abc import Callable
from typing import Any, Protocol, cast

from huddle.browser.js_values import array
from huddle.browser.loop import MailboxLoop
from huddle.browser.records import ScriptRecordWire
from huddle.links.frames import Scanned
from huddle.links.link import Link
from huddle.links.proof import Proven, RecordKeys
from huddle.links.protocol import Happened, LinkProtocol
from huddle.links.receiver import LinkStats
from huddle.links.wire import Wire

# Kinds of notes, as in data-link.ts.
_ONLINE, _SILENT, _OVER, _FAILED, _ENDED, _WRITTEN, _FOUL = range(1, 8)


class Carried(Protocol):
    """Whoever has the program at the other side of the link's JavaScript."""

    def peer_over(self) -> None:
        """The peer's program is over, and all that it sent was brought to the runner."""
        ...

    def written(self) -> None:
        """This program's END is written."""
        ...

    def foul(self) -> None:
        """The program sent something other than frames."""
        ...


class ScriptLink(LinkProtocol):
    """A `LinkProtocol` whose state is JavaScript's; here is only what a `Link` must see of it."""

    def __init__(self, name: str, script: Any, channel: Callable[[], Any]) -> None:
        super().__init__(name)
        self._script = script
        self._channel = channel

    def attach(self, now: float) -> None:
        self._script.attach(self._channel())

    def detach(self) -> None:
        self._script.detach()

    def finish(self) -> None:
        self._script.finish()

    def abandon(self) -> None:
        self._script.abandon()

    def receive(self, data: bytes, now: float) -> tuple[()]:
        """JavaScript takes it, and brings the frames in it to the runner by itself."""
        self._script.receive(array(data))
        return ()

    def delivered(self, total: int, now: float) -> None:
        """JavaScript knows it better."""


class ScriptEnd(Link):
    """A link's end by this script, a `DataLink`; `carried` hears of the program."""

    def __init__(self, script: Any, carried: Carried, *others: Any) -> None:
        super().__init__(*others)
        self.direct = ""  # the path of a direct channel beside this link, while there is one
        self._script = script
        self._carried = carried
        self._link: ScriptLink = ScriptLink(self._peer.name, script, self._channel)
        loop = self._loop
        assert isinstance(loop, MailboxLoop)
        self._mailbox = loop
        loop.listen(script.id, self._note)

    @property
    def stats(self) -> LinkStats:
        sent, received, messages_sent, messages_received, rounds, rtt, last_rtt, attached, queued = (
            self._script.stats().to_py()
        )
        info = self._wire.wire.info if self._wire else None
        return LinkStats(
            bytes_sent=int(sent),
            bytes_received=int(received),
            messages_sent=int(messages_sent),
            messages_received=int(messages_received),
            rounds=int(rounds),
            rtt=None if rtt < 0 else rtt,
            last_rtt=None if last_rtt < 0 else last_rtt,
            reconnects=max(int(attached) - 1, 0),
            network=info.network if info else "",
            path=self.direct or (info.path if info else ""),
            queued=int(queued),
        )

    def write(self, frames: bytes | memoryview) -> None:
        raise NotImplementedError("the runner writes to the link's JavaScript")

    def forward(self, frames: bytes, scanned: Scanned) -> None:
        raise NotImplementedError("the runner writes to the link's JavaScript")

    def found(self, wire: Wire, proven: Proven) -> None:
        super().found(wire, proven)
        # What came on it until now has gone through here, in its order.
        self._script.divert()

    async def close(self, limit: float = 5.0) -> None:
        self._link.sent = int(self._script.stats().to_py()[0])
        await super().close(limit)

    def abort(self) -> None:
        over = self._ended.is_set()
        super().abort()
        if not over:
            self._mailbox.unlisten(self._script.id)
            # What JavaScript says of it is heard no more, and a run waits until its program's END is written.
            self._carried.written()

    def _swallow(self) -> None:
        """JavaScript does so since `finish`."""

    def _sealed(self, wire: Wire, keys: RecordKeys, rest: bytes) -> Wire:
        return ScriptRecordWire(wire, keys, rest, self._mailbox)

    def _channel(self) -> Any:
        """JavaScript's part of the present wire: a data channel, or the record layer."""
        return cast(Any, self._wire).wire.script

    def _note(self, kind: int, value: Any) -> None:
        if kind == _ONLINE:
            self._link.attached += 1
            self._tell(Happened.ONLINE)
        elif kind == _SILENT:
            self._tell(Happened.SILENT)
        elif kind == _OVER:
            self._tell(Happened.OVER)
            self._over()
        elif kind == _FAILED:
            self._fail(self._link._blame(str(value)))
        elif kind == _ENDED:
            self._link.ended_there = True
            self._carried.peer_over()
        elif kind == _WRITTEN:
            self._carried.written()
        elif kind == _FOUL:
            self._carried.foul()

    def _tell(self, event: Happened) -> None:
        self._link.events.append(event)
        self._happened()


def ends(script: Any, carried: Carried) -> Callable[..., Link]:
    """What makes the end of a link by this script."""
    return lambda *others: ScriptEnd(script, carried, *others)
