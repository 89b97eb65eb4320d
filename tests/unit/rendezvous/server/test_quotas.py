"""What counts as one client, and what each of its networks may use."""

import pytest

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.server.quotas import Quotas, networks_of


@pytest.mark.parametrize(
    ("host", "networks"),
    [
        ("192.0.2.7", ["192.0.2.7"]),
        ("::ffff:192.0.2.7", ["192.0.2.7"]),
        ("2001:db8:1:2:3:4:5:6", ["2001:db8:1:2::/64", "2001:db8:1::/56", "2001:db8:1::/48"]),
        ("fe80::1%eth0", ["fe80::/64", "fe80::/56", "fe80::/48"]),
        ("", [""]),
        ("nonsense", ["nonsense"]),
    ],
)
def test_an_ipv6_address_counts_in_three_networks(host: str, networks: list[str]) -> None:
    assert [name for name, _ in networks_of(host)] == networks


def test_who_has_a_site_s_addresses_has_four_clients_share_and_no_more() -> None:
    quotas = Quotas(ServerLimits(lookups_per_minute=10))

    def tried(site: int, number: int) -> bool:
        return quotas.of(f"2001:db8:{site}:{number:x}::1", 0.0).spend("lookups", 0.0) == 0

    assert sum(tried(7, number) for number in range(1_000)) == 40
    assert sum(tried(8, number) for number in range(256)) == 20, "a household's"
    assert quotas.of("2001:db8:9::1", 0.0).spend("lookups", 0.0) == 0, "another site is not concerned"


def test_a_token_that_one_network_has_not_is_taken_from_none() -> None:
    quotas = Quotas(ServerLimits(lookups_per_minute=10))
    for _ in range(100):
        quotas.of("2001:db8:7:1::1", 0.0).spend("lookups", 0.0)
    neighbour = quotas.of("2001:db8:7:2::1", 0.0)
    assert [neighbour.spend("lookups", 0.0) == 0 for _ in range(11)] == [True] * 10 + [False]


def test_rooms_and_their_bytes_count_in_each_network_until_they_go() -> None:
    quotas = Quotas(ServerLimits())
    first, second = quotas.of("2001:db8:7:1::1", 0.0), quotas.of("2001:db8:7:2::1", 0.0)
    first.set_room(b"1", 70)
    second.set_room(b"2", 70)
    second.set_room(b"2", 90)
    assert not second.may_make_room(1) and not first.may_make_room(1)
    assert not second.may_add_bytes(11, 100)
    assert second.may_add_bytes(10, 100)
    assert not quotas.of("2001:db8:7:3::1", 0.0).may_add_bytes(41, 100), "the household has its factor of two"
    first.drop_room(b"1")
    assert first.may_make_room(1)


def test_what_uses_nothing_is_forgotten() -> None:
    quotas = Quotas(ServerLimits(lookups_per_minute=10))
    quotas.of("2001:db8:7:1::1", 0.0).spend("lookups", 0.0)
    quotas.of("192.0.2.1", 0.0).add("sockets", 1)
    quotas.sweep(1.0)
    assert len(quotas) == 4
    quotas.sweep(60.0)
    assert len(quotas) == 1
