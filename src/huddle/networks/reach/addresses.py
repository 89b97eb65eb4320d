"""Addresses: those of this machine that a peer may reach, and those of peers in the order worth trying.

It asks the system for its interfaces and routes, and sends nothing. It knows no sockets of sessions, no
TLS, and resolves no names.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path
from typing import Annotated

from huddle.codec import U16, Limit
from huddle.errors import LocalError

# More than the interfaces of a usual machine, few enough that trying all of them ends soon.
MAX_ENDPOINTS = 16

# The longest host name (RFC 1035).
MAX_HOST = 253

Address = IPv4Address | IPv6Address

_CGNAT = ipaddress.ip_network("100.64.0.0/10")
_UNIQUE_LOCAL = ipaddress.ip_network("fc00::/7")

# IFA_F_* of linux/if_addr.h: addresses that the kernel itself no longer or not yet uses.
_UNUSABLE = 0x20 | 0x08 | 0x40  # deprecated, duplicate, tentative

# RFC 1123, underscore allowed because private zones have it; no other byte of a peer's reaches a screen.
_NAME = re.compile(
    r"(?=.{1,253}\.?$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    r"(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host (IP address or name) and a port, as offers say where a party may be reached."""

    host: Annotated[str, Limit(MAX_HOST)]
    port: U16

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """An address of this machine, with its prefix, on an interface that is up."""

    interface: str
    address: IPv4Interface | IPv6Interface

    @property
    def ip(self) -> Address:
        """The address without its prefix."""
        return self.address.ip


def local_addresses() -> list[LocalAddress]:
    """All usable addresses of the interfaces that are up; those of the default routes come first."""
    import psutil  # no browser has it

    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    unusable = _unusable_ipv6()
    found = []
    for interface, entries in psutil.net_if_addrs().items():
        for entry in entries:
            if interface in up and entry.family in (socket.AF_INET, socket.AF_INET6):
                address = _interface_address(entry.address, entry.netmask)
                if address is not None and address.ip not in unusable:
                    found.append(LocalAddress(interface, address))
    routed = [ip for ip in (routed_address(4), routed_address(6)) if ip is not None]
    # Stable: the system's order is kept among the others.
    found.sort(key=lambda local: local.ip not in routed)
    return found


def offerable(addresses: Iterable[LocalAddress], *, loopback: bool = False) -> list[str]:
    """Those that a peer may try: loopback only if asked for, or if there is nothing else.

    Link-local IPv6 addresses need a scope that means nothing to a peer, and are left out.
    """
    usable = list(dict.fromkeys(local.ip for local in addresses if not local.ip.is_link_local))
    others = [str(ip) for ip in usable if not ip.is_loopback]
    here = [str(ip) for ip in usable if ip.is_loopback]
    return others + here if loopback or not others else others


def via(name: str) -> list[LocalAddress]:
    """The addresses meant by `--via`: those of an interface, or one address of this machine.

    Raises LocalError where there is no such interface or address.
    """
    everything = local_addresses()
    try:
        wanted = ipaddress.ip_address(name)
    except ValueError:
        chosen = [local for local in everything if local.interface == name and not local.ip.is_link_local]
    else:
        # Tunnels to several peers may all have it; one can listen at it only once.
        chosen = [local for local in everything if local.ip == wanted][:1]
    if not chosen:
        known = ", ".join(
            f"{local.interface} ({local.ip})" for local in everything if not local.ip.is_link_local
        )
        raise LocalError(
            f"--via {name}: no interface that is up and no address of this machine has that name",
            hint=f"This machine has {known}." if known else "This machine has no interface that is up.",
        )
    return chosen


def routed_address(version: int) -> Address | None:
    """The address from which this machine reaches the rest of the world, or None where it can't."""
    # Connecting a UDP socket only asks the routing table. The targets are set aside for documents.
    family, target = (socket.AF_INET, "192.0.2.1") if version == 4 else (socket.AF_INET6, "2001:db8::1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((target, 9))
            return ipaddress.ip_address(sock.getsockname()[0].partition("%")[0])
    except OSError:
        return None


def lan_address() -> str:
    """The address at which others on the local network most likely reach this machine.

    The one of the default route, IPv4 first because people read it out; loopback where there is none.
    """
    for version in (4, 6):
        address = routed_address(version)
        if address is not None and not address.is_loopback and not address.is_link_local:
            return str(address)
    return offerable(local_addresses())[0] if local_addresses() else "127.0.0.1"


def kind(address: Address) -> str:
    """What an address is to the world: loopback, link-local, private, cgnat, public or other."""
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address in _CGNAT:
        return "cgnat"
    if address in _UNIQUE_LOCAL or (address.is_private and not address.is_unspecified):
        return "private"
    return "public" if address.is_global and not address.is_multicast else "other"


def parse_advertised(text: str) -> tuple[str, int | None]:
    """`HOST`, `HOST:PORT` or `[IPV6]:PORT` that a person advertises; port None means the listening one.

    Raises LocalError where it is none of these.
    """
    host, port, wrong = text, "", False
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
        wrong = not bracket or bool(rest) != rest.startswith(":") or rest == ":"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        wrong = not port
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else None
    if wrong or not is_host(host) or (port and (number is None or not 0 < number < 65536)):
        raise LocalError(
            f"{text!r} is no address that peers could be told",
            hint="Give a name or an address, with or without a port: home.example:4000, [2001:db8::7]:4000.",
        )
    return host, number


def is_host(text: str) -> bool:
    """Whether this is an IP address or a host name that a wire may be dialled to."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return _NAME.fullmatch(text) is not None
    # A peer must not make this machine speak to groups; a scope is another machine's business.
    return not (address.is_multicast or address.is_unspecified or "%" in text)


def is_ip(text: str) -> bool:
    """Whether this is an IP address that a wire may be dialled to."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return is_host(text)


def dialling_order(hosts: Sequence[str], local: Sequence[LocalAddress]) -> list[int]:
    """The indices of a peer's hosts, in the order in which to try them.

    First this machine, then its own networks, then the rest by IPv6 and IPv4 in turn (RFC 8305), then names.
    """
    groups: list[list[int]] = [[], [], [], [], []]
    for index, host in enumerate(hosts):
        groups[_nearness(host, local)].append(index)
    here, near, six, four, names = groups
    far: list[int] = []
    while six or four:
        far.extend(group.pop(0) for group in (six, four) if group)
    return here + near + far + names


def _nearness(host: str, local: Sequence[LocalAddress]) -> int:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return 4
    if address.is_loopback or any(address == one.ip for one in local):
        return 0
    if any(address in one.address.network for one in local):
        return 1
    return 2 if address.version == 6 else 3


def _interface_address(address: str, netmask: str | None) -> IPv4Interface | IPv6Interface | None:
    plain = address.partition("%")[0]
    bits = len(bin(int(ipaddress.ip_address(netmask))).rstrip("0")) - 2 if netmask else None
    try:
        return ipaddress.ip_interface(plain if bits is None else f"{plain}/{bits}")
    except ValueError:
        return None


def _unusable_ipv6() -> set[Address]:
    """Addresses that Linux marks as deprecated, tentative or duplicate; empty elsewhere."""
    try:
        table = Path("/proc/net/if_inet6").read_text(encoding="ascii")
    except OSError:
        return set()
    return parse_if_inet6(table)


def parse_if_inet6(table: str) -> set[Address]:
    """The unusable addresses of `/proc/net/if_inet6` (address, index, prefix, scope, flags, name)."""
    unusable: set[Address] = set()
    for line in table.splitlines():
        columns = line.split()
        if len(columns) >= 6 and int(columns[4], 16) & _UNUSABLE:
            unusable.add(IPv6Address(int(columns[0], 16)))
    return unusable
