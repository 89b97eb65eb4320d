"""An environment that has just what a program names (`metadata.py`), the same for everybody; made by uv.

The host's lock decides: exact versions with their hashes, for all systems, in a file beside the program
(`prog.lock` for `prog.py`) that travels with it. MPyC is in the lock, in the host's version, whether it is
named or not. An environment is made once a lock and an interpreter, and kept in the person's cache.

A stranger chose the packages, and a wheel can bring code that runs as soon as its Python starts (`.pth`). So
nothing of an environment runs outside the program's sandbox: its Python is never started to look at it, and
its bytecode is compiled by the person's own interpreter, which loads nothing of it.
"""

import asyncio
import atexit
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

import platformdirs

from huddle.errors import LocalError
from huddle.running.interpreter import Interpreter, environment
from huddle.running.metadata import Requirements, packages
from huddle.running.scratch import Scratch
from huddle.tasks import joined

LOCK_SECONDS, INSTALL_SECONDS = 120, 900  # a slow line; numpy and pandas have some 30 MB
_NAMED = 3  # packages whose sizes are told
_PROGRESS = ("Using Python", "Resolved ", "Downloading ", "Downloaded ", "Prepared ")
_UNREACHED = ("dns error", "error sending request", "network was disabled")


@dataclass(slots=True)
class _Making:
    """An environment that is being made, for all that wait for it."""

    task: "asyncio.Task[None]"
    waiting: int = field(default=0)


class Environments:
    """The environments of this person's programs, below `home`.

    By default that is the account's cache; one without a home has them for as long as this process lives.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._given = home
        self._scratch: Scratch | None = None
        self._making: dict[Path, _Making] = {}

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
        """The directory of the environment for that lock, whether it is there or not."""
        which = f"{interpreter.executable}\n{interpreter.python}\n".encode() + lock
        return self._home / hashlib.sha256(which).hexdigest()[:32]

    async def make(self, lock: bytes, interpreter: Interpreter, notice: Callable[[str], None]) -> Interpreter:
        """The interpreter that has what is locked; its environment is made unless it is there.

        Several may wait for the same one. LocalError where a package can't be had; leaves no half of one.
        """
        place = self.of(lock, interpreter)
        if not place.exists():
            making = self._making.get(place)
            if making is None:
                task = asyncio.create_task(self._make(place, lock, interpreter, notice))
                making = self._making[place] = _Making(task)
            making.waiting += 1
            try:
                await joined(making.task)
            finally:
                making.waiting -= 1
                if not making.waiting:
                    self._making.pop(place, None)
                    making.task.cancel()
                    await asyncio.gather(making.task, return_exceptions=True)
        return _described(place, interpreter)

    async def _make(
        self, place: Path, lock: bytes, interpreter: Interpreter, notice: Callable[[str], None]
    ) -> None:
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=self._home))
        made = scratch / "env"
        try:
            (scratch / "lock").write_bytes(lock)
            venv = ("venv", "--quiet", "--relocatable", "--python", interpreter.executable, str(made))
            await self._uv(60, *venv)
            install = ("pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-progress")
            into = ("--python", str(made), "-r", str(scratch / "lock"))
            await self._uv(INSTALL_SECONDS, *install, *into, progress=notice)
            await _compile(made, interpreter)
            await asyncio.to_thread(_keep, made, place)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        notice(await asyncio.to_thread(_sizes, place))

    async def _uv(
        self,
        seconds: float,
        *args: str,
        typed: bytes = b"",
        progress: Callable[[str], None] | None = None,
    ) -> bytes:
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
                out, err = await _talk(process, typed, progress)
        except TimeoutError:
            raise LocalError(
                f"The program's packages could not be fetched within {seconds:.0f} seconds.",
                hint="Try it again.",
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise LocalError(
                f"The program's packages can't be fetched: {_why(err.decode(errors='replace'))}",
                hint="This needs the network once; or give an interpreter that has them, with --python.",
            )
        return out


def _why(err: str) -> str:
    """What uv says of a failure, without what it says of its progress."""
    lines = [line.strip(" ×╰─▶├│") for line in err.splitlines()]
    reasons = [line for line in lines if line and not line.startswith(_PROGRESS)]
    if any(one in err for one in _UNREACHED):
        return "the package index can't be reached."
    return " ".join(reasons)[:400] or "uv does not say why."


def _keep(made: Path, place: Path) -> None:
    try:
        made.rename(place)
    except OSError:
        if not place.exists():  # another session was as quick
            raise


async def _talk(
    process: asyncio.subprocess.Process, typed: bytes, progress: Callable[[str], None] | None
) -> tuple[bytes, bytes]:
    """What it says, as `communicate` does; what it downloads is told to `progress` as it begins to."""
    if progress is None:
        return await process.communicate(typed)
    assert process.stdin and process.stdout and process.stderr
    process.stdin.close()
    err = b""
    async for line in process.stderr:
        err += line
        if line.startswith(b"Downloading "):
            progress(f"Getting {line.decode(errors='replace').removeprefix('Downloading ').strip()}")
    return await process.stdout.read(), err


def _packages(place: Path) -> Path:
    """Where the packages of an environment lie."""
    return next((place / "lib").glob("python3*")) / "site-packages"


def _described(place: Path, base: Interpreter) -> Interpreter:
    """The interpreter of an environment, without starting it: what `probe` would find."""
    site = _packages(place)
    has = {one.name.lower(): one.version for one in metadata.distributions(path=[str(site)])}
    if "mpyc" not in has:
        raise LocalError("The program's lock has no MPyC.", hint="The host can make a new one.")
    kept = (one for one in base.paths if Path(one).name not in ("site-packages", "dist-packages"))
    return replace(
        base,
        executable=str(place / "bin" / "python"),
        prefixes=(str(place), base.prefixes[-1]),
        paths=(*kept, str(site)),
        mpyc=has["mpyc"],
        numpy=has.get("numpy"),
        gmpy2=has.get("gmpy2"),
        uvloop=has.get("uvloop"),
    )


async def _compile(place: Path, base: Interpreter) -> None:
    """Compile what lies there, by the person's own interpreter, to which these are only files."""
    alone = ("-I", "-S", "-m", "compileall", "-q", "-j", "1", str(_packages(place)))
    process = await asyncio.create_subprocess_exec(
        base.executable,
        *alone,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(),
        cwd=os.sep,
    )
    try:
        await process.wait()  # what can't be compiled is the program's to find out
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _sizes(place: Path) -> str:
    """What was made, for its person: how much in all, and the largest packages."""
    sizes: dict[str, int] = {}
    for one in metadata.distributions(path=[str(_packages(place))]):
        sizes[f"{one.name} {one.version}"] = sum(file.size or 0 for file in one.files or ())
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:_NAMED]
    listed = ", ".join(f"{name} {_size(count)}" for name, count in largest)
    more = f" and {len(sizes) - _NAMED} more" if len(sizes) > _NAMED else ""
    return f"The program's packages are here, {_size(sum(sizes.values()))}: {listed}{more}."


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 20 else f"{max(1, count >> 10)} KiB"


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
