"""Certificates made for one session, and the TLS contexts that trust exactly the peers'.

A certificate here is only a public key in the form that TLS wants: the sealed offers carry it whole,
and whoever sees it on a wire compares its hash. So it names nobody, and its dates decide nothing: a
machine with a wrong clock takes part like any other, and the session's end makes the key useless.

The private key is handed to OpenSSL through a pipe and never lies in a file.
"""

import base64
import hashlib
import ipaddress
import os
import secrets
import ssl
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME; Python has no name for it.
_NO_CHECK_TIME = 0x200000

_BEFORE = timedelta(days=1)
_AFTER = timedelta(days=7)
_SERVER = timedelta(days=365)  # for which a server's is good, which may run for long


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate (DER) and its private key (PKCS #8, DER), which repr never shows."""

    der: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"Certificate({fingerprint(self.der).hex()[:16]})"


def fingerprint(der: bytes) -> bytes:
    """The 32 bytes by which a certificate is known on a wire: the SHA-256 of its DER."""
    return hashlib.sha256(der).digest()


def make_certificate(now: datetime) -> Certificate:
    """A fresh P-256 key in a self-signed certificate; `now` is aware of its time zone."""
    key = ec.generate_private_key(ec.SECP256R1())
    # Random, because OpenSSL looks for an issuer by its name, and all peers' are in one store.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, secrets.token_hex(8))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + _AFTER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(certificate.public_bytes(serialization.Encoding.DER), private)


def make_server_certificate(host: str, now: datetime) -> tuple[str, str]:
    """A certificate and key (PEM) for a server with that name or address, for clients that are told both.

    Unlike those of sessions it must please any client: it has names, uses and the key's identifiers.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"huddle {secrets.token_hex(8)}")])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    public = key.public_key()
    uses = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
         "crl_sign", "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + _SERVER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **uses), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def check_certificate(der: bytes) -> None:
    """Raise ValueError unless these bytes are one certificate with a P-256 key.

    Anything else would fail later, in a handshake, or spoil the store that all peers' are in.
    """
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the certificate's key is not on P-256")


def client_context(own: Certificate, peers: Iterable[bytes]) -> ssl.SSLContext:
    """For the side that dials; `peers` are the certificates (DER) that it may meet."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, own, peers)


def server_context(own: Certificate, peers: Iterable[bytes]) -> ssl.SSLContext:
    """For the side that is dialled; `peers` are the certificates (DER) that it may meet."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, own, peers)
    context.num_tickets = 0  # every wire proves both certificates anew
    return context


def _context(protocol: int, own: Certificate, peers: Iterable[bytes]) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    # Set, not added to: newer Pythons may start from VERIFY_X509_STRICT, which refuses bare certificates.
    context.verify_flags = ssl.VerifyFlags(
        ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    )
    anchors = b"".join(peers)
    if anchors:
        context.load_verify_locations(cadata=anchors)
    with ExitStack() as stack:
        context.load_cert_chain(
            _piped(stack, "CERTIFICATE", own.der),
            _piped(stack, "PRIVATE KEY", own.key),
        )
    return context


def _piped(stack: ExitStack, label: str, der: bytes) -> str:
    """A path from which OpenSSL can read this, once; it takes PEM from paths only."""
    reading, writing = os.pipe()
    stack.callback(os.close, reading)
    try:
        # A certificate and a key are far smaller than the smallest pipe (4 KiB).
        os.write(writing, _pem(label, der))
    finally:
        os.close(writing)
    return f"/dev/fd/{reading}"


def _pem(label: str, der: bytes) -> bytes:
    return (
        f"-----BEGIN {label}-----\n".encode() + base64.encodebytes(der) + f"-----END {label}-----\n".encode()
    )
