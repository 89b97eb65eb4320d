"""Runs one Huddle session, a machine per party and one for the rendezvous, by the command `huddle --json`.

It does what people would do, and knows no more of Huddle than its events (docs/events.md).
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from huddle.lab.child import Child, run_queue
from huddle.lab.measured import Measured, RunFailed, connected, figures, took, versions
from huddle.lab.netns import Machine

Event = dict[str, Any]
PRSS_PARTIES = 15  # beyond, MPyC's keys for it are so many that sessions do without


class Party:
    """One `huddle` process and the events that it has told, each with the `time` when it was read."""

    def __init__(self, name: str, command: list[str], env: dict[str, str]) -> None:
        self.name = name
        self.events: list[Event] = []
        self.queued = 0.0
        self._news = threading.Condition()
        self.child = Child(command, self._take, env=env)

    def _take(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return  # a message of Python or the system: the child keeps it
        if not isinstance(event, dict) or "event" not in event:
            return
        if event["event"] == "run":
            total = run_queue(self.child.pid) or 0.0
            self.queued = total if event["state"] == "started" else total - self.queued
        with self._news:
            self.events.append({**event, "time": time.time()})
            self._news.notify_all()

    def all(self, name: str) -> list[Event]:
        """The events of that name so far."""
        with self._news:
            return [event for event in self.events if event["event"] == name]

    def wait(self, name: str, deadline: float) -> Event:
        """The first event of that name; RunFailed where it does not come by then (time.monotonic())."""
        with self._news:
            while True:
                for event in self.events:
                    if event["event"] == name:
                        return event
                left = deadline - time.monotonic()
                if left <= 0 or self.child.code is not None:
                    raise RunFailed(f"{self.name} never said {name}: {self.story()}")
                self._news.wait(min(left, 0.5))

    def first(self, name: str, is_it: Callable[[Event], bool] = lambda _: True) -> float:
        """When the first such event was told."""
        for event in self.all(name):
            if is_it(event):
                return float(event["time"])
        raise RunFailed(f"{self.name} never said {name}: {self.story()}")

    def output(self) -> str:
        """What the program wrote to its standard output."""
        return "".join(event["text"] for event in self.all("output") if event["stream"] == "stdout")

    def story(self) -> str:
        """What went wrong, for messages."""
        told = [
            event.get("message") or event.get("reason", "")
            for event in self.events
            if event["event"] == "error" or (event["event"] == "run" and event["state"] == "failed")
        ]
        return "; ".join(told) or "\n".join(list(self.child.lines)[-5:])


def run(
    machines: Sequence[Machine],
    rendezvous: Machine,
    entry: Path,
    args: Sequence[str],
    folder: Path,
    *,
    network: str,
    timeout: float,
) -> Measured:
    """One session with one run, hosted on the first machine; RunFailed where it does not end well."""
    deadline = time.monotonic() + timeout
    children: list[Child] = []

    def start(machine: Machine, name: str, *arguments: str) -> Party:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MPYC_", "HUDDLE_"))}
        environment |= {"HUDDLE_HOME": str(folder / name), "TMPDIR": str(folder)}
        command = [sys.executable, "-m", "huddle", *arguments]
        party = Party(name, machine.command(command), environment)
        children.append(party.child)
        return party

    began = time.time()
    try:
        server = start(
            rendezvous, "rendezvous", "serve", "--json", "--host", rendezvous.address, "--port", "0"
        )
        url = server.wait("serving", deadline)["url"]
        others = [name for path in sorted(entry.parent.iterdir()) if (name := path.name) != entry.name]
        include = [part for name in others for part in ("--include", name)]
        common = ("--json", "--network", network, "--rendezvous", url, "--name")
        flags = ("--no-prss",) if len(machines) > PRSS_PARTIES else ()
        size = str(len(machines))
        opened = time.time()
        parties = [
            start(
                machines[0], "P0", "host", *common, "P0", "--open", "--parties", size, *include, *flags,
                str(entry), *args,
            )
        ]  # fmt: skip
        invitation = parties[0].wait("invitation", deadline)
        joined = 0.0
        for pid, machine in enumerate(machines[1:], start=1):
            joined = time.time()
            name = f"P{pid}"
            parties.append(
                start(
                    machine, name, "join", *common, name, "--yes", "--program", str(entry), *include, *flags,
                    invitation["url"],
                )
            )  # fmt: skip
        for party in parties:
            if not party.child.join(deadline):
                raise RunFailed(f"{party.name} had not ended after {timeout:g} s: {party.story()}")
            if party.child.code:
                raise RunFailed(f"{party.name} ended with code {party.child.code}: {party.story()}")
        over = max(party.child.ended for party in parties)
    finally:
        for child in children:
            child.stop()
    return _measured(parties, began, opened, joined, over, float(invitation["time"]))


def _measured(
    parties: list[Party], began: float, opened: float, joined: float, over: float, invited: float
) -> Measured:
    read = [figures(party.output()) for party in parties]
    found = [one for one, _ in read]
    stats = [party.all("stats")[-1] for party in parties]
    peers = [peer for one in stats for peer in one["peers"]]
    sealed = max(party.first("sealed") for party in parties)
    started = max(party.first("run", lambda event: event["state"] == "started") for party in parties)
    finished = max(party.first("run", lambda event: event["state"] == "finished") for party in parties)
    ready = connected(found)
    return Measured(
        seconds=took(found),
        wall_s=over - began,
        cpu_s=sum(party.child.cpu for party in parties),
        program_cpu_s=sum(one["cpu"] for one in found),
        sent=max(one["sent"] for one in found),
        memory_mb=max(f["memory_mb"] + s["memory_mb"] for f, s in zip(found, stats, strict=True)),
        queue_s=max(f["queued"] or 0.0 for f in found) + max(party.queued for party in parties),
        setup={
            "invite": invited - opened,
            "meet": sealed - joined,
            "link": max(0.0, started - sealed),
            "connect": max(0.0, ready - started),
            "total": ready - joined,
            "end": over - finished,
        },
        versions=versions(found),
        rounds=max(one["rounds"] for one in stats),
        messages=max(sum(peer["messages_sent"] for peer in one["peers"]) for one in stats),
        rtt_ms=max((peer["rtt_ms"] for peer in peers if peer["rtt_ms"] is not None), default=None),
        paths=tuple(sorted({_way(peer) for peer in peers})),
        output=tuple(rest for _, rest in read),
    )


def _way(peer: Event) -> str:
    """The network and path of a link, without its ports, which are others each time."""
    return f"{peer['network']} {peer['path'].partition(',')[0].partition(' by ')[0]}".strip()
