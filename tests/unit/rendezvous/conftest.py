"""A real rendezvous on a loopback socket, and bare WebSockets that can say anything to it."""

import datetime
import ipaddress
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import ClientConnection, connect

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.messages import Entry, Message, Open, Opened, Presence, pack, unpack
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig


class Clock:
    """Wall time that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Bare:
    """One WebSocket to the rendezvous, without any client's good manners."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.present: Presence | None = None  # as it was said last

    async def send(self, message: Message) -> None:
        await self.socket.send(pack(message))

    async def receive(self, *, presence: bool = False) -> Any:
        """The next message but for Presence, which is only a hint."""
        while True:
            message = unpack(await self.socket.recv(decode=False), *Message.__args__)
            if isinstance(message, Presence):
                self.present = message
            if presence or not isinstance(message, Presence):
                return message

    async def enter(
        self,
        *,
        create: bool = False,
        first: int = 0,
        owner: bytes | None = None,
        client: bytes | None = None,
    ) -> Opened:
        """Enter a room, as a client of its own unless one is given."""
        await self.send(Open(first, create, owner, 0, client or secrets.token_bytes(16)))
        opened = await self.receive()
        assert isinstance(opened, Opened), opened
        return opened

    async def entries(self, count: int) -> list[Entry]:
        return [await self.receive() for _ in range(count)]


Serve = Callable[..., Awaitable[RendezvousServer]]
Dial = Callable[[RendezvousServer, str], Awaitable[Bare]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: AsyncExitStack, clock: Clock) -> Serve:
    """Start a rendezvous: serve(database=…, port=…, limit=value, …)."""

    async def start(
        *,
        database: Path | None = None,
        port: int = 0,
        log_addresses: bool = False,
        site: Path | None = None,
        packages: Path | None = None,
        package_source: str = "",
        **limits: float,
    ) -> RendezvousServer:
        server = RendezvousServer(
            ServerConfig(
                port=port,
                database=database,
                clock=clock,
                site=site,
                packages=packages,
                package_source=package_source,
                log_addresses=log_addresses,
                limits=ServerLimits(**{"sweep": 0.02, **limits}),  # type: ignore[arg-type]
            )
        )
        return await stack.enter_async_context(server)

    return start


@pytest.fixture
def dial(stack: AsyncExitStack) -> Dial:
    """Open a WebSocket: dial(server, path)."""

    async def open_socket(server: RendezvousServer, path: str) -> Bare:
        socket = await connect(
            f"ws://127.0.0.1:{server.port}{path}",
            compression=None,
            proxy=None,
            close_timeout=1,
            max_size=None,
        )
        stack.push_async_callback(socket.close)
        return Bare(socket)

    return open_socket


@pytest.fixture
def room() -> bytes:
    return secrets.token_bytes(16)


@pytest.fixture
def room_path(room: bytes) -> str:
    return f"/v2/rooms/{room.hex()}"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, False, False, False), critical=True
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths
