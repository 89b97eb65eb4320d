"""Sockets for wires: listening on one port in both families, tuned, and never left open by a failure."""

import errno
import os
import socket
import sys

import pytest

from huddle.networks import sockets


def test_a_pair_shares_one_port_and_keeps_out_others() -> None:
    pair = sockets.listening_pair(0)
    try:
        ports = {sock.getsockname()[1] for sock in pair}
        assert len(ports) == 1 and 0 not in ports
        with pytest.raises(OSError) as raised:
            sockets.listening_pair(ports.pop())
        assert raised.value.errno == errno.EADDRINUSE
    finally:
        for sock in pair:
            sock.close()


def test_a_connection_works_and_is_tuned_at_both_ends() -> None:
    with sockets.listening("127.0.0.1", 0) as door, sockets.dialling(socket.AF_INET, "127.0.0.1") as out:
        assert not door.getblocking() and not out.getblocking()
        door.settimeout(5)
        out.connect_ex(door.getsockname())
        inside, (host, port) = door.accept()
        with inside:
            assert (host, port) == out.getsockname()
            for sock in (inside, out):
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                if sys.platform == "linux":
                    timeout = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                    assert timeout == sockets.DEAD_AFTER * 1000


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open descriptors are counted by /proc")
def test_an_address_that_is_not_ours_leaves_no_socket_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(OSError):
            sockets.dialling(socket.AF_INET, "192.0.2.1")
        with pytest.raises(OSError):
            sockets.listening("192.0.2.1", 0)
    assert len(os.listdir("/proc/self/fd")) == before
