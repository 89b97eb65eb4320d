"""Runs one Huddle session, a machine per party and one for the rendezvous, by the command `huddle --json`.

It does what people would do, and knows no more of Huddle than its events (docs/events.md). Parties in
browsers are Chromiums on their machines, which `huddle_lab.runs.browser` makes tell the same events.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from huddle_lab.runs import browser
from huddle_lab.runs.measured import (
    Measured,
    by_our_clock,
    connected,
    figures,
    links,
    program_cpu,
    took,
    versions,
)
from huddle_lab.sites import server as network_server
from huddle_lab.sites import tailnet
from huddle_lab.sites.base import Job, Machine, RunFailed, Site, stop, wait_for
from huddle_lab.study.variants import Variant

Event = dict[str, Any]
PRSS_PARTIES = 15  # beyond, MPyC's keys for it are so many that sessions do without


class LabParty:
    """One process and the events that it has told, each with the `time` when it was read.

    `arguments` are Python's: a `huddle` command, or a browser (`tab`) that tells the same.
    """

    def __init__(
        self,
        name: str,
        machine: Machine,
        arguments: Sequence[str],
        env: dict[str, str],
        *,
        tab: bool = False,
    ) -> None:
        self.name = name
        self.tab = tab
        self.machine = machine
        self.started = time.time()
        self.events: list[Event] = []
        self.queued = 0.0
        self.began: Callable[[], None] = lambda: None  # called when its run begins
        self._news = threading.Condition()
        self.job: Job = machine.start(
            [machine.python, *arguments], self._take, env=env, without=("MPYC_", "HUDDLE_")
        )

    def _take(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return  # a message of Python or the system: the child keeps it
        if not isinstance(event, dict) or "event" not in event:
            return
        if event["event"] == "run":
            total = event.get("queued", self.job.run_queue()) or 0.0
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
    site: Site, paths: Sequence[str], entry: str, args: Sequence[str], variant: Variant, timeout: float
) -> Measured:
    """One session with one run, hosted on the first machine; RunFailed where it does not end well.

    `entry` is the program in each machine's folder, `paths` are its files, relative to the entry's directory.
    """
    return _Session(site, paths, entry, args, variant, timeout).run()


class _Session:
    """Starts the processes of a session one by one, and ends them."""

    def __init__(
        self,
        site: Site,
        paths: Sequence[str],
        entry: str,
        args: Sequence[str],
        variant: Variant,
        timeout: float,
    ) -> None:
        self._site, self._machines, self._variant, self._timeout = site, site.machines, variant, timeout
        self._folder, _, self._entry = entry.rpartition("/")
        self._paths, self._args = paths, args
        self._prss = len(self._machines) <= PRSS_PARTIES
        self._deadline = time.monotonic() + timeout
        self._jobs: list[Job] = []
        self._url = ""
        self._env: Mapping[str, str] = {}  # of the parties, beside what the variant passes on
        self._versions: Mapping[str, str] = {}  # of what else took part

    def run(self) -> Measured:
        """From the rendezvous to the end of all."""
        began = time.time()
        try:
            there = self._site.rendezvous
            serve = ["-m", "huddle", "serve", "--json", "--host", there.address, "--port", "0"]
            server = self._start(there, "rendezvous", [*serve, *network_server.options(self._variant)])
            self._url = server.wait("serving", self._deadline)["url"]
            if network_server.wanted(self._variant):
                told = server.wait(self._variant.network, self._deadline)
                self._env = network_server.environment(self._site, self._variant, told)
            if tailnet.wanted(self._variant):
                own = tailnet.Tailnet(self._site, self._deadline)
                self._jobs.append(own.job)
                self._env, self._versions = own.environment, tailnet.VERSION
            parties = [self._party(0)]
            parties[0].began = self._site.begun
            opened = self._ready(parties[0])
            invitation = parties[0].wait("invitation", self._deadline)
            parties += [self._party(pid, invitation["url"]) for pid in range(1, len(self._machines))]
            joined = max(self._ready(party) for party in parties[1:])
            wait_for([party.job for party in parties], self._deadline)
            for party in parties:
                if not party.job.join(0):
                    raise RunFailed(f"{party.name} had not ended after {self._timeout:g} s: {party.story()}")
                if party.job.code:
                    raise RunFailed(f"{party.name} ended with code {party.job.code}: {party.story()}")
            over = max(party.job.ended for party in parties)
        finally:
            stop(self._jobs)
        found = _measured(parties, began, opened, joined, over, float(invitation["time"]))
        return replace(found, versions={**found.versions, **self._versions})

    def _start(self, machine: Machine, name: str, arguments: Sequence[str], *, tab: bool = False) -> LabParty:
        own = {"HUDDLE_HOME": f"{machine.folder}/{name}", "TMPDIR": machine.folder}
        environment = {**own, **self._variant.environment(), **self._env}
        party = LabParty(name, machine, arguments, environment, tab=tab)
        self._jobs.append(party.job)
        return party

    def _party(self, pid: int, link: str = "") -> LabParty:
        """The host, or a guest that comes by this link."""
        machine, name = self._machines[pid], f"P{pid}"
        if self._variant.in_browser(pid, len(self._machines)):
            decision = {"do": "join", "invitation": link} if link else self._host_there(machine)
            decision |= {"name": name, "networks": [self._variant.network]}
            task = browser.arguments(browser.core(), self._url, decision)
            return self._start(machine, name, task, tab=True)
        command, *arguments = self._join(machine, link) if link else self._host(machine)
        return self._start(machine, name, ("-m", "huddle", command, "--name", name, *arguments))

    def _common(self, machine: Machine) -> list[str]:
        names = {path.partition("/")[0] for path in self._paths} - {self._entry}
        return [
            "--json", "--network", self._variant.network, *self._variant.options, "--rendezvous", self._url,
            *(part for name in sorted(names) for part in ("--include", name)),
            *(() if self._prss else ("--no-prss",)),
            *(("--via", machine.via) if machine.via else ()),
        ]  # fmt: skip

    def _host(self, machine: Machine) -> list[str]:
        program = f"{machine.folder}/{self._folder}/{self._entry}"
        size = str(len(self._machines))
        return ["host", *self._common(machine), "--open", "--parties", size, program, *self._args]

    def _join(self, machine: Machine, link: str) -> list[str]:
        program = f"{machine.folder}/{self._folder}/{self._entry}"
        return ["join", *self._common(machine), "--yes", "--program", program, link]

    def _host_there(self, machine: Machine) -> dict[str, Any]:
        files = {path: f"{machine.folder}/{self._folder}/{path}" for path in self._paths}
        program = {"entry": self._entry, "files": files, "args": list(self._args)}
        parties = len(self._machines)
        return {"do": "host", "parties": parties, "program": program, "noPrss": not self._prss}

    def _ready(self, party: LabParty) -> float:
        """When this person could begin: in a browser, when the page was loaded."""
        return float(party.wait("ready", self._deadline)["time"]) if party.tab else party.started


def _measured(
    parties: list[LabParty], began: float, opened: float, joined: float, over: float, invited: float
) -> Measured:
    read = [figures(party.output()) for party in parties]
    found = [by_our_clock(one, party.machine.ahead) for (one, _), party in zip(read, parties, strict=True)]
    stats = [party.all("stats")[-1] for party in parties]
    peers = [peer for one in stats for peer in one["peers"]]
    sealed = max(party.first("sealed") for party in parties)
    started = max(party.first("run", lambda event: event["state"] == "started") for party in parties)
    finished = max(party.first("run", lambda event: event["state"] == "finished") for party in parties)
    pages = [party.first("ready") - party.started for party in parties if party.tab]
    ready = connected(found)
    return Measured(
        seconds=took(found),
        wall_s=over - began,
        cpu_s=sum(_cpu(party, one) for party, one in zip(parties, found, strict=True)),
        program_cpu_s=program_cpu(found),
        sent=max(one["sent"] for one in found),
        memory_mb=max((f["memory_mb"] or 0.0) + s["memory_mb"] for f, s in zip(found, stats, strict=True)),
        queue_s=max(f["queued"] or 0.0 for f in found) + max(party.queued for party in parties),
        setup={
            **({"page": max(pages)} if pages else {}),
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
        rtt_ms=max((peer["rtt_ms"] for peer in peers if peer.get("rtt_ms") is not None), default=None),
        paths=tuple(sorted({_way(peer) for peer in peers})),
        links=links([rest for _, rest in read], [*_links(stats)]),
        output=tuple(rest for _, rest in read),
    )


def _cpu(party: LabParty, program: Mapping[str, Any]) -> float:
    """Processor time of a party, its program's included, which never arrives there out of a sandbox."""
    apart = any(event["sandbox"] for event in party.all("program"))
    return party.job.cpu + (program["cpu"] or 0.0 if apart else 0.0)


def _links(stats: Sequence[Event]) -> Iterator[dict[str, Any]]:
    """Each link as the end with the lower number sees it."""
    for pid, one in enumerate(stats):
        for peer in one["peers"]:
            if peer["pid"] > pid:
                path = {"network": peer["network"], "path": peer["path"], "rtt_ms": peer.get("rtt_ms")}
                yield {"from": pid, "to": peer["pid"], **path}


def _way(peer: Event) -> str:
    """The network and path of a link, without its ports, which are others each time."""
    return f"{peer['network']} {peer['path'].partition(',')[0].partition(' by ')[0]}".strip()
