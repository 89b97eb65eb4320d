"""WireGuard itself, as one interface: the kernel's, or wireguard-go where the kernel has none.

Both are made without a peer, told their tunnel once its way is known, and leave nothing when closed.
They know neither how the way was found nor what goes through.
"""

import asyncio
import base64
import os
import shutil
import socket
from collections import deque
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any, Protocol

from huddle.errors import NetworkError
from huddle.networks.wireguard import system, uapi
from huddle.networks.wireguard.rootless import RootlessDevice
from huddle.networks.wireguard.system import Addressing
from huddle.networks.wireguard.uapi import GoInterface, PeerActivity, TunnelConfig

PROGRAM = "wireguard-go"
KERNEL = "kernel"
ROOTLESS = "wireguard-go without rights"
_START = 8.0  # seconds for wireguard-go to have its interface and socket
_STOP = 2.0  # and to end, before it is killed
_LOOK = 0.01


class Device(Protocol):
    """One WireGuard interface."""

    name: str

    async def bring_up(self, addressing: Addressing) -> None:
        """Give the interface its address, and lead to the peers by it; raises NetworkError."""
        ...

    async def tcp(self, own: IPv6Address, port: int = 0, *, segment: int | None = None) -> socket.socket:
        """A TCP socket of this interface and of nothing else, at this address; raises ConnectionError."""
        ...

    async def tell(self, tunnel: TunnelConfig) -> None:
        """Configure the tunnel, once; raises NetworkError."""
        ...

    async def keep_alive(self, public: bytes, seconds: int) -> None:
        """Send that peer something now, so that a handshake begins, and every so many seconds."""
        ...

    async def heard(self) -> PeerActivity:
        """What has come from the peer, where there is one only."""
        ...

    async def close(self) -> None:
        """Remove the interface and all that belongs to it."""
        ...


def program() -> str | None:
    """Where wireguard-go is: in the developers' cache, which has it built, or on PATH."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = sorted(cache.glob("huddle-dev/wireguard-go-*/bin/wireguard-go"))
    return str(built[-1]) if built else shutil.which(PROGRAM)


async def make(name: str, kind: str) -> Device:
    """An interface of that name, KERNEL, ROOTLESS or of wireguard-go; raises NetworkError."""
    if kind == KERNEL:
        return await KernelDevice.make(name)
    found = program()
    if found is None:
        raise NetworkError(f"There is no {PROGRAM} here any more.")
    return await (RootlessDevice if kind == ROOTLESS else GoDevice).make(name, found)


class _Here:
    """An interface in this process's network."""

    name: str

    async def bring_up(self, addressing: Addressing) -> None:
        await system.bring_up(self.name, addressing)

    async def tcp(self, own: IPv6Address, port: int = 0, *, segment: int | None = None) -> socket.socket:
        return system.inside(self.name, own, port, segment=segment)


class KernelDevice(_Here):
    """An interface of Linux's own WireGuard."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    async def make(cls, name: str) -> "KernelDevice":
        """Make the interface."""
        if not await system.add(name):
            raise NetworkError("The kernel has no WireGuard any more.")
        return cls(name)

    async def tell(self, tunnel: TunnelConfig) -> None:
        await system.configure(self.name, private_key=_text(tunnel.private), listen_port=tunnel.port)
        for one in tunnel.peers:
            peer: dict[str, Any] = {
                "public_key": _text(one.public),
                "preshared_key": _text(one.shared),
                "replace_allowed_ips": True,
                "allowed_ips": [f"{one.address}/128"],
            }
            if one.where is not None:
                peer["endpoint_addr"], peer["endpoint_port"] = one.where
            if one.keepalive:
                peer["persistent_keepalive"] = one.keepalive
            await system.configure(self.name, peer=peer)

    async def keep_alive(self, public: bytes, seconds: int) -> None:
        peer = {"public_key": _text(public), "update_only": True, "persistent_keepalive": seconds}
        await system.configure(self.name, peer=peer)

    async def heard(self) -> PeerActivity:
        known = await system.peer(self.name)
        time = known.get("WGPEER_A_LAST_HANDSHAKE_TIME") or {}
        return PeerActivity(bool(time and time["tv_sec"]), int(known.get("WGPEER_A_RX_BYTES") or 0))

    async def close(self) -> None:
        await system.remove(self.name)


class GoDevice(GoInterface, _Here):
    """A wireguard-go with its TUN interface, which ends with this process, however that ends."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._said = deque[str](maxlen=5)
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def make(cls, name: str, program: str) -> "GoDevice":
        """Start it and wait until it can be configured."""
        command = [program, "-f", name]
        # When this process is killed, nobody else ends it before the next session's start.
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "TERM", "--", *command]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={"LOG_LEVEL": "error", "PATH": os.environ.get("PATH", os.defpath)},
            start_new_session=True,  # Ctrl-C is for Huddle, which still has something to send
        )
        device = cls(name, process)
        try:
            async with asyncio.timeout(_START):
                await device._ready()
        except BaseException as error:
            await device.close()
            if isinstance(error, TimeoutError):
                raise NetworkError(f"{PROGRAM} did not start within {_START:.0f} s.") from error
            raise
        return device

    async def tell(self, tunnel: TunnelConfig) -> None:
        await self._say(uapi.tunnel_lines(tunnel))

    async def close(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await asyncio.gather(self._reading, return_exceptions=True)
        (uapi.SOCKETS / f"{self.name}.sock").unlink(missing_ok=True)

    async def _ready(self) -> None:
        while True:
            if self._process.returncode is not None:
                await self._reading
                why = " ".join(self._said) or f"exit code {self._process.returncode}"
                raise NetworkError(
                    f"{PROGRAM} can't run here: {why}.",
                    hint="It needs root, and the device /dev/net/tun.",
                )
            try:
                await uapi.say(self.name, "", get=True)
            except OSError:
                await asyncio.sleep(_LOOK)
            else:
                return

    async def _say(self, lines: str, *, get: bool = False) -> str:
        try:
            return await uapi.say(self.name, lines, get=get)
        except OSError as error:
            raise NetworkError(
                f"{PROGRAM} has ended: {' '.join(self._said) or error.strerror}.", hint="It is tried again."
            ) from error

    async def _read(self) -> None:
        """What it complains of; its boxed advice to use the kernel is none."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            text = line.decode("utf-8", "replace").strip()
            if text.startswith("ERROR"):
                self._said.append(text.partition(") ")[2] or text)


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")
