"""A port of the router that leads to this machine, for as long as a session lasts: by PCP, NAT-PMP or UPnP.

Asked in this order, the first that gives one is used. It is held for minutes only and renewed, so that
the router closes it by itself where nobody could give it back.
"""

import asyncio
import ipaddress
import secrets
import socket
import struct
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from huddle.networks.reach import addresses, pcp, upnp

LIFETIME = 600  # seconds
_RELEASE = 2.0  # seconds for the router to take it back
_FAILURES = (pcp.MappingRefused, upnp.UpnpError, OSError, TimeoutError)


class NoMapping(Exception):
    """No router gives a port; the text says what was asked and how each failed."""


class Mapping:
    """A mapped port: `host` and `port` as others see them, `by` how."""

    def __init__(self, inner: int, host: str, port: int, by: str, lifetime: int) -> None:
        self.inner = inner
        self.host = host
        self.port = port
        self.by = by
        self.lifetime = lifetime

    def __str__(self) -> str:
        return f"{self.host} port {self.port} by {self.by}"

    async def renew(self) -> None:
        """Ask for it once more; raises one of `_FAILURES`."""
        raise NotImplementedError

    async def release(self) -> None:
        """Give it back; raises one of `_FAILURES`."""
        raise NotImplementedError


class _Pcp(Mapping):
    def __init__(self, router: str, own: str, nonce: bytes, inner: int, given: pcp.Given) -> None:
        super().__init__(inner, given.host, given.port, "PCP", given.lifetime)
        self._where = (router, own, nonce)

    async def renew(self) -> None:
        router, own, nonce = self._where
        given = await _pcp(router, own, nonce, self.inner, self.port, LIFETIME)
        self.host, self.port = given.host, given.port

    async def release(self) -> None:
        router, own, nonce = self._where
        await _pcp(router, own, nonce, self.inner, 0, 0)


class _NatPmp(Mapping):
    def __init__(self, router: str, inner: int, host: str, port: int, lifetime: int) -> None:
        super().__init__(inner, host, port, "NAT-PMP", lifetime)
        self._router = router

    async def renew(self) -> None:
        self.port, _ = await _pmp(self._router, self.inner, self.port, LIFETIME)

    async def release(self) -> None:
        await _pmp(self._router, self.inner, 0, 0)


class _Upnp(Mapping):
    def __init__(self, router: upnp.Router, inner: int, host: str, port: int) -> None:
        super().__init__(inner, host, port, "UPnP", LIFETIME)
        self._router = router

    async def renew(self) -> None:
        await self._router.keep(self.inner, self.port, LIFETIME)

    async def release(self) -> None:
        await self._router.release(self.port)


async def map_port(port: int, listening: Collection[addresses.Address]) -> Mapping:
    """Ask for a port that leads to this TCP port of ours, on one of these addresses; raises NoMapping."""
    own = addresses.routed_address(4)
    if own is None or own not in listening:
        raise NoMapping("no address that is listened on has a router")
    failed = []
    router = gateway()
    if router:
        nonce = secrets.token_bytes(pcp.NONCE)
        try:
            return _Pcp(
                router, str(own), nonce, port, await _pcp(router, str(own), nonce, port, port, LIFETIME)
            )
        except _FAILURES as error:
            failed.append(f"PCP: {_why(error)}")
        # A router that did not answer at all has the older one neither: both are on one port.
        if not failed[-1].endswith("no answer"):
            try:
                host = await pcp.ask(router, pcp.pmp_address(), pcp.pmp_addressed)
                given, lifetime = await _pmp(router, port, port, LIFETIME)
                return _NatPmp(router, port, host, given, lifetime)
            except _FAILURES as error:
                failed.append(f"NAT-PMP: {_why(error)}")
    try:
        found = await upnp.Router.find(str(own))
        host = await found.address()
        ipaddress.ip_address(host)
        return _Upnp(found, port, host, await found.map(port, LIFETIME))
    except (*_FAILURES, ValueError) as error:
        failed.append(f"UPnP: {_why(error)}")
    raise NoMapping("; ".join(failed))


async def outside() -> str:
    """The router's address outside, as it says itself, without opening anything; empty where none says."""
    own, router = addresses.routed_address(4), gateway()
    if own is None or not router:
        return ""
    with suppress(*_FAILURES):
        return await pcp.ask(router, pcp.pmp_address(), pcp.pmp_addressed)
    with suppress(*_FAILURES):
        return await (await upnp.Router.find(str(own))).address()
    return ""


async def hold(mapping: Mapping) -> None:
    """Renew a mapping until cancelled, then give it back."""
    try:
        while True:
            await asyncio.sleep(max(30.0, min(mapping.lifetime, LIFETIME) / 2))
            with suppress(*_FAILURES):
                await mapping.renew()
    finally:
        with suppress(*_FAILURES):
            async with asyncio.timeout(_RELEASE):
                await mapping.release()


def gateway() -> str:
    """The router of the default route by IPv4; empty where nobody knows (elsewhere than on Linux)."""
    if sys.platform != "linux":
        return ""
    with suppress(OSError, ValueError):
        return parse_routes(Path("/proc/net/route").read_text(encoding="ascii"))
    return ""


def parse_routes(table: str) -> str:
    """The gateway of `/proc/net/route` (interface, destination, gateway, flags, …, metric, mask …)."""
    found = []
    for line in table.splitlines()[1:]:
        columns = line.split()
        if len(columns) >= 8 and columns[1] == columns[7] == "00000000" and int(columns[3], 16) & 2:
            found.append((int(columns[6]), socket.inet_ntoa(struct.pack("=I", int(columns[2], 16)))))
    return min(found)[1] if found else ""


async def _pcp(router: str, own: str, nonce: bytes, port: int, wanted: int, lifetime: int) -> pcp.Given:
    request = pcp.pcp_map(own, port, wanted, lifetime, nonce)
    return await pcp.ask(router, request, lambda packet: pcp.pcp_mapped(packet, nonce))


async def _pmp(router: str, port: int, wanted: int, lifetime: int) -> tuple[int, int]:
    request = pcp.pmp_map(port, wanted, lifetime)
    return await pcp.ask(router, request, lambda packet: pcp.pmp_mapped(packet, port))


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError | ConnectionRefusedError):
        return "no answer"
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
