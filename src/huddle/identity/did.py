"""Identities as text: the `did:key` of an Ed25519 public key.

    did = "did:key:z" ‖ base58btc(0xed 0x01 ‖ 32-byte public key)

Each key has exactly one did and each did that `public_from_did` takes has exactly one spelling, so
dids may be compared as text. Whether somebody holds the key is for signatures to show; keys of small
order, for which anybody can make signatures, are no identities.
Source: W3C CCG, The did:key Method; multicodec `ed25519-pub`; base58 with Bitcoin's alphabet.
"""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PREFIX = "did:key:z"
_ED25519 = b"\xed\x01"
_DIGITS = 47  # 34 bytes that start with 0xed are 47 digits of base 58

_PRIME = 2**255 - 19
# y of the points of order 1, 2, 4 and 8 on Curve25519's Edwards form (RFC 8032, 5.1).
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = (0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8)

DID_LENGTH = len(_PREFIX) + _DIGITS


def did_from_public(public: bytes) -> str:
    """The did of a 32-byte Ed25519 public key."""
    if len(public) != 32:
        raise ValueError(f"an Ed25519 key has 32 bytes, not {len(public)}")
    number = int.from_bytes(_ED25519 + public, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    return _PREFIX + digits


def public_from_did(did: str) -> bytes:
    """The 32-byte Ed25519 public key of a did; ValueError where it is no did of such a key."""
    digits = did.removeprefix(_PREFIX)
    if len(digits) != _DIGITS or len(did) != DID_LENGTH:
        raise ValueError("not the did:key of an Ed25519 key")
    number = 0
    for digit in digits:
        value = _ALPHABET.find(digit)
        if value < 0:
            raise ValueError(f"{digit!r} in a did, which base58 does not have")
        number = number * 58 + value
    if number >> 256 != int.from_bytes(_ED25519, "big"):
        raise ValueError("the did of another kind of key than Ed25519")
    public = (number & (1 << 256) - 1).to_bytes(32, "big")
    # The highest bit is the sign of x; the rest is y.
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    if y >= _PRIME or y in _SMALL_ORDER:
        raise ValueError("the did of a key that protects nothing")
    return public
