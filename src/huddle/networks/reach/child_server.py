"""A server of one's own for a session, which ends with Huddle: also where Huddle is killed.

It runs behind a shell that waits for the end of a pipe of which Huddle has the other end. It hears no
Ctrl-C: its end is Huddle's affair. It gets none of the secrets that Huddle has in its environment.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

# `read` returns when the other end of the pipe is closed, whoever closed it.
_GUARD = (
    'exec 3<&0; "$@" </dev/null 3<&- & child=$!; { read _ <&3; kill $child; } & reader=$!;'
    " wait $child; code=$?; kill $reader 2>/dev/null; exit $code"
)

_LONGEST = 90  # of a directory's path: a socket's may have 103 bytes on macOS
_SHORT = "/tmp"  # noqa: S108 - where paths are short; what is made in it is made by mkdtemp


class ChildServer:
    """A process that `start` has started; `end` it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def __repr__(self) -> str:
        return f"<ChildServer {self._process.pid}{' ended' if self.ended else ''}>"

    @classmethod
    async def start(
        cls, command: Sequence[str], env: Mapping[str, str], log: int = subprocess.DEVNULL
    ) -> "ChildServer":
        """Start it; what it writes goes to `log`."""
        return cls(
            await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", _GUARD, "sh", *command,
                stdin=subprocess.PIPE, stdout=log, stderr=log, env=env, start_new_session=True,
            )
        )  # fmt: skip

    @property
    def ended(self) -> bool:
        """Whether it has gone, by itself or not."""
        return self._process.returncode is not None

    async def wait(self) -> None:
        """Until it has ended."""
        await self._process.wait()

    async def end(self, within: float) -> None:
        """Ask it to end, and after so many seconds don't ask any more. It has ended then."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(within):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            # The group is that of the shell, which is its own.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
                await self._process.wait()


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what is Huddle's, some of which is secret, and with this."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUDDLE_")} | more


def fresh_directory(prefix: str) -> Path:
    """A directory for this user only, whose path leaves room for that of a Unix socket."""
    made = Path(tempfile.mkdtemp(prefix=prefix))
    if len(str(made)) > _LONGEST:
        made.rmdir()
        made = Path(tempfile.mkdtemp(prefix=prefix, dir=_SHORT))
    return made


def fresh_directories(prefix: str) -> list[Path]:
    """All that `fresh_directory` has made, by anybody, and that are still there."""
    folders = {Path(tempfile.gettempdir()).resolve(), Path(_SHORT).resolve()}
    return [path for folder in sorted(folders) for path in folder.glob(f"{prefix}*")]


def search_path() -> str:
    """Where servers are looked for: packages put them where only root's PATH looks."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/sbin"])
