"""Runs MPyC by itself with -P, a machine per party: the reference, with and without its own --ssl.

Its certificates are made for each run, as MPyC's documentation asks for them: `.config/mpyc_ca.crt` and
`.config/party_<pid>.crt` and `.key` in the directory where a party is started.
"""

import datetime
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from huddle.lab.child import Child
from huddle.lab.measured import Measured, RunFailed, connected, figures, took, versions
from huddle.lab.netns import Machine

PORT = 11365


def run(
    machines: Sequence[Machine],
    entry: Path,
    args: Sequence[str],
    folder: Path,
    *,
    ssl: bool,
    timeout: float,
) -> Measured:
    """One run by a party on each of these machines; RunFailed where it does not end well."""
    if ssl:
        certificates(folder / ".config", len(machines))
    flags = [part for machine in machines for part in ("-P", f"{machine.address}:{PORT + machine.index}")]
    flags += ["--ssl"] if ssl else []
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MPYC_", "PYTHON"))}
    outputs: list[list[str]] = [[] for _ in machines]
    began = time.time()
    children: list[Child] = []
    try:
        for pid, machine in enumerate(machines):
            # Logs are on standard error; both are one stream here.
            command = [sys.executable, "-u", str(entry), *args, *flags, "-I", str(pid)]
            children.append(Child(machine.command(command), outputs[pid].append, env=environment, cwd=folder))
        deadline = time.monotonic() + timeout
        for pid, child in enumerate(children):
            if not child.join(deadline):
                raise RunFailed(f"party {pid} had not ended after {timeout:g} s: {_last(child)}")
            if child.code:
                raise RunFailed(f"party {pid} ended with code {child.code}: {_last(child)}")
    finally:
        for child in children:
            child.stop()
    read = [figures("\n".join(lines)) for lines in outputs]
    found = [one for one, _ in read]
    ready = connected(found)
    return Measured(
        seconds=took(found),
        wall_s=max(child.ended for child in children) - began,
        cpu_s=sum(child.cpu for child in children),
        program_cpu_s=sum(one["cpu"] for one in found),
        sent=max(one["sent"] for one in found),
        memory_mb=max(one["memory_mb"] for one in found),
        queue_s=max(one["queued"] or 0.0 for one in found),
        setup={"total": ready - began},
        versions=versions(found),
        output=tuple(rest for _, rest in read),
    )


def _last(child: Child) -> str:
    return "\n".join(list(child.lines)[-5:])


def certificates(folder: Path, parties: int) -> None:
    """A certificate authority of its own, and for each party a key and a certificate that it signed."""
    folder.mkdir()
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "MPyC CA")])
    root = _certificate(name, authority, name, authority, ca=True)
    (folder / "mpyc_ca.crt").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    for pid in range(parties):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"MPyC party {pid}")])
        signed = _certificate(subject, key, name, authority, ca=False)
        (folder / f"party_{pid}.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        (folder / f"party_{pid}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    authority: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca, 0 if ca else None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
    )
    if not ca:
        common = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(str(common))]), critical=False
        )
    return builder.sign(authority, hashes.SHA256())
