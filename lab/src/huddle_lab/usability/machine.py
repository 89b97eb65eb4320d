"""A fresh machine for one person: a root of its own over a base, in namespaces of its own.

    with FreshMachine("ada", namespace, base, directory) as machine:
        machine.command("pip install mpyc", online=True)      a command line, for subprocess
        machine.left()                                        what has changed since it was fresh

Its file system is an overlay, so that whatever is written lies in directories of ours; its processes are in a
PID namespace that ends with it. It has an account `person`, a Python and a shell, as a laptop has. With
`online` a command uses the network of this computer, to install; all others see the machine's own.
Needs root, util-linux and overlayfs.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from huddle.errors import LocalError
from huddle_lab.sites.netns import NetworkNamespace
from huddle_lab.sites.tun import DEVICE, entered

PYTHON = "/opt/python"
HOME = "/srv/person"
_PATH = f"{HOME}/venv/bin:{PYTHON}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INSTALLED = ("usr/", "opt/", "var/", "etc/alternatives/", "etc/ld.so", "lib/", f"{HOME[1:]}/venv/")
_PASSED = ("PIP_", "UV_", "SSL_CERT_", "HTTP", "http")  # how this computer reaches package registries
_NAMED = 12  # files that are named one by one
_STARTED = 120.0  # seconds, on a computer that has much else to do

# Runs as the machine's first process. The account is made by hand, as a base may lack useradd.
_INIT = """
set -e
mount --make-rprivate /
mount -t overlay overlay -o lowerdir="$1",upperdir="$2/upper",workdir="$2/work" "$2/root"
cd "$2/root"
mkdir -p proc dev sys tmp run opt/python "srv/person" .old
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount --bind "$2/tmp" tmp
chmod 1777 tmp
mount --bind "$3" opt/python
echo /opt/python/lib >etc/ld.so.conf.d/python.conf
chroot . ldconfig
cp --parents -rL /etc/pip.conf /etc/resolv.conf /etc/ssl/certs . 2>/dev/null || true
[ -z "$4" ] || cp --parents -L "$4" . 2>/dev/null || true
if [ "$1" != / ]; then rm -rf etc/apt; cp -a /etc/apt etc/apt; fi
grep -q '^person:' etc/passwd || echo 'person:x:4242:4242:Person:/srv/person:/bin/bash' >>etc/passwd
grep -q '^person:' etc/group || echo 'person:x:4242:' >>etc/group
chown 4242:4242 srv/person
hostname "$5"
pivot_root . .old
umount -l .old
rmdir .old
touch /run/ready
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class Left:
    """What differs from the fresh machine.

    `installed` are files of packages and environments, `mb` their size; `files` all others by name, at most
    some, and `more` how many are not named.
    """

    installed: int
    mb: float
    files: tuple[str, ...]
    more: int
    users: tuple[str, ...]
    interfaces: tuple[str, ...]
    processes: tuple[str, ...]

    def row(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class FreshMachine:
    """A machine, from `with` to its end; nothing of it stays on this computer."""

    def __init__(self, name: str, namespace: NetworkNamespace, base: Path, directory: Path) -> None:
        self.name = name
        self.address = namespace.address
        self._namespace = namespace
        self._base = base
        self._directory = directory
        self._first: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._fresh: tuple[set[str], set[str], set[str]] = (set(), set(), set())  # files, users, interfaces

    def __enter__(self) -> Self:
        for part in ("upper", "work", "root", "tmp"):
            (self._directory / part).mkdir(parents=True)
        certificate = os.environ.get("PIP_CERT", "")
        unshare = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        arguments = [str(self._base), str(self._directory), sys.base_prefix, certificate, self.name]
        self._first = subprocess.Popen(
            self._namespace.command([*unshare, "sh", "-c", _INIT, "sh", *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            self._pid = self._wait_for_first(self._first)
            self._fresh = (set(self._files()), self._users(), self._interfaces())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything on it, and delete it."""
        if self._first is not None:
            self._first.kill()  # and with it the first process, with which the kernel ends all others
            self._first.wait()
        deadline = time.monotonic() + _STARTED
        while self._processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        shutil.rmtree(self._directory, ignore_errors=True)

    def command(self, line: str, *, root: bool = False, online: bool = False) -> list[str]:
        """The command line by which its person types this line into a shell, at home."""
        spaces = ["--mount", "--pid", "--uts", "--ipc", "--root", "--wd", *([] if online else ["--net"])]
        kept = {name: value for name, value in os.environ.items() if name.startswith(_PASSED)}
        env = {
            **(kept if online else {}),
            "PATH": _PATH,
            "HOME": HOME if not root else "/root",
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "HUDDLE_PLAIN": "1",
        }
        shell = ["bash", "-c", f"cd {HOME} && {line}"]
        who = [] if root else ["setpriv", "--reuid=4242", "--regid=4242", "--clear-groups"]
        words = [f"{name}={value}" for name, value in env.items()]
        return ["nsenter", f"--target={self._pid}", *spaces, "env", "-i", *words, *who, *shell]

    def inside(self) -> AbstractContextManager[None]:
        """This thread, and the processes that it starts, are in the machine's network; no more than that."""
        return entered(Path(f"/proc/{self._pid}/ns/net"))

    def put(self, name: str, content: bytes) -> None:
        """A file that somebody has sent its person, in their home."""
        line = f"mkdir -p $(dirname {shlex.quote(name)}) && cat > {shlex.quote(name)}"
        subprocess.run(self.command(line), input=content, check=True)

    def get(self, name: str) -> bytes:
        """A file of its person's."""
        return subprocess.run(
            self.command(f"cat {shlex.quote(name)}"), stdout=subprocess.PIPE, check=True
        ).stdout

    def left(self) -> Left:
        """What has changed since it was fresh."""
        files, users, interfaces = self._files(), self._users(), self._interfaces()
        new = sorted(files.keys() - self._fresh[0])
        own = [name for name in new if not name.startswith(_INSTALLED)]
        sizes = 0
        for name in new:
            with contextlib.suppress(OSError):
                sizes += files[name].lstat().st_size
        return Left(
            len(new) - len(own),
            round(sizes / 1e6, 1),
            tuple(f"/{name}" for name in own[:_NAMED]),
            max(0, len(own) - _NAMED),
            tuple(sorted(users - self._fresh[1])),
            tuple(sorted(interfaces - self._fresh[2])),
            tuple(sorted(self._processes())),
        )

    # --- inside

    def _wait_for_first(self, first: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + _STARTED
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children")
        while time.monotonic() < deadline and first.poll() is None:
            pids = children.read_text().split()
            if pids and (Path("/proc", pids[0], "root") / "run" / "ready").exists():
                return int(pids[0])
            time.sleep(0.02)
        raise LocalError(
            "A fresh machine could not be made.", hint="It needs root, util-linux and overlayfs."
        )

    def _files(self) -> dict[str, Path]:
        """What was written, by its path there, and where it is."""
        found: dict[str, Path] = {}
        for top, below in ((self._directory / "upper", ""), (self._directory / "tmp", "tmp/")):
            for folder, _, names in os.walk(top):
                paths = [Path(folder) / name for name in names if not name.endswith((".pyc", "ld.so.cache"))]
                found |= {f"{below}{path.relative_to(top)}": path for path in paths}
        return found

    def _users(self) -> set[str]:
        said = subprocess.run(
            self.command("cat /etc/passwd"), capture_output=True, text=True, check=True
        ).stdout
        return {line.partition(":")[0] for line in said.splitlines()}

    def _interfaces(self) -> set[str]:
        command = self._namespace.command(["ip", "-o", "link"])
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        names = {line.split(": ")[1].partition("@")[0] for line in said.splitlines()}
        return names - {"lo", DEVICE}

    def _processes(self) -> list[str]:
        """The names of what runs on it, but for its first process."""
        if not self._pid:
            return []
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self._pid:
                with contextlib.suppress(OSError, IndexError):
                    status = (entry / "status").read_text()
                    numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
                    inside = os.readlink(entry / "root") == os.readlink(f"/proc/{self._pid}/root")
                    same = os.readlink(entry / "ns/pid") == os.readlink(f"/proc/{self._pid}/ns/pid")
                    if len(numbers) > 2 and same and inside and "State:\tZ" not in status:
                        found.append((entry / "comm").read_text().strip())
        return found
