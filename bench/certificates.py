"""Certificates with which plain MPyC runs by `--ssl`: a CA and one certificate a party, in MPyC's layout.

MPyC reads `.config/mpyc_ca.crt` and `.config/party_I.{crt,key}` of the directory in which it starts, and
checks that a server is called "MPyC party I".
"""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def write_certificates(folder: Path, parties: int) -> None:
    """Make `folder/.config` with what so many parties need."""
    config = folder / ".config"
    config.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    ca_key, ca_name = ec.generate_private_key(ec.SECP256R1()), _name("MPyC CA of a benchmark")

    def made(name: x509.Name, key: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(ca_name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority = (
        x509.BasicConstraints(ca=True, path_length=0),
        x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()),
        x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        ),
    )  # fmt: skip
    (config / "mpyc_ca.crt").write_bytes(made(ca_name, ca_key.public_key(), *authority))
    for pid in range(parties):
        key, name = ec.generate_private_key(ec.SECP256R1()), f"MPyC party {pid}"
        party = (
            x509.SubjectAlternativeName([x509.DNSName(name)]),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
        )
        (config / f"party_{pid}.crt").write_bytes(made(_name(name), key.public_key(), *party))
        (config / f"party_{pid}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
