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

import h11

from huddle.errors import NetworkError
from huddle.networks.tailscale import local_http

# Where Tailscale's packages put it: Linux, then macOS's open-source daemon.
SOCKETS = (
    "/run/tailscale/tailscaled.sock",
    "/var/run/tailscale/tailscaled.sock",
    "/var/run/tailscaled.socket",
)

_SECONDS = 5.0  # for an answer from this machine
_MAX_ANSWER = 16 << 20  # the status of a tailnet with thousands of machines has some megabytes
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

    async def dial(self, host: str, port: int) -> socket.socket:
        """A connection into the tailnet; raises OSError. Cancelled, it leaves nothing."""
        wanted = {
            "Host": _HOST,
            "Connection": "upgrade",
            "Upgrade": "ts-dial",
            "Dial-Host": host,
            "Dial-Port": str(port),
        }
        try:
            sock, said = await local_http.upgraded(self.path, "POST", "/localapi/v0/dial", wanted)
        except (EOFError, h11.RemoteProtocolError) as error:
            raise OSError("tailscaled ended the connection, or answered what is no HTTP") from error
        if sock is None:
            why = clean(said.decode(errors="replace").removeprefix("dial failure: ").strip())
            raise OSError(why or "tailscaled has no way there")
        return sock

    async def _json(self, method: str, where: str, *, missing: int = 0, within: float = _SECONDS) -> Any:
        code, body = await self._ask(method, where, within)
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
                "tailscaled answered something that is not JSON.", hint="Is it a recent version?"
            ) from None

    async def _ask(self, method: str, where: str, within: float) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(within):
                return await local_http.request(self.path, method, where, _HOST, most=_MAX_ANSWER)
        except TimeoutError:
            raise NetworkError(
                f"tailscaled at {self.path} did not answer within {within:.0f} s.", hint="Restart it."
            ) from None
        except local_http.BAD as error:
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
