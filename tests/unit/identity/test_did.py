"""dids of Ed25519 keys."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from huddle.identity.did import DID_LENGTH, did_from_public, public_from_did
from huddle.identity.native import NativeCrypto

PRIME = 2**255 - 19
CRYPTO = NativeCrypto()


def own_did() -> str:
    return did_from_public(CRYPTO.signing_public(CRYPTO.signing_key()))


def test_the_did_of_the_zero_seed_is_that_of_the_methods_test_suite() -> None:
    public = CRYPTO.signing_public(CRYPTO.signing_from_seed(bytes(32)))
    assert did_from_public(public) == "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"


@given(st.binary(min_size=32, max_size=32))
@example(b"\xff" * 32)
@example(bytes(32))
def test_a_did_has_one_length_and_leads_back_to_its_key_or_is_refused(public: bytes) -> None:
    did = did_from_public(public)
    assert len(did) == DID_LENGTH
    try:
        assert public_from_did(did) == public
    except ValueError:
        assert int.from_bytes(public, "little") % 2**255 >= PRIME or public[:31] in (
            bytes(31),
            b"\1" + bytes(30),
        )


def points_of_small_order() -> list[int]:
    """The y of the points of order 1, 2, 4 and 8, from the curve's equation alone."""
    d = -121665 * pow(121666, -1, PRIME) % PRIME
    root = pow(2, (PRIME - 1) // 4, PRIME)  # of -1

    def square_root(value: int) -> int:
        guess = pow(value, (PRIME + 3) // 8, PRIME)
        return guess if guess * guess % PRIME == value % PRIME else guess * root % PRIME

    # A point of order 8 doubles to y = 0: y² = -x², which the equation turns into d·y⁴ + 2·y² - 1 = 0.
    discriminant = square_root(1 + d)
    squares = [(-1 + sign * discriminant) * pow(d, -1, PRIME) % PRIME for sign in (1, -1)]
    roots = [square_root(square) for square in squares if pow(square, (PRIME - 1) // 2, PRIME) == 1]
    return [0, 1, PRIME - 1, *roots, *(PRIME - y for y in roots)]


@pytest.mark.parametrize("y", points_of_small_order())
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_a_key_for_which_anybody_can_sign_is_no_identity(y: int, sign: int) -> None:
    with pytest.raises(ValueError, match="protects nothing"):
        public_from_did(did_from_public((y | sign).to_bytes(32, "little")))


def test_there_are_two_keys_of_order_eight_up_to_the_sign() -> None:
    assert len(points_of_small_order()) == 5


def test_a_second_spelling_of_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="protects nothing"):
        public_from_did(did_from_public((PRIME + 3).to_bytes(32, "little")))


@pytest.mark.parametrize(
    "did",
    [
        "",
        "did:key:z",
        "did:web:example.org",
        "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooW0",  # 0 is not in the alphabet
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp ",
        "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",  # an X25519 key
        "DID:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
        "did:key:z" + "1" * 47,
        "did:key:z" + "z" * 47,
    ],
    ids=str.upper,  # a did in lower case would be taken for one that is new in each process
)
def test_what_is_not_the_did_of_an_ed25519_key_is_refused(did: str) -> None:
    with pytest.raises(ValueError):
        public_from_did(did)


@given(st.text(max_size=80) | st.text("123456789ABCabcz", min_size=47, max_size=47).map("did:key:z".__add__))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        assert did_from_public(public_from_did(text)) == text
    except ValueError:
        pass


def test_a_key_of_another_length_has_no_did() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        did_from_public(bytes(31))
