"""The iroh library behind the network `iroh`, and what it lacks, in one place: only this module knows it.

Its Python side copies every byte that goes out by itself, in a loop; `mend` puts one copy in its place,
which makes it a hundred times faster. A test notices when the library no longer needs that.
Nothing here knows peers, runs or offers.
"""

import ctypes
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from huddle.errors import LocalError, NetworkError

ALPN = b"huddle/1"
KEY = 32  # bytes of an endpoint's id, which is its Ed25519 public key
PUBLIC = "n0"  # the relays that iroh's makers run, by this name instead of a URL
_READ = 256 << 10  # bytes of one read


def available() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("iroh") is not None


def check() -> None:
    """Raise NetworkError unless the library can be used."""
    try:
        import iroh  # noqa: F401
    except (ImportError, OSError) as error:
        raise NetworkError(
            "This installation has no iroh." if not available() else f"iroh can't be used: {error}.",
            hint="Install it: pip install 'mpyc-huddle[iroh]', or choose another network.",
        ) from error


@cache
def mend() -> bool:
    """Let the library copy what it sends at once; whether it needed that. The rest of it stays as it is."""
    import iroh.iroh_ffi as ffi

    builder = getattr(ffi, "_UniffiRustBufferBuilder", None)
    if builder is None or not copies_bytewise(builder.write):
        return False

    def write(self: Any, value: bytes) -> None:
        size = len(value)
        with self._reserve(size):
            if size:
                start = ctypes.addressof(self.rbuf.data.contents) + self.rbuf.len
                ctypes.memmove(start, bytes(value), size)

    builder.write = write
    return True


def copies_bytewise(write: Any) -> bool:
    """Whether this method of the library's buffers goes through the bytes one by one."""

    class Counted(bytes):
        walked = False

        def __iter__(self) -> Iterator[int]:
            Counted.walked = True
            return super().__iter__()

    class Buffer:
        def __init__(self) -> None:
            self.memory = ctypes.create_string_buffer(16)
            self.rbuf = self
            self.data = ctypes.cast(self.memory, ctypes.POINTER(ctypes.c_char))
            self.len = 0

        @contextmanager
        def _reserve(self, _size: int) -> Iterator[None]:
            yield

    write(Buffer(), Counted(b"four"))
    return Counted.walked


@dataclass(frozen=True, slots=True)
class Reach:
    """By what else than addresses endpoints find each other; nothing unless the person chose it.

    `relay` is the URL of an iroh relay, or `n0`; `discovery` publishes this endpoint's addresses by its
    id in the DNS of iroh's makers, and looks there for the peers'.
    """

    relay: str = ""
    discovery: bool = False


class IrohStream:
    """One QUIC connection to one endpoint with one stream of bytes each way on it."""

    def __init__(self, connection: Any, streams: Any) -> None:
        self.peer = bytes(connection.remote_id().to_bytes())
        self._connection = connection
        self._sending = streams.send()
        self._receiving = streams.recv()

    async def write(self, data: bytes) -> None:
        """Send all of this; raises NetworkError where the connection is gone."""
        with _errors():
            await self._sending.write_all(data)

    async def read(self) -> bytes:
        """What has come; empty where the peer has ended. Raises NetworkError."""
        with _errors():
            return bytes(await self._receiving.read(_READ))

    async def read_exactly(self, size: int) -> bytes:
        """So many bytes. Raises NetworkError."""
        with _errors():
            return bytes(await self._receiving.read_exact(size))

    async def finish(self) -> None:
        """There is no more; returns when the peer has all of it. Raises NetworkError."""
        with _errors():
            await self._sending.finish()
            await self._sending.stopped()

    def path(self) -> tuple[str, bool]:
        """Where the peer is reached now, and whether that is a relay; empty where nobody knows."""
        paths = self._connection.paths()
        # None is selected for a moment, while iroh goes from one to another.
        path = next((one for one in paths if one.is_selected), paths[0] if paths else None)
        return (path.remote_addr, path.is_relay) if path else ("", False)

    def close(self) -> None:
        """Drop the connection at once."""
        self._connection.close(0, b"")


class IrohEndpoint:
    """This party's endpoint; `id` is its key, `ports` are its UDP ports by IP version."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint
        self.id = bytes(endpoint.id().to_bytes())
        self.ports = dict(map(_port, endpoint.bound_sockets()))

    @classmethod
    async def open(cls, hosts: Sequence[str], reach: Reach, port: int = 0) -> "IrohEndpoint":
        """A new endpoint with a fresh key on these addresses, on all of them if there are none.

        `port` is its IPv4 port, 0 any.
        """
        import iroh

        mend()
        builder = iroh.EndpointBuilder()  # type: ignore[no-untyped-call]
        if reach.discovery:
            builder.apply_n0_disable_relay()
        else:
            builder.apply_minimal()
        if reach.relay == PUBLIC:
            mode = iroh.RelayMode.default_mode()
        elif reach.relay:
            try:
                mode = iroh.RelayMode.custom_from_urls([reach.relay])
            except iroh.IrohError as error:
                raise LocalError(
                    f"{reach.relay!r} is no URL of an iroh relay.",
                    hint="It looks like https://relay.example.",
                ) from error
        else:
            mode = iroh.RelayMode.disabled()
        builder.relay_mode(mode)
        builder.alpns([ALPN])
        with _errors():
            for host in _bound(hosts, port):
                builder.bind_addr(_joined(host, 0 if ":" in host else port))
            return cls(await builder.bind())

    def home(self) -> str:
        """The URL of the relay that this endpoint is at; empty without one, or not yet."""
        return str(self._endpoint.addr().relay_url() or "")

    async def online(self) -> None:
        """Wait until there is a relay."""
        await self._endpoint.online()

    async def dial(self, key: bytes, relay: str, addresses: Sequence[tuple[str, int]]) -> IrohStream:
        """A connection to the endpoint of that key, and nobody else's. Raises NetworkError."""
        import iroh

        where = [_joined(host, port) for host, port in addresses]
        with _errors():
            target = iroh.EndpointAddr(iroh.EndpointId.from_bytes(key), relay or None, where)
            connection = await self._endpoint.connect(target, ALPN)
        try:
            with _errors():
                return IrohStream(connection, await connection.open_bi())
        except BaseException:
            connection.close(0, b"")
            raise

    async def incoming(self) -> "Incoming | None":
        """Somebody who dials; None when the endpoint is closed."""
        came = await self._endpoint.accept_next()
        return None if came is None else Incoming(came)

    async def close(self) -> None:
        """Take it down, with its sockets: the library keeps them for as long as anybody has the object."""
        endpoint, self._endpoint = self._endpoint, None
        await endpoint.close()


class Incoming:
    """Somebody who dials, of whom nothing is known yet."""

    def __init__(self, incoming: Any) -> None:
        self._incoming = incoming

    async def refuse(self) -> None:
        """Say no."""
        with _errors():
            await self._incoming.refuse()

    async def accept(self, known: "dict[bytes, int]") -> IrohStream:
        """Their stream, if their key is one of these; raises NetworkError."""
        with _errors():
            connection = await (await self._incoming.accept()).connect()
        try:
            if bytes(connection.remote_id().to_bytes()) not in known:
                raise NetworkError("A stranger dialled.")
            with _errors():
                return IrohStream(connection, await connection.accept_bi())
        except BaseException:
            connection.close(0, b"")
            raise


@contextmanager
def _errors() -> Iterator[None]:
    """The library's errors as ours."""
    import iroh

    try:
        yield
    except iroh.IrohError as error:
        # Its last line is the cause; the others say where in the library it was noticed.
        raise NetworkError(error.message().strip().rpartition("\n")[2].strip()) from error


def _bound(hosts: Sequence[str], port: int) -> list[str]:
    """One address of each IP version: the library takes all addresses of a version of which none is named."""
    if not hosts:
        return ["0.0.0.0"] if port else []  # noqa: S104 - peers reach a party on whichever address they can
    four = next((host for host in hosts if ":" not in host), "127.0.0.1")
    six = next((host for host in hosts if ":" in host), "::1")
    return [four, six]


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _port(bound: str) -> tuple[int, int]:
    host, _, port = bound.rpartition(":")
    return (6 if ":" in host else 4), int(port)
