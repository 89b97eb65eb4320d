"""The counting of sockets, without any."""

from typing import Any, cast

import pytest

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.server.quotas import Quotas
from huddle.rendezvous.server.socket_guard import Proxies, SocketGuard


class Transport:
    def __init__(self, host: str) -> None:
        self.host = host
        self.aborted = False

    def get_extra_info(self, name: str) -> Any:
        return (self.host, 1) if name == "peername" else None

    def abort(self) -> None:
        self.aborted = True


def guard(trusted: tuple[str, ...] = (), **limits: int) -> SocketGuard:
    some = ServerLimits(**limits)
    return SocketGuard(some, Quotas(some), lambda: 0.0, trusted)


def transport(host: str = "192.0.2.1") -> Any:
    return cast(Any, Transport(host))


def test_a_household_s_networks_count_together() -> None:
    sockets = guard(sockets_per_address=3)
    came = [sockets.enter(transport(f"2001:db8:7:{number:x}::1")) for number in range(100)]
    assert sum(came) == 6


def test_a_trusted_proxy_counts_in_all_only() -> None:
    sockets = guard(("192.0.2.0/24",), sockets_per_address=1, pending=50)
    assert all(sockets.enter(transport()) for _ in range(40))
    assert [sockets.enter(transport("198.51.100.1")) for _ in range(2)] == [True, False]


def test_each_socket_is_given_back_once() -> None:
    sockets = guard(sockets_per_address=1, pending_per_address=1)
    plain, secure, other = transport(), transport(), transport()
    for _ in range(5):
        assert sockets.enter(plain)
        assert not sockets.enter(other)
        assert sockets.replace(plain, secure)
        sockets.became_websocket(secure)
        sockets.became_websocket(secure)
        assert sockets.counts == (1, 0)
        sockets.leave(plain)
        sockets.leave(secure)
        sockets.leave(secure)
        assert sockets.counts == (0, 0)
    assert not sockets.replace(plain, secure)


def test_websockets_are_never_ended_for_others() -> None:
    sockets = guard(sockets=2)
    kept = [transport(f"192.0.2.{number}") for number in range(2)]
    for one in kept:
        assert sockets.enter(one)
        sockets.became_websocket(one)
    assert not sockets.enter(transport("192.0.2.9"))
    assert not any(one.aborted for one in kept)


@pytest.mark.parametrize(
    ("trusted", "host", "is_trusted"),
    [
        ((), "127.0.0.1", False),
        (("127.0.0.1",), "127.0.0.1", True),
        (("10.0.0.0/8",), "10.9.9.9", True),
        (("10.0.0.0/8",), "11.0.0.1", False),
        (("*",), "198.51.100.1", True),
        (("proxy.example",), "198.51.100.1", False),
        (("127.0.0.1",), "", False),
    ],
)
def test_which_proxies_are_trusted(trusted: tuple[str, ...], host: str, is_trusted: bool) -> None:
    assert Proxies(trusted).trusts(host) == is_trusted
