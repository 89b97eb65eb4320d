"""What WireGuard asks of Linux: interfaces by netlink, and whether this process may make them.

Only this module knows pyroute2, which comes with `mpyc-huddle[wireguard]`. Its calls block for a moment,
so they are made on threads. Interfaces are those of the network namespace that the process is in.
"""

import asyncio
import errno
import importlib.util
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from huddle.errors import NetworkError
from huddle.networks import sockets

KIND = "wireguard"
_CAP_NET_ADMIN = 12  # capabilities(7)
_BIND_TO_DEVICE = 25  # SO_BINDTODEVICE of Linux, which Python does not name everywhere
_NODAD, _NOPREFIXROUTE = 0x02, 0x200  # IFA_F_* of linux/if_addr.h


def installed() -> bool:
    """Whether pyroute2 is there."""
    return importlib.util.find_spec("pyroute2") is not None


def may_make_interfaces() -> bool:
    """Whether this process has CAP_NET_ADMIN, as root has, in its network namespace."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        mask = next(line for line in lines if line.startswith("CapEff:"))
        return bool(int(mask.split()[1], 16) >> _CAP_NET_ADMIN & 1)
    return False


def interfaces() -> list[str]:
    """The names of all interfaces."""
    return [name for _, name in socket.if_nameindex()]


@dataclass(frozen=True, slots=True)
class Addressing:
    """An interface's own address, those of the peers behind it, and its MTU."""

    own: IPv6Address
    peers: tuple[IPv6Address, ...]
    mtu: int


async def kernel_has_wireguard(name: str) -> bool:
    """Whether the kernel makes WireGuard interfaces: one of that name is made and removed."""
    if not await asyncio.to_thread(_add, name):
        return False
    await remove(name)
    return True


async def add(name: str) -> bool:
    """Make a WireGuard interface of the kernel; False where the kernel has none."""
    return await asyncio.to_thread(_add, name)


async def bring_up(name: str, addressing: Addressing) -> None:
    """Give an interface its address, switch it on, and lead to the peers' addresses by it."""
    await asyncio.to_thread(bring_up_now, name, addressing)


async def remove(name: str) -> None:
    """Remove an interface with its addresses and routes; one that is not there is no error."""
    await asyncio.to_thread(_remove, name)


async def configure(name: str, **settings: Any) -> None:
    """Tell the kernel's WireGuard, as `pyroute2.WireGuard.set` has it."""
    await asyncio.to_thread(_configure, name, settings)


async def peer(name: str) -> dict[str, Any]:
    """What the kernel's WireGuard knows of its one peer, by the names of linux/wireguard.h."""
    return await asyncio.to_thread(_peer, name)


def inside(name: str, own: IPv6Address, port: int = 0, *, segment: int | None = None) -> socket.socket:
    """A socket of that interface and of nothing else, at this address; raises ConnectionError."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, _BIND_TO_DEVICE, name.encode() + b"\0")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sockets.tune(sock)
        if segment is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        sock.bind((str(own), port))
    except OSError as error:
        sock.close()
        raise ConnectionError(f"{name}: {error.strerror}") from error
    return sock


@contextmanager
def _netlink(name: str) -> Iterator[Any]:
    """A netlink socket of pyroute2, by its class's name, on a loop of asyncio's own.

    Where a program has made uvloop the default, as MPyC does, pyroute2 would take that, which has none.
    """
    import pyroute2

    loop = asyncio.SelectorEventLoop()
    try:
        with getattr(pyroute2, name)(use_event_loop=loop) as opened:
            yield opened
    finally:
        loop.run_until_complete(asyncio.sleep(0))  # what was closed a moment ago lets its socket go
        loop.close()


def _add(name: str) -> bool:
    from pyroute2.netlink.exceptions import NetlinkError

    with _netlink("IPRoute") as route:
        try:
            route.link("add", ifname=name, kind=KIND)
        except NetlinkError as error:
            if error.code in (errno.EOPNOTSUPP, errno.ENODEV):
                return False
            raise _cannot(f"make the interface {name}", error) from error
    return True


def loopback_up() -> None:
    """Switch loopback on, in a network that is new."""
    with _netlink("IPRoute") as route:
        for index in route.link_lookup(ifname="lo"):
            route.link("set", index=index, state="up")


def bring_up_now(name: str, addressing: Addressing) -> None:
    """As `bring_up`, waiting for it."""
    from pyroute2.netlink.exceptions import NetlinkError

    # Where new interfaces have no IPv6, this one needs it; where /proc can't be written, one sees below.
    with suppress(OSError):
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("0")
    with _netlink("IPRoute") as route:
        try:
            found = route.link_lookup(ifname=name)
            if not found:
                raise NetworkError(f"The interface {name} has gone.", hint="It is tried again.")
            index = found[0]
            # Nobody else has such an address, and one that is still looked for can't be bound.
            route.addr(
                "add",
                index=index,
                address=str(addressing.own),
                prefixlen=128,
                flags=_NODAD | _NOPREFIXROUTE,
            )
            route.link("set", index=index, mtu=addressing.mtu, state="up")
            for peer in addressing.peers:
                route.route("add", family=socket.AF_INET6, dst=f"{peer}/128", oif=index)
        except NetlinkError as error:
            raise _cannot(f"give {name} its address", error) from error


def _remove(name: str) -> None:
    from pyroute2.netlink.exceptions import NetlinkError

    with _netlink("IPRoute") as route:
        for index in route.link_lookup(ifname=name):
            try:
                route.link("del", index=index)
            except NetlinkError as error:
                if error.code != errno.ENODEV:
                    raise _cannot(f"remove the interface {name}", error) from error


def _configure(name: str, settings: dict[str, Any]) -> None:
    from pyroute2.netlink.exceptions import NetlinkError

    with _netlink("WireGuard") as wireguard:
        try:
            wireguard.set(name, **settings)
        except NetlinkError as error:
            raise _cannot(f"configure {name}", error) from error


def _peer(name: str) -> dict[str, Any]:
    from pyroute2.netlink.exceptions import NetlinkError

    with _netlink("WireGuard") as wireguard:
        try:
            (device,) = wireguard.info(name)
        except NetlinkError as error:
            raise _cannot(f"ask about {name}", error) from error
        peers = device.get_attr("WGDEVICE_A_PEERS") or ()
        return {key: value for one in peers[:1] for key, value in one["attrs"]}


def _cannot(what: str, error: Any) -> NetworkError:
    hint = ""
    if error.code in (errno.EPERM, errno.EACCES):
        hint = "It needs root, or CAP_NET_ADMIN; where IPv6 is switched off, switch it on."
    return NetworkError(f"This machine can't {what}: {error.args[-1]}.", hint=hint)
