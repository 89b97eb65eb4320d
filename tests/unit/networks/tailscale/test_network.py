"""The network tailscale against a tailscaled that says what a test wants, right and wrong.

With real tailscaleds it is tried in tests/netlab/test_tailscale.py.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from huddle.codec import encode
from huddle.errors import NetworkError, PeerError
from huddle.networks.base import PeerOffer
from huddle.networks.tailscale.api import LocalApi
from huddle.networks.tailscale.network import TailscaleNetwork, TailscaleOffer

KEYS = ["nodekey:" + letter * 64 for letter in "ab"]
Row = dict[str, Any]


class Tailscaled:
    """Two machines in one tailnet, of which this is the one with that number, on loopback."""

    def __init__(self, path: Path, number: int) -> None:
        self.path = path
        self.number = number
        self.raw: bytes | None = None
        self.state = "Running"
        self.login = "bob@example.org"
        self.owner = KEYS[1 - number]  # of whatever address is asked for
        self.seen = {KEYS[1 - number]}

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            where = urlsplit(head.split()[1])
            if self.raw is not None:
                writer.write(self.raw)
            elif where.path.endswith("/dial"):
                await self.passed_on(head, reader, writer)
                return
            else:
                answer = self.answer(where.path.rpartition("/")[2], parse_qs(where.query))
                body = json.dumps(answer).encode()
                size = f"Content-Length: {len(body)}\r\n\r\n".encode()
                writer.write(b"HTTP/1.1 200 OK\r\n" + size + body)
            await writer.drain()
        finally:
            writer.close()

    def answer(self, what: str, asked: dict[str, list[str]]) -> Row:
        if what == "whois":
            return {"Node": {"Key": self.owner, "Name": "m.", "Addresses": ["127.0.0.1/32"]}}
        if what == "ping":
            return {"Endpoint": "192.0.2.1:41641"}
        row = {
            "TailscaleIPs": ["127.0.0.1"],
            "UserID": 7,
            "DNSName": "machine.example.",
            "CurAddr": "192.0.2.1:41641",
        }
        peers = {key: {**row, "PublicKey": key} for key in self.seen}
        me = {**row, "PublicKey": KEYS[self.number]}
        users = {"7": {"LoginName": self.login}}
        return {"BackendState": self.state, "TUN": False, "Self": me, "Peer": peers, "User": users}

    async def passed_on(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        there, back = await asyncio.open_connection(fields["Dial-Host"], int(fields["Dial-Port"]))
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: ts-dial\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)


@pytest.fixture
async def two() -> AsyncIterator[list[Tailscaled]]:
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        found = [Tailscaled(Path(folder) / str(number), number) for number in range(2)]
        servers = [await asyncio.start_unix_server(one, one.path) for one in found]
        yield found
        for server in servers:
            server.close()


class Party:
    """A network, and what comes to it."""

    def __init__(self, daemon: Tailscaled) -> None:
        self.network = TailscaleNetwork(path=str(daemon.path))
        self.came: asyncio.Queue[tuple[int, int, Any]] = asyncio.Queue()

    def begin(self, pid: int, offer: bytes) -> None:
        peer = PeerOffer(pid, "Bob", offer, bytes(32), pid > 0)
        self.network.begin((peer,), lambda *wire: self.came.put_nowait(wire))


@pytest.fixture
async def parties(two: list[Tailscaled]) -> AsyncIterator[list[Party]]:
    found = [Party(one) for one in two]
    for party in found:
        await party.network.open()
    for number, party in enumerate(found):
        party.begin(1 - number, found[1 - number].network.offer())
    yield found
    for party in found:
        await party.network.close()


async def test_wires_say_how_they_go_and_what_the_tailnet_says(parties: list[Party]) -> None:
    wire = await parties[0].network.dial(1, 3)
    pid, run, other = await asyncio.wait_for(parties[1].came.get(), 10)
    assert (pid, run) == (0, 3)
    for one in (wire, other):
        assert one.info.network == "tailscale" and one.info.sealed
        assert one.info.path == "direct, 192.0.2.1 port 41641"
        assert "bob@example.org" in one.info.hint and "machine.example" in one.info.hint
    assert wire.info.local_key == other.info.peer_key and len(wire.info.local_key) == 32


async def test_an_address_that_is_another_machine_s_is_not_dialled(
    two: list[Tailscaled], parties: list[Party]
) -> None:
    two[0].owner = "nodekey:" + "c" * 64
    with pytest.raises(NetworkError, match="is another's"):
        await parties[0].network.dial(1, 0)


async def test_a_wire_from_another_machine_is_turned_away(
    two: list[Tailscaled], parties: list[Party]
) -> None:
    two[1].owner = "nodekey:" + "c" * 64
    wire: Any = await parties[0].network.dial(1, 0)
    async with asyncio.timeout(10):
        while not wire.over:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert parties[1].came.empty()


async def test_a_machine_that_is_not_seen_is_said_so(two: list[Tailscaled], parties: list[Party]) -> None:
    two[0].seen = set()
    with pytest.raises(NetworkError, match="your tailnet") as caught:
        await parties[0].network.dial(1, 0)
    assert "share" in caught.value.hint


async def test_texts_of_the_tailnet_reach_no_screen_as_they_are(
    two: list[Tailscaled], parties: list[Party]
) -> None:
    two[0].login = "bob\x1b[2J\n" + "x" * 5000
    hint = (await parties[0].network.dial(1, 0)).info.hint
    assert hint.isprintable() and len(hint) < 500


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot json!",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n" + b"X: " + b"x" * 30000 + b"\r\n\r\n",
    ],
)
async def test_a_tailscaled_that_answers_nonsense_is_an_error_of_the_network(
    two: list[Tailscaled], raw: bytes
) -> None:
    two[0].raw = raw
    api = LocalApi(str(two[0].path))
    with pytest.raises(NetworkError):
        await api.status()
    with pytest.raises(OSError, match=r"."):
        await api.dial("127.0.0.1", 1)


async def test_answers_of_the_wrong_shape_are_read_as_nothing(two: list[Tailscaled]) -> None:
    body = b'{"BackendState": 3, "TUN": "yes", "Self": [], "Peer": {"x": 1}, "User": null}'
    two[0].raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        len(body),
        body,
    )
    status = await LocalApi(str(two[0].path)).status()
    assert (status.state, status.tun, status.me, dict(status.peers)) == ("", False, None, {})


async def test_a_tailscaled_that_is_logged_out_is_left_out(two: list[Tailscaled]) -> None:
    two[0].state = "NeedsLogin"
    with pytest.raises(NetworkError, match="in no tailnet") as caught:
        await TailscaleNetwork(path=str(two[0].path)).open()
    assert "HUDDLE_TS_AUTHKEY" in caught.value.hint


async def test_no_tailscaled_at_all(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="No tailscaled runs here"):
        await TailscaleNetwork(path=str(tmp_path / "none")).open()


@pytest.mark.parametrize("key", ["", "mkey:aa", "nodekey:é"])
async def test_an_offer_that_is_none_names_its_party(two: list[Tailscaled], key: str) -> None:
    party = Party(two[0])
    await party.network.open()
    try:
        with pytest.raises(PeerError) as caught:
            party.begin(1, encode(TailscaleOffer(key, b"")))
        assert caught.value.peer == "Bob"
    finally:
        await party.network.close()


async def test_two_parties_at_one_tailscaled_are_told_apart_from_strangers(two: list[Tailscaled]) -> None:
    parties = [Party(two[0]), Party(two[0])]
    for party in parties:
        await party.network.open()
    try:
        parties[0].begin(1, parties[1].network.offer())
        with pytest.raises(NetworkError, match="same tailscaled"):
            await parties[0].network.dial(1, 0)
    finally:
        for party in parties:
            await party.network.close()
