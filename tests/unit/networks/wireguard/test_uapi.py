"""The language of wireguard-go: what is said, and what its answers mean. The real one is in tests/netlab."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from huddle.errors import NetworkError
from huddle.networks.wireguard import uapi
from huddle.networks.wireguard.uapi import PeerActivity, PeerConfig, TunnelConfig

PEER = PeerConfig(b"q" * 32, b"s" * 32, ("2001:db8::1", 5000), IPv6Address("fd00::1"))
CONFIG = TunnelConfig(b"p" * 32, b"P" * 32, 4000, (PEER,))


def test_a_tunnel_has_one_peer_with_one_address() -> None:
    lines = uapi.tunnel_lines(CONFIG).splitlines()
    assert lines[0] == f"private_key={(b'p' * 32).hex()}"
    assert "endpoint=[2001:db8::1]:5000" in lines
    assert "listen_port=4000" in lines
    assert lines.index("replace_peers=true") < lines.index(f"public_key={(b'q' * 32).hex()}")
    assert [line for line in lines if line.startswith("allowed_ip=")] == ["allowed_ip=fd00::1/128"]


def test_a_peer_that_comes_by_itself_has_no_endpoint() -> None:
    coming = PeerConfig(b"r" * 32, b"t" * 32, None, IPv6Address("fd00::2"))
    lines = uapi.tunnel_lines(TunnelConfig(b"p" * 32, b"P" * 32, 4000, (PEER, coming))).splitlines()
    second = lines[lines.index(f"public_key={(b'r' * 32).hex()}") :]
    assert second[1:] == [
        f"preshared_key={(b't' * 32).hex()}",
        "replace_allowed_ips=true",
        "allowed_ip=fd00::2/128",
    ]
    assert len([line for line in lines if line.startswith("endpoint=")]) == 1


def test_keys_are_not_shown() -> None:
    assert "7070" not in repr(CONFIG) and "ppp" not in repr(CONFIG)


def test_a_handshake_and_bytes_are_heard() -> None:
    before = "private_key=00\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\nrx_bytes=0\nerrno=0\n\n"
    after = "last_handshake_time_sec=1795474800\nrx_bytes=92\nerrno=0\n\n"
    assert uapi.heard(before) == PeerActivity(False, 0)
    assert uapi.heard(after) == PeerActivity(True, 92)
    assert uapi.heard("errno=0\n\n") == PeerActivity(False, 0)


@asynccontextmanager
async def answering(folder: Path, answer: bytes) -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(serve, folder / "hw0.sock"):
        yield


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"errno=-98\n\n", "Address already in use"),
        (b"errno=22\n\n", "Invalid argument"),
        (b"errno=many\n\n", "refuses"),
        (b"errno=0\n", "does not answer"),
        (b"", "does not answer"),
        (b"x" * 100_000, "does not answer"),
    ],
)
async def test_what_it_refuses_or_leaves_out_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str
) -> None:
    monkeypatch.setattr(uapi, "SOCKETS", tmp_path)
    async with answering(tmp_path, answer):
        with pytest.raises(NetworkError, match=said):
            await uapi.say("hw0", "")
