"""The network's own part: who can have it, what is offered, and which offers are none."""

import sys
from dataclasses import dataclass

import pytest

from huddle.codec import decode, encode
from huddle.errors import NetworkError, PeerError
from huddle.identity.native import NativeCrypto
from huddle.networks.base import PeerOffer
from huddle.networks.wireguard import device as wireguard_device
from huddle.networks.wireguard import maker as wireguard_maker
from huddle.networks.wireguard import rootless as wireguard_rootless
from huddle.networks.wireguard import system as wireguard_system
from huddle.networks.wireguard.network import Offer, WireGuardNetwork

URL = "http://127.0.0.1:1"


def network() -> WireGuardNetwork:
    return WireGuardNetwork(URL, NativeCrypto())


def peer(pid: int, offer: bytes) -> PeerOffer:
    return PeerOffer(pid, f"party {pid}", offer, b"s" * 32, True)


async def test_each_party_offers_a_key_of_its_own_for_each_session() -> None:
    offers = [decode(Offer, network().offer()) for _ in range(3)]
    assert {offer.version for offer in offers} == {1}
    assert len({offer.public for offer in offers}) == 3


@pytest.mark.parametrize(
    "offer", [b"", b"\1", encode(Offer(2, b"k" * 32)), encode(Offer(1, b"k" * 32)) + b"\0", b"\1" + b"k" * 31]
)
async def test_an_offer_that_is_none_is_the_peer_s_fault(offer: bytes) -> None:
    with pytest.raises(PeerError, match="party 1 sent an offer"):
        network().begin((peer(1, offer),), lambda pid, run, wire: None)


async def test_a_key_that_is_another_party_s_is_refused() -> None:
    one = network()
    with pytest.raises(PeerError, match="party 1 offers a WireGuard key"):
        one.begin((peer(1, one.offer()),), lambda pid, run, wire: None)
    other = network().offer()
    with pytest.raises(PeerError, match="party 2 offers a WireGuard key"):
        network().begin((peer(1, other), peer(2, other)), lambda pid, run, wire: None)


async def test_a_party_without_it_is_not_dialled() -> None:
    with pytest.raises(NetworkError, match="Party 1 has no WireGuard"):
        await network().dial(1, 0)


async def test_without_rights_it_is_left_out_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wireguard_system, "may_make_interfaces", lambda: False)
    monkeypatch.setattr(wireguard_rootless, "problem", lambda: "this machine forbids it")
    with pytest.raises(NetworkError, match=r"needs root.*; without, this machine forbids it") as caught:
        await network().open()
    assert "relay" in caught.value.hint


async def test_without_its_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wireguard_system, "installed", lambda: False)
    with pytest.raises(NetworkError) as caught:
        await network().open()
    assert "mpyc-huddle[wireguard]" in caught.value.hint


async def test_elsewhere_than_on_linux_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NetworkError, match="Linux only"):
        wireguard_maker.check()


async def test_without_any_wireguard_it_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(name: str) -> bool:
        return False

    monkeypatch.setattr(wireguard_system, "kernel_has_wireguard", none)
    monkeypatch.setattr(wireguard_device, "program", lambda: None)
    with pytest.raises(NetworkError) as caught:
        await wireguard_maker.kind()
    assert "modprobe wireguard" in caught.value.hint and "wireguard-go" in caught.value.hint


@dataclass
class Status:
    text: str

    def read_text(self, **_: str) -> str:
        return self.text


@pytest.mark.parametrize(
    ("mask", "may"), [("000001ffffffffff", True), ("0000000000001000", True), ("0", False)]
)
def test_the_right_to_make_interfaces_is_read(monkeypatch: pytest.MonkeyPatch, mask: str, may: bool) -> None:
    status = Status(f"Name:\tx\nCapPrm:\t0\nCapEff:\t{mask}\n")
    monkeypatch.setattr(wireguard_system, "Path", lambda _: status)
    assert wireguard_system.may_make_interfaces() is may
