"""An environment that has just what a program names (`metadata.py`), the same for everybody; made by uv.

The host's lock decides: exact versions with their hashes, for all systems, in a file beside the program
(`prog.lock` for `prog.py`) that travels with it. Only wheels are installed, so nothing of a package runs
before the program does. MPyC is in the lock, in the host's version, whether it is named or not. An
environment is made once a lock and an interpreter, and kept in the person's cache.
"""

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from huddle.errors import LocalError, ProgramError
from huddle.running.interpreter import Interpreter, environment
from huddle.running.metadata import Requirements

MOST_PACKAGES = 200
MOST_LOCK = 1 << 20  # bytes
LOCK_SECONDS, INSTALL_SECONDS = 120, 900  # a slow line; numpy and pandas have some 30 MB
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9.!+_-]+)(?: ;[^\\\n]*)? \\$")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


@dataclass(frozen=True, slots=True)
class Package:
    """One locked package."""

    name: str
    version: str


def lock_name(entry: str) -> str:
    """The file beside the entry that locks what it depends on."""
    return entry.removesuffix(".py") + ".lock"


def packages(lock: bytes) -> tuple[Package, ...]:
    """The packages of a lock, each with a version and hashes. Another party wrote it: all else is refused.

    Raises ProgramError.
    """
    found: list[Package] = []
    hashes = 1
    text = lock.decode("utf-8", "replace") if len(lock) <= MOST_LOCK else "too long"
    for line in text.splitlines():
        if pin := _PIN.fullmatch(line):
            if not hashes:
                break
            found.append(Package(pin["name"], pin["version"]))
            hashes = 0
        elif _HASH.fullmatch(line) and found:
            hashes += 1
        elif line and not line.startswith("#"):
            hashes = 0
            break
    if not hashes or not found or len(found) > MOST_PACKAGES:
        raise ProgramError(
            "The program's lock is none: it may only hold packages with versions and hashes.",
            hint="The host can delete the .lock file beside the program; a new one is made.",
        )
    return tuple(found)


async def lock(wanted: Requirements, interpreter: Interpreter) -> bytes:
    """The newest versions that fit all systems. Raises LocalError where the index can't be asked."""
    named = any(re.match(r"mpyc\b", one, re.IGNORECASE) for one in wanted.packages)
    lines = [*wanted.packages, *(() if named else (f"mpyc=={interpreter.mpyc}",))]
    lowest = re.search(r">=\s*(3\.\d+)", wanted.python)
    python = lowest[1] if lowest else ".".join(interpreter.python.split(".")[:2])
    options = ("--universal", "--generate-hashes", "--only-binary", ":all:", "--python-version", python)
    quiet = ("--no-emit-index-url", "--no-header", "--no-annotate", "--quiet")
    text = "".join(line + "\n" for line in lines).encode()
    made = await _uv(LOCK_SECONDS, "pip", "compile", "-", *options, *quiet, typed=text)
    packages(made)
    return made


class Environments:
    """The environments of this person's programs, below `home` (default: in the account's cache)."""

    def __init__(self, home: Path | None = None) -> None:
        self._home = home or platformdirs.user_cache_path("huddle") / "environments"

    def of(self, lock: bytes, interpreter: Interpreter) -> Path:
        """The Python of the environment for that lock, whether it is there or not."""
        which = f"{interpreter.executable}\n{interpreter.python}\n".encode() + lock
        return self._home / hashlib.sha256(which).hexdigest()[:32] / "bin" / "python"

    async def make(self, lock: bytes, interpreter: Interpreter, notice: Callable[[str], None]) -> Path:
        """Make it unless it is there. LocalError where a package can't be had; leaves no half of one."""
        python = self.of(lock, interpreter)
        if python.exists():
            return python
        listed = packages(lock)
        notice(f"Getting {len(listed)} packages for the program: {', '.join(one.name for one in listed)}")
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=".making-", dir=self._home))
        try:
            (place / "lock").write_bytes(lock)
            await _uv(
                60, "venv", "--quiet", "--relocatable", "--python", interpreter.executable, str(place / "env")
            )
            install = ("--require-hashes", "--only-binary", ":all:", "--compile-bytecode", "--quiet")
            into = ("--python", str(place / "env"), "-r", str(place / "lock"))
            await _uv(INSTALL_SECONDS, "pip", "install", *install, *into)
            try:
                (place / "env").rename(python.parents[1])
            except OSError:
                if not python.exists():  # another session was as quick
                    raise
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        return python


def find_uv() -> str:
    """The command uv, on PATH or as the Python package. Raises LocalError where there is none."""
    found = shutil.which("uv")
    if found is None:
        try:
            import uv  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            raise LocalError(
                "The program names packages that it needs, and uv, which gets them, is not here.",
                hint="pip install uv; or give an interpreter that has them, with --python.",
            ) from None
        found = str(uv.find_uv_bin())
    return found


async def _uv(seconds: float, *args: str, typed: bytes = b"") -> bytes:
    process = await asyncio.create_subprocess_exec(
        find_uv(),
        *args,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment() | {"UV_NO_CONFIG": "1", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"},
        cwd=os.sep,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate(typed)
    except TimeoutError:
        raise LocalError(
            f"The program's packages could not be had within {seconds:.0f} seconds.", hint="Try it again."
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = [line.strip() for line in err.decode(errors="replace").splitlines() if line.strip()]
        raise LocalError(
            f"The program's packages can't be had: {' '.join(lines)[:400] or 'uv does not say why'}",
            hint="This needs the network once; or give an interpreter that has them, with --python.",
        )
    return out
