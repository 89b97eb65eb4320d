"""TUN devices in other network namespaces: packets of a machine as reads and writes of a descriptor.

Each read and write is one packet behind a virtio header (VNET_HDR), by which the kernel hands over what it
has not cut into segments or given checksums yet. Needs root on Linux.
"""

import contextlib
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

NAMESPACES = Path("/run/netns")
DEVICE = "wan0"
HEADER = 10  # of virtio, before each packet
LARGEST = 65536 + HEADER

# linux/if_tun.h
_TUNSETIFF, _TUNSETOFFLOAD = 0x400454CA, 0x400454D0
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
_CSUM, _TSO4, _TSO6 = 1, 2, 4


@contextlib.contextmanager
def entered(network: Path) -> Iterator[None]:
    """This thread, and what it starts, are in this namespace; what it opens there stays there."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(network, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.setns(there, os.CLONE_NEWNET)
        finally:
            os.close(there)
        try:
            yield
        finally:
            os.setns(own, os.CLONE_NEWNET)
    finally:
        os.close(own)


def inside(namespace: str) -> AbstractContextManager[None]:
    """As `entered`, by the namespace's name."""
    return entered(NAMESPACES / namespace)


def open_tun(namespace: str) -> int:
    """Make the device there; its descriptor, not blocking. The device is gone when it is closed."""
    with inside(namespace):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            flags = _IFF_TUN | _IFF_NO_PI | _IFF_VNET_HDR
            fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), flags))
            set_offload(fd, segments=True)
        except BaseException:
            os.close(fd)
            raise
    return fd


def set_offload(fd: int, *, segments: bool) -> None:
    """Let the kernel hand over segments of up to 64 KiB, or whole packets only; checksums are never made."""
    fcntl.ioctl(fd, _TUNSETOFFLOAD, _CSUM | (_TSO4 | _TSO6 if segments else 0))
