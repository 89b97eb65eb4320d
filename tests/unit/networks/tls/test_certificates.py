"""Certificates: what they say, what they do not, and which of a peer's are refused."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from huddle.networks.tls.certificates import (
    Certificate,
    check_certificate,
    client_context,
    make_certificate,
    server_context,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> str:
    """Let two contexts meet in memory; the version of TLS, or ssl.SSLError."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True)]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    return str(ends[0].version())


def test_a_certificate_names_nobody_and_is_new_each_time() -> None:
    one, other = make_certificate(NOW), make_certificate(NOW)
    first, second = (x509.load_der_x509_certificate(each.der) for each in (one, other))
    assert first.public_key() != second.public_key()
    assert first.subject != second.subject and first.serial_number != second.serial_number
    assert len(first.subject) == 1 and not list(first.extensions)[1:]
    assert first.not_valid_after_utc - first.not_valid_before_utc <= timedelta(days=8)
    assert one.key.hex() not in repr(one)


def test_a_wrong_clock_does_not_matter() -> None:
    long_ago, far_ahead = (make_certificate(NOW + timedelta(days=days)) for days in (-9000, 9000))
    contexts = client_context(long_ago, [far_ahead.der]), server_context(far_ahead, [long_ago.der])
    assert shake_hands(*contexts) == "TLSv1.3"


@pytest.mark.parametrize("side", [0, 1])
def test_either_side_refuses_whom_it_does_not_expect(side: int) -> None:
    ann, bob, mallory = (make_certificate(NOW) for _ in range(3))
    trusts = [[bob.der], [ann.der]]
    trusts[side] = [mallory.der]
    with pytest.raises(ssl.SSLError):
        shake_hands(client_context(ann, trusts[0]), server_context(bob, trusts[1]))


def test_a_peer_cannot_vouch_for_another_certificate() -> None:
    """A certificate signed by one of the roster's is not of the roster."""
    ann, bob = make_certificate(NOW), make_certificate(NOW)
    issuer = x509.load_der_x509_certificate(bob.der)
    signer = serialization.load_der_private_key(bob.key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    child = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(signer, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    forged = Certificate(child.public_bytes(serialization.Encoding.DER), private)
    with pytest.raises(ssl.SSLError):
        shake_hands(client_context(forged, [ann.der]), server_context(ann, [bob.der]))


def test_another_kind_of_key_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(ValueError, match="P-256"):
        check_certificate(certificate.public_bytes(serialization.Encoding.DER))


GOOD = make_certificate(NOW).der


@given(st.one_of(st.binary(max_size=400), st.integers(0, len(GOOD) - 1).map(lambda cut: GOOD[:cut])))
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        check_certificate(data)


def test_nothing_may_follow_a_certificate() -> None:
    with pytest.raises(ValueError):
        check_certificate(GOOD + GOOD)
