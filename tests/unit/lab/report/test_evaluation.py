"""The document of the evaluation is what its script makes of rows and counted steps."""

import json
import subprocess
import sys
from pathlib import Path

from tests.unit.lab.support import row

ROOT = Path(__file__).parents[4]


def script(*args: str) -> int:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "evaluation.py"), *args], check=False
    ).returncode


def test_the_document_is_what_the_script_writes() -> None:
    assert script("--check") == 0, "say: .venv/bin/python scripts/evaluation.py"


def test_only_what_was_measured_undisturbed_is_a_figure(tmp_path: Path) -> None:
    rows = [
        row(id="a", network="plain", seconds=2.0, seed="1"),
        row(id="b", network="tls", seconds=3.0, seed="1"),
        row(id="c", network="relay", seconds=77.0, seed="1", marks=["busy: others used 90% of the machine"]),
        row(id="d", network="webrtc", outcome="failed", error="it failed", seconds=None),
        row(id="e", network="headscale", outcome="not run", error="there is no headscale", seconds=None),
        row(id="f", demo="Links", links=[{"from": 0, "to": 1, "trip_ms": 80.5, "mbit": 420.0}]),
    ]
    results, more, target = tmp_path / "rows.jsonl", tmp_path / "more.jsonl", tmp_path / "evaluation.md"
    results.write_text("".join(json.dumps(one) + "\n" for one in rows[:3]))
    more.write_text("".join(json.dumps(one) + "\n" for one in rows[3:]))
    files = ("--results", str(results), str(more), "--runtimes", str(tmp_path / "none"))
    assert script(*files, "--target", str(target)) == 0
    text = target.read_text()
    assert "| 80 ms between any two, Low | `tls` | 3.000 | 1.50 |" in text
    assert "77.000" not in text and "had other work: 1" in text
    assert "3 parties over webrtc, 80 ms between any two: 1" in text
    assert "- `headscale`: there is no headscale" in text
    assert "| 80 ms between any two | `tls` | 80.5 | 420 |" in text
    assert "{{" not in text
    assert script(*files, "--target", str(target), "--check") == 0
    target.write_text(text.replace("3.000", "1.000"))
    assert script(*files, "--target", str(target), "--check") == 1
