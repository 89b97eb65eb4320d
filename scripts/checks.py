"""All checks and tests of the project, one after the other, with one verdict at the end.

A stage that fails doesn't stop the later ones. The last line is `N passed, N failed`, where each check
counts as one and each test as one; the exit code is 0 only if nothing failed. With CI=true a stage may not
be left out for want of a tool that the machine could have had. `--checks` leaves out the tests, and names
leave out all other stages.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
IN_CI = os.environ.get("CI") == "true"


@dataclass(frozen=True)
class Outcome:
    """What came of a stage; `note` says why it or a part of it was not run, `suites` which failed."""

    passed: int = 0
    failed: int = 0
    note: str = ""
    suites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    name: str
    run: Callable[[], Outcome]
    is_test: bool = False


def command(*args: str | Path) -> Callable[[], Outcome]:
    """A check that is one command."""

    def run() -> Outcome:
        good = subprocess.run(args, cwd=ROOT, check=False).returncode == 0
        return Outcome(passed=int(good), failed=int(not good))

    return run


def tests(directory: str, *options: str, only_root: bool = False) -> Callable[[], Outcome]:
    """A stage that is a directory of tests, which may be empty."""

    def run() -> Outcome:
        if not any((ROOT / directory).rglob("test_*.py")):
            return Outcome(note="there are none")
        if only_root and os.geteuid() != 0:
            return Outcome(note="only root can make network namespaces")
        return tried_twice(
            lambda: pytest(directory, *options),
            lambda _: pytest(directory, "--last-failed", "--last-failed-no-failures=none"),
        )

    return run


def tried_twice(run: Callable[[], Outcome], once_more: Callable[[tuple[str, ...]], Outcome]) -> Outcome:
    """Try once more what failed, by itself, and say so: real processes take their time, machines are busy.

    `once_more` gets the names of the suites that failed.
    """
    first = run()
    if not 0 < first.failed <= SECOND_TRIES or not first.suites:
        return first
    print("\n== once more: what failed, by itself", flush=True)
    again = once_more(first.suites)
    if again.failed or again.passed < first.failed:
        return first
    notes = (first.note, f"{first.failed} only at the second try, see above")
    return Outcome(first.passed + first.failed, 0, "; ".join(note for note in notes if note))


def pytest(*args: str) -> Outcome:
    """One run of pytest."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [BIN / "pytest", "--durations=15", f"--junitxml={report}", *args]
        return count(report, subprocess.run(command, cwd=ROOT, check=False).returncode)


def count(report: Path, code: int) -> Outcome:
    """Read pytest's report; a run that ended badly without a failed test is a failure by itself."""
    if not report.exists():
        return Outcome(failed=1)
    suites = list(ElementTree.parse(report).iter("testsuite"))  # noqa: S314 (pytest has just written it)

    def total(attribute: str) -> int:
        return sum(int(suite.get(attribute, "0")) for suite in suites)

    failed = total("failures") + total("errors")
    skipped = total("skipped")
    note = f"{skipped} skipped, for the reasons above" if skipped else ""
    bad = [
        suite.get("name", "")
        for suite in suites
        if suite.get("failures") != "0" or suite.get("errors") != "0"
    ]
    passed = total("tests") - failed - skipped
    return Outcome(passed, max(failed, int(code != 0)), note, tuple(bad))


def models() -> Outcome:
    """Verify each Verifpal model of the protocol; an attack that is found fails it."""
    paths = sorted((ROOT / "docs" / "model").glob("*.vp"))
    if not paths:
        return Outcome(note="there are none")
    found = subprocess.run(
        [ROOT / "scripts" / "install-verifpal"], stdout=subprocess.PIPE, text=True, check=False
    )
    if found.returncode != 0:
        return Outcome(failed=int(IN_CI), note="verifpal is missing, see above")
    passed = 0
    for path in paths:
        args = [found.stdout.strip(), "verify", "--fail-on-attack", path]
        passed += subprocess.run(args, cwd=ROOT, check=False).returncode == 0
    return Outcome(passed=passed, failed=len(paths) - passed)


def web() -> Outcome:
    """The page and its workers: types, and tests, with parties in a real Chromium."""
    for tool, what in (("npm", "Node.js is missing"), ("chromium", "Chromium is missing")):
        if shutil.which(tool) is None:
            return Outcome(failed=int(IN_CI), note=what)
    passed = 0
    for check in ([ROOT / "scripts" / "build-web"], ["npx", "tsc", "--noEmit"]):
        if subprocess.run(check, cwd=ROOT / "web", check=False).returncode != 0:
            return Outcome(passed=passed, failed=1)
        passed += 1
    outcome = tried_twice(vitest, lambda files: vitest(*files))
    return replace(outcome, passed=passed + outcome.passed)


def vitest(*files: str) -> Outcome:
    """One run of the page's tests, all or those in these files."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        reports = ("--reporter=default", "--reporter=junit", f"--outputFile={report}")
        # Browsers wait for each other, too.
        args = ["npx", "vitest", "run", "--maxWorkers=2", *reports, *files]
        return count(report, subprocess.run(args, cwd=ROOT / "web", check=False).returncode)


# So many failures may be of a busy machine; more are of the code.
SECOND_TRIES = 5
# Files side by side; the tests of one file share what is dear to make.
SHARING = ("--numprocesses=4", "--dist=loadfile")
# Whoever is through takes the next test; the long ones come first (tests/conftest.py).
ONE_BY_ONE = ("--dist=load", "--maxschedchunk=1")

STAGES = [
    Stage("lint", command(BIN / "ruff", "check", "--quiet", ".")),
    Stage("format", command(BIN / "ruff", "format", "--quiet", "--diff", ".")),
    Stage("types", command(BIN / "mypy", "--strict", "src", "lab/src")),
    Stage("layers", command(BIN / "lint-imports")),
    Stage("unit", tests("tests/unit", *SHARING), is_test=True),
    # Processes that wait more than they compute; those of the network lab wait most.
    Stage("e2e", tests("tests/e2e", "--numprocesses=4", "--dist=worksteal"), is_test=True),
    Stage("web", web, is_test=True),
    Stage("netlab", tests("tests/netlab", "--numprocesses=4", *ONE_BY_ONE, only_root=True), is_test=True),
    Stage("model", models, is_test=True),
]


def run_all(stages: list[Stage]) -> Iterator[tuple[Stage, Outcome, float]]:
    for stage in stages:
        print(f"\n== {stage.name}", flush=True)
        began = time.monotonic()
        outcome = stage.run()
        yield stage, outcome, time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(stage.name for stage in STAGES))
    parser.add_argument("--checks", action="store_true", help="only the checks, no tests")
    args = parser.parse_args()
    unknown = set(args.stages) - {stage.name for stage in STAGES}
    if unknown:
        parser.error(f"no such stage: {', '.join(sorted(unknown))}")
    chosen = [
        stage
        for stage in STAGES
        if not (args.checks and stage.is_test) and (not args.stages or stage.name in args.stages)
    ]

    results = list(run_all(chosen))
    print("\n== summary")
    for stage, outcome, seconds in results:
        verdict = "FAILED" if outcome.failed else "passed" if outcome.passed else "not run"
        print(f"{stage.name:8} {verdict:8} {seconds:6.1f} s  {outcome.note}".rstrip())
    passed = sum(outcome.passed for _, outcome, _ in results)
    failed = sum(outcome.failed for _, outcome, _ in results)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
