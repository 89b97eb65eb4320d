"""WireGuard without any rights: wireguard-go in a user and network namespace of its own.

There it may make its interface, and the TCP sockets of the tunnel are made there and handed out
(`namespace_helper`). But it has no way to the world, since a network namespace of one's own has none; so this
process keeps the UDP port, and passes packets on (`packet_relay`). It needs user namespaces,
/dev/net/tun for everybody, as most distributions have it, and wireguard-go. Nothing is seen of
it in the machine's network, and all of it is gone with this process.
"""

import asyncio
import json
import os
import socket
import sys
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from huddle.errors import NetworkError
from huddle.networks.wireguard import port as wireguard_port
from huddle.networks.wireguard import uapi
from huddle.networks.wireguard.namespace_helper import LIMIT, START
from huddle.networks.wireguard.packet_relay import PacketRelay
from huddle.networks.wireguard.system import Addressing
from huddle.networks.wireguard.uapi import GoInterface, PeerConfig, TunnelConfig
from huddle.tasks import joined

_ANSWER = 10.0  # seconds, also of a machine that has much else to do
_SPARE = 2  # places for peers that seem to be at two addresses for a while
_FORBIDDING = {
    "/proc/sys/user/max_user_namespaces": "0",
    "/proc/sys/kernel/unprivileged_userns_clone": "0",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
}


def problem() -> str:
    """Why it can't work here, short of trying; empty where it can."""
    for file, forbids in _FORBIDDING.items():
        with suppress(OSError):
            if Path(file).read_text().strip() == forbids:
                return f"user namespaces are not for everybody here ({file} is {forbids})"
    if not hasattr(os, "unshare"):
        return "this system has no namespaces"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "/dev/net/tun is not for everybody here"
    return ""


class RootlessDevice(GoInterface):
    """See `huddle.networks.wireguard.device.Device`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self.name = name
        self._process = process
        self._channel = channel
        self._asking = asyncio.Lock()
        self._splice: PacketRelay | None = None

    @classmethod
    async def make(cls, name: str, program: str) -> "RootlessDevice":
        """Start wireguard-go in namespaces of its own; raises NetworkError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "huddle.networks.wireguard.namespace_helper",
                name, program, str(theirs.fileno()),
                pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for Huddle, which still has something to send
            )  # fmt: skip
        device = cls(name, process, ours)
        try:
            await device._heard(START + _ANSWER)
        except BaseException:
            await device.close()
            raise
        return device

    async def bring_up(self, addressing: Addressing) -> None:
        peers = [str(peer) for peer in addressing.peers]
        await self._ask(do="up", own=str(addressing.own), peers=peers, mtu=addressing.mtu)

    async def tcp(self, own: IPv6Address, port: int = 0, *, segment: int | None = None) -> socket.socket:
        try:
            return await self._made(do="tcp", own=str(own), port=port, segment=segment)
        except NetworkError as error:
            raise ConnectionError(error.message) from error

    async def tell(self, tunnel: TunnelConfig) -> None:
        inner = [await self._made(do="udp") for _ in range(len(tunnel.peers) + _SPARE)]
        splice = self._splice = PacketRelay(tunnel.public, ("127.0.0.1", tunnel.port))
        places = await splice.open(wireguard_port.bound(tunnel.port), inner)
        peers = list[PeerConfig]()
        for number, peer in enumerate(tunnel.peers):
            if peer.where is not None:
                splice.lead(number, peer.where)
            place = None if peer.where is None else places[number]
            peers.append(PeerConfig(peer.public, peer.shared, place, peer.address, peer.keepalive))
        lines = uapi.tunnel_lines(TunnelConfig(tunnel.private, tunnel.public, tunnel.port, tuple(peers)))
        await self._say(lines)

    async def close(self) -> None:
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        async with self._asking:
            self._channel.close()
        if self._splice is not None:
            self._splice.close()
        try:
            await asyncio.wait_for(self._process.wait(), _ANSWER)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _say(self, lines: str, *, get: bool = False) -> str:
        return await uapi.say(await self._made(do="uapi"), lines, get=get)

    async def _made(self, **asked: Any) -> socket.socket:
        made = await self._ask(**asked)
        if made is None:
            raise NetworkError("WireGuard's helper gives no socket.")
        return made

    async def _ask(self, **asked: Any) -> socket.socket | None:
        task = asyncio.create_task(self._answered(asked))
        try:
            # An answer that nobody waits for any more must not be the next one's.
            return await joined(task)
        except asyncio.CancelledError:
            task.add_done_callback(_unwanted)
            raise

    async def _answered(self, asked: dict[str, Any]) -> socket.socket | None:
        async with self._asking:
            try:
                self._channel.send(json.dumps(asked).encode())
            except OSError as error:
                raise _ended() from error
            return await self._heard(_ANSWER)

    async def _heard(self, within: float) -> socket.socket | None:
        self._channel.settimeout(within)
        try:
            message, fds, _, _ = await asyncio.to_thread(socket.recv_fds, self._channel, LIMIT, 1)
        except TimeoutError:
            raise NetworkError("WireGuard does not start here.", hint="It is tried again.") from None
        except OSError as error:
            raise _ended() from error
        if not message:
            raise _ended()
        said = json.loads(message).get("error")
        if said:
            raise NetworkError(
                f"WireGuard can't run without rights here: {said}.",
                hint="Start huddle with sudo, or choose tls, webrtc or relay.",
            )
        if not fds:
            return None
        made = socket.socket(fileno=fds[0])
        made.setblocking(False)
        return made


def _unwanted(task: "asyncio.Task[socket.socket | None]") -> None:
    if not task.cancelled() and task.exception() is None and (made := task.result()) is not None:
        made.close()


def _ended() -> NetworkError:
    return NetworkError("wireguard-go has ended.", hint="It is tried again.")
