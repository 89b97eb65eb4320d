"""The machine on which a study runs: what it is, which Huddle it has, and who else uses it."""

import os
import platform
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import Any

import huddle


def machine() -> dict[str, Any]:
    """What matters of this machine for figures."""
    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": cpu,
        "cores": os.cpu_count() or 1,
        "memory_mb": round(pages / 1e6),
        "kernel": f"{platform.system()} {platform.release()}",
    }


@cache
def commit() -> str:
    """The commit of the source that runs, with + where files differ from it; empty where there is none."""
    folder = Path(huddle.__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return ""

    def git(*args: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *args],  # noqa: S607 - wherever the system has it
            check=True, capture_output=True, text=True, timeout=20,
        ).stdout.strip()  # fmt: skip

    try:
        return git("rev-parse", "HEAD") + (
            "+" if git("status", "--porcelain", "--", "src", "lab/src") else ""
        )
    except (OSError, subprocess.SubprocessError):
        return ""


class Load:
    """How much of the processors others use, between `__init__` and `foreign`."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy = _busy()

    def foreign(self, own: float) -> float | None:
        """Their share, 0 to 1, where our own processes took `own` seconds of processor time."""
        busy = _busy()
        if busy is None or self._busy is None:
            return None
        available = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return min(1.0, max(0.0, (busy - self._busy - own) / available)) if available else None


def _busy() -> float | None:
    """Seconds that all processors together have worked since boot, and what a hypervisor took from them."""
    try:
        columns = [int(one) for one in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return None
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = columns
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")
