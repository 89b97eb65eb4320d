"""A trace: what a computation does at each party, apart from where it was run; and its file.

A party does *segments*. A segment begins when all that it waits for is there: segments of the same party
that have ended, and messages that have arrived. It takes processor time, and sends messages on the way.
Nothing in a trace is a time of a clock, so that a run with other delays has the same trace.

The file is xz-compressed JSON Lines. The first line is the header: `version` (1) and the fields of
`TraceHeader`. Then each party has a line, an object of lists of whole numbers, times in microseconds:

    cpu        of each segment
    after      for each segment: how many segments it waits for, then how far each lies back
    messages   for each segment: how many messages it waits for, then for each the sender, and its number
               among those of this sender beyond that which the line named last
    sends      for each segment: how many messages it sends, then for each the processor time since the
               one before (or the segment's beginning), the receiver, the size in bytes, and its number
               among those to this receiver beyond the one that the line named last
    end        the segment in which the party stops, and after how much of it
    receive    what a received message costs, in nanoseconds

Times are rounded to two significant digits, which is less than what one run differs from the next.
"""

import json
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from huddle.errors import LocalError

VERSION = 1


@dataclass(frozen=True, slots=True)
class TraceHeader:
    """Of what it is the trace. `seed` is that of the parties, `cpu` the processor by whose seconds it is."""

    demo: str
    size: str
    args: tuple[str, ...]
    parties: int
    seed: str
    program: str  # the digest of its files
    versions: dict[str, str]
    cpu: str


@dataclass(frozen=True, slots=True)
class Send:
    """A message: when, in seconds of its segment's processor time; to whom; bytes; its number on that way."""

    at: float
    to: int
    size: int
    number: int


@dataclass(frozen=True, slots=True)
class Segment:
    """What a party does without waiting: seconds of processor time, after these segments and messages."""

    cpu: float
    after: tuple[int, ...]
    messages: tuple[tuple[int, int], ...]  # sender, number
    sends: tuple[Send, ...]


@dataclass(frozen=True, slots=True)
class PartyTrace:
    """All that one party does; it stops in segment `end`, after `end_at` seconds of it."""

    segments: tuple[Segment, ...]
    end: int
    end_at: float
    receive: float  # seconds of processor time for each message that arrives


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole computation."""

    header: TraceHeader
    parties: tuple[PartyTrace, ...]

    @property
    def title(self) -> str:
        """For people."""
        size = f" {self.header.size}" if self.header.size else ""
        return f"{self.header.demo}{size}, {self.header.parties} parties"

    @property
    def messages(self) -> int:
        """How many there are in all."""
        return sum(len(one.sends) for party in self.parties for one in party.segments)

    @property
    def sent(self) -> int:
        """Bytes sent by the party that sends most."""
        return max(self._sent())

    @property
    def total(self) -> int:
        """Bytes sent by all parties together."""
        return sum(self._sent())

    def _sent(self) -> list[int]:
        return [sum(s.size for one in party.segments for s in one.sends) for party in self.parties]


def save(trace: Trace, path: Path) -> None:
    """Write it."""
    lines = [{"version": VERSION, **asdict(trace.header)}, *map(_packed, trace.parties)]
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def header_of(path: Path) -> TraceHeader:
    """Only what it is the trace of; LocalError as `load`."""
    try:
        with lzma.open(path) as file:
            header = json.loads(file.readline())
        if header.pop("version") != VERSION:
            raise LocalError(f"{path.name} is a trace of another version", hint="Record it anew.")
        return TraceHeader(**{**header, "args": tuple(header["args"])})
    except (lzma.LZMAError, ValueError, KeyError, TypeError, EOFError, AttributeError) as exc:
        raise LocalError(f"{path.name} is no trace", hint="Make one by: huddle lab trace") from exc


def load(path: Path) -> Trace:
    """Read it; LocalError where that is no trace, or one of another version."""
    header = header_of(path)
    try:
        lines = [json.loads(line) for line in lzma.decompress(path.read_bytes()).splitlines()[1:]]
        trace = Trace(header, tuple(map(_unpacked, lines)))
    except (lzma.LZMAError, ValueError, KeyError, TypeError, IndexError, EOFError, AttributeError) as exc:
        raise LocalError(f"{path.name} is no trace", hint="Make one by: huddle lab trace") from exc
    problem = fault(trace)
    if problem:
        raise LocalError(f"{path.name}: {problem}", hint="Record it anew.")
    return trace


def fault(trace: Trace) -> str:
    """Why this can't be what parties did; empty where it can.

    What is waited for must have been sent, no message twice, and a segment waits for earlier ones only.
    """
    if len(trace.parties) != trace.header.parties:
        return f"{len(trace.parties)} of {trace.header.parties} parties"
    sent: set[tuple[int, int, int]] = set()
    for pid, party in enumerate(trace.parties):
        for place, segment in enumerate(party.segments):
            if any(not 0 <= one < place for one in segment.after):
                return f"party {pid} waits for what it has not done"
            if any(later.at < earlier.at for earlier, later in pairwise(segment.sends)):
                return f"party {pid} sends into the past"
            for one in segment.sends:
                key = (pid, one.to, one.number)
                if key in sent or not 0 <= one.to < len(trace.parties) or one.to == pid:
                    return f"party {pid} sends a message twice, or to nobody"
                sent.add(key)
        if not 0 <= party.end < len(party.segments):
            return f"party {pid} does not stop"
    for pid, party in enumerate(trace.parties):
        for segment in party.segments:
            if any((sender, pid, number) not in sent for sender, number in segment.messages):
                return f"party {pid} waits for a message that nobody sends"
    return ""


def _rounded(seconds: float) -> int:
    """Microseconds to two significant digits."""
    micro = round(seconds * 1e6)
    return round(micro, min(0, 2 - len(str(micro))))


def _packed(party: PartyTrace) -> dict[str, Any]:
    cpu, after, messages, sends = [], [], [], []
    waited: dict[int, int] = {}
    sent: dict[int, int] = {}
    for place, one in enumerate(party.segments):
        cpu.append(_rounded(one.cpu))
        after += [len(one.after), *(place - earlier for earlier in one.after)]
        messages.append(len(one.messages))
        for sender, number in one.messages:
            messages += [sender, number - waited.get(sender, -1)]
            waited[sender] = number
        sends.append(len(one.sends))
        last = 0.0
        for send in one.sends:
            step = max(0, _rounded(send.at - last))
            last += step / 1e6
            sends += [step, send.to, send.size, send.number - sent.get(send.to, -1)]
            sent[send.to] = send.number
    end = [party.end, _rounded(party.end_at)]
    receive = round(party.receive * 1e9)
    return {
        "cpu": cpu, "after": after, "messages": messages, "sends": sends, "end": end, "receive": receive
    }  # fmt: skip


def _unpacked(line: dict[str, Any]) -> PartyTrace:
    after, messages, sends = (
        _groups(line[key], size) for key, size in (("after", 1), ("messages", 2), ("sends", 4))
    )
    waited: dict[int, int] = {}
    sent: dict[int, int] = {}
    segments = []
    for place, cpu in enumerate(line["cpu"]):
        earlier = tuple(place - back for (back,) in next(after))
        awaited = []
        for sender, beyond in next(messages):
            waited[sender] = waited.get(sender, -1) + beyond
            awaited.append((sender, waited[sender]))
        made, at = [], 0
        for step, to, size, beyond in next(sends):
            at += step
            sent[to] = sent.get(to, -1) + beyond
            made.append(Send(at / 1e6, to, size, sent[to]))
        # Rounding may put the last message behind the end.
        segments.append(Segment(max(cpu, at) / 1e6, earlier, tuple(awaited), tuple(made)))
    end, end_at = line["end"]
    return PartyTrace(tuple(segments), end, end_at / 1e6, line["receive"] / 1e9)


def _groups(numbers: Sequence[int], size: int) -> Iterator[list[tuple[int, ...]]]:
    """How many, and then as many groups of `size`; again and again."""
    place = 0
    while place < len(numbers):
        count, place = numbers[place], place + 1
        groups = [tuple(numbers[at : at + size]) for at in range(place, place + count * size, size)]
        yield groups
        place += count * size
