"""Looks the locked versions up among known advisories, where the package registry answers.

pip-audit asks it for each version. A registry that has no such answers, or can't be reached, is no fault of
the versions: then this says how many were not looked up.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements/runtime.txt", "requirements/dev.txt")
SECONDS = 180


@dataclass(frozen=True)
class Found:
    """The advisories, one line each, and how many versions were looked up and how many were not."""

    advisories: tuple[str, ...]
    looked_up: int
    skipped: int

    @property
    def note(self) -> str:
        """What a person must know of what was left out; nothing where nothing was."""
        if not self.skipped:
            return ""
        return f"{self.skipped} of {self.looked_up + self.skipped} versions: the registry does not answer"


def read(report: dict[str, Any]) -> Found:
    """What pip-audit's report in JSON says."""
    packages = {(one["name"], one.get("version", "")): one for one in report["dependencies"]}
    known = [one for one in packages.values() if "skip_reason" not in one]
    advisories = [
        f"{one['name']} {one['version']}: {found['id']}, mended in {' '.join(found['fix_versions']) or '?'}"
        for one in known
        for found in one["vulns"]
    ]
    return Found(tuple(sorted(set(advisories))), len(known), len(packages) - len(known))


def ask() -> Found | None:
    """Ask the registry; None where it can't be reached."""
    tool = str(ROOT / ".venv" / "bin" / "pip-audit")
    command = [tool, "--disable-pip", "--require-hashes", "--format=json"]
    options = ["--progress-spinner=off", "--timeout=10", *[f"--requirement={lock}" for lock in LOCKS]]
    try:
        done = subprocess.run(
            [*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        return read(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, json.JSONDecodeError, OSError):
        return None


def main() -> int:
    found = ask()
    if found is None:
        print("advisories: the registry can't be reached; nothing was looked up")
        return 0
    for line in found.advisories:
        print(f"advisories: {line}")
    print(f"advisories: {found.looked_up} versions looked up. {found.note}".rstrip())
    return int(bool(found.advisories))


if __name__ == "__main__":
    sys.exit(main())
