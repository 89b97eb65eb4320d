"""Runs one Huddle session, a machine per party and one for the rendezvous, by the command `huddle --json`.

It does what people would do, and knows no more of Huddle than its events (docs/events.md).
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from huddle.lab import control
from huddle.lab.measured import Measured, RunFailed, by_our_clock, connected, figures, took, versions
from huddle.lab.place import Job, Machine, Site, stop, wait_for
from huddle.lab.variants import Variant

Event = dict[str, Any]
NOTHING: Mapping[str, str] = {}
PRSS_PARTIES = 15  # beyond, MPyC's keys for it are so many that sessions do without


class Party:
    """One `huddle` process and the events that it has told, each with the `time` when it was read."""

    def __init__(self, name: str, machine: Machine, arguments: Sequence[str], env: dict[str, str]) -> None:
        self.name = name
        self.machine = machine
        self.events: list[Event] = []
        self.queued = 0.0
        self.began: Callable[[], None] = lambda: None  # called when its run begins
        self._news = threading.Condition()
        self.job: Job = machine.start(
            [machine.python, "-m", "huddle", *arguments], self._take, env=env, without=("MPYC_", "HUDDLE_")
        )

    def _take(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return  # a message of Python or the system: the child keeps it
        if not isinstance(event, dict) or "event" not in event:
            return
        if event["event"] == "run":
            total = self.job.run_queue() or 0.0
            self.queued = total if event["state"] == "started" else total - self.queued
            if event["state"] == "started":
                self.began()
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
                if left <= 0 or self.job.code is not None:
                    self.job.join(0)  # which says whether its host is lost
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
        return "; ".join(told) or "\n".join(list(self.job.lines)[-5:])


def run(
    site: Site, names: Sequence[str], entry: str, args: Sequence[str], variant: Variant, timeout: float
) -> Measured:
    """One session with one run, hosted on the first machine; RunFailed where it does not end well.

    `names` are the program's files and directories beside `entry`, a path in each machine's folder.
    """
    machines = site.machines
    deadline = time.monotonic() + timeout
    jobs: list[Job] = []

    def start(machine: Machine, name: str, *arguments: str, env: Mapping[str, str] = NOTHING) -> Party:
        environment = {"HUDDLE_HOME": f"{machine.folder}/{name}", "TMPDIR": machine.folder}
        party = Party(name, machine, arguments, {**environment, **variant.environment(), **env})
        jobs.append(party.job)
        return party

    began = time.time()
    try:
        there = site.rendezvous
        serve = ("serve", "--json", "--host", there.address, "--port", "0", *control.options(variant))
        server = start(there, "rendezvous", *serve)
        url = server.wait("serving", deadline)["url"]
        own = control.wanted(variant)
        env = control.environment(site, server.wait("headscale", deadline)) if own else {}
        include = [part for name in names for part in ("--include", name)]
        common = ("--json", "--network", variant.network, *variant.options, "--rendezvous", url, "--name")
        flags = ("--no-prss",) if len(machines) > PRSS_PARTIES else ()
        size = str(len(machines))
        opened = time.time()
        parties = [
            start(
                machines[0], "P0", "host", *common, "P0", "--open", "--parties", size, *include, *flags,
                f"{machines[0].folder}/{entry}", *args, env=env,
            )
        ]  # fmt: skip
        parties[0].began = site.begun
        invitation = parties[0].wait("invitation", deadline)
        joined = 0.0
        for pid, machine in enumerate(machines[1:], start=1):
            joined = time.time()
            name = f"P{pid}"
            parties.append(
                start(
                    machine, name, "join", *common, name, "--yes", "--program", f"{machine.folder}/{entry}",
                    *include, *flags, invitation["url"],
                )
            )  # fmt: skip
        wait_for([party.job for party in parties], deadline)
        for party in parties:
            if not party.job.join(0):
                raise RunFailed(f"{party.name} had not ended after {timeout:g} s: {party.story()}")
            if party.job.code:
                raise RunFailed(f"{party.name} ended with code {party.job.code}: {party.story()}")
        over = max(party.job.ended for party in parties)
    finally:
        stop(jobs)
    return _measured(parties, began, opened, joined, over, float(invitation["time"]))


def _measured(
    parties: list[Party], began: float, opened: float, joined: float, over: float, invited: float
) -> Measured:
    read = [figures(party.output()) for party in parties]
    found = [by_our_clock(one, party.machine.ahead) for (one, _), party in zip(read, parties, strict=True)]
    stats = [party.all("stats")[-1] for party in parties]
    peers = [peer for one in stats for peer in one["peers"]]
    sealed = max(party.first("sealed") for party in parties)
    started = max(party.first("run", lambda event: event["state"] == "started") for party in parties)
    finished = max(party.first("run", lambda event: event["state"] == "finished") for party in parties)
    ready = connected(found)
    return Measured(
        seconds=took(found),
        wall_s=over - began,
        cpu_s=sum(party.job.cpu for party in parties),
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
