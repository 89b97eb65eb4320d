"""The WAN emulator: one process that passes packets between machines, each later by what the way costs.

    python -m huddle_lab.sites.wan CONTROL TUN...

The arguments are inherited descriptors: a SOCK_SEQPACKET socket to whoever started it, and a TUN device for
each machine, whose address is `address(index)`. It ends when the control socket is closed at its other end.
Each packet on the control socket is one JSON object, answered by one:

    {"do": "shape", "ways": [[from, to, {"delay": 0.04, ...}], ...]}      {"ok": true}
    {"do": "address", "old": "10.77.0.1", "new": "10.77.0.9"}             {"ok": true}
    {"do": "stats"}                             the counters since the last reset, see `Counters`
    {"do": "reset"}                             {"ok": true}

and what can't be done is answered by {"error": text}. It knows no studies, parties or sessions.

It runs with SCHED_FIFO where that is permitted: with normal priority a busy machine would add tens of
milliseconds. A machine from which each way bears it hands over segments of up to 64 KiB.
"""

import contextlib
import gc
import heapq
import json
import os
import random
import select
import socket
import sys
import time
from typing import Any

from huddle_lab.sites.timer import Timer, sharpen
from huddle_lab.sites.tun import HEADER, LARGEST, set_offload
from huddle_lab.study.shape import Shape, ShapedPath

PRIORITY = 10  # of SCHED_FIFO: above all normal processes, below the kernel's own threads
BATCH = 32  # packets of one machine before the others get their turn
MAX_WAITING = 200_000  # packets under way, so that a mistake does not take all memory
BUCKET = 20_000  # buckets a second, each of 50 microseconds, in which lateness is counted
BUCKETS = 400


def address(machine: int) -> str:
    """The IPv4 address of a machine by its index."""
    return socket.inet_ntoa(_address(machine))


def _address(machine: int) -> bytes:
    return bytes((10, 77, *divmod(machine + 1, 256)))


class Counters:
    """What happened since the last reset. Lateness is that of packets against when they were due."""

    def __init__(self) -> None:
        self.passed = self.dropped = self.size = 0
        self.late = [0] * BUCKETS
        self.latest = 0.0
        self._times = os.times()

    def as_dict(self) -> dict[str, Any]:
        """For JSON; lateness in milliseconds, of delayed packets only, null where there were none."""
        now = os.times()
        return {
            "packets": self.passed,
            "dropped": self.dropped,
            "bytes": self.size,
            "late_p50_ms": self._quantile(0.5),
            "late_p99_ms": self._quantile(0.99),
            "late_max_ms": round(self.latest * 1000, 3),
            "cpu_s": round(now.user + now.system - self._times.user - self._times.system, 3),
        }

    def _quantile(self, part: float) -> float | None:
        wanted, seen = part * sum(self.late), 0
        for index, count in enumerate(self.late):
            seen += count
            if count and seen >= wanted:
                return round((index + 1) / BUCKET * 1000, 3)
        return None


class Emulator:
    """The machines' devices, the ways between them, and the packets under way."""

    def __init__(self, control: socket.socket, devices: list[int], seed: int = 0) -> None:
        self._control = control
        self._devices = devices
        self._counters = Counters()
        source = random.Random(seed)  # noqa: S311 - which packets are lost is no secret
        everybody = range(len(devices))
        self._ways = [
            {_address(to): (devices[to], ShapedPath(Shape(), source)) for to in everybody if to != start}
            for start in everybody
        ]
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._order = 0
        self._timer = Timer()
        self._armed = 0.0

    def run(self) -> None:
        """Until the control socket is closed."""
        poll = select.epoll()
        machines = {fd: index for index, fd in enumerate(self._devices)}
        for fd in (*machines, self._timer.fd, self._control.fileno()):
            poll.register(fd, select.EPOLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd in machines:
                    self._take(fd, self._ways[machines[fd]])
                    self._deliver()
                elif fd == self._timer.fd:
                    self._timer.clear()
                    self._armed = 0.0
                elif not self._obey():
                    return
            self._deliver()

    def _take(self, fd: int, ways: dict[bytes, tuple[int, ShapedPath]]) -> None:
        """Read what a machine sends. This and `_deliver` are the hot path, so names are local."""
        read, write, monotonic = os.read, os.write, time.monotonic
        counters, waiting, push = self._counters, self._waiting, heapq.heappush
        begin, end = HEADER + 16, HEADER + 20  # the destination in an IPv4 header
        for _ in range(BATCH):
            try:
                packet = read(fd, LARGEST)
            except BlockingIOError:
                return
            found = ways.get(packet[begin:end])
            if found is None:
                continue  # multicast and IPv6's own messages
            now = monotonic()
            out, way = found
            at = way.due(now, len(packet) - HEADER)
            if at is None or len(waiting) > MAX_WAITING:
                counters.dropped += 1
            elif at == now:
                try:
                    counters.size += write(out, packet)
                    counters.passed += 1
                except OSError:
                    counters.dropped += 1
            else:
                self._order += 1
                push(waiting, (at, self._order, out, packet))

    def _deliver(self) -> None:
        """Hand over what is due, and set the timer for the next."""
        waiting, counters = self._waiting, self._counters
        while waiting:
            late = time.monotonic() - waiting[0][0]
            if late < 0:
                break
            _, _, out, packet = heapq.heappop(waiting)
            try:
                counters.size += os.write(out, packet)
                counters.passed += 1
            except OSError:
                counters.dropped += 1
            counters.late[min(int(late * BUCKET), BUCKETS - 1)] += 1
            if late > counters.latest:
                counters.latest = late
        if waiting and waiting[0][0] != self._armed:
            self._armed = waiting[0][0]
            self._timer.arm(self._armed)

    def _obey(self) -> bool:
        """One request of the control socket; False when it was closed."""
        data = self._control.recv(1 << 20)
        if not data:
            return False
        try:
            answer = self._answer(json.loads(data))
        except (ValueError, KeyError, TypeError, IndexError) as exc:
            answer = {"error": f"{type(exc).__name__}: {exc}"}
        with contextlib.suppress(OSError):
            self._control.send(json.dumps(answer).encode())
        return True

    def _way(self, start: int, to: int) -> ShapedPath:
        """By the device at its end, for addresses may change."""
        return next(way for fd, way in self._ways[start].values() if fd == self._devices[to])

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["do"]:
            case "shape":
                for start, to, shape in request["ways"]:
                    self._way(start, to).set(Shape.from_dict(shape))
                for fd, ways in zip(self._devices, self._ways, strict=True):
                    segments = all(way.shape.bears_segments for _, way in ways.values())
                    set_offload(fd, segments=segments)
            case "address":
                old, new = (socket.inet_aton(request[name]) for name in ("old", "new"))
                for ways in self._ways:
                    if old in ways:
                        ways[new] = ways.pop(old)
            case "stats":
                return self._counters.as_dict()
            case "reset":
                self._counters = Counters()
            case other:
                raise ValueError(f"no such request: {other}")
        return {"ok": True}


def prefer() -> bool:
    """Run before all normal processes; whether that is permitted."""
    sharpen()
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True


def main() -> None:
    """What the descriptors of the command line say."""
    control = socket.socket(fileno=int(sys.argv[1]))
    preferred = prefer()
    gc.disable()  # it makes no cycles, and a collection would hold up packets
    emulator = Emulator(control, [int(fd) for fd in sys.argv[2:]])
    control.send(json.dumps({"ready": True, "fifo": preferred}).encode())
    emulator.run()


if __name__ == "__main__":
    main()
