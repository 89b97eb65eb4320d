"""What a crash or a `kill -9` of Huddle has left on this machine: directories and processes.

A directory counts only if its maker is gone, nobody works in it, and it is not just being made.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from huddle.networks.headscale import server as headscale_server
from huddle.networks.tailscale import daemon as tailscale_daemon
from huddle.running import scratch
from huddle.running.account import NOBODYS

_PATTERNS = (
    "huddle-run-*",
    "huddle-root-*",
    "huddle-demo-*",
    f"{tailscale_daemon.PREFIX}*",
    f"{headscale_server.PREFIX}*",
)
_YOUNG = 10.0  # seconds; between the making of a directory and its lock there is a moment


def directories() -> list[Path]:
    """The temporary directories of sessions that are no more, of this user."""
    folder = Path(tempfile.gettempdir()).resolve()
    found = [path for pattern in _PATTERNS for path in folder.glob(pattern)]
    left = [path for path in sorted(found) if _is_old(path) and not scratch.held(path)]
    used = [_text(process) for process in psutil.process_iter()] if left else []
    return [path for path in left if not any(str(path) in text for text in used)]


def orphans() -> Iterator[tuple[int, str]]:
    """Runners of this user whose supervisor is gone: pid and what it is."""
    for process in psutil.process_iter():
        try:
            with process.oneshot():
                ours = _is_mine(process.uids().real) and process.ppid() == 1
                line = process.cmdline()
        except (psutil.Error, OSError):
            continue
        if ours and any(part.endswith("/huddle/running/runner/main.py") for part in line):
            yield process.pid, "a runner without its supervisor"


def _is_old(path: Path) -> bool:
    try:
        state = path.lstat()
    except OSError:
        return False
    mine = _is_mine(state.st_uid) and path.is_dir() and not path.is_symlink()
    return mine and time.time() - state.st_mtime > _YOUNG


def _is_mine(uid: int) -> bool:
    """Whether it is this account's: root's are also those of the accounts that its sessions became."""
    return uid == os.getuid() or (os.getuid() == 0 and uid in NOBODYS)


def _text(process: psutil.Process) -> str:
    """Where a process works and what it was told."""
    try:
        with process.oneshot():
            return "\0".join([process.cwd(), *process.cmdline(), *process.environ().values()])
    except (psutil.Error, OSError):
        return ""
