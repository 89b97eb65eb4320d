"""Who makes WireGuard's interfaces: this process, by whichever WireGuard there is; or a helper for it.

WireGuard is the kernel's, or wireguard-go. Making interfaces needs root, or CAP_NET_ADMIN; without, all of
it is in namespaces of its own (`rootless`).
"""

import os
import sys
from itertools import count
from typing import Protocol

from huddle.errors import NetworkError
from huddle.networks.wireguard import device as wireguard_device
from huddle.networks.wireguard import leftovers as wireguard_remains
from huddle.networks.wireguard import rootless as wireguard_rootless
from huddle.networks.wireguard import system
from huddle.networks.wireguard.device import Device
from huddle.networks.wireguard.keys import Owner, interface

_OTHERS = "choose tls, webrtc or relay, which need no rights"

_numbers = count()  # of this process's interfaces


class InterfaceMaker(Protocol):
    """Makes interfaces."""

    async def open(self) -> str:
        """See which WireGuard there is; raises NetworkError.

        What dead sessions had left here and is removed now, for people; empty where nothing was.
        """
        ...

    async def make(self) -> Device:
        """A new interface; raises NetworkError."""
        ...


class LocalMaker:
    """This process makes them; their names say that they belong to the process `owner`, or to this one."""

    def __init__(self, owner: int = 0) -> None:
        self._kind = ""
        self._owner = owner or os.getpid()

    async def open(self) -> str:
        check()
        self._kind = await kind(self._owner)
        # Who has no rights has left nothing and could remove nothing.
        return await wireguard_remains.remove() if self._kind != wireguard_device.ROOTLESS else ""

    async def make(self) -> Device:
        return await wireguard_device.make(next_name(self._owner), self._kind)


def check() -> None:
    """Raise NetworkError where this process can't make tunnels, short of trying."""
    if sys.platform != "linux":
        raise NetworkError("The network wireguard works on Linux only.", hint=f"Elsewhere {_OTHERS}.")
    if not system.installed():
        raise NetworkError(
            "This installation has no pyroute2, by which interfaces are made.",
            hint=f"Install it: pip install 'mpyc-huddle[wireguard]', or {_OTHERS}.",
        )
    if not system.may_make_interfaces() and (why := wireguard_rootless.problem()):
        raise NetworkError(
            f"WireGuard needs root, or CAP_NET_ADMIN, to make an interface; without, {why}.",
            hint=f"Start huddle with sudo, or {_OTHERS}.",
        )


async def kind(owner: int | None = None) -> str:
    """Which WireGuard is used here (`device.make`); raises NetworkError where there is none."""
    if not system.may_make_interfaces():
        if wireguard_device.program() is None:
            raise NetworkError("There is no wireguard-go.", hint=f"Install it, or {_OTHERS}.")
        return wireguard_device.ROOTLESS
    if await system.kernel_has_wireguard(next_name(owner or os.getpid())):
        return wireguard_device.KERNEL
    if wireguard_device.program() is None:
        raise NetworkError(
            "This kernel has no WireGuard, and there is no wireguard-go.",
            hint=f"Load the kernel's module (modprobe wireguard), install wireguard-go, or {_OTHERS}.",
        )
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise NetworkError(
            "This machine has no /dev/net/tun, which wireguard-go needs.",
            hint=f"Load the kernel's module tun, let this container have the device, or {_OTHERS}.",
        )
    return wireguard_device.PROGRAM


def next_name(pid: int) -> str:
    """The name of that process's next interface, which this one makes."""
    owner = Owner.of(pid)
    if owner is None:
        raise NetworkError("This machine does not say when a process was started: is /proc there?")
    return interface(owner, next(_numbers))
