"""Machines of this computer: a network namespace each, joined by the WAN emulator, gone when it ends.

    with Net(4) as net:
        net.shape({(0, 1): Shape(delay=0.04)})               both directions
        subprocess.Popen(net.machines[0].command(["ping", "-c1", net.machines[1].address]))
        net.shape({(0, 1): Shape(up=False)})                 the cable is pulled

Everything that is made bears a name that says which process made it, down to when that began: `sweep`
removes what is left of processes that were killed. The emulator, which holds the devices, ends by itself
when its maker does. Needs root, iproute2 and util-linux.

Instead of the emulator, the kernel's own netem is used where it is there and asked for (see netem.py).
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from huddle.errors import LocalError
from huddle_lab.sites import homes, netem
from huddle_lab.sites.tun import DEVICE, NAMESPACES, open_tun
from huddle_lab.sites.wan import address
from huddle_lab.study.shape import Shape

PREFIX = "huddle-wan"
BACKENDS = ("emulator", "netem")
_NAME = re.compile(rf"{PREFIX}-(\d+)-(\d+)-\w+")
_MTU = "1500"
_TOOLS = {"ip": "iproute2", "nsenter": "util-linux"}
_PATIENCE = 10.0
# Seconds from one look at what runs in a namespace to the next, and how many there are at most.
_LOOK = 0.01
_LOOKS = 100

# What a kernel remembers of a peer would make a run depend on the one before it.
_SETTINGS = ("net.ipv4.tcp_no_metrics_save=1",)
# By which TCP sends faster or slower. A computer may prefer another one, such as BBR, which paces, and large
# messages would take another time there; so all machines have Linux's default.
CONGESTION = "cubic"
_SYSCTL = Path("/proc/sys/net/ipv4")


@dataclass(frozen=True, slots=True)
class NetworkNamespace:
    """One machine: its namespace and its address."""

    index: int
    name: str
    address: str

    def command(self, command: Sequence[str]) -> list[str]:
        """The command line that runs this command on the machine, as the same process."""
        return [*_inside(self.name), *command]


class Net:
    """`size` machines, any two of which can reach each other; ways without a shape cost nothing."""

    def __init__(self, size: int, *, backend: str = "emulator") -> None:
        if not 1 <= size <= 250:
            raise LocalError(f"a network of {size} machines", hint="Take between 1 and 250.")
        self.backend = backend
        self.fifo = False
        self._size = size
        self._mark = f"{PREFIX}-{os.getpid()}-{_began(os.getpid())}"
        self._made: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self.machines: list[NetworkNamespace] = []
        self._asking = threading.Lock()

    def __enter__(self) -> Self:
        check()
        _allow(CONGESTION)
        try:
            if self.backend == "netem":
                self._start_netem()
            else:
                self._start_emulator()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def folder(self) -> Path:
        """A new directory for files of this network, which is removed like everything else."""
        return Path(tempfile.mkdtemp(prefix=f"{self._mark}-x"))

    def shape(self, pairs: Mapping[tuple[int, int], Shape]) -> None:
        """From now on the ways between these two machines, there and back, have this shape."""
        ways = [(*ends, shape) for (a, b), shape in pairs.items() for ends in ((a, b), (b, a))]
        if self.backend == "netem":
            for machine in self.machines:
                mine = {to: shape for start, to, shape in ways if start == machine.index}
                for command in netem.change(machine.index, mine):
                    _run("tc", "-n", machine.name, *command)
        elif ways:
            self._ask({"do": "shape", "ways": [(a, b, shape.as_dict()) for a, b, shape in ways]})

    def shape_all(self, shape: Shape) -> None:
        """All ways have this shape."""
        self.shape({(a, b): shape for b in range(self._size) for a in range(b)})

    def readdress(self, machine: NetworkNamespace, old: str, new: str) -> None:
        """From now on this machine has the address `new`, and `old` is nobody's."""
        if self.backend == "netem":
            raise LocalError("with netem addresses can't change during a run", hint="Use the emulator.")
        _run("ip", "-n", machine.name, "address", "add", f"{new}/32", "dev", DEVICE)
        self._ask({"do": "address", "old": old, "new": new})
        _run("ip", "-n", machine.name, "address", "del", f"{old}/32", "dev", DEVICE)

    def home(self, router: NetworkNamespace, kind: str) -> NetworkNamespace:
        """A machine behind this one, which is its router from now on."""
        name = f"{self._mark}-h{router.index}"
        self._namespace(name)
        return NetworkNamespace(
            router.index, name, homes.connect(router.name, name, router.index, kind, DEVICE)
        )

    def no_home(self, router: NetworkNamespace) -> None:
        """Remove the machine behind this one."""
        name = f"{self._mark}-h{router.index}"
        homes.disconnect(router.name)
        remove(name)
        self._made.remove(name)

    def reset(self) -> None:
        """Count from zero."""
        if self._control is not None:
            self._ask({"do": "reset"})

    def stats(self) -> dict[str, Any]:
        """The emulator's counters since the last reset; empty with netem, which has none."""
        return {} if self._control is None else self._ask({"do": "stats"})

    @property
    def congestion(self) -> str:
        """The machines' congestion control."""
        return _run(*self.machines[0].command(["sysctl", "-n", "net.ipv4.tcp_congestion_control"])).strip()

    @property
    def emulator(self) -> int | None:
        """The emulator's process."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End what runs on the machines, then remove them."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        for name in self._made:
            remove(name)
        self._made.clear()
        for left in Path(tempfile.gettempdir()).glob(f"{self._mark}-x*"):
            shutil.rmtree(left, ignore_errors=True)

    def _start_emulator(self) -> None:
        devices: list[int] = []
        try:
            for index in range(self._size):
                machine = self._add(index)
                devices.append(open_tun(machine.name))
                _address(machine, DEVICE)
                _run("ip", "-n", machine.name, "route", "add", "10.77.0.0/16", "dev", DEVICE)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._control = ours
            with theirs:
                fds = (theirs.fileno(), *devices)
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "huddle_lab.sites.wan", *map(str, fds)],
                    pass_fds=fds,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the one who tidies up
                )
        finally:
            for fd in devices:
                os.close(fd)
        ours.settimeout(_PATIENCE)
        self.fifo = bool(self._hear().get("fifo"))

    def _start_netem(self) -> None:
        """A switch with a cable to each machine, on whose machine's side the delays are."""
        switch = f"{self._mark}-switch"
        self._namespace(switch)
        _run("ip", "-n", switch, "link", "add", "switch", "type", "bridge")
        _run("ip", "-n", switch, "link", "set", "switch", "up")
        for index in range(self._size):
            machine = self._add(index)
            port = f"port{index}"
            _run("ip", "-n", switch, "link", "add", port, "mtu", _MTU, "type", "veth",
                 "peer", "name", DEVICE, "mtu", _MTU, "netns", machine.name)  # fmt: skip
            _run("ip", "-n", switch, "link", "set", port, "master", "switch", "up")
            _address(machine, DEVICE, prefix=16)
            for command in netem.prepare(index, self._size):
                _run("tc", "-n", machine.name, *command)

    def _add(self, index: int) -> NetworkNamespace:
        machine = NetworkNamespace(index, f"{self._mark}-{index}", address(index))
        self._namespace(machine.name)
        self.machines.append(machine)
        return machine

    def _namespace(self, name: str) -> None:
        self._made.append(name)
        _run("ip", "netns", "add", name)
        _run("ip", "-n", name, "link", "set", "lo", "up")
        sysctl = (*_inside(name), "sysctl", "-qw")
        for setting in _SETTINGS:
            _run(*sysctl, setting)
        with contextlib.suppress(LocalError):  # the row says what it has
            _run(*sysctl, f"net.ipv4.tcp_congestion_control={CONGESTION}")

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._control is not None
        with self._asking:  # changes during a run come from another thread
            try:
                self._control.send(json.dumps(request).encode())
            except OSError as exc:
                raise LocalError(f"the WAN emulator is gone: {exc.strerror}") from exc
            answer = self._hear()
        if "error" in answer:
            raise LocalError(f"the WAN emulator refused: {answer['error']}")
        return answer

    def _hear(self) -> dict[str, Any]:
        assert self._control is not None
        try:
            data = self._control.recv(1 << 16)
        except TimeoutError:
            data = b""
        if not data:
            raise LocalError("the WAN emulator did not answer", hint="Its own messages are above.")
        answer: dict[str, Any] = json.loads(data)
        return answer


def check() -> None:
    """LocalError where this computer can't have such machines."""
    if sys.platform != "linux":
        raise LocalError("machines of the provider netns need Linux")
    if os.geteuid() != 0:
        raise LocalError("only root can make network namespaces", hint="Say it again as root, or with sudo.")
    for tool, package in _TOOLS.items():
        if shutil.which(tool) is None:
            raise LocalError(f"there is no command {tool}", hint=f"Install {package}.")
    if not Path("/dev/net/tun").exists():
        raise LocalError("this kernel has no /dev/net/tun", hint="Load its module: modprobe tun.")


def sweep() -> list[str]:
    """Remove what processes that are no more have left, and end what still runs there; their names."""
    found = [
        path.name for path in (NAMESPACES.iterdir() if NAMESPACES.is_dir() else ()) if _orphaned(path.name)
    ]
    for name in found:
        remove(name)
    folders = [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*") if _orphaned(path.name)]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return sorted([*found, *map(str, folders)])


def _orphaned(name: str) -> bool:
    match = _NAME.fullmatch(name)
    return match is not None and _began(int(match[1])) != int(match[2])


def _began(pid: int) -> int | None:
    """When a process was started, in the kernel's ticks since boot; None where there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def remove(name: str) -> None:
    """End what runs in a namespace, then delete it with its devices."""
    path = NAMESPACES / name
    try:
        held = os.open(path, os.O_RDONLY)  # until it is closed no other namespace has the same number
    except FileNotFoundError:
        return
    try:
        _end_all(path, held)
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)  # noqa: S607
        _end_all(path, held)  # those who came in before the name was gone; nobody can any more
    finally:
        os.close(held)


def _end_all(path: Path, held: int) -> None:
    """End the processes in this namespace, those that they start meanwhile, and those on their way in."""
    for _ in range(_LOOKS):
        pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _concerned(entry, path, held)]
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK)


def _concerned(process: Path, path: Path, held: int) -> bool:
    """Whether a process is in this namespace, or about to be: an nsenter that has not got there yet."""
    try:
        inside = os.path.samestat(os.stat(process / "ns/net"), os.fstat(held))
        return inside or f"--net={path}".encode() in (process / "cmdline").read_bytes().split(b"\0")
    except OSError:  # it has ended
        return False


def _address(machine: NetworkNamespace, device: str, prefix: int = 32) -> None:
    _run("ip", "-n", machine.name, "address", "add", f"{machine.address}/{prefix}", "dev", device)
    _run("ip", "-n", machine.name, "link", "set", device, "up", "mtu", _MTU)


def _inside(name: str) -> list[str]:
    """What runs a command in the namespace of that name, as the same process."""
    return ["nsenter", f"--net={NAMESPACES / name}"]


def _allow(algorithm: str) -> None:
    """Let machines have this congestion control, which a computer with another default may not."""
    allowed = _SYSCTL / "tcp_allowed_congestion_control"
    with contextlib.suppress(OSError):
        if algorithm not in (known := allowed.read_text().split()):
            allowed.write_text(" ".join([*known, algorithm]))


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except subprocess.CalledProcessError as exc:
        raise LocalError(f"{' '.join(command)}: {exc.stderr.strip()}") from exc
