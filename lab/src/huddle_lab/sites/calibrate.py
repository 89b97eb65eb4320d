"""How right the emulator is on this computer, now: its own error of the delay, and what goes through it.

Probes are UDP packets between two machines. When each was sent is read right before it is; when it came
is the kernel's time stamp, so that nothing is counted but the way itself. The added delay is what a packet
took less what it should have taken. Throughput is one TCP connection with no delay, MTU 1500.
"""

import contextlib
import os
import random
import socket
import statistics
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from huddle_lab.sites.netns import Net, NetworkNamespace
from huddle_lab.sites.tun import inside
from huddle_lab.study.shape import Shape

DELAYS = (0.005, 0.04, 0.125)
PROBES = 300
APART = 0.003  # seconds between two probes, on average
THROUGHPUT_SECONDS = 1.5
ASKED_P50_MS, ASKED_P99_MS, ASKED_MBIT = 0.3, 1.0, 2000.0  # what a quiet computer should show

_SO_TIMESTAMPNS = 35  # Linux; the clock is that of time.time_ns()
_STAMP = struct.Struct("=qq")
_PORT = 9037
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Delay:
    """At one delay: how much later than that packets came, in milliseconds; `lost` of `probes` never did."""

    delay_ms: float
    probes: int
    lost: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one calibration found. `fifo` says whether the emulator runs before all normal processes."""

    backend: str
    fifo: bool
    delays: tuple[Delay, ...]
    mbit_per_s: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @property
    def good(self) -> bool:
        """Whether it is what a quiet computer should show."""
        return self.mbit_per_s >= ASKED_MBIT and all(
            abs(one.p50_ms) <= ASKED_P50_MS and one.p99_ms <= ASKED_P99_MS for one in self.delays
        )


def calibrate(
    net: Net,
    delays: Sequence[float] = DELAYS,
    probes: int = PROBES,
    say: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Measure between the first two machines of `net`, whose ways are without any shape afterwards."""
    first, second = net.machines[:2]
    found = []
    for delay in delays:
        say(f"delay {delay * 1000:g} ms")
        net.shape({(0, 1): Shape(delay=delay)})
        found.append(summary(delay, probes, one_way(first, second, probes, patience=delay + 1)))
    net.shape({(0, 1): Shape()})
    say("throughput")
    rate = throughput(first, second, THROUGHPUT_SECONDS)
    return Calibration(net.backend, net.fifo, tuple(found), round(rate / 1e6))


def summary(delay: float, probes: int, taken: Sequence[float]) -> Delay:
    """The error at one delay; `taken` are the seconds of the probes that came."""
    late = sorted((one - delay) * 1000 for one in taken)
    if not late:
        return Delay(delay * 1000, probes, probes, float("inf"), float("inf"))
    p99 = late[min(len(late) - 1, int(len(late) * 0.99))]
    return Delay(delay * 1000, probes, probes - len(late), round(statistics.median(late), 3), round(p99, 3))


def one_way(
    start: NetworkNamespace, end: NetworkNamespace, probes: int, patience: float = 1.0
) -> list[float]:
    """Send so many probes; the seconds that each took which came within `patience` after the last."""
    gaps = random.Random(1)  # noqa: S311 - so that probes are not in step with anything
    taken: list[float] = []
    all_sent = threading.Event()
    with _socket(end, socket.SOCK_DGRAM) as receiver, _socket(start, socket.SOCK_DGRAM) as sender:
        receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        receiver.bind((end.address, _PORT))
        receiver.settimeout(patience)

        def receive() -> None:
            while len(taken) < probes:
                last = all_sent.is_set()
                try:
                    data, more, _, _ = receiver.recvmsg(64, 64)
                except TimeoutError:
                    if last:
                        return
                    continue
                seconds, nanoseconds = _STAMP.unpack(more[0][2][: _STAMP.size])
                (sent,) = struct.unpack("=q", data)
                taken.append((seconds * 10**9 + nanoseconds - sent) / 1e9)

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        with _undisturbed():
            for _ in range(probes):
                sender.sendto(struct.pack("=q", time.time_ns()), (end.address, _PORT))
                time.sleep(gaps.uniform(0, 2 * APART))
        all_sent.set()
        thread.join()
    return taken


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Nothing comes between reading the clock and sending, where that is permitted."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def throughput(start: NetworkNamespace, end: NetworkNamespace, seconds: float) -> float:
    """Bits a second of one TCP connection."""
    with _socket(end, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((end.address, _PORT))
        listener.listen(1)
        listener.settimeout(5)
        with _socket(start, socket.SOCK_STREAM) as sender:
            sender.settimeout(5)
            sender.connect((end.address, _PORT))
            receiver, _ = listener.accept()
            with receiver:
                return _pour(sender, receiver, seconds)


def _pour(sender: socket.socket, receiver: socket.socket, seconds: float) -> float:
    chunk, buffer = bytes(_CHUNK), bytearray(_CHUNK)
    began = time.monotonic()
    over = began + seconds

    def send() -> None:
        try:
            while time.monotonic() < over:
                sender.sendall(chunk)
            sender.shutdown(socket.SHUT_WR)
        except OSError:
            return

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    receiver.settimeout(5)
    size = 0
    while got := receiver.recv_into(buffer):
        size += got
    taken = time.monotonic() - began
    thread.join(5)
    return size * 8 / taken


def _socket(machine: NetworkNamespace, kind: socket.SocketKind) -> socket.socket:
    with inside(machine.name):
        return socket.socket(socket.AF_INET, kind)
