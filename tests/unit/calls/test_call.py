"""A call is for one contact, leads to its own host alone, counts for a while, and says nothing to others."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.calls.call import LIFETIME, SIZE, CallBox
from huddle.ceremony.invitation import Invitation
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto

CRYPTO = NativeCrypto()
ADA, BEN, CYD = (Identity.from_seed(CRYPTO, bytes([number]) * 32).did for number in (1, 2, 3))
SECRET = bytes(range(32))
NOW = 1_000_000.0
BOX = CallBox.of(SECRET, ADA, BEN)
INVITATION = Invitation.fresh(CRYPTO, "https://huddle.example.org", ADA)


def test_the_one_who_is_called_reads_the_invitation() -> None:
    call = CallBox.of(SECRET, ADA, BEN).open(CRYPTO, BOX.seal(CRYPTO, INVITATION, NOW))
    assert call is not None and call.invitation == INVITATION


@pytest.mark.parametrize(
    "other",
    [CallBox.of(SECRET, BEN, ADA), CallBox.of(SECRET, ADA, CYD), CallBox.of(bytes(32), ADA, BEN)],
    ids=["the other way", "another guest", "another session's secret"],
)
def test_nobody_else_finds_or_reads_it(other: CallBox) -> None:
    call = BOX.seal(CRYPTO, INVITATION, NOW)
    assert {other.room, other.owner, other.key}.isdisjoint({BOX.room, BOX.owner, BOX.key})
    assert other.open(CRYPTO, call) is None
    assert replace(other, room=BOX.room).open(CRYPTO, call) is None  # put where it was not left


def test_a_call_is_of_its_room() -> None:
    call = BOX.seal(CRYPTO, INVITATION, NOW)
    assert replace(BOX, room=bytes(16)).open(CRYPTO, call) is None


def test_a_call_counts_for_a_while() -> None:
    call = BOX.open(CRYPTO, BOX.seal(CRYPTO, INVITATION, NOW))
    assert call is not None
    assert not call.is_over(NOW - 1_000_000) and not call.is_over(NOW + LIFETIME - 1)
    assert call.is_over(NOW + LIFETIME)


def test_a_call_leads_to_no_other_host_although_the_guest_itself_could_write_it() -> None:
    for host in (BEN, CYD):
        other = Invitation.fresh(CRYPTO, INVITATION.rendezvous, host)
        assert BOX.open(CRYPTO, BOX.seal(CRYPTO, other, NOW)) is None
    groups = Invitation.fresh(CRYPTO, INVITATION.rendezvous, ADA, groups=True)
    assert BOX.open(CRYPTO, BOX.seal(CRYPTO, groups, NOW)) is None


def test_all_calls_are_of_one_size_and_none_is_like_another() -> None:
    urls = ("http://10.0.0.1:1234", "https://a-long-name.of-a-rendezvous.example.org/with/a/path")
    calls = [BOX.seal(CRYPTO, Invitation.fresh(CRYPTO, url, ADA), NOW) for url in urls for _ in range(2)]
    assert {len(call) for call in calls} == {SIZE}
    assert len({call[:12] for call in calls}) == len(calls)


@given(st.binary(max_size=2 * SIZE), st.integers(0, SIZE - 1), st.integers(1, 255))
def test_anything_else_is_no_call(noise: bytes, place: int, change: int) -> None:
    assert BOX.open(CRYPTO, noise) is None
    call = bytearray(BOX.seal(CRYPTO, INVITATION, NOW))
    call[place] ^= change
    assert BOX.open(CRYPTO, bytes(call)) is None


def test_a_call_of_another_length_is_none_although_its_seal_is_right() -> None:
    nonce = bytes(12)
    for size in (0, 8, 64, 407, 409):
        body = (b"\xff" * 8 + INVITATION.url.encode()).ljust(size, b"\0")[:size]
        assert BOX.open(CRYPTO, nonce + CRYPTO.seal(BOX.key, nonce, body, BOX.room)) is None


@given(st.binary(max_size=400))
def test_whatever_a_thief_of_the_secret_seals_is_a_call_to_that_host_or_none(link: bytes) -> None:
    """Whoever has the contacts file can seal anything."""
    nonce, body = bytes(12), b"\xff" * 8 + link.ljust(400, b"\0")
    call = BOX.open(CRYPTO, nonce + CRYPTO.seal(BOX.key, nonce, body, BOX.room))
    assert call is None or call.invitation.is_host(ADA)


def test_what_is_secret_is_not_shown() -> None:
    shown = repr(BOX)
    assert repr(BOX.key) not in shown and repr(BOX.owner) not in shown
