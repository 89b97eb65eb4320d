"""Records a trace: one process a party on this machine, whose processor times are put together.

What the recorder itself costs is taken out: the same is run again, bare, and each party's times are
scaled to what it took then. Parties disturb each other little, since only processor time counts; how long
they wait for a processor, or for each other, does not.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from huddle.errors import LocalError
from huddle_lab.sites.host_info import machine
from huddle_lab.traces.recorder import BARE
from huddle_lab.traces.trace import PartyTrace, Segment, Send, Trace, TraceHeader

TIMEOUT, GLANCE = 900.0, 0.05
MOST_WITH_PRSS = 15


def record(
    program: Path, args: Sequence[str], parties: int, seed: str, *, demo: str, size: str, digest: str
) -> Trace:
    """A trace of that program; LocalError where a party fails, with what it said last."""
    args = _arguments(args, parties)
    recorded = _run(program, args, parties, seed, bare=False)
    bare = _run(program, args, parties, seed, bare=True)
    import mpyc

    versions = {"mpyc": mpyc.__version__, "python": sys.version.split()[0]}
    cpu = str(machine().get("cpu", ""))
    header = TraceHeader(demo, size, tuple(args), parties, seed, digest, versions, cpu)
    return Trace(
        header, tuple(_party(one, alone["total"]) for one, alone in zip(recorded, bare, strict=True))
    )


def median_seed(program: Path, args: Sequence[str], parties: int, seeds: Sequence[str]) -> str:
    """That with which the median number of bytes is sent."""
    if len(seeds) == 1:
        return seeds[0]
    sent = []
    for number, seed in enumerate(seeds):
        found = _run(program, _arguments(args, parties), parties, seed, bare=True)
        sent.append((sum(one["bytes"] for one in found), number, seed))
    return sorted(sent)[(len(sent) - 1) // 2][2]


def _arguments(args: Sequence[str], parties: int) -> tuple[str, ...]:
    """There would be a key for each majority of many parties."""
    return (*args, "--no-prss") if parties > MOST_WITH_PRSS else tuple(args)


def _party(found: dict[str, Any], total: float) -> PartyTrace:
    """What one process recorded, with times scaled so that they add up to `total`."""
    if found["end"] is None:
        raise LocalError("the program never stopped MPyC", hint="It must start and stop it once.")
    scale = total / found["total"] if found["total"] else 1.0
    segments = tuple(
        Segment(
            cpu * scale,
            tuple(one for one in needs if isinstance(one, int)),
            tuple((one[0], one[1]) for one in needs if not isinstance(one, int)),
            tuple(Send(at * scale, to, size, number) for at, to, size, number in sends),
        )
        for cpu, needs, sends in found["segments"]
    )
    end, end_at = found["end"]
    return PartyTrace(segments, end, end_at * scale, found["receive"] * scale)


def _run(program: Path, args: Sequence[str], parties: int, seed: str, *, bare: bool) -> list[dict[str, Any]]:
    ports = _free_ports(parties)
    where = [part for port in ports for part in ("-P", f"127.0.0.1:{port}")] if parties > 1 else []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MPYC_")}
    environment |= {
        BARE: "1" if bare else "",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
    }
    with tempfile.TemporaryDirectory(prefix="huddle-trace-") as folder, ExitStack() as stack:
        outputs = [Path(folder) / f"{pid}.json" for pid in range(parties)]
        logs = [Path(folder) / f"{pid}.log" for pid in range(parties)]
        processes = []
        for pid, output in enumerate(outputs):
            command = [
                sys.executable,
                "-m",
                "huddle_lab.traces.recorder",
                str(output),
                seed,
                str(program.resolve()),
            ]
            log = stack.enter_context(logs[pid].open("wb"))
            process = subprocess.Popen(
                [*command, *args, *where, *(["-I", str(pid)] if where else [])],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=program.resolve().parent,
            )
            processes.append(process)
            stack.callback(_end, process)
        _all_end(processes, logs)
        return [json.loads(output.read_text(encoding="utf-8")) for output in outputs]


def _all_end(processes: Sequence[subprocess.Popen[bytes]], logs: Sequence[Path]) -> None:
    """Wait until all have; LocalError as soon as one fails, for which the others would wait for ever."""
    over = time.monotonic() + TIMEOUT
    running = dict(enumerate(processes))
    while running:
        for pid, process in list(running.items()):
            code = process.poll()
            if code:
                said = logs[pid].read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise LocalError(f"party {pid} ended with code {code}: {' '.join(said[-3:])}")
            if code == 0:
                del running[pid]
        if time.monotonic() > over:
            raise LocalError(f"party {min(running)} took longer than {TIMEOUT:g} s")
        time.sleep(GLANCE)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            found.append(int(one.getsockname()[1]))
        return found
