"""One direction of a TCP connection over a path that is only thought of: when what is written arrives.

Of Linux's TCP it has what decides when messages arrive: the congestion window (ten segments at first,
doubling every round trip while it limits, RFC 6928 and 5681; smaller again after a pause, RFC 2861),
the retransmission after later segments were acknowledged (RACK, RFC 8985), after a tail loss probe, or
after the retransmission timer with its 200 ms; and order: what comes after a lost segment waits for it.
Bytes are sent in chunks of up to 64 KiB, as by a network card, and of up to ten segments where a rate
or loss must see them. The receive window is 64 KiB at first, and RECEIVE_GROWTH times what came in the
round trip before the last: a fit to rows of the CNN and of studies/links.py, which want 2 and 4, not a
rule of Linux. There is no queue that several connections share. Loss follows Linux's rules, and was not
confirmed by measurement.
"""

import math
import random
from collections import deque
from collections.abc import Callable

from huddle_lab.simulator.clock import Clock
from huddle_lab.study.shape import QUEUE_SECONDS, Shape

SEGMENT = 1448  # bytes of data in a packet of 1500 with time stamps
HEADERS = 52
INITIAL = 10 * SEGMENT
RECEIVE, RECEIVE_GROWTH = 65535, 3  # the latter is fitted, see above
LARGEST = 65536
MOST = 6_291_456  # of net.ipv4.tcp_rmem
RTO_MIN, PROBE_MIN, DELAYED_ACK = 0.2, 0.002, 0.2
BETA = 0.7  # CUBIC


class _Chunk:
    __slots__ = ("arrived", "end", "lost", "sent", "size", "tries", "window")

    def __init__(self, size: int, end: int, sent: float) -> None:
        self.size, self.end, self.sent = size, end, sent
        self.arrived = self.lost = False
        self.tries = 0
        self.window = 0.0  # that the receiver offered when it came


class Wire:
    """`deliver(message)` is called when all of a message, and all that was written before, has arrived.

    `back` is the delay of acknowledgements; `round_trip` that by which windows open, where it isn't the sum.
    """

    def __init__(
        self,
        clock: Clock,
        shape: Shape,
        back: float,
        source: random.Random,
        deliver: Callable[[int], None],
        round_trip: float | None = None,
        windows: bool = True,
    ) -> None:
        self._clock, self._shape, self._random, self._deliver = clock, shape, source, deliver
        self._trip = shape.delay + back if round_trip is None else round_trip
        self._largest = LARGEST if shape.bears_segments else INITIAL
        self._window, self._threshold = float(INITIAL if windows else math.inf), math.inf
        self._written = self._queued = self._flying = 0
        self._messages: deque[tuple[int, int]] = deque()  # where each ends in the stream
        self._chunks: deque[_Chunk] = deque()  # that have not been passed on
        self._busy = self._last = self._sent = 0.0
        self._most = self._used = 0  # bytes under way: in the last round trip, and since the stamp
        self._most_at = self._stamp = 0.0
        self._offered = self._granted = float(
            RECEIVE if windows else math.inf
        )  # by the receiver, and as far as the sender knows
        self._copied, self._copied_since = 0, 0.0

    def write(self, message: int, size: int) -> None:
        """A message of so many bytes."""
        idle, timeout = self._clock.now - self._sent, self._timeout
        if not self._flying and not self._queued and idle > timeout:
            self._window = max(INITIAL, self._window / 2 ** min(60, idle // timeout))
        self._written += size
        self._queued += size
        self._messages.append((message, self._written))
        self._pump()

    @property
    def _timeout(self) -> float:
        return self._trip + max(RTO_MIN, 4 * self._shape.jitter)

    def _pump(self) -> None:
        while self._queued and self._flying < (window := min(self._window, self._granted)):
            size = int(min(self._queued, self._largest, max(SEGMENT, window - self._flying)))
            self._queued -= size
            self._flying += size
            chunk = _Chunk(size, self._written - self._queued, self._clock.now)
            self._chunks.append(chunk)
            self._sent = self._clock.now
            self._send(chunk)
            self._validate()

    def _validate(self) -> None:
        """A window that is not used for the time of a timeout shrinks halfway to what is used (RFC 2861)."""
        now = self._clock.now
        if self._flying >= self._most or now - self._most_at > self._trip:
            self._most, self._most_at = self._flying, now
        if self._flying >= self._window:
            self._used, self._stamp = 0, now
            return
        self._used = max(self._used, self._flying)
        if now - self._stamp >= self._timeout:
            used = max(self._used, INITIAL)
            if used < self._window:
                self._threshold = max(self._threshold, 0.75 * self._window)
                self._window = (self._window + used) / 2
            self._used, self._stamp = 0, now

    def _send(self, chunk: _Chunk) -> None:
        now, shape = self._clock.now, self._shape
        chunk.sent, chunk.lost = now, False
        packets = math.ceil(chunk.size / SEGMENT)
        kept = (1 - shape.loss) ** packets
        if (shape.loss and self._random.random() > kept) or (shape.rate and self._busy - now > QUEUE_SECONDS):
            chunk.lost = True
            self._clock.at(now + self._patience(chunk), self._again, chunk, chunk.tries)
            return
        if shape.rate:
            self._busy = max(self._busy, now) + (chunk.size + packets * HEADERS) * 8 / shape.rate
        at = (self._busy if shape.rate else now) + shape.delay
        if shape.jitter:
            at = max(at + self._random.gauss(0, shape.jitter), self._last, now)
            self._last = at
        self._clock.at(at, self._arrive, chunk)
        for earlier in self._chunks:  # what is acknowledged later shows that these are lost
            if earlier is not chunk and earlier.lost:
                self._clock.at(now + 1.25 * self._trip, self._again, earlier, earlier.tries)

    def _patience(self, chunk: _Chunk) -> float:
        """How long until a lost chunk is sent again where nothing follows it."""
        probe = 2 * self._trip + (DELAYED_ACK if len(self._chunks) == 1 else PROBE_MIN)
        return float(min(probe, self._timeout) * 2**chunk.tries)

    def _again(self, chunk: _Chunk, tries: int) -> None:
        if not chunk.lost or chunk.tries != tries:
            return
        chunk.tries += 1
        self._window = self._threshold = max(2 * SEGMENT, self._window * BETA)
        self._send(chunk)

    def _arrive(self, chunk: _Chunk) -> None:
        chunk.arrived = True
        if self._clock.now - self._copied_since > 0.9 * self._trip:  # of a round trip before
            self._offered = max(self._offered, min(MOST, RECEIVE_GROWTH * self._copied))
            self._copied, self._copied_since = 0, self._clock.now
        self._copied += chunk.size
        chunk.window = self._offered
        self._clock.at(self._clock.now + self._trip - self._shape.delay, self._acknowledge, chunk)
        while self._chunks and self._chunks[0].arrived:
            passed = self._chunks.popleft().end
            while self._messages and self._messages[0][1] <= passed:
                self._deliver(self._messages.popleft()[0])

    def _acknowledge(self, chunk: _Chunk) -> None:
        self._granted = max(self._granted, chunk.window)
        if self._window < 2 * self._most:  # it limits
            grown = chunk.size if self._window < self._threshold else SEGMENT * chunk.size / self._window
            self._window = max(self._window, min(MOST, self._window + grown))
        self._flying -= chunk.size
        self._pump()
