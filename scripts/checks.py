"""All checks and tests of the project, one after the other, with one verdict at the end.

A stage that fails doesn't stop the later ones. The last line is `N passed, N failed`, where each check
counts as one and each test as one; the exit code is 0 only if nothing failed. No failed test is tried
again. With CI=true a stage may not be left out for want of a tool that the machine could have had.

`--checks` leaves out the tests, `--changed` all tests but the unit tests of what differs from main, and names
leave out all other stages. What failed is named once more at the end, each with the first line of why.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
IN_CI = os.environ.get("CI") == "true"


@dataclass(frozen=True)
class Outcome:
    """What came of a stage; `note` says why it or a part of it was not run, `named` which tests failed."""

    passed: int = 0
    failed: int = 0
    note: str = ""
    named: tuple[str, ...] = ()


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
        return pytest(directory, *options)

    return run


def changed() -> Outcome:
    """The unit tests of the modules that differ from main, and those that differ themselves."""
    paths = sorted(tests_of(differing()))
    if not paths:
        return Outcome(note="no module differs from main")
    return pytest(*map(str, paths), "--numprocesses=2", "--dist=loadfile")


def differing() -> set[Path]:
    """What differs from main in this work tree, or from the last commit where this is main; new files too."""
    base = git("merge-base", "HEAD", "main") or ["HEAD"]
    names = git("diff", "--name-only", base[0]) + git("ls-files", "--others", "--exclude-standard")
    return {Path(name) for name in names}


def tests_of(paths: Iterable[Path]) -> Iterator[Path]:
    """The unit tests of these files; `tests/unit` mirrors the packages (test_x.py, test_x_*.py for x.py)."""
    unit = Path("tests/unit")
    mirrors = {Path("src/huddle"): unit, Path("lab/src/huddle_lab"): unit / "lab"}
    for path in paths:
        if path.is_relative_to(unit) and path.name.startswith("test_") and (ROOT / path).exists():
            yield path
        for package, tests in mirrors.items():
            if path.is_relative_to(package):
                mirror = ROOT / tests / path.relative_to(package).parent
                found = {*mirror.glob(f"test_{path.stem}.py"), *mirror.glob(f"test_{path.stem}_*.py")}
                yield from (one.relative_to(ROOT) for one in found)


def git(*args: str) -> list[str]:
    """Lines of git's answer; none where it has no answer."""
    done = subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def pytest(*args: str) -> Outcome:
    """One run of pytest."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command: list[str | Path] = [BIN / "pytest", "--durations=15", f"--junitxml={report}", *args]
        return count(report, subprocess.run(command, cwd=ROOT, check=False).returncode)


def count(report: Path, code: int) -> Outcome:
    """Read a report; a run that ended badly without a failed test is a failure by itself."""
    if not report.exists():
        return Outcome(failed=1)
    read = ElementTree.parse(report)  # noqa: S314 (the tests have just written it)
    suites = list(read.iter("testsuite"))

    def total(attribute: str) -> int:
        return sum(int(suite.get(attribute, "0")) for suite in suites)

    failed = total("failures") + total("errors")
    skipped = total("skipped")
    note = f"{skipped} skipped, for the reasons above" if skipped else ""
    passed = total("tests") - failed - skipped
    return Outcome(passed, max(failed, int(code != 0)), note, tuple(failures(read)))


def failures(report: "ElementTree.ElementTree[ElementTree.Element]") -> Iterator[str]:
    """Each failed test, with the first line of why."""
    for case in report.iter("testcase"):
        for why in (*case.findall("failure"), *case.findall("error")):
            message = (why.get("message") or why.text or "").strip()
            yield f"{case.get('classname')}: {case.get('name')}: {message.partition('\n')[0][:200]}"


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
        args: list[str | Path] = [found.stdout.strip(), "verify", "--fail-on-attack", path]
        passed += subprocess.run(args, cwd=ROOT, check=False).returncode == 0
    return Outcome(passed=passed, failed=len(paths) - passed)


def advisories() -> Outcome:
    """The locked versions among known advisories; what the registry does not answer is no failure."""
    found = subprocess.run(
        [BIN / "python", ROOT / "scripts" / "advisories.py"], stdout=subprocess.PIPE, text=True, check=False
    )
    print(found.stdout, end="")
    last = (found.stdout.splitlines() or [""])[-1].removeprefix("advisories: ")
    note = last if "registry" in last else ""
    return Outcome(
        passed=int(not found.returncode and not note), failed=int(found.returncode != 0), note=note
    )


def web() -> Outcome:
    """The page and its workers: types, and tests, with parties in a real Chromium."""
    for tool, what in (("npm", "Node.js is missing"), ("chromium", "Chromium is missing")):
        if shutil.which(tool) is None:
            return Outcome(failed=int(IN_CI), note=what)
    passed = 0
    types = ["npx", "tsc", "--noEmit"]  # the page, which has nothing of Node, and its tests
    for check in ([ROOT / "scripts" / "build-web"], types, [*types, "-p", "tsconfig.tests.json"]):
        if subprocess.run(check, cwd=ROOT / "web", check=False).returncode != 0:
            return Outcome(passed=passed, failed=1)
        passed += 1
    outcome = vitest("--exclude=tests/webkit.test.ts")
    return replace(outcome, passed=passed + outcome.passed)


def webkit() -> Outcome:
    """The page in Safari's engine, which is set up for it where that can be."""
    if not (ROOT / "web" / "dist" / "SHA256SUMS").exists():
        return Outcome(note="the page is not built")
    if subprocess.run([ROOT / "scripts" / "webkit", "install"], check=False).returncode != 0:
        return Outcome(note="there is no WebKit, see above")
    return vitest("tests/webkit.test.ts")


def vitest(*wanted: str) -> Outcome:
    """The page's tests."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        reports = ("--reporter=default", "--reporter=junit", f"--outputFile={report}")
        # Browsers wait for each other, too.
        args = ["npx", "vitest", "run", "--maxWorkers=2", *reports, *wanted]
        return count(report, subprocess.run(args, cwd=ROOT / "web", check=False).returncode)


# Files side by side; the tests of one file share what is dear to make.
SHARING = ("--numprocesses=4", "--dist=loadfile")
# Whoever is through takes the next test; the long ones come first (tests/conftest.py).
ONE_BY_ONE = ("--dist=load", "--maxschedchunk=1")

STAGES = [
    Stage("lint", command(BIN / "ruff", "check", "--quiet", ".")),
    Stage("format", command(BIN / "ruff", "format", "--quiet", "--diff", ".")),
    Stage("types", command(BIN / "mypy")),
    Stage("layers", command(BIN / "lint-imports")),
    Stage("advisories", advisories),
    Stage("changed", changed, is_test=True),
    Stage("unit", tests("tests/unit", *SHARING), is_test=True),
    # Processes that wait more than they compute; those of the network lab wait most.
    Stage("e2e", tests("tests/e2e", "--numprocesses=4", "--dist=worksteal"), is_test=True),
    Stage("web", web, is_test=True),
    Stage("webkit", webkit, is_test=True),
    Stage("netlab", tests("tests/netlab", "--numprocesses=4", *ONE_BY_ONE, only_root=True), is_test=True),
    Stage("model", models, is_test=True),
]


def run_all(stages: list[Stage]) -> Iterator[tuple[Stage, Outcome, float, float]]:
    """Each stage with what came of it, how long it took, and the processor time of all that it started."""
    for stage in stages:
        print(f"\n== {stage.name}", flush=True)
        began, used = time.monotonic(), processor_time()
        outcome = stage.run()
        yield stage, outcome, time.monotonic() - began, processor_time() - used


def processor_time() -> float:
    """Of all processes that this one has waited for, and theirs, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wanted(stage: Stage, args: argparse.Namespace) -> bool:
    """Whether this command line runs that stage."""
    if args.stages:
        return stage.name in args.stages
    if stage.name == "changed":
        return bool(args.changed)
    return not (stage.is_test and (args.checks or args.changed))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(stage.name for stage in STAGES))
    parser.add_argument("--checks", action="store_true", help="only the checks, no tests")
    parser.add_argument(
        "--changed", action="store_true", help="the checks, and unit tests of what differs from main"
    )
    args = parser.parse_args()
    unknown = set(args.stages) - {stage.name for stage in STAGES}
    if unknown:
        parser.error(f"no such stage: {', '.join(sorted(unknown))}")
    chosen = [stage for stage in STAGES if wanted(stage, args)]

    results = list(run_all(chosen))
    print("\n== summary")
    for stage, outcome, seconds, used in results:
        verdict = "FAILED" if outcome.failed else "passed" if outcome.passed else "not run"
        print(
            f"{stage.name:10} {verdict:8} {seconds:6.1f} s  processor {used:6.1f} s  {outcome.note}".rstrip()
        )
    for stage, outcome, *_ in results:
        for name in outcome.named:
            print(f"{stage.name}: {name}")
    passed = sum(outcome.passed for _, outcome, *_ in results)
    failed = sum(outcome.failed for _, outcome, *_ in results)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
