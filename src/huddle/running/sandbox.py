"""The bubblewrap command line around a runner: no network, no home, no other processes, no environment.

The program sees the system's own programs and libraries, its interpreter's directories, its own files and
its `--input` files, all read-only. It can write to /tmp, in which its directory is, and to /dev/shm: both are
in memory, of a limited size, and gone with it. What it can reach of the world are the descriptors that it
inherits (its channels, its control socket and its pipes), and the system calls that
`huddle.running.seccomp` lets through. Its account and names are made up (`huddle.running.neutral`).

`--cap-drop` and the like are said though an ordinary account has nothing to drop: they cost nothing.
"""

import functools
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from huddle.errors import LocalError
from huddle.running import neutral, seccomp
from huddle.running.interpreter import Interpreter
from huddle.running.limits import RunLimits

PLACE = "/tmp/program"  # noqa: S108 - inside: where the program runs
SOURCE = "/program"  # inside: where its files come from
LAUNCHER = Path(__file__).with_name("launcher.py")

_BASE = (
    *("--unshare-all", "--die-with-parent", "--new-session", "--clearenv"),
    *("--cap-drop", "ALL"),
)
_ETC = ("ld.so.cache", "localtime", "alternatives")
# Of the kernel's own files those that tell of others than the program: an empty one is in their place.
_HIDDEN = (
    *("keys", "key-users", "kcore", "kallsyms", "kmsg", "config.gz", "timer_list", "sched_debug"),
    *("latency_stats", "interrupts", "softirqs", "slabinfo", "vmallocinfo", "iomem", "ioports", "modules"),
    *("diskstats", "partitions", "swaps", "locks", "schedstat", "pagetypeinfo", "zoneinfo", "kpagecount"),
    *("kpageflags", "kpagecgroup", "cmdline", "consoles", "misc", "mtrr", "crypto"),
)
_TRY_SECONDS = 10
_NICER = 5  # than the supervisor, whose heartbeats must go on
_FIRST_TO_DIE = 1000  # of all processes, where memory is short
_HINT = "Install bubblewrap, or say --no-sandbox: the program can then read your files."


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What can be had here: bubblewrap's path, and what it and the kernel can do beside the basics.

    `closed`: no more user namespaces inside (bubblewrap 0.8; not where it is setuid). `sized`: a size for
    what is in memory (0.7). `filtered`: system calls pass a filter. `named`: the account has a
    neutral number, which takes a user namespace.
    """

    path: str
    closed: bool
    sized: bool
    filtered: bool
    named: bool = True

    @property
    def weaker(self) -> tuple[str, ...]:
        """What a person should know before they say yes; nothing where all is as it should be."""
        why = seccomp.problem() or "bubblewrap or the kernel can't filter system calls"
        return (
            *(() if self.filtered else (f"it may try the whole kernel, since {why}",)),
            *(() if self.closed or self.filtered else ("it may make namespaces of its own",)),
            *(() if self.sized else ("its files may fill half of the memory (bubblewrap before 0.7)",)),
        )


# The best first.
_KINDS = tuple(
    (closed, sized, filtered, named)
    for named in (True, False)
    for filtered in (True, False)
    for sized in (True, False)
    for closed in (True, False)
)


@functools.cache
def _tried() -> tuple[Sandbox | None, str]:
    """The best sandbox that works here, tried out, and why there is none where it is None."""
    path = shutil.which("bwrap")
    if path is None:
        return None, "bubblewrap (bwrap) is not installed"
    reason = ""
    for closed, sized, filtered, named in _KINDS:
        kind = Sandbox(os.path.abspath(path), closed, sized, filtered, named)
        if filtered and seccomp.problem():
            continue
        try:
            with _line(
                kind, [*_system(), *_room(kind, RunLimits()), *_closed()], ["/usr/bin/env", "true"]
            ) as (
                line,
                descriptors,
            ):
                done = subprocess.run(
                    line,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_TRY_SECONDS,
                    pass_fds=descriptors,
                    env={},
                    check=False,
                )
        except (OSError, subprocess.TimeoutExpired) as error:
            return None, f"bubblewrap does not work: {error}"
        if not done.returncode:
            return kind, ""
        reason = reason or done.stderr.decode(errors="replace").strip()[:200]
    return None, f"bubblewrap does not work: {reason}"


def problem() -> str:
    """Why there is no sandbox on this machine; empty where there is one. Tried once, really."""
    return _tried()[1]


def weaker() -> tuple[str, ...]:
    """What is missing in this machine's sandbox, for its person to know; where there is none, nothing is."""
    kind = _tried()[0]
    return kind.weaker if kind else ()


@contextmanager
def command(
    inner: list[str],
    interpreter: Interpreter,
    directory: Path,
    inputs: Iterable[tuple[str, Path]] = (),
    files: Iterable[Path] = (),
    limits: RunLimits | None = None,
) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """The command that runs `inner` locked in, in PLACE, with the files of `directory` in SOURCE.

    `files` are readable at their own paths, `inputs` in PLACE, each at its path there. With the command come
    descriptors that it must inherit, closed at the end: the options are read from one, so that no list of
    processes shows where the inputs lie. It needs no environment. Raises LocalError where there is no
    sandbox.
    """
    kind, reason = _tried()
    if kind is None:
        raise LocalError(reason, hint=_HINT)
    limits = limits or RunLimits()
    mounts = [
        *_system(),
        *_room(kind, limits, _size(directory)),
        *(word for path in _needed(interpreter) for word in ("--ro-bind", path, path)),
        *(word for file in files for word in ("--ro-bind", str(file), str(file))),
        *("--ro-bind", str(directory), SOURCE),
        *(word for at, path in inputs for word in ("--ro-bind", str(path.absolute()), f"{PLACE}/{at}")),
        *_closed(),
        *("--chdir", PLACE),
    ]
    with _line(kind, mounts, inner) as line:
        yield line


@contextmanager
def _line(kind: Sandbox, mounts: list[str], inner: list[str]) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    options = [*_BASE, *(("--unshare-user", "--disable-userns") if kind.closed else ()), *mounts]
    if kind.named:
        options += neutral.ACCOUNT
    with ExitStack() as stack:
        descriptors = []
        if kind.filtered:
            descriptors.append(stack.enter_context(_in_memory("filter", seccomp.program())))
            options += ["--seccomp", str(descriptors[0])]
        text = b"".join(os.fsencode(option) + b"\0" for option in options)
        descriptors.append(stack.enter_context(_in_memory("options", text)))
        line = [kind.path, "--args", str(descriptors[-1]), "--", *inner]
        yield [*_launched(), *line], tuple(descriptors)


def _launched() -> list[str]:
    """What starts the rest with fewer rights (`huddle.running.launcher`)."""
    keyctl = None if seccomp.problem() else seccomp.numbers("refused", platform.machine())["keyctl"]
    given = {"keyctl": keyctl, "nice": _NICER, "oom_score_adj": _FIRST_TO_DIE}
    return [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(given)]


@contextmanager
def _in_memory(name: str, data: bytes) -> Iterator[int]:
    descriptor = os.memfd_create(name)
    try:
        os.write(descriptor, data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _system() -> list[str]:
    """The system's programs and libraries."""
    line = ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(name):
            line += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            line += ["--ro-bind", name, name]
    for name in _ETC:
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return line + neutral.options()


def _room(kind: Sandbox, limits: RunLimits, more: int = 0) -> list[str]:
    """What the kernel shows of processes and devices, and where to write; `more` bytes are there already."""
    line = ["--proc", "/proc"]
    for name in _HIDDEN:
        if os.path.exists(f"/proc/{name}"):
            line += ["--ro-bind", "/dev/null", f"/proc/{name}"]
    line += ["--remount-ro", "/proc", "--dev", "/dev"]
    for path, size in (("/dev/shm", limits.files), ("/tmp", limits.files + more)):  # noqa: S108 - inside
        line += [*(("--size", str(size)) if kind.sized else ()), "--tmpfs", path]
    return [*line, "--dir", PLACE]


def _closed() -> list[str]:
    """What is left of bubblewrap's own file systems can't be written to, once all is mounted."""
    return ["--remount-ro", "/dev", "--remount-ro", "/"]


def _size(directory: Path) -> int:
    """What these files take in memory at most, in bytes."""
    found = [path.lstat() for path in directory.rglob("*")]
    return sum((state.st_size // 4096 + 2) * 4096 for state in found)


def _needed(interpreter: Interpreter) -> list[str]:
    """The interpreter's directories outside /usr, and every link on the way to its executable."""
    wanted: list[str] = []
    link = interpreter.executable
    for _ in range(20):
        wanted.append(link)
        if not os.path.islink(link):
            break
        link = os.path.join(os.path.dirname(link), os.readlink(link))
    for path in (*interpreter.prefixes, *interpreter.paths):
        wanted += [path, os.path.realpath(path)]
    home = os.path.realpath(os.path.expanduser("~"))
    chosen: list[str] = []
    for path in sorted({os.path.normpath(path) for path in wanted}, key=len):
        inside = any(path == other or path.startswith(other + "/") for other in ("/usr", *chosen))
        if not inside and os.path.isabs(path) and os.path.exists(path) and not _holds(path, home):
            chosen.append(path)
    return chosen


def _holds(path: str, home: str) -> bool:
    """Whether showing this directory would show the whole home."""
    return os.path.commonpath((os.path.realpath(path), home)) == os.path.realpath(path)
