"""A tailscaled of one's own, for one session: without root, in user space, its state in memory only.

It lives in a fresh directory (its socket, and for a moment the key with which it comes in), and ends with
Huddle (`huddle.networks.reach.child_server`). It leaves its tailnet when it ends, and the control server
forgets it. It listens on no port of this machine but UDP for WireGuard.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from huddle.errors import NetworkError
from huddle.networks.reach.child_server import ChildServer, environment, fresh_directory, search_path
from huddle.networks.tailscale.api import LocalApi, TailscaleStatus, clean

PREFIX = "huddle-tailnet-"  # of its directory; `huddle doctor` knows it too

_STARTED = 60.0  # seconds until its socket answers, on a machine that has much else to do
_JOINED = 60.0  # seconds for control server, key and network map, over a bad line
_ENDED = 10.0  # seconds, of which it takes up to five to log out

# In user space tailscaled passes on what comes for any port of its machine in the tailnet.
EXPOSED = (
    "While the session lasts, whoever the tailnet lets through can reach what listens on 127.0.0.1 of this"
    " machine; whoever runs the control server decides who that is."
)


def installed() -> bool:
    """Whether this machine has what it takes."""
    return all(shutil.which(name, path=search_path()) for name in ("tailscaled", "tailscale"))


def missing() -> NetworkError:
    """What to say where it has not."""
    return NetworkError(
        "This machine has no tailscaled, which this network needs.",
        hint="Install Tailscale (it need not be logged in or running), or choose another --network.",
    )


class Daemon:
    """A tailscaled in `directory`. `start` it, let it `join`, `close` it."""

    def __init__(self, directory: Path, process: ChildServer, cli: str) -> None:
        self.directory = directory
        self.api = LocalApi(str(directory / "s"))
        self._process = process
        self._cli = cli

    def __repr__(self) -> str:
        return f"<Daemon {self.directory.name}>"

    @classmethod
    async def start(cls, certificate: str = "") -> "Daemon":
        """Start one that is in no tailnet yet; NetworkError where this machine has none.

        `certificate` (PEM) is that of its control server and DERP, where no authority vouches for it.
        """
        daemon, cli = (shutil.which(name, path=search_path()) for name in ("tailscaled", "tailscale"))
        if daemon is None or cli is None:
            raise missing()
        directory = fresh_directory(PREFIX)
        command = [
            daemon, "--state=mem:", "--tun=userspace-networking", "--port=0",
            "--no-logs-no-support", f"--socket={directory / 's'}", f"--statedir={directory}",
        ]  # fmt: skip
        try:
            more = {}
            if certificate:
                (directory / "certificate").write_text(certificate)
                more["SSL_CERT_FILE"] = str(directory / "certificate")
            process = await ChildServer.start(command, environment(**more))
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        self = cls(directory, process, cli)
        try:
            await self._answers()
        except BaseException:
            await self.close()
            raise
        return self

    async def join(self, key: str, server: str | None, name: str) -> TailscaleStatus:
        """Enter the tailnet with an auth key, as `name`; returns once it is in. NetworkError says why not."""
        path = self.directory / "key"
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        # By a file, since the arguments of a process are for all to see.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key)
        command = [
            self._cli, f"--socket={self.directory / 's'}", "up", "--reset", f"--auth-key=file:{path}",
            "--accept-dns=false", f"--hostname={name}", f"--timeout={_JOINED:.0f}s",
        ]  # fmt: skip
        if server:
            command.append(f"--login-server={server}")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_JOINED + 5):
                said, _ = await process.communicate()
        except TimeoutError:
            said = b"it took too long"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            path.unlink(missing_ok=True)
        where = server or "Tailscale"
        if process.returncode:
            reason = clean(said.decode(errors="replace").strip().rpartition("\n")[2]).replace(key, "…")
            raise NetworkError(
                f"{where} did not take this machine in: {reason or 'it did not say why'}.",
                hint="Is the auth key right, unused and not expired, and the login server reachable?",
            )
        status = await self.api.status()
        if status.state != "Running" or status.me is None or not status.me.addresses:
            raise NetworkError(
                f"{where} took this machine in but gave it no address ({status.state}).",
                hint="The control server may want an administrator to approve new machines.",
            )
        return status

    @property
    def ended(self) -> bool:
        """Whether it has gone, by itself or not."""
        return self._process.ended

    async def close(self) -> None:
        """Let it end, and delete the directory; bounded.

        It leaves the tailnet by itself when it is asked to end, since its state is in memory. To ask for that
        before would do harm: cut short, it forgets its key, and can't leave any more.
        """
        try:
            await self._process.end(_ENDED)
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    async def _answers(self) -> None:
        try:
            async with asyncio.timeout(_STARTED):
                while True:
                    if self.ended:
                        raise NetworkError("tailscaled ended at once.", hint="Try: tailscaled --help.")
                    with contextlib.suppress(NetworkError):
                        await self.api.status()
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NetworkError(f"tailscaled did not start within {_STARTED:.0f} s.") from None
