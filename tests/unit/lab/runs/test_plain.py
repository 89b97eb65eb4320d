"""The certificates for MPyC's own --ssl."""

import ssl
from pathlib import Path

import pytest

from huddle_lab.runs.plain import certificates


def handshake(folder: Path, name: str) -> None:
    """As MPyC makes its contexts: party 0 dials party 1."""
    ca = str(folder / "mpyc_ca.crt")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "party_1.crt", folder / "party_1.key")
    server.load_verify_locations(ca)
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    client.load_cert_chain(folder / "party_0.crt", folder / "party_0.key")
    client.load_verify_locations(ca)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                continue
    assert ends == []


def test_parties_accept_each_other_by_the_name_that_mpyc_asks_for(tmp_path: Path) -> None:
    (tmp_path / ".config").mkdir()
    for name, content in certificates(2).items():
        (tmp_path / name).write_bytes(content)
    handshake(tmp_path / ".config", "MPyC party 1")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path / ".config", "MPyC party 2")
