"""A tailscaled on this machine, spoken to over its Unix socket: LocalAPI, as Tailscale's own command does.

    GET  /localapi/v0/status                 its state, itself, and the machines of its tailnet
    GET  /localapi/v0/whois?addr=&proto=tcp  whose an address is, also that of a connection that it passed on
    POST /localapi/v0/ping?ip=&type=disco    how a machine is reached now
    POST /localapi/v0/dial                   HTTP Upgrade: ts-dial; then the connection's bytes

What it says of others is the word of whoever runs the control server: texts are cleaned, sizes bounded.
It starts no tailscaled and knows no peers of Huddle's.
"""

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from huddle.errors import NetworkError

# Where Tailscale's packages put it: Linux, then macOS's open-source daemon.
SOCKETS = (
    "/run/tailscale/tailscaled.sock",
    "/var/run/tailscale/tailscaled.sock",
    "/var/run/tailscaled.socket",
)

_SECONDS = 5.0  # for an answer from this machine
_MAX_ANSWER = 16 << 20  # the status of a tailnet with thousands of machines has some megabytes
_MAX_HEAD = 16_384
_HOST = "local-tailscaled.sock"  # what it wants to be called


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of a tailnet. `direct` is the address it is reached at now, `relay` its DERP region."""

    key: str
    name: str
    addresses: tuple[str, ...]
    login: str = ""
    display: str = ""
    direct: str = ""
    peer_relay: str = ""
    relay: str = ""

    @property
    def path(self) -> str:
        """For people: how its bytes go."""
        if self.direct:
            host, _, port = self.direct.rpartition(":")
            return f"direct, {host.strip('[]')} port {port}"
        if self.peer_relay:
            return f"relayed by {self.peer_relay} of the tailnet"
        return f"relayed by DERP {self.relay}" if self.relay else "direct or relayed by DERP"


@dataclass(frozen=True, slots=True)
class TailscaleStatus:
    """A tailscaled: `state` is Running once it is in a tailnet; `tun` says that the system routes to it."""

    state: str
    tun: bool
    me: Node | None
    peers: Mapping[str, Node] = field(default_factory=dict)  # by key


class LocalApi:
    """The LocalAPI at that socket."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<LocalApi {self.path}>"

    async def status(self) -> TailscaleStatus:
        """What it is, and whom it sees; NetworkError where it does not answer."""
        told = _table(await self._json("GET", "/localapi/v0/status"))
        users = _table(told.get("User"))
        mine, others = told.get("Self"), _table(told.get("Peer"))
        peers = [_node(_table(one), users) for one in others.values()]
        return TailscaleStatus(
            clean(told.get("BackendState")),
            told.get("TUN") is True,
            _node(_table(mine), users) if isinstance(mine, dict) and _table(mine).get("PublicKey") else None,
            {peer.key: peer for peer in peers if peer.key},
        )

    async def whois(self, address: str) -> Node | None:
        """The machine behind `IP` or `IP:PORT`; None where it is none of the tailnet."""
        where = f"/localapi/v0/whois?proto=tcp&addr={quote(address, safe='')}"
        told = await self._json("GET", where, missing=404)
        if told is None:
            return None
        node, user = _table(_table(told).get("Node")), _table(_table(told).get("UserProfile"))
        found = clean(node.get("Name")).rstrip(".")
        prefixes = _texts(node.get("Addresses"))
        return Node(
            clean(node.get("Key")),
            found,
            tuple(prefix.partition("/")[0] for prefix in prefixes),
            clean(user.get("LoginName")),
            clean(user.get("DisplayName")),
        )

    async def ping(self, address: str, within: float) -> bool:
        """Ask a machine for a sign of life, which makes both look for a direct path; whether there is one."""
        where = f"/localapi/v0/ping?ip={quote(address, safe='')}&type=disco"
        told = _table(await self._json("POST", where, within=within))
        return bool(told.get("Endpoint"))

    async def logout(self, within: float = _SECONDS) -> None:
        """Let it leave its tailnet."""
        await self._ask("POST", "/localapi/v0/logout", {}, within)

    async def dial(self, host: str, port: int) -> socket.socket:
        """A connection into the tailnet; raises OSError. Cancelled, it leaves nothing."""
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, self.path)
            wanted = {
                "Connection": "upgrade",
                "Upgrade": "ts-dial",
                "Dial-Host": host,
                "Dial-Port": str(port),
            }
            await loop.sock_sendall(sock, _request("POST", "/localapi/v0/dial", wanted))
            head = bytearray()
            while not head.endswith(b"\r\n\r\n"):
                # One byte at a time: what follows belongs to the connection.
                if not (byte := await loop.sock_recv(sock, 1)) or len(head) > _MAX_HEAD:
                    raise OSError("tailscaled ended the connection")
                head += byte
            code = int(head[9:12])
            if code != 101:
                said = (await loop.sock_recv(sock, 1024)).decode(errors="replace") if code >= 400 else ""
                why = clean(said.removeprefix("dial failure: ").strip())
                raise OSError(why or "tailscaled has no way there")
        except ValueError:
            sock.close()
            raise OSError("tailscaled answered what is no HTTP") from None
        except BaseException:
            sock.close()
            raise
        return sock

    async def _json(self, method: str, where: str, *, missing: int = 0, within: float = _SECONDS) -> Any:
        code, body = await self._ask(method, where, {}, within)
        if code == missing:
            return None
        if code == 403:
            raise NetworkError(
                f"tailscaled at {self.path} does not let this account ask.",
                hint="Allow it: sudo tailscale set --operator=$USER.",
            )
        if code != 200:
            raise NetworkError(
                f"tailscaled refused a question ({code}): {clean(body.decode(errors='replace'))}."
            )
        try:
            return json.loads(body)
        except ValueError:
            raise NetworkError(
                "tailscaled answered what is no JSON.", hint="Is it a recent version?"
            ) from None

    async def _ask(
        self, method: str, where: str, headers: dict[str, str], within: float
    ) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(within):
                reader, writer = await asyncio.open_unix_connection(self.path, limit=_MAX_HEAD)
                try:
                    writer.write(_request(method, where, {"Connection": "close", **headers}))
                    head = await reader.readuntil(b"\r\n\r\n")
                    body = await _body(reader, head)
                finally:
                    writer.close()
            return int(head[9:12]), body
        except TimeoutError:
            raise NetworkError(
                f"tailscaled at {self.path} did not answer within {within:.0f} s.", hint="Restart it."
            ) from None
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it hung up"
            raise NetworkError(
                f"tailscaled at {self.path} does not answer: {reason.lower()}.",
                hint="Is it running? See tailscale status.",
            ) from error


def find_socket(chosen: str | None = None) -> str | None:
    """The socket of this machine's tailscaled, or None where none runs."""
    for path in (chosen,) if chosen else SOCKETS:
        if Path(path).is_socket():
            return path
    return None


def clean(text: object) -> str:
    """A text that others chose, fit for a line on a screen."""
    return "".join(one for one in text if one.isprintable())[:200] if isinstance(text, str) else ""


def _request(method: str, where: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {where} HTTP/1.1", f"Host: {_HOST}", "Content-Length: 0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    fields = dict(line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        body = bytearray()
        while size := int((await reader.readline()).split(b";")[0] or b"0", 16):
            if size + len(body) > _MAX_ANSWER:
                raise ValueError("too much")
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        return bytes(body)
    if b"content-length" in fields:
        length = int(fields[b"content-length"])
        if not 0 <= length <= _MAX_ANSWER:
            raise ValueError("too much")
        return await reader.readexactly(length)
    return await reader.read(_MAX_ANSWER)


def _node(told: Mapping[str, Any], users: Mapping[str, Any]) -> Node:
    user = _table(users.get(str(told.get("UserID"))))
    return Node(
        clean(told.get("PublicKey")),
        clean(told.get("DNSName")).rstrip(".") or clean(told.get("HostName")),
        _texts(told.get("TailscaleIPs")),
        clean(user.get("LoginName")),
        clean(user.get("DisplayName")),
        clean(told.get("CurAddr")),
        clean(told.get("PeerRelay")),
        clean(told.get("Relay")),
    )


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(clean(one) for one in value) if isinstance(value, list) else ()
