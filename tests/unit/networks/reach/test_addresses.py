"""Addresses: which are offered, advertised, refused, and in which order a peer's are tried."""

from ipaddress import ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import LocalError
from huddle.networks.reach import addresses
from huddle.networks.reach.addresses import LocalAddress


def local(text: str, interface: str = "eth0") -> LocalAddress:
    return LocalAddress(interface, ip_interface(text))


LOOPBACK = local("127.0.0.1/8", "lo")


def test_loopback_is_offered_only_when_asked_or_alone() -> None:
    both = [LOOPBACK, local("192.0.2.5/24"), local("fe80::1/64"), local("2001:db8::5/64")]
    assert addresses.offerable(both) == ["192.0.2.5", "2001:db8::5"]
    assert addresses.offerable(both, loopback=True) == ["192.0.2.5", "2001:db8::5", "127.0.0.1"]
    assert addresses.offerable([LOOPBACK, local("fe80::1/64")]) == ["127.0.0.1"]


def test_this_machine_has_loopback_and_no_scoped_addresses() -> None:
    found = addresses.local_addresses()
    assert LOOPBACK in [LocalAddress("lo", one.address) for one in found]
    assert not [one for one in found if "%" in str(one.ip)]


def test_via_takes_an_address_or_an_interface_and_nothing_else() -> None:
    by_address = addresses.via("127.0.0.1")
    assert [str(one.ip) for one in by_address] == ["127.0.0.1"]
    assert by_address[0] in addresses.via(by_address[0].interface)
    for wrong in ("no-such-interface", "192.0.2.254"):
        with pytest.raises(LocalError, match="no interface that is up") as failure:
            addresses.via(wrong)
        assert by_address[0].interface in failure.value.hint


def test_an_address_that_several_tunnels_have_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [local("10.99.0.1/32", "tun0"), local("10.99.0.1/32", "tun1"), LOOPBACK]
    monkeypatch.setattr(addresses, "local_addresses", lambda: both)
    assert addresses.via("10.99.0.1") == both[:1]
    assert addresses.offerable(both) == ["10.99.0.1"]


def test_the_lan_address_is_one_of_this_machine() -> None:
    assert addresses.lan_address() in {str(one.ip) for one in addresses.local_addresses()}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("169.254.3.4", "link-local"),
        ("10.1.2.3", "private"),
        ("192.168.0.9", "private"),
        ("fd12::9", "private"),
        ("100.64.0.1", "cgnat"),
        ("100.127.255.255", "cgnat"),
        ("100.128.0.1", "public"),
        ("9.9.9.9", "public"),
        ("2620:fe::fe", "public"),
        ("224.0.0.1", "other"),
        ("0.0.0.0", "other"),  # noqa: S104
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert addresses.kind(ip_address(text)) == kind


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("home.example", "home.example", None),
        ("home.example:4000", "home.example", 4000),
        ("192.0.2.1:1", "192.0.2.1", 1),
        ("2001:db8::7", "2001:db8::7", None),
        ("[2001:db8::7]", "2001:db8::7", None),
        ("[2001:db8::7]:65535", "2001:db8::7", 65535),
    ],
)
def test_what_can_be_advertised(text: str, host: str, port: int | None) -> None:
    assert addresses.parse_advertised(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    ["", ":4000", "home.example:", "home.example:0", "home.example:65536", "home.example:٣", "a b", "[::1",
     "[::1]x", "[]:5", "-x.example", "224.0.0.1", "0::0", "fe80::1%eth0", "a..b",
         "x" * 64, "a." * 130, "[::1]:"],
)  # fmt: skip
def test_what_cannot_be_advertised(text: str) -> None:
    with pytest.raises(LocalError) as failure:
        addresses.parse_advertised(text)
    assert failure.value.hint


@given(st.text())
def test_any_text_is_a_host_and_harmless_or_refused(text: str) -> None:
    try:
        host, port = addresses.parse_advertised(text)
    except LocalError:
        return
    assert host.isascii() and host.isprintable() and " " not in host
    assert port is None or 0 < port < 65536


def test_the_nearest_are_dialled_first_and_the_families_take_turns() -> None:
    own = [local("192.0.2.5/24"), local("2001:db8:1::5/64"), LOOPBACK]
    hosts = [
        "home.example",
        "198.51.100.1",
        "198.51.100.2",
        "2001:db8:2::1",
        "192.0.2.9",
        "127.0.0.1",
        "192.0.2.5",
        "2001:db8:1::9",
    ]
    order = [hosts[index] for index in addresses.dialling_order(hosts, own)]
    assert order == [
        "127.0.0.1",
        "192.0.2.5",
        "192.0.2.9",
        "2001:db8:1::9",
        "2001:db8:2::1",
        "198.51.100.1",
        "198.51.100.2",
        "home.example",
    ]


@given(st.lists(st.one_of(st.ip_addresses().map(str), st.just("home.example"))))
def test_every_host_is_tried_once(hosts: list[str]) -> None:
    assert sorted(addresses.dialling_order(hosts, [LOOPBACK])) == list(range(len(hosts)))


def test_deprecated_and_tentative_addresses_are_known() -> None:
    table = (
        "00000000000000000000000000000001 01 80 10 80       lo\n"
        "20010db8000000000000000000000001 02 40 00 00     eth0\n"
        "20010db8000000000000000000000002 02 40 00 20     eth0\n"
        "20010db8000000000000000000000003 02 40 00 41     eth0\n"
        "not a line\n"
    )
    assert addresses.parse_if_inet6(table) == {ip_address("2001:db8::2"), ip_address("2001:db8::3")}
