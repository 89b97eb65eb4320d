"""Whether anything of a program can still go on by itself: the word of the operating system, not of a clock.

A program *stands still* when every thread of it and of the processes that it started is blocked in a system
call that has no time limit, and nothing from outside the session can end that call. Then only a peer's bytes
can move it. A program that sleeps, computes, polls or waits with a timeout does not stand still, whichever
event loop, thread or child process it does that in. One kind of polling counts as standing still: that of
MPyC's own barriers, which turn without end for what a peer has not sent.

Linux tells by /proc/PID/task/TID/syscall (proc(5)) in which call a thread is blocked, with its arguments.
Elsewhere, and on other processors than x86-64 and arm64, nobody knows; there `Watch` goes by the time: a
minute without a message and almost without work counts as standing still.

This file must not import huddle: a runner loads it by its path, in any interpreter from Python 3.10 on.
"""

import asyncio
import os
import platform
import resource
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

EVERY = 0.25  # seconds between two looks; both must show the same
UNKNOWN = 60.0  # seconds without any traffic that count as standing still where nobody can look
WORK = 0.02  # of these, the part that it may compute
SPINS = 4  # looks in a row at a barrier that turns

# Calls that wait: the place of the argument that limits the time, or None where there is none, and the
# value without a limit. The numbers are those of x86-64 and arm64 (asm/unistd.h).
_FOREVER_INT, _NULL = 0xFFFFFFFF, 0
_CALLS: "dict[str, dict[int, tuple[int, int] | None]]" = {
    "x86_64": {
        232: (3, _FOREVER_INT),  # epoll_wait
        281: (3, _FOREVER_INT),  # epoll_pwait
        441: (3, _NULL),  # epoll_pwait2
        7: (2, _FOREVER_INT),  # poll
        271: (2, _NULL),  # ppoll
        23: (4, _NULL),  # select
        270: (4, _NULL),  # pselect6
        202: (3, _NULL),  # futex
        **dict.fromkeys((61, 247)),  # wait4, waitid
        **dict.fromkeys((0, 1, 19, 20, 43, 44, 45, 46, 47, 288)),  # read, write, recv and the like
    },
    "aarch64": {
        22: (3, _FOREVER_INT),
        441: (3, _NULL),
        73: (2, _NULL),
        72: (4, _NULL),
        98: (3, _NULL),
        **dict.fromkeys((260, 95)),
        **dict.fromkeys((63, 64, 65, 66, 202, 206, 207, 211, 212, 242)),
    },
}
_WAITS = _CALLS.get(platform.machine(), {})
_EPOLL = {"x86_64": (232, 281, 441), "aarch64": (22, 441)}.get(platform.machine(), ())
_POLLS = {"x86_64": (7, 271, 23, 270), "aarch64": (73, 72)}.get(platform.machine(), ())
_STREAMS = {
    "x86_64": (0, 1, 19, 20, 43, 44, 45, 46, 47, 288),
    "aarch64": (63, 64, 65, 66, 202, 206, 207, 211, 212, 242),
}.get(platform.machine(), ())


def limitless(line: str) -> bool:
    """Whether this line of /proc/PID/task/TID/syscall is that of a call that may wait for ever."""
    words = line.split()
    if len(words) < 8:
        return False  # running, or stopped outside of any call
    number, arguments = int(words[0]), [int(word, 16) for word in words[1:7]]
    if number not in _WAITS:
        return False
    limit = _WAITS[number]
    if limit is None:
        return True
    value = arguments[limit[0]]
    return (value & _FOREVER_INT if limit[1] else value) == limit[1]


def known_here() -> bool:
    """Whether this system tells what the threads of this process do."""
    if not _WAITS:
        return False
    try:
        with open(f"/proc/self/task/{threading.get_native_id()}/syscall") as file:
            file.read()
    except OSError:
        return False
    return True


def descendants(root: int) -> "list[int]":
    """All processes that this one started, and those started by them, as far as they live."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
            except (OSError, ValueError):
                continue
            if state != b"Z":
                children.setdefault(int(parent), []).append(int(name))
    found: list[int] = []
    todo = [root]
    while todo:
        mine = children.get(todo.pop(), [])
        found += mine
        todo += mine
    return found


def blocked(processes: "list[int]", but: "set[int]") -> "dict[int, bytes] | None":
    """How often each thread has run so far, where all of them are blocked without a limit; else None.

    `but` are threads that do not count. A single thread of this process may be at work, and has no number
    then. Two equal answers, one after the other, say that nothing else has run in between: all were blocked
    at once.
    """
    seen: dict[int, bytes] = {}
    working = 0
    try:
        for pid in processes:
            for name in os.listdir(f"/proc/{pid}/task"):
                thread = int(name)
                if thread in but:
                    continue
                with open(f"/proc/{pid}/task/{name}/syscall") as file:
                    line = file.read()
                if not limitless(line) or not _by_program(pid, line):
                    working += 1
                    if working > 1 or pid != os.getpid():
                        return None
                    seen[thread] = b""
                    continue
                with open(f"/proc/{pid}/task/{name}/status", "rb") as file:
                    seen[thread] = file.read().partition(b"voluntary_ctxt_switches")[2]
    except (OSError, ValueError):
        return None  # some thread has just ended, or nobody may look
    return seen


def hears(descriptor: int) -> bool:
    """Whether a thread of this process waits for this descriptor too, as far as can be seen."""
    for name in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{name}/syscall") as file:
                words = file.read().split()
            number = int(words[0])
            if number in _POLLS:
                return True  # in memory, of what
            if number in _EPOLL and _holds(os.getpid(), int(words[1], 16), descriptor):
                return True
        except (OSError, ValueError, IndexError):
            return True  # it has just ended, or works
    return False


def _holds(pid: int, epoll: int, descriptor: int) -> bool:
    """Whether that epoll descriptor waits for that other one."""
    with open(f"/proc/{pid}/fdinfo/{epoll}") as file:
        return any(row.split()[:2] == ["tfd:", str(descriptor)] for row in file)


def _by_program(pid: int, line: str) -> bool:
    """Whether nothing but a program could end this call: no disk, nor what a person types or reads."""
    words = line.split()
    number, first = int(words[0]), int(words[1], 16)
    if number in _EPOLL:
        return not _holds(pid, first, 0)
    if number not in _STREAMS:
        return True
    kind = os.readlink(f"/proc/{pid}/fd/{first}").partition(":")[0]
    return (pid != os.getpid() or first > 2) and kind in ("pipe", "socket", "anon_inode")


def opened(pid: int) -> "dict[int, str]":
    """What each descriptor of that process is, as proc(5) names it."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue  # it was closed
    return found


def reachable(processes: "list[int]", known: "set[str]", alone: bool) -> bool:
    """Whether somebody outside the session could wake one of these: by a socket, a file, a timer.

    `known` is what was open before the program began; `alone` says that the network is the program's.
    """
    inet = set[str]() if alone else _inet()
    for pid in processes:
        try:
            descriptors = opened(pid)
        except OSError:
            return True
        for descriptor, target in descriptors.items():
            if target in known:
                continue
            if target in ("anon_inode:inotify", "anon_inode:[timerfd]"):
                return True
            if alone or not target.startswith("socket:["):
                continue
            if target[8:-1] in inet or (pid == os.getpid() and _foreign(descriptor, processes)):
                return True
    return False


def _inet() -> "set[str]":
    """The inodes of sockets that listen, or are connected to another machine."""
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        try:
            with open(f"/proc/net/{table}") as file:
                rows = [row.split() for row in file][1:]
        except OSError:
            continue
        for row in rows:
            remote = row[2].partition(":")[0]
            near = remote in ("0100007F", "0" * 24 + "01000000", "0" * 16 + "FFFF00000100007F")
            if row[3] == "0A" or not near:
                found.add(row[9])
    return found


def _foreign(descriptor: int, processes: "list[int]") -> bool:
    """Whether the other end of this Unix socket is another program's."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            if sock.family != socket.AF_UNIX:
                return False
            peer, _, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    except OSError:
        return False
    return peer not in (0, *processes)


def turning() -> bool:
    """Whether MPyC's loop only turns in a barrier of MPyC's own, and nothing else of it can go on."""
    module = sys.modules.get("mpyc.asyncoro")
    loop = getattr(getattr(module, "runtime", None), "_loop", None)
    if loop is None or getattr(loop, "_scheduled", None):
        return False
    folder = os.path.dirname(str(module.__file__))  # type: ignore[union-attr]
    barrier = False
    try:
        tasks = asyncio.all_tasks(loop)
    except RuntimeError:
        return False
    for task in tasks:
        names = _chain(task.get_coro())
        if len(names) > 1 and names[-1][0] == asyncio.tasks.__file__ and names[-1][1].endswith("sleep"):
            at = next((file for file, _ in reversed(names) if file != asyncio.tasks.__file__), "")
            if names[-1][1] == "sleep" or not at.startswith(folder):
                return False  # it sleeps for a time, or is the program's own
            barrier = True
        else:
            waiter = getattr(task, "_fut_waiter", None)
            if waiter is None or waiter.done():
                return False
    return barrier


def _chain(coroutine: Any) -> "list[tuple[str, str]]":
    """File and name of a coroutine and of all that it awaits, one after another."""
    names: list[tuple[str, str]] = []
    while coroutine is not None and len(names) < 100:
        code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
        if code is None:
            break
        names.append((code.co_filename, code.co_name))
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return names


class Watch:
    """Looks again and again, and says when the program stands still.

    `state()` is compared before and after: what it gives (counters of messages) must not move meanwhile.
    `still(state)` is called once for each state in which the program stands still, in the watch's thread;
    with None where it would not even notice what its peers send, since nobody waits for `lane`, the
    descriptor on which that comes. `alone` is as for `reachable`.
    """

    def __init__(
        self,
        state: "Callable[[], Any]",
        still: "Callable[[Any], None]",
        lane: int,
        alone: bool,
    ) -> None:
        self._state, self._still = state, still
        self._lane, self._alone = lane, alone
        self._here = known_here()
        self._known = set(opened(os.getpid()).values()) if self._here else set()
        self._told: Any = None
        self._spins = 0
        self._quiet: Any = None  # the state, when it began, and the work done by then

    def start(self) -> None:
        """Look from now on, in a thread."""
        look = self._look if self._here else self._guess
        threading.Thread(target=self._watch, args=(look,), name="huddle watch", daemon=True).start()

    def again(self) -> None:
        """What was said last is void: say it once more if it is still so."""
        self._told = None

    def _watch(self, look: "Callable[[], Any]") -> None:
        while True:
            time.sleep(EVERY)
            state = look()
            if state is not None and state != self._told:
                self._told = state
                self._still(*state)

    def _look(self) -> Any:
        """The state in which the program stands still now, as a tuple of one; or None."""
        state = self._state()
        if state is None or (state,) == self._told or signal.getitimer(signal.ITIMER_REAL)[0]:
            return None
        but = {threading.get_native_id()}
        processes = [os.getpid(), *descendants(os.getpid())]
        first = blocked(processes, but)
        if first is None or (b"" in first.values() and not self._may_turn()):
            return None
        time.sleep(EVERY)
        if first != blocked(processes, but) or processes[1:] != descendants(os.getpid()):
            return None
        if self._state() != state or reachable(processes, self._known, self._alone):
            return None
        return (state if b"" in first.values() or hears(self._lane) else None,)

    def _may_turn(self) -> bool:
        self._spins = self._spins + 1 if turning() else 0
        return self._spins >= SPINS

    def _guess(self) -> Any:
        """As `_look`, by the time alone."""
        state, now = self._state(), time.monotonic()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        work = usage.ru_utime + usage.ru_stime
        if state is None or self._quiet is None or self._quiet[0] != state:
            self._quiet = state, now, work
            return None
        _, began, before = self._quiet
        if now - began < UNKNOWN:
            return None
        if work - before > WORK * (now - began):
            self._quiet = None
            return None
        return (state,)
