"""Rows and studies for tests of the lab."""

from pathlib import Path
from typing import Any

from huddle.errors import LocalError

STUDY = """
networks = ["plain", "tls"]
scenarios = ["rtt-80"]
parties = [1, 3]
repetitions = 2

[[demos]]
program = "demo.py"
sizes = { Low = ["--size", "3"] }
"""


def write_study(folder: Path, text: str = STUDY) -> Path:
    """A study's file with its program beside it."""
    (folder / "demo.py").write_text("print('a program')\n")
    path = folder / "study.toml"
    path.write_text(text)
    return path


def none_shipped(name: str) -> Path:
    """Huddle brings no programs along."""
    raise LocalError(f"there is no {name}")


def row(**changes: Any) -> dict[str, Any]:
    """A good row of a run, with these changes."""
    return {
        "version": 2,
        "id": "cell",
        "when": "2026-11-23T10:00:00+00:00",
        "attempt": 1,
        "outcome": "finished",
        "error": "",
        "marks": [],
        "study": {"name": "quick", "digest": "00"},
        "provider": "netns",
        "backend": "emulator",
        "scenario": {"name": "rtt-80", "title": "80 ms between any two", "source": "the study"},
        "network": "tls",
        "demo": "Secret Santa",
        "program": "11",
        "size": "Low",
        "args": ["--size", "3"],
        "parties": 3,
        "repetition": 0,
        "seed": "1/0",
        "versions": {"huddle": "0.1.0", "mpyc": "0.11"},
        "commit": "abc",
        "machine": {"cpu": "a cpu", "cores": 2, "memory_mb": 8000, "kernel": "Linux 6"},
        "hosts": [],
        "calibration": {
            "backend": "emulator",
            "fifo": True,
            "mbit_per_s": 4000,
            "delays": [{"delay_ms": 40.0, "p50_ms": 0.2, "p99_ms": 0.5, "probes": 10, "lost": 0}],
        },
        "one_way_ms": 40.0,
        "seconds": 4.5,
        "wall_s": 9.0,
        "cpu_s": 3.0,
        "program_cpu_s": 1.5,
        "rounds": 100,
        "bytes": 2000,
        "messages": 80,
        "setup": {"total": 2.0, "meet": 1.0},
        "rtt_ms": 80.4,
        "paths": ["tls direct"],
        "links": [{"from": 0, "to": 1, "network": "tls", "path": "direct", "rtt_ms": 80.4}],
        "memory_mb": 100.0,
        "queue_s": 0.01,
        "foreign": 0.0,
        "late": {"late_p99_ms": 0.2},
        **changes,
    }


NO_DELAY = {"name": "no-delay", "title": "no delay", "source": "the study"}
