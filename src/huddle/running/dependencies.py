"""An environment that has just what a program names (`metadata.py`), the same for everybody; made by uv.

The host's lock decides: exact versions with their hashes, for all systems, in a file beside the program
(`prog.lock` for `prog.py`) that travels with it. Only wheels are installed, so nothing of a package runs
before the program does. MPyC is in the lock, in the host's version, whether it is named or not. An
environment is made once a lock and an interpreter, and kept in the person's cache.
"""

import asyncio
import atexit
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

from huddle.errors import LocalError
from huddle.running.interpreter import Interpreter, environment
from huddle.running.metadata import Requirements, packages
from huddle.running.scratch import Scratch

LOCK_SECONDS, INSTALL_SECONDS = 120, 900  # a slow line; numpy and pandas have some 30 MB


class Environments:
    """The environments of this person's programs, below `home`.

    By default that is the account's cache; one without a home has them for as long as this process lives.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._given = home
        self._scratch: Scratch | None = None

    @property
    def _home(self) -> Path:
        if self._given is None:
            if os.access(os.path.expanduser("~"), os.W_OK):
                self._given = platformdirs.user_cache_path("huddle") / "environments"
            else:
                self._scratch = Scratch("huddle-packages-")
                atexit.register(self._scratch.remove)
                self._given = self._scratch.path / "environments"
        return self._given

    async def lock(self, wanted: Requirements, interpreter: Interpreter) -> bytes:
        """The newest versions that fit all systems. Raises LocalError where the index can't be asked."""
        named = any(re.match(r"mpyc\b", one, re.IGNORECASE) for one in wanted.packages)
        lines = [*wanted.packages, *(() if named else (f"mpyc=={interpreter.mpyc}",))]
        lowest = re.search(r">=\s*(3\.\d+)", wanted.python)
        python = lowest[1] if lowest else ".".join(interpreter.python.split(".")[:2])
        options = ("--universal", "--generate-hashes", "--only-binary", ":all:", "--python-version", python)
        quiet = ("--no-emit-index-url", "--no-header", "--no-annotate", "--quiet")
        text = "".join(line + "\n" for line in lines).encode()
        made = await self._uv(LOCK_SECONDS, "pip", "compile", "-", *options, *quiet, typed=text)
        packages(made)
        return made

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
            await self._uv(
                60, "venv", "--quiet", "--relocatable", "--python", interpreter.executable, str(place / "env")
            )
            install = ("--require-hashes", "--only-binary", ":all:", "--compile-bytecode", "--quiet")
            into = ("--python", str(place / "env"), "-r", str(place / "lock"))
            await self._uv(INSTALL_SECONDS, "pip", "install", *install, *into)
            try:
                (place / "env").rename(python.parents[1])
            except OSError:
                if not python.exists():  # another session was as quick
                    raise
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        return python

    async def _uv(self, seconds: float, *args: str, typed: bytes = b"") -> bytes:
        home = self._home
        kept = {"UV_CACHE_DIR": str(home.with_name("uv"))} if self._scratch is not None else {}
        process = await asyncio.create_subprocess_exec(
            find_uv(),
            *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment() | kept | {"UV_NO_CONFIG": "1", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"},
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
