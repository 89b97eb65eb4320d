"""Measures what loss costs TCP in the lab's emulator, which the simulator is held to (as root, four minutes).

    .venv/bin/python scripts/loss.py            writes lab/src/huddle_lab/simulator/loss.json

Many connections between two machines at once, each with packets that are lost independently both ways:
small messages there and back, and large ones that are answered by a small one. And a cable that is
pulled for a while, after which the message that waits is sent again when its timer says so. This process
runs before all others (SCHED_FIFO), so that a busy computer hardly matters; without loss it says how much.
"""

import json
import os
import selectors
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huddle_lab.sites.netns import Net, NetworkNamespace
from huddle_lab.sites.tun import inside
from huddle_lab.study.shape import Shape

TARGET = Path(__file__).parents[1] / "lab" / "src" / "huddle_lab" / "simulator" / "loss.json"
RTTS = (0.04, 0.08)
LOSSES = (0.0, 0.001, 0.01, 0.03)
SMALL, LARGE = 200, 300_000  # bytes of a message; its answer is always SMALL
SMALL_TIMES, LARGE_TIMES = 150, 6  # messages of a connection, one after the other
SMALL_MANY, LARGE_MANY = 64, 16  # connections
OUT, OUT_AFTER = 5.0, 1.5  # seconds for which the cable is pulled, and for which all have been connected
PORT = 9137
PATIENCE = 120.0


@dataclass
class End:
    """One end of a connection: answers, or asks and takes the time."""

    socket: socket.socket
    asks: bool
    size: int
    left: int
    missing: int = 0
    unsent: bytes = b""
    began: float = 0.0
    taken: list[float] = field(default_factory=list)

    def send(self) -> None:
        """The next message, as far as the kernel takes it."""
        self.unsent += bytes(self.size if self.asks else SMALL)
        self.missing = SMALL if self.asks else self.size
        self.began = time.monotonic()
        self.flush()

    def flush(self) -> None:
        """What is still to be sent."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent[: 1 << 20]) :]
        except BlockingIOError:
            return

    def receive(self) -> bool:
        """Take what has come; whether this end has all its answers."""
        while self.missing:
            try:
                data = self.socket.recv(1 << 20)
            except BlockingIOError:
                return False
            if not data:
                return True
            self.missing -= len(data)
        if self.asks:
            self.taken.append(time.monotonic() - self.began)
            self.left -= 1
            if not self.left:
                return True
        self.send()
        return False


def conversation(machines: list[NetworkNamespace], many: int, size: int, times: int) -> Iterator[list[float]]:
    """The times of all messages of each of so many connections."""
    with ExitStack() as stack:
        poll = stack.enter_context(selectors.DefaultSelector())
        ends = [
            End(stack.enter_context(one), asks, size, times)
            for pair in connections(machines, many)
            for one, asks in zip(pair, (True, False), strict=True)
        ]
        for end in ends:
            end.socket.setblocking(False)
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(end.socket, selectors.EVENT_READ, end)
            end.missing = size
        asking = [end for end in ends if end.asks]
        for end in asking:
            time.sleep(0.0013)  # so that they don't all speak at the same time
            end.send()
            poll.modify(end.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if end.unsent else 0), end)
        over, open_ends = time.monotonic() + PATIENCE, len(asking)
        while open_ends and time.monotonic() < over:
            for key, _ in poll.select(1):
                end = key.data
                if end.receive():
                    poll.unregister(end.socket)
                    open_ends -= end.asks
                    continue
                end.flush()
                more = selectors.EVENT_WRITE if end.unsent else 0
                poll.modify(end.socket, selectors.EVENT_READ | more, end)
        if open_ends:
            raise SystemExit(f"{open_ends} of {many} connections did not end")
        yield from (end.taken for end in asking)


def connections(machines: list[NetworkNamespace], many: int) -> Iterator[tuple[socket.socket, socket.socket]]:
    """From the first machine to the second, one after the other."""
    sockets = []
    for machine in machines[:2]:
        with inside(machine.name):
            sockets.append([socket.socket() for _ in range(many if machine is machines[0] else 1)])
    starts, (listener,) = sockets
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((machines[1].address, PORT))
        listener.listen(many)
        for start in starts:
            start.settimeout(PATIENCE)
            start.connect((machines[1].address, PORT))
            yield start, listener.accept()[0]


def figures(what: str, rtt: float, loss: float, taken: list[list[float]]) -> dict[str, Any]:
    """One line of the table; milliseconds of a message there and back."""
    every = sorted(1000 * one for some in taken for one in some)
    means = [statistics.mean(some) for some in taken]
    error = statistics.stdev(means) / len(means) ** 0.5
    return {
        "what": what, "rtt_ms": 1000 * rtt, "loss": loss, "messages": len(every),
        "mean_ms": round(statistics.mean(every), 2), "error_ms": round(1000 * error, 2),
        "p50_ms": round(statistics.median(every), 2), "p99_ms": round(every[int(0.99 * len(every))], 1),
        "most_ms": round(every[-1], 1),
    }  # fmt: skip


def out(net: Net, rtt: float) -> dict[str, Any]:
    """Small messages while the cable is pulled for a while: of each connection the longest time."""

    def pull() -> None:
        time.sleep(1.5 * SMALL_MANY * rtt + OUT_AFTER)
        net.shape({(0, 1): Shape(delay=rtt / 2, up=False)})
        time.sleep(OUT)
        net.shape({(0, 1): Shape(delay=rtt / 2)})

    net.shape({(0, 1): Shape(delay=rtt / 2)})
    thread = threading.Thread(target=pull)
    thread.start()
    taken = list(conversation(net.machines, SMALL_MANY, SMALL, SMALL_TIMES))
    thread.join()
    return figures("out", rtt, 0.0, [[max(some)] for some in taken])


def main() -> None:
    """The whole table."""
    found = []
    with Net(2) as net:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))  # after the emulator
        for rtt in RTTS:
            for loss in LOSSES:
                for what, many, size, times in (
                    ("small", SMALL_MANY, SMALL, SMALL_TIMES),
                    ("large", LARGE_MANY, LARGE, LARGE_TIMES),
                ):
                    net.shape({(0, 1): Shape(delay=rtt / 2, loss=loss)})
                    taken = list(conversation(net.machines, many, size, times))
                    found.append(figures(what, rtt, loss, taken))
                    print(found[-1], flush=True)
            found.append(out(net, rtt))
            print(found[-1], flush=True)
        about = {
            "tcp": net.congestion,
            "kernel": os.uname().release,
            "small": SMALL,
            "large": LARGE,
            "out_s": OUT,
        }
    lines = ",\n".join(f"  {json.dumps(one)}" for one in found)
    head = json.dumps(about)[:-1]
    TARGET.write_text(f'{head}, "measured": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
