"""One command on many hosts at once, over SSH, as PSSH does; nothing is installed or left there."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from huddle_lab.sites.remote import CONNECT, connect, library
from huddle_lab.study.hosts import SshHost

Take = Callable[[SshHost, str], None]


async def run(
    hosts: Sequence[SshHost],
    command: str,
    take: Take,
    *,
    known_hosts: Path | None = None,
    parallel: int = 8,
    within: float = 600.0,
) -> dict[str, str]:
    """Run it in each host's shell; what went wrong, by the host's name, empty where nothing did.

    `take` gets each line as it comes. A host's command gets `within` seconds from its connection on; when
    that is over, or this is cancelled, its connection is closed and the command is told to end.
    """
    free = asyncio.Semaphore(parallel)

    async def one(host: SshHost) -> str:
        async with free:
            return await _on(host, command, take, known_hosts, within)

    ended = await asyncio.gather(*map(one, hosts))
    return {host.name: why for host, why in zip(hosts, ended, strict=True)}


async def _on(host: SshHost, command: str, take: Take, known_hosts: Path | None, within: float) -> str:
    ssh = library()
    try:
        async with asyncio.timeout(CONNECT):
            connection = await connect(host, known_hosts)
    except TimeoutError:
        return f"no answer for {CONNECT:g} s"
    except (OSError, ssh.Error) as exc:
        return f"not reached: {exc or type(exc).__name__}"
    async with connection:
        process = await connection.create_process(
            command, stdin=ssh.DEVNULL, stderr=ssh.STDOUT, encoding="utf-8", errors="replace"
        )
        try:
            async with asyncio.timeout(within):
                while line := await process.stdout.readline():
                    take(host, line.rstrip("\n"))
                await process.wait_closed()
        except TimeoutError:
            return f"not at its end after {within:g} s"
        except (OSError, ssh.Error) as exc:
            return f"lost: {exc or type(exc).__name__}"
        finally:
            with contextlib.suppress(OSError, ssh.Error):
                process.terminate()
    if process.exit_signal is not None:
        return f"killed by {process.exit_signal[0]}"
    if process.exit_status is None:
        return "lost: the connection ended"
    return f"ended with code {process.exit_status}" if process.exit_status else ""
