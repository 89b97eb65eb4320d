"""Small computations whose time can be told by hand, and any, for properties."""

from typing import Any

from hypothesis import strategies as st

from huddle_lab.study.shape import Shape
from huddle_lab.traces.trace import PartyTrace, Segment, Send, Trace, TraceHeader


def trace(*parties: PartyTrace) -> Trace:
    """Of these parties."""
    return Trace(TraceHeader("demo", "", (), len(parties), "1", "", {}, ""), parties)


def ping_pong(rounds: int, cpu: float, size: int = 100) -> Trace:
    """Two parties that send one message after the other, `rounds` in all, computing `cpu` before each."""
    segments: tuple[list[Segment], list[Segment]] = ([], [])
    for number in range(rounds):
        me = number % 2
        awaited = () if number == 0 else ((1 - me, (number - 1) // 2),)
        earlier = () if not segments[me] else (len(segments[me]) - 1,)
        segments[me].append(Segment(cpu, earlier, awaited, (Send(cpu, 1 - me, size, number // 2),)))
    last = rounds % 2
    earlier = () if not segments[last] else (len(segments[last]) - 1,)
    segments[last].append(Segment(0.0, earlier, ((1 - last, (rounds - 1) // 2),), ()))
    return trace(*(PartyTrace(tuple(one), len(one) - 1, one[-1].cpu, 0.0) for one in segments))


def everywhere(parties: int, **shape: Any) -> dict[tuple[int, int], Shape]:
    """The same way between any two, and to the rendezvous."""
    return {(a, b): Shape(**shape) for b in range(parties + 1) for a in range(b)}


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Rounds in which parties send to some others, and wait for some of what was sent before."""
    count = draw(st.integers(2, 4))
    segments: list[list[Segment]] = [[] for _ in range(count)]
    sent = [[0] * count for _ in range(count)]
    waiting: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for _ in range(draw(st.integers(1, 6))):
        arriving: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for pid in range(count):
            cpu = draw(st.integers(0, 5000)) / 1e6
            sends = []
            for to in draw(st.lists(st.integers(0, count - 1), unique=True)):
                if to != pid:
                    sends.append(Send(cpu, to, draw(st.integers(1, 200_000)), sent[pid][to]))
                    arriving[to].append((pid, sent[pid][to]))
                    sent[pid][to] += 1
            places = range(len(segments[pid]))
            after = draw(st.sets(st.sampled_from(places), max_size=2)) if places else set()
            awaited = draw(st.sets(st.sampled_from(waiting[pid]), max_size=3)) if waiting[pid] else set()
            segments[pid].append(Segment(cpu, tuple(sorted(after)), tuple(sorted(awaited)), tuple(sends)))
        for pid in range(count):
            waiting[pid] += arriving[pid]
    for pid in range(count):  # a party stops when all that it did is over
        segments[pid].append(Segment(0.0, tuple(range(len(segments[pid]))), (), ()))
    return trace(*(PartyTrace(tuple(one), len(one) - 1, 0.0, 2e-5) for one in segments))
