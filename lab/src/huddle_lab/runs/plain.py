"""Runs MPyC by itself with -P, a machine per party: the reference, with and without its own --ssl.

Parties are named by address or, for the network plain-dns, by DNS name. Certificates are made for each
run, as MPyC's documentation asks for them: `.config/mpyc_ca.crt` and `.config/party_<pid>.crt` and `.key`
in the directory where a party is started.
"""

import datetime
import re
import threading
import time
from collections.abc import Sequence
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from huddle_lab.runs.measured import (
    Measured,
    by_our_clock,
    connected,
    figures,
    links,
    program_cpu,
    took,
    versions,
)
from huddle_lab.sites.base import Job, RunFailed, Site, stop, wait_for

PORT = 11365
_CONNECTED = re.compile(r"All \d+ parties connected")


def run(site: Site, entry: str, args: Sequence[str], network: str, timeout: float) -> Measured:
    """One run by a party on each of the site's machines; RunFailed where it does not end well."""
    machines = site.machines
    ssl = network == "plain-ssl"
    if ssl:
        site.put(certificates(len(machines)))
    flags = ["--ssl"] if ssl else []
    for machine in machines:
        # MPyC takes what follows the first colon for a port.
        where = machine.dns if network == "plain-dns" or ":" in machine.address else machine.address
        if not where:
            raise RunFailed(f"machine {machine.index} has no DNS name")
        flags += ["-P", f"{where}:{PORT + machine.index}"]
    outputs: list[list[str]] = [[] for _ in machines]
    told = threading.Event()

    def take(pid: int, line: str) -> None:
        outputs[pid].append(line)
        if not told.is_set() and _CONNECTED.search(line):
            told.set()
            site.begun()

    began = time.time()
    jobs: list[Job] = []
    try:
        for pid, machine in enumerate(machines):
            # Logs are on standard error; both are one stream here.
            command = [machine.python, "-u", f"{machine.folder}/{entry}", *args, *flags, "-I", str(pid)]
            jobs.append(
                machine.start(
                    command, partial(take, pid), env={}, without=("MPYC_", "PYTHON"), cwd=machine.folder
                )
            )
        deadline = time.monotonic() + timeout
        wait_for(jobs, deadline)
        for pid, job in enumerate(jobs):
            if not job.join(0):
                raise RunFailed(f"party {pid} had not ended after {timeout:g} s: {_last(job)}")
            if job.code:
                raise RunFailed(f"party {pid} ended with code {job.code}: {_last(job)}")
    finally:
        stop(jobs)
    read = [figures("\n".join(lines)) for lines in outputs]
    found = [by_our_clock(one, machine.ahead) for (one, _), machine in zip(read, machines, strict=True)]
    ready = connected(found)
    return Measured(
        seconds=took(found),
        wall_s=max(job.ended for job in jobs) - began,
        cpu_s=sum(job.cpu for job in jobs),
        program_cpu_s=program_cpu(found),
        sent=max(one["sent"] for one in found),
        memory_mb=max(one["memory_mb"] for one in found),
        queue_s=max(one["queued"] or 0.0 for one in found),
        setup={"total": ready - began},
        versions=versions(found),
        links=links([rest for _, rest in read]),
        output=tuple(rest for _, rest in read),
    )


def _last(job: Job) -> str:
    return "\n".join(list(job.lines)[-5:])


def certificates(parties: int) -> dict[str, bytes]:
    """The files of a certificate authority of its own, and for each party a key and a certificate of it."""
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "MPyC CA")])
    root = _certificate(name, authority, name, authority, ca=True)
    files = {".config/mpyc_ca.crt": root.public_bytes(serialization.Encoding.PEM)}
    for pid in range(parties):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"MPyC party {pid}")])
        signed = _certificate(subject, key, name, authority, ca=False)
        files[f".config/party_{pid}.crt"] = signed.public_bytes(serialization.Encoding.PEM)
        files[f".config/party_{pid}.key"] = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    return files


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
