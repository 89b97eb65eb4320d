"""Runs tests/programs/attempts.py in a real sandbox, with one hole opened or none, and says what it found.

    python attempting.py HOLE ORDINARY

HOLE is a name of `HOLES`, or empty. ORDINARY is 1 to become an account that is nobody's where root starts
this. Prints a JSON object: what each attempt said, by its name, and how the run ended. A process of its own,
since it changes whose it is and what the sandbox's module does.
"""

import asyncio
import ctypes
import functools
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from huddle.running import account, sandbox, seccomp  # noqa: E402
from huddle.running.account import Account  # noqa: E402
from huddle.running.limits import RunLimits  # noqa: E402
from huddle.running.process import RunnerProcess  # noqa: E402
from tests.unit.running.holes import HOLES, SECRET, Hole  # noqa: E402
from tests.unit.running.support import lay  # noqa: E402

PROGRAM = ROOT / "tests" / "programs" / "attempts.py"
LIMITS = RunLimits(processes=40, memory=256 << 20, files=8 << 20, open=128)
_ALL = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
)


def open_hole(hole: Hole, words: dict[str, str]) -> None:
    """Open it in the modules of this process."""
    real = sandbox._line

    def filled(options: tuple[str, ...]) -> list[str]:
        return [option.format(**words) for option in options]

    @contextmanager
    def line(kind: Any, mounts: list[str], inner: list[str]) -> Iterator[Any]:
        for dropped in hole.drop:
            at = next(i for i in range(len(mounts)) if tuple(mounts[i : i + len(dropped)]) == dropped)
            del mounts[at : at + len(dropped)]
        # Before the file system is closed, so that bubblewrap can make the places.
        end = mounts.index("--remount-ro", len(mounts) - 6) if "--remount-ro" in mounts[-6:] else len(mounts)
        mounts[end:end] = filled(hole.add)
        inner = [*inner, *filled(hole.inner)]
        with real(replace(kind, filtered=kind.filtered and hole.filtered), mounts, inner) as (found, fds):
            at = found.index(kind.path)
            yield [*(found[:at] if hole.launched else ()), *filled(hole.before), *found[at:]], fds

    sandbox._tried()  # as it is
    launched = sandbox._launched()
    sandbox._launched = lambda: launched
    sandbox._line = line
    base = list(sandbox._BASE)
    if hole.shared:
        at = base.index("--unshare-all")
        base[at : at + 1] = [option for option in _ALL if option != hole.shared]
    sandbox._BASE = tuple(base)  # type: ignore[assignment]
    for name in hole.rules:
        del seccomp.RULES[name]
    numbers = seccomp.numbers
    allowed, refused = dict(numbers("allowed")), dict(numbers("refused"))
    for name in hole.calls:
        allowed[name] = refused.pop(name)
    seccomp.program.cache_clear()
    seccomp.numbers = lambda kind, machine="": {"allowed": allowed, "refused": refused}[kind]  # type: ignore[assignment]
    if not hole.architecture:
        code = seccomp.program()
        skip = code[8:16][:2] + b"\0\0" + code[12:16]
        changed = code[:8] + skip + skip + code[24:]  # both comparisons go on, whatever they find
        seccomp.program = functools.cache(lambda machine="": changed)


def become_ordinary(folder: Path) -> None:
    uid = account.NOBODYS[7]
    nobody = Account(uid, uid, (uid,), "nobody", None)
    os.chown(folder, uid, uid)
    needed = [ROOT / "src", ROOT / "tests", Path(sys.prefix), Path(sys.base_prefix), folder]
    account.open_up(nobody, needed)
    account.become(nobody)


def plant(name: bytes) -> None:
    """A key in this process's session keyring."""
    numbers = seccomp.numbers("refused")
    libc = ctypes.CDLL(None)
    libc.syscall(numbers["keyctl"], 1, None)  # a session keyring for this process alone
    libc.syscall(numbers["add_key"], b"user", name, b"x", 1, -3)  # KEY_SPEC_SESSION_KEYRING


async def attempts(hole: str, folder: Path) -> dict[str, Any]:
    """What they say."""
    private = folder / "private"
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        by_path = stack.enter_context(socket.socket(socket.AF_UNIX))
        name, path = f"{SECRET}-{os.getpid()}", str(folder / "socket")
        abstract.bind("\0" + name)
        by_path.bind(path)
        for sock in (abstract, by_path):
            sock.listen()
        words = {
            "private": str(private),
            "file": str(folder / "file"),
            "socket": path,
            "directory": str(folder / "party0"),
        }
        os.environ["SECRET"] = SECRET
        plant(SECRET.encode())
        limits = {**LIMITS.in_force(), "processes": LIMITS.processes}
        told = {
            "secret": SECRET,
            "private": str(private),
            "name": socket.gethostname(),
            "tcp": tcp.getsockname()[1],
            "abstract": name,
            "socket": path,
            "supervisor": os.getpid(),
            "calls": seccomp.numbers("refused"),
            "limits": limits,
            "without": [],
        }
        if hole:
            open_hole(HOLES[hole], words)
            given = {**LIMITS.in_force(), **dict(HOLES[hole].given)}
            given = {name: value for name, value in given.items() if value != -2}
            RunLimits.in_force = lambda self: given  # type: ignore[method-assign]
        # The sum of all is another test's.
        RunnerProcess._watch = lambda self: asyncio.sleep(0)  # type: ignore[method-assign]
        table = await lay(
            folder,
            PROGRAM.read_text(),
            json.dumps(told),
            parties=1,
            sandboxed=True,
            inputs=(("mine.csv", private / "mine.csv"),),
            limits=LIMITS,
        )
        (exit_,) = await table.finish(50)
    said = [json.loads(line) for line in table.outputs[0].splitlines()]
    return {
        "said": {each["name"]: each for each in said},
        "exit": exit_.reason,
        "stderr": table.screens[0].err,
        "uid": os.geteuid(),
    }


def report(hole: str, folder: Path) -> str:
    """What `attempts` says, as JSON."""
    private = folder / "private"
    private.mkdir()
    (private / "mine.csv").write_text("mine")
    mapped = Path("/proc/self/maps").read_text().split()
    shutil.copy(next(path for path in mapped if Path(path).name.startswith("libm.so")), private / "libm.so")
    (folder / "file").write_text("")
    shm = Path(f"/dev/shm/{SECRET}-{os.getpid()}")
    shm.write_text("mine")
    try:
        told = asyncio.run(attempts(hole, folder))
    finally:
        shm.unlink()
    return json.dumps({**told, "left": os.stat(folder / "party0").st_mode & 0o777})


def main(hole: str, ordinary: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="huddle-test-"))
    try:
        if ordinary == "1" and os.geteuid() == 0:
            become_ordinary(folder)
        account.refuse_root = lambda: None
        print(report(hole, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
