"""One direction of a TCP connection over a path that is only thought of: when what is written arrives.

Of Linux's TCP, with its default congestion control CUBIC, it has what decides when messages arrive: the
congestion window (ten segments at first, doubling every round trip while it limits, RFC 6928 and 5681;
smaller after a loss and then growing as for small windows, RFC 9438, 4.3; smaller again after a pause,
RFC 2861), the receive window (DRS, as tcp_rcv_space_adjust), the retransmission after later segments
were acknowledged (RACK, RFC 8985), after a tail loss probe, or after the retransmission timer with its
200 ms; and order: what comes after a lost segment waits for it. Bytes are sent in chunks of up to 64 KiB,
as by a network card, of up to ten segments where a rate must see them, and of one where each may be lost.
What loss costs is held to what it cost in the emulator (loss.json, by scripts/loss.py). There is no queue
that several connections share.
"""

import math
import random
from collections import deque
from collections.abc import Callable, Sequence

from huddle_lab.simulator.clock import Clock
from huddle_lab.study.shape import QUEUE_SECONDS, Shape

SEGMENT = 1448  # bytes of data in a packet of 1500 with time stamps
HEADERS = 52
INITIAL = 10 * SEGMENT
RECEIVE = 65535
LARGEST = 65536
MOST = 6_291_456  # of net.ipv4.tcp_rmem
RTO_MIN, PROBE_MIN, DELAYED_ACK = 0.2, 0.002, 0.2
RTO_MAX, GIVES_UP = 120.0, 15  # tries
BETA = 0.7  # of CUBIC: what is left of the window after a loss
FRIENDLY = 3 * (1 - BETA) / (1 + BETA)  # segments by which it grows then in a round trip
REORDERED, PATIENT = 3, 1 / 8  # RACK: so many segments show a loss; fewer after so much of a round trip


class _Chunk:
    __slots__ = ("arrived", "came", "end", "later", "lost", "passed", "sent", "size", "tries", "window")

    def __init__(self, size: int, end: int, sent: float) -> None:
        self.size, self.end, self.sent = size, end, sent
        self.arrived = self.lost = False
        self.tries = self.later = self.passed = 0
        self.came = self.window = 0.0  # when it came, and what the receiver offered then


class Wire:
    """`deliver(message)` is called when all of a message, and all that was written before, has arrived.

    `back` is the delay of acknowledgements; `round_trip` that by which windows open, where it isn't the
    sum; `out` when nothing gets through, from and until.
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
        out: Sequence[tuple[float, float]] = (),
    ) -> None:
        self._out = out
        self._clock, self._shape, self._random, self._deliver = clock, shape, source, deliver
        self._trip = shape.delay + back if round_trip is None else round_trip
        self._largest = LARGEST if shape.bears_segments else SEGMENT if shape.loss else INITIAL
        self._window, self._threshold = float(INITIAL if windows else math.inf), math.inf
        self._written = self._queued = self._flying = 0
        self._messages: deque[tuple[int, int]] = deque()  # where each ends in the stream
        self._chunks: deque[_Chunk] = deque()  # that have not been passed on
        self._lost: list[_Chunk] = []
        self._busy = self._last = self._sent = 0.0
        self._most = self._used = 0  # bytes under way: in the last round trip, and since the stamp
        self._most_at = self._stamp = 0.0
        # The receive window, and what the sender knows of it.
        self._offered = self._granted = float(RECEIVE if windows else math.inf)
        self._copied, self._space, self._copied_since = 0, INITIAL, 0.0
        self._passed = self._known = 0  # the stream is there so far, and the sender knows
        self._recover = 0  # until it knows of so much, it repairs a loss
        self._answered: deque[_Chunk] = deque()  # that have arrived, of which the sender does not know

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
        chunk.sent, chunk.lost, chunk.later = now, False, 0
        packets = math.ceil(chunk.size / SEGMENT)
        if self._is_lost(packets) or (shape.rate and self._busy - now > QUEUE_SECONDS):
            chunk.lost = True
            self._lost.append(chunk)
            self._clock.at(now + self._patience(chunk), self._again, chunk, chunk.tries, True)
            return
        if shape.rate:
            self._busy = max(self._busy, now) + (chunk.size + packets * HEADERS) * 8 / shape.rate
        at = (self._busy if shape.rate else now) + shape.delay
        if shape.jitter:
            at = max(at + self._random.gauss(0, shape.jitter), self._last, now)
            self._last = at
        self._clock.at(at, self._arrive, chunk)
        for earlier in self._lost:  # what is acknowledged later shows that these are lost
            earlier.later += 1
            patient = 0 if earlier.later >= REORDERED else PATIENT
            self._clock.at(now + (1 + patient) * self._trip, self._again, earlier, earlier.tries)

    def _is_lost(self, packets: int) -> bool:
        """What is sent now."""
        pulled = any(begin <= self._clock.now < end for begin, end in self._out)
        return pulled or self._is_dropped(packets)

    def _is_dropped(self, packets: int = 1) -> bool:
        """By the way's loss."""
        return bool(self._shape.loss) and self._random.random() > (1 - self._shape.loss) ** packets

    def _patience(self, chunk: _Chunk) -> float:
        """How long until a lost chunk is sent again where nothing follows it."""
        probe = 2 * self._trip + (DELAYED_ACK if len(self._chunks) == 1 else PROBE_MIN)
        # The first is a probe, after which the timer doubles.
        return min(RTO_MAX, float(min(probe, self._timeout) * 2 ** max(0, chunk.tries - 1)))

    def _again(self, chunk: _Chunk, tries: int, by_timer: bool = False) -> None:
        if not chunk.lost or chunk.tries != tries or tries == GIVES_UP:
            return
        chunk.tries += 1
        self._lost.remove(chunk)
        if self._known >= self._recover:  # once for all that is lost of what is under way
            self._recover = self._written - self._queued
            self._window = self._threshold = max(2 * SEGMENT, self._window * BETA)
        if by_timer and tries:  # the first time it was a probe
            self._window = SEGMENT
        self._send(chunk)

    def _arrive(self, chunk: _Chunk) -> None:
        chunk.arrived, chunk.came = True, self._clock.now
        if self._clock.now - self._copied_since > 0.9 * self._trip:  # of a round trip before
            growth = 2 + 4 * max(0.0, self._copied / self._space - 1)
            self._offered = max(self._offered, min(MOST, growth * self._copied))
            self._space = max(self._space, self._copied)
            self._copied, self._copied_since = 0, self._clock.now
        self._copied += chunk.size
        chunk.window = self._offered
        self._answered.append(chunk)
        known = self._clock.now + self._trip - self._shape.delay
        if self._is_dropped():  # the answer: that of a later chunk says it too, or that of a probe
            known = chunk.sent + self._patience(chunk) + self._trip
        self._clock.at(known, self._acknowledge)
        while self._chunks and self._chunks[0].arrived:
            self._passed = self._chunks.popleft().end
            while self._messages and self._messages[0][1] <= self._passed:
                self._deliver(self._messages.popleft()[0])
        chunk.passed = self._passed

    def _acknowledge(self) -> None:
        """All that had arrived when this was sent."""
        then = self._clock.now - (self._trip - self._shape.delay)
        while self._answered and self._answered[0].came <= then + 1e-12:
            self._acknowledged(self._answered.popleft())
        self._pump()

    def _acknowledged(self, chunk: _Chunk) -> None:
        self._granted, self._known = max(self._granted, chunk.window), max(self._known, chunk.passed)
        if self._window < 2 * self._most:  # it limits
            if self._window < self._threshold:
                grown = float(chunk.size)
            elif self._known < self._recover:
                grown = 0.0
            else:
                grown = FRIENDLY * SEGMENT * chunk.size / self._window
            self._window = max(self._window, min(MOST, self._window + grown))
        self._flying -= chunk.size
