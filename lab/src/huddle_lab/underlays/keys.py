"""Keys for the machines of one cell, of the kinds that overlays want. They last two days."""

import base64
import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate and its key, PEM; `fingerprint` is SHA-256 as AB:CD:…"""

    certificate: bytes
    key: bytes
    fingerprint: str


def certificate(name: str) -> Certificate:
    """One for this name, on P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        made.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        made.fingerprint(hashes.SHA256()).hex(":").upper(),
    )


def rsa_pair() -> tuple[bytes, bytes]:
    """A private key and its public key, PEM of PKCS #1."""
    key = rsa.generate_private_key(65537, 2048)
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ),
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
    )


def x25519_pair() -> tuple[str, str]:
    """A private key and its public key, as WireGuard writes them (base64)."""
    key = X25519PrivateKey.generate()
    return (
        base64.b64encode(key.private_bytes_raw()).decode(),
        base64.b64encode(key.public_key().public_bytes(*_RAW)).decode(),
    )
