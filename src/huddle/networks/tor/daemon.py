"""A Tor of one's own, for one session: a client, and the onion service of this party.

It lives in a fresh directory (its sockets, what it learns of the network, its guards) that goes when it
ends; the keys of the service and of clients are told by the control port and never written. It ends with
Huddle (`huddle.networks.reach.child_server`). It listens on no port, only on Unix sockets in its directory.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from huddle.errors import NetworkError
from huddle.networks.reach.child_server import ChildServer, environment, fresh_directory, search_path
from huddle.networks.tor.control import TorControl, ended
from huddle.networks.tor.keys import PairKeys, ServiceKey, address

PREFIX = "huddle-tor-"  # of its directory; `huddle forget` knows it too

_STARTED = 60.0  # seconds until its control socket answers, on a machine that has much else to do
_ENDED = 4.0
_PORT = 1  # of the onion service: it has no other
_PROGRESS = re.compile(r'BOOTSTRAP PROGRESS=(\d+) .*?SUMMARY="([^"]*)"(?:.*?WARNING="([^"]*)")?')


def installed() -> bool:
    """Whether this machine has what it takes."""
    return shutil.which("tor", path=search_path()) is not None


class TorDaemon:
    """A Tor in `directory`. `start` it, `publish` the service, then peers may connect to `service`."""

    port = _PORT

    def __init__(self, directory: Path, process: ChildServer) -> None:
        self.directory = directory
        self.socks = str(directory / "s")
        self.service = str(directory / "w")
        self.progress = "it has not begun"  # how far it is into the network, for people
        self._process = process
        self._control: TorControl | None = None
        self._in = asyncio.Event()
        self._own = ""
        self._uploads: dict[str, bool | None] = {}  # by directory and descriptor, None: under way
        self._uploaded = asyncio.Event()

    def __repr__(self) -> str:
        return f"<TorDaemon {self.directory.name}, {self.progress}>"

    @classmethod
    async def start(cls, config: Path | None, sources: Iterable[str] = ()) -> "TorDaemon":
        """Start one; it goes into the network by itself. NetworkError where this machine has none.

        `config` has further lines for it, as for bridges. `sources` are the addresses that it may use.
        """
        program = shutil.which("tor", path=search_path())
        if program is None:
            raise NetworkError(
                "This machine has no tor, which this network needs.",
                hint="Install the package tor (its service need not run), or choose another --network.",
            )
        directory = fresh_directory(PREFIX)
        try:
            (directory / "torrc").write_text(_torrc(directory, sources))
            (directory / "none").touch()
            command = [program, "--quiet", "-f", f"{directory / 'torrc'}"]
            command += ["--defaults-torrc", str(config or directory / "none")]
            process = await ChildServer.start(command, environment())
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        self = cls(directory, process)
        try:
            await self._answers(config)
        except BaseException:
            await self.close()
            raise
        return self

    @property
    def ended(self) -> bool:
        """Whether it has gone, by itself or not."""
        return self._process.ended

    async def publish(
        self, key: ServiceKey, clients: Iterable[PairKeys], services: Iterable[tuple[bytes, PairKeys]]
    ) -> None:
        """Make the service, which only these clients may ask for, and wait until the network knows it.

        `services` are the public keys of others, each with the client's keys that this party has there.
        NetworkError where Tor refuses or ends.
        """
        assert self._control is not None
        self._own = address(key.public)
        await self._or_end(self._in.wait())
        for public, pair in services:
            await self._control.command(f"ONION_CLIENT_AUTH_ADD {address(public)} {pair.private}")
        allowed = " ".join(f"ClientAuthV3={client.public}" for client in clients)
        await self._control.command(
            f"ADD_ONION {key.private} Flags=DiscardPK,V3Auth Port={_PORT},unix:{self.service} {allowed}"
        )
        await self._or_end(self._uploaded.wait())

    async def close(self) -> None:
        """End it and delete its directory; bounded."""
        try:
            if self._control is not None:
                await self._control.close()
        finally:
            try:
                await self._process.end(_ENDED)
            finally:
                shutil.rmtree(self.directory, ignore_errors=True)

    # --- inside

    async def _answers(self, config: Path | None) -> None:
        try:
            async with asyncio.timeout(_STARTED):
                while self._control is None:
                    if self.ended:
                        own = f" Its lines in {config}?" if config else ""
                        raise NetworkError("tor ended at once.", hint=f"Try: tor --verify-config.{own}")
                    with suppress(OSError):
                        self._control = await TorControl.connect(str(self.directory / "c"), self._event)
                        continue
                    await asyncio.sleep(0.05)
                await self._control.command("AUTHENTICATE")
                await self._control.command("SETEVENTS STATUS_CLIENT HS_DESC")
                for line in await self._control.command("GETINFO status/bootstrap-phase"):
                    self._event(line)
        except TimeoutError:
            raise NetworkError(f"tor did not start within {_STARTED:.0f} s.") from None

    def _event(self, text: str) -> None:
        if found := _PROGRESS.search(text):
            done, summary, warning = found.groups()
            self.progress = f"{done}% ({summary}{f': {warning}' if warning else ''})"
            if done == "100":
                self._in.set()
        words = text.split()
        if words[0] == "HS_DESC" and len(words) >= 5 and words[2] == self._own:
            self._uploading(words[1], words[4])

    def _uploading(self, action: str, directory: str) -> None:
        """The descriptor goes to several directories; who asks may ask any of them."""
        if action == "UPLOAD":
            self._uploads[directory] = self._uploads.get(directory)
        elif action in ("UPLOADED", "FAILED"):
            self._uploads[directory] = action == "UPLOADED" or bool(self._uploads.get(directory))
        answers = self._uploads.values()
        if None not in answers and any(answers):
            self._uploaded.set()

    async def _or_end(self, what: Coroutine[Any, Any, object]) -> None:
        """Wait for this, or raise NetworkError once Tor has ended."""
        assert self._control is not None
        both = [asyncio.ensure_future(what), asyncio.ensure_future(self._control.gone())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not both[0].done():
                raise ended()
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)


def _torrc(directory: Path, sources: Iterable[str]) -> str:
    lines = [
        f"DataDirectory {directory / 'data'}",
        f"ControlSocket {directory / 'c'}",
        f"SocksPort unix:{directory / 's'} ExtendedErrors OnionTrafficOnly",
        f"__OwningControllerProcess {os.getpid()}",
        "ClientOnly 1",
        "AvoidDiskWrites 1",
        "ShutdownWaitLength 0",
    ]
    lines += [f"OutboundBindAddress {f'[{host}]' if ':' in host else host}" for host in sources]
    return "\n".join(lines) + "\n"
