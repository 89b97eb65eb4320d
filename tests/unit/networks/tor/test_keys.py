"""Onion addresses as Tor writes them, and keys that both of a pair make alike."""

from base64 import b32decode, b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from huddle.networks.tor.keys import PairKeys, ServiceKey, address


@pytest.mark.parametrize(
    "name",  # of rend-spec-v3, 6
    [
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd",
        "sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd",
        "xa4r2iadxm55fbnqgwwi5mymqdcofiu3w6rpbtqn7b2dyn7mgwj64jyd",
    ],
)
def test_an_address_is_that_of_its_key(name: str) -> None:
    key = b32decode(name.upper())[:32]
    assert address(key) == name
    assert address(bytes([key[0] ^ 1]) + key[1:]) != name


def test_a_private_key_is_clamped_and_stays_out_of_sight() -> None:
    key = ServiceKey.of_seed(bytes(range(32)))
    scalar = b64decode(key.private.removeprefix("ED25519-V3:"))
    assert len(scalar) == 64 and not scalar[0] & 7 and scalar[31] >> 6 == 1
    assert key.private not in repr(key)


def test_both_of_a_pair_have_the_same_keys_for_a_direction_and_nobody_else_has() -> None:
    one, same = PairKeys.derived(b"s" * 32, b"a"), PairKeys.derived(b"s" * 32, b"a")
    assert one == same
    others = [PairKeys.derived(b"s" * 32, b"b"), PairKeys.derived(b"t" * 32, b"a")]
    assert len({one.tag, *(other.tag for other in others)}) == 3
    assert len({one.public, *(other.public for other in others)}) == 3
    private = X25519PrivateKey.from_private_bytes(b64decode(one.private.removeprefix("x25519:")))
    assert b32decode(one.public + "====") == private.public_key().public_bytes_raw()
    assert one.private not in repr(one)
