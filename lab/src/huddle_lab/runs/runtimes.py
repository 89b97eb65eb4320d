"""`huddle lab runtimes`: Python runtimes for browsers, by what a program of MPyC does with them.

Each is loaded into headless Chromium, from the cache that scripts/runtimes fills, and runs the benchmarks of
runtimes/body.txt on its page's main thread, whose processor time counts, not the wall's. An operation is
one call, of N = 100,000 steps; as many as last for 0.2 seconds, the best of three. A runtime whose result of
a
benchmark differs from CPython's has no figure for it: a fast wrong answer is no result.
"""

import ast
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from huddle.errors import LocalError
from huddle_lab.runs.chrome import Chrome, Page
from huddle_lab.runs.runtimes_files import Files, compile_component, compile_transcrypt
from huddle_lab.sites.host_info import commit, machine

DATA = Path(__file__).with_name("runtimes")
NAMES = (
    "native", "pyodide", "micropython", "brython", "skulpt", "transcrypt", "rustpython", "componentize",
)  # fmt: skip
BENCHMARKS = (
    "assign", "multiply", "bigint", "randlist", "cpylist", "sortlist", "fibonacci", "primes",
    "adding", "modular61", "modular127",
)  # fmt: skip
LEAST, BEST_OF, MOST_CALLS = 0.2, 3, 100_000
OPTIONAL = frozenset(
    {"numpy", "gmpy2", "uvloop", "winloop", "matplotlib", "mpyc"}
)  # without which MPyC works

Result = dict[str, Any]


class Runtime(Protocol):
    """A runtime that is loaded."""

    def repeat(self, benchmark: str, times: int) -> tuple[str, float]:
        """The last result of so many calls, and the processor time of all."""
        ...

    def big(self) -> str:
        """The integers by which correctness is judged."""
        ...

    def imports(self, module: str) -> bool:
        """Whether this module can be imported."""
        ...


def modules() -> list[str]:
    """The modules of the standard library that MPyC's own modules import, as its source says."""
    spec = find_spec("mpyc")
    assert spec is not None and spec.submodule_search_locations
    found: set[str] = set()
    for folder in spec.submodule_search_locations:
        for path in Path(folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module)
    return sorted(one for one in found if one.partition(".")[0] not in OPTIONAL)


class Native:
    """CPython as it runs Huddle, in a process of its own."""

    def __init__(self) -> None:
        source = (DATA / "body.txt").read_text(encoding="utf-8")
        loop = (
            "import sys, time\nfor line in sys.stdin:\n name, times = line.split()\n"
            " before = time.process_time()\n"
            " found = big() if name == 'big' else repeat(name, int(times))\n"
            " print(time.process_time() - before, found, flush=True)\n"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", source + loop], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _ask(self, line: str) -> tuple[str, float]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        taken, _, found = self._process.stdout.readline().partition(" ")
        return found.rstrip("\n"), float(taken)

    def repeat(self, benchmark: str, times: int) -> tuple[str, float]:
        """By its own clock of processor time."""
        return self._ask(f"{benchmark} {times}")

    def big(self) -> str:
        """As they are."""
        return self._ask("big 1")[0]

    def imports(self, module: str) -> bool:
        """By the interpreter itself."""
        return find_spec(module) is not None

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class InPage:
    """A runtime in a page."""

    def __init__(self, page: Page, cannot: Callable[[str], bool] | None = None) -> None:
        self._page, self._imports = page, cannot

    def repeat(self, benchmark: str, times: int) -> tuple[str, float]:
        """By the page's thread."""
        before = self._page.cpu()
        found = self._page.evaluate(f"String(runtime.repeat({benchmark!r}, {times}))")
        return str(found), self._page.cpu() - before

    def big(self) -> str:
        """As the runtime has them."""
        return str(self._page.evaluate("String(runtime.big())"))

    def imports(self, module: str) -> bool:
        """By the runtime, or by its compiler."""
        if self._imports is not None:
            return self._imports(module)
        return bool(self._page.evaluate(f"runtime.imports({module!r})"))


def measure(runtime: Runtime, right: Mapping[str, str], wanted: list[str]) -> Result:
    """All figures of a loaded runtime; `right` has the true results."""
    rates: dict[str, float | None] = {}
    wrong: dict[str, str] = {}
    for name in BENCHMARKS:
        try:
            rates[name] = _rate(runtime, name, right.get(name), wrong)
        except LocalError as exc:
            rates[name], wrong[name] = None, exc.args[0].splitlines()[0][:200]
    try:
        big = runtime.big()
    except LocalError as exc:
        big = exc.args[0].splitlines()[0][:200]
    imported = [name for name in wanted if runtime.imports(name)]
    return {
        "rates": rates,
        "wrong": wrong,
        "integers": _plain(big) == _plain(right["big"]),
        "wrong_integers": "" if _plain(big) == _plain(right["big"]) else big[:1000],
        "imports": imported,
        "missing": [name for name in wanted if name not in imported],
    }


def _rate(runtime: Runtime, name: str, right: str | None, wrong: dict[str, str]) -> float | None:
    """Operations a second of processor time; None where the result is wrong."""
    times, taken = 1, 0.0
    while True:
        found, taken = runtime.repeat(name, times)
        if right is not None and found.lower() != right.lower():  # JavaScript writes true
            wrong[name] = f"{found[:60]} instead of {right[:60]}"
            return None
        if taken >= LEAST or times >= MOST_CALLS:
            break
        times = min(MOST_CALLS, max(times * 2, int(times * LEAST / max(taken, 1e-4) * 1.1)))
    best = min(taken, *(runtime.repeat(name, times)[1] for _ in range(BEST_OF - 1)))
    return float(f"{times / best:.4g}")


def _plain(integers: str) -> str:
    return integers.replace(" ", "").replace("L", "")


def run(home: Path, names: tuple[str, ...], say: Callable[[str], None]) -> Iterator[Result]:
    """A row for each runtime, as soon as it is measured; one that is not there, or fails, says so."""
    wanted = modules()
    native = Native()
    try:
        right = {name: native.repeat(name, 1)[0] for name in BENCHMARKS} | {"big": native.big()}
        about = {"mpyc": version("mpyc"), "machine": machine(), "commit": commit()}
        for name in names:
            say(name)
            began = time.time()
            try:
                if name == "native":
                    row = measure(native, right, wanted) | {"version": sys.version.split()[0]}
                else:
                    row = _in_browser(home, name, right, wanted)
            except LocalError as exc:
                row = {"error": f"{exc} {exc.hint}".strip()[:600]}
            yield {"runtime": name, "when": int(began), **about, **row}
    finally:
        native.close()


def _in_browser(home: Path, name: str, right: Mapping[str, str], wanted: list[str]) -> Result:
    cannot = None
    with ExitStack() as stack:
        compiled = Path(tempfile.mkdtemp(prefix="huddle-compiled-"))
        stack.callback(shutil.rmtree, compiled, ignore_errors=True)
        if name == "transcrypt":
            cannot = compile_transcrypt(home, compiled, wanted)
        elif name == "componentize":
            compile_component(home, compiled, wanted)
        elif name == "rustpython" and not (home / "rustpython" / "rustpython_wasm.js").exists():
            raise LocalError("it is not built", hint="scripts/runtimes --rustpython builds it.")
        files = stack.enter_context(Files(home, compiled))
        chrome = stack.enter_context(Chrome())
        url = f"{files.url}/page.html?name={name}"
        started = []
        page = None
        for _ in range(2):  # cold, and with what the browser has kept
            if page is not None:
                page.close()
            page = chrome.open(url)
            _loaded(page)
            began = page.process_cpu()
            page.evaluate("await begin()")
            started.append(page.process_cpu() - began)
        assert page is not None
        row = measure(InPage(page, cannot), right, wanted)
        return row | {
            "version": files.version(name),
            "cold_s": round(started[0], 3),
            "warm_s": round(started[1], 3),
            "bytes": files.sizes[0],
            "compressed": files.sizes[1],
        }


def _loaded(page: Page) -> None:
    """Until the page can begin, which has nothing of the runtime yet."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(LocalError):  # it may be just on its way from the empty page
            if page.evaluate("globalThis.begin !== undefined"):
                return
        time.sleep(0.05)
    raise LocalError("the page was not loaded")
