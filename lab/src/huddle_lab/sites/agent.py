"""The lab's hand on a machine elsewhere: keeps a folder there, runs processes in it, and leaves nothing.

It is sent over SSH and run by the machine's own Python (3.8 or newer, nothing else is needed):

    python3 -uc 'import sys, json; exec(json.loads(sys.stdin.readline()))'

Each further line of its input is one request, each line of its output one message, both JSON objects:

    {"do": "open", "base": directory}                {"answer": "open", "folder": …, "machine": {…}, …}
    {"do": "put", "name": path, "data": base64}      {"answer": "put"}
    {"do": "unpack", "name": path, "to": path}       {"answer": "unpack"}
    {"do": "run", "command": […]}                    {"answer": "run", "code": 0, "text": its output}
    {"do": "start", "job": 1, "command": […], "env": {…}, "without": […], "cwd": path or null}
          {"job": 1, "line": text, "queued": seconds} …   {"job": 1, "code": 0, "cpu": seconds, "time": when}
          {"job": 1, "piece": text}                what a long line begins with
    {"do": "signal", "job": 1, "number": 15}
    {"do": "remove", "name": path}                   {"answer": "remove"}
    {"do": "install", "packages": […]}               {"answer": "install", "added": what apt-get has added}
    {"do": "time"}                                   {"answer": "time", "time": …}
    {"do": "load"}                                   {"answer": "load", "busy": …, "own": …, …}
    {"do": "listen"}                                 {"answer": "listen", "port": …}, which echoes
    {"do": "rtt", "address": …, "port": …}           {"answer": "rtt", "ms": median of some, or null}

Requests may carry an "id", which their answer repeats; one that fails is answered by {"error": text}.

When its input ends, or nothing was heard for SILENCE seconds, it ends all processes that it started, and
theirs, takes away the packages that it added, and removes the folder. What a keeper that was killed could
not remove is removed by the next. Commands are looked for in the folder's `tools` first.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from typing import Any

SILENCE = 60.0
PREFIX = "huddle-lab"
PROBES = 15
ADDED = "added-packages"  # a file in the folder
PIECE = 10_000  # of a long line, for lines of this protocol are bounded
_NAME = re.compile(PREFIX + r"-(\d+)-(\d+)-\w+")
_lock = threading.Lock()


def say(message: dict[str, Any]) -> None:
    """Write one message."""
    with _lock:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def began(pid: int) -> int | None:
    """When a process was started, in the kernel's ticks since boot; None where there is none."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def queued(pid: int) -> float | None:
    """Seconds for which its main thread waited for a processor."""
    try:
        with open(f"/proc/{pid}/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def busy() -> float | None:
    """Seconds that all processors together have worked since boot; None where that is not told."""
    try:
        with open("/proc/stat") as file:
            columns = [int(one) for one in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    return (sum(columns) - columns[3] - columns[4]) / os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, Any]:
    """What matters of this machine for figures."""
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        cpu = models[0] if models else cpu
    except OSError:
        pass
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    kernel = f"{platform.system()} {platform.release()}"
    return {"cpu": cpu, "cores": os.cpu_count() or 1, "memory_mb": round(memory / 1e6), "kernel": kernel}


def about() -> dict[str, Any]:
    """What decides which programs run on this machine."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "libc": list(platform.libc_ver()),
        "cores": os.cpu_count() or 1,
        "python": list(sys.version_info[:3]),
        "executable": sys.executable,
    }


def descendants(dead: bool = False) -> set[int]:
    """All processes below this one, alive or also dead. Orphans are children of this one (see `adopt`)."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if dead or fields[0] != "Z":
                parents[int(name)] = int(fields[1])
    found: set[int] = set()
    more = {os.getpid()}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more} - found
        found |= more
    return found


def packages() -> set[str]:
    """What dpkg has installed."""
    said = subprocess.run(
        [shutil.which("dpkg-query") or "/usr/bin/dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    ).stdout.decode()
    return {line.split()[-1] for line in said.splitlines() if line.startswith("ii")}


def apt(*words: str) -> None:
    """Run apt-get without questions; RuntimeError with the end of what it said."""
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = ["apt-get", "-q", "-y", *words]
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise RuntimeError(done.stdout.decode("utf-8", "replace").strip()[-500:])


def take_away(folder: str) -> None:
    """The packages that were added for the lab with this folder."""
    try:
        with open(os.path.join(folder, ADDED)) as file:
            added = file.read().split()
    except OSError:
        return
    if added:
        try:
            apt("purge", *added)
        except (OSError, RuntimeError):
            pass


def adopt() -> None:
    """Processes whose parents end become children of this one, so that none is missed."""
    try:
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    except (OSError, AttributeError):
        pass


class RemoteAgent:
    """The folder and the jobs."""

    def __init__(self) -> None:
        self.folder = ""
        self.jobs: dict[int, subprocess.Popen[bytes]] = {}
        self.heard = time.monotonic()
        self.ended_cpu = 0.0

    def path(self, name: str) -> str:
        """A path in the folder; a relative one is below it."""
        return os.path.join(self.folder, name)

    def do_open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make the folder; remove those of keepers that are no more."""
        base = os.path.expanduser(request["base"])
        for name in os.listdir(base):
            match = _NAME.fullmatch(name)
            if match and began(int(match[1])) != int(match[2]):
                take_away(os.path.join(base, name))
                shutil.rmtree(os.path.join(base, name), ignore_errors=True)
        own = began(os.getpid()) or 0
        self.folder = tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-{own}-", dir=base)
        return {"folder": self.folder, "machine": machine(), **about()}

    def do_put(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write a file."""
        path = self.path(request["name"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(request["data"]))
        return {}

    def do_unpack(self, request: dict[str, Any]) -> dict[str, Any]:
        """Unpack a tar file, which this lab has made, and remove it."""
        path = self.path(request["name"])
        with tarfile.open(path) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(self.path(request["to"]), filter="data")
            else:
                archive.extractall(self.path(request["to"]))  # noqa: S202 - made by this lab
        os.unlink(path)
        return {}

    def do_run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run a command to its end, in the folder."""
        done = subprocess.run(
            request["command"],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=request.get("timeout", 300),
        )
        return {"code": done.returncode, "text": done.stdout.decode("utf-8", "replace")[-4000:]}

    def do_install(self, request: dict[str, Any]) -> dict[str, Any]:
        """Add Debian packages, and note what came with them before anything else can happen."""
        before = packages()
        wanted = [name for name in request["packages"] if name not in before]
        self.note(wanted)
        try:
            if wanted:
                apt("install", "--no-install-recommends", *wanted)
        finally:
            added = sorted(packages() - before)
            self.note(added)
        return {"added": added}

    def note(self, added: list[str]) -> None:
        """Write down what is to be taken away."""
        with open(self.path(ADDED), "w") as file:
            file.write("\n".join(added))

    def do_remove(self, request: dict[str, Any]) -> dict[str, Any]:
        """Remove a directory of the folder."""
        shutil.rmtree(self.path(request["name"]), ignore_errors=True)
        return {}

    def do_time(self, request: dict[str, Any]) -> dict[str, Any]:
        """This machine's clock."""
        return {"time": time.time()}

    def do_load(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the processors did so far, and what of it was ours."""
        times = os.times()
        running = 0.0  # by those that nobody has waited for: orphans stay where they are until the end
        for pid in descendants(dead=True):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
                running += sum(int(one) for one in fields[11:15]) / os.sysconf("SC_CLK_TCK")
            except (OSError, ValueError, IndexError):
                continue
        own = times.user + times.system + self.ended_cpu + running
        return {"busy": busy(), "own": own, "at": time.monotonic(), "cores": os.cpu_count() or 1}

    def do_start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a job; its lines follow."""
        without = tuple(request["without"])
        env = {name: value for name, value in os.environ.items() if not name.startswith(without)}
        env["PATH"] = os.pathsep.join([self.path("tools"), env.get("PATH", os.defpath)])
        env.update(request["env"])
        process = subprocess.Popen(
            request["command"],
            cwd=request["cwd"] or self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.jobs[request["job"]] = process
        threading.Thread(target=self.follow, args=(request["job"], process), daemon=True).start()
        return {}

    def follow(self, job: int, process: subprocess.Popen[bytes]) -> None:
        """Pass on what a job writes, and its end."""
        assert process.stdout is not None
        with process.stdout as pipe:
            for data in pipe:
                line = data.decode("utf-8", "replace").rstrip("\n")
                while len(line) > PIECE:
                    say({"job": job, "piece": line[:PIECE]})
                    line = line[PIECE:]
                say({"job": job, "line": line, "queued": queued(process.pid)})
        _, status, usage = os.wait4(process.pid, 0)
        now = time.time()
        process.returncode = -(status & 0x7F) if status & 0x7F else status >> 8
        cpu = usage.ru_utime + usage.ru_stime
        self.ended_cpu += cpu
        self.jobs.pop(job, None)
        say({"job": job, "code": process.returncode, "cpu": cpu, "time": now})

    def do_signal(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a signal to a job and its group, if it is still there."""
        process = self.jobs.get(request["job"])
        if process is not None:
            try:
                os.killpg(process.pid, request["number"])
            except ProcessLookupError:
                pass
        return {}

    def do_listen(self, request: dict[str, Any]) -> dict[str, Any]:
        """Echo what comes, for those who measure the way."""
        listener = socket.socket(socket.AF_INET6 if request.get("ipv6") else socket.AF_INET)
        listener.bind(("", 0))
        listener.listen(50)
        threading.Thread(target=self.echo_all, args=(listener,), daemon=True).start()
        return {"port": listener.getsockname()[1]}

    def echo_all(self, listener: socket.socket) -> None:
        """One thread for each that measures."""
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self.echo, args=(connection,), daemon=True).start()

    def echo(self, connection: socket.socket) -> None:
        """Send back each byte."""
        connection.settimeout(SILENCE)
        with connection:
            try:
                while data := connection.recv(64):
                    connection.sendall(data)
            except OSError:
                return

    def do_rtt(self, request: dict[str, Any]) -> dict[str, Any]:
        """The way of one byte to another machine and back."""
        taken: list[float] = []
        try:
            with socket.create_connection((request["address"], request["port"]), 5) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for _ in range(PROBES):
                    start = time.perf_counter()
                    connection.sendall(b"x")
                    if not connection.recv(1):
                        break
                    taken.append((time.perf_counter() - start) * 1000)
        except OSError as exc:
            return {"ms": None, "why": str(exc)}
        return {"ms": sorted(taken)[len(taken) // 2] if taken else None}

    def answer(self, request: dict[str, Any]) -> None:
        """Do what is asked, and say so."""
        try:
            found = getattr(self, "do_" + request["do"])(request)
        except Exception as exc:  # whatever it is, the other side must hear of it
            found = {"error": f"{type(exc).__name__}: {exc}"}
        found["answer"], found["id"] = request["do"], request.get("id")
        say(found)

    def watch(self) -> None:
        """End where the other side is silent, for its connection may be dead without an end."""
        while time.monotonic() - self.heard < SILENCE:
            time.sleep(1)
        self.end()
        os._exit(1)

    def end(self) -> None:
        """End all processes and remove the folder."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            until = time.monotonic() + 3
            while time.monotonic() < until:
                pids = descendants()
                if not pids:
                    break
                for pid in pids:
                    try:
                        os.kill(pid, number)
                    except ProcessLookupError:
                        pass
                time.sleep(0.1)
        if self.folder:
            take_away(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)


def main() -> None:
    """Serve the one who is at the other end."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        # The end of the input is what ends it. Not ignored, which its jobs would inherit.
        signal.signal(number, lambda *_: None)
    adopt()
    keeper = RemoteAgent()
    threading.Thread(target=keeper.watch, daemon=True).start()
    try:
        for line in sys.stdin:
            keeper.heard = time.monotonic()
            request = json.loads(line)
            if request["do"] in ("rtt", "run", "unpack", "install"):  # that take their time
                threading.Thread(target=keeper.answer, args=(request,), daemon=True).start()
            else:
                keeper.answer(request)
    finally:
        keeper.end()
        os._exit(0)


if __name__ == "__main__":
    main()
