"""The language in which wireguard-go is configured, over its socket (wireguard.com/xplatform).

    set=1 NEWLINE, then key=value lines, then an empty line; the answer: errno=N and an empty line
    get=1 NEWLINE NEWLINE; the answer: key=value lines, errno=N and an empty line

Keys are in hexadecimal digits. What a value means is said there; nothing here knows a session.
"""

import asyncio
import os
import socket
from abc import ABC, abstractmethod
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path

from huddle.errors import NetworkError

SOCKETS = Path("/var/run/wireguard")
_MAX_ANSWER = 1 << 16


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """What WireGuard must know of a peer; its keys are raw bytes.

    `shared` is WireGuard's preshared key, `where` an address and port, None where the peer comes by itself,
    `address` the only one from and to which the peer may send; it is sent something every `keepalive`
    seconds, 0: never.
    """

    public: bytes
    shared: bytes
    where: tuple[str, int] | None
    address: IPv6Address
    keepalive: int = 0

    def __repr__(self) -> str:
        return f"<PeerConfig of {self.address} at {self.where}>"


@dataclass(frozen=True, slots=True)
class TunnelConfig:
    """What WireGuard must know: its own key, its UDP port, and its peers."""

    private: bytes
    public: bytes
    port: int
    peers: tuple[PeerConfig, ...]

    def __repr__(self) -> str:
        return f"<TunnelConfig to {self.peers}>"


@dataclass(frozen=True, slots=True)
class PeerActivity:
    """What WireGuard knows of the peer: whether there was a handshake, and bytes that came from it."""

    handshake: bool
    received: int


def tunnel_lines(tunnel: TunnelConfig) -> str:
    """The lines that make this tunnel and no other."""
    lines = [f"private_key={tunnel.private.hex()}", f"listen_port={tunnel.port}", "replace_peers=true"]
    for peer in tunnel.peers:
        lines += [f"public_key={peer.public.hex()}", f"preshared_key={peer.shared.hex()}"]
        if peer.where is not None:
            host, port = peer.where
            lines.append(f"endpoint={f'[{host}]' if ':' in host else host}:{port}")
        if peer.keepalive:
            lines.append(f"persistent_keepalive_interval={peer.keepalive}")
        lines += ["replace_allowed_ips=true", f"allowed_ip={peer.address}/128"]
    return "".join(f"{line}\n" for line in lines)


def keepalive_lines(public: bytes, seconds: int) -> str:
    """The lines by which that peer is sent something every so many seconds, and at once."""
    return f"public_key={public.hex()}\nupdate_only=true\npersistent_keepalive_interval={seconds}\n"


def heard(answer: str) -> PeerActivity:
    """What an answer to get=1 says of its one peer."""
    values = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)
    return PeerActivity(values.get("last_handshake_time_sec", "0") != "0", int(values.get("rx_bytes", "0")))


class GoInterface(ABC):
    """The part of `device.Device` for which wireguard-go is asked."""

    @abstractmethod
    async def _say(self, lines: str, *, get: bool = False) -> str: ...

    async def keep_alive(self, public: bytes, seconds: int) -> None:
        await self._say(keepalive_lines(public, seconds))

    async def heard(self) -> PeerActivity:
        return heard(await self._say("", get=True))


async def say(where: str | socket.socket, lines: str, *, get: bool = False) -> str:
    """Configure, or ask with `get`, the wireguard-go of an interface; raises OSError or NetworkError.

    `where` is the interface's name, or a connection to its wireguard-go, which is closed.
    """
    if isinstance(where, str):
        reader, writer = await asyncio.open_unix_connection(SOCKETS / f"{where}.sock", limit=_MAX_ANSWER)
    else:
        reader, writer = await asyncio.open_unix_connection(sock=where, limit=_MAX_ANSWER)
    try:
        writer.write(f"{'get=1' if get else 'set=1'}\n{lines}\n".encode("ascii"))
        answer = (await reader.readuntil(b"\n\n")).decode("ascii")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError) as error:
        raise NetworkError(f"wireguard-go does not answer: {error}.") from error
    finally:
        writer.close()
    number = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line).get("errno", "")
    if number != "0":
        code = abs(int(number)) if number.lstrip("-").isdigit() else 0
        raise NetworkError(f"wireguard-go refuses what it was told: {os.strerror(code)}.")
    return answer
