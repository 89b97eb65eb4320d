"""A connection through a Tor's SOCKS port, which is a Unix socket: SOCKS 5 without a password (RFC 1928).

Tor's extended answers (0xF0 and up) say what is wrong with an onion service.
"""

import asyncio
import socket

from huddle.errors import NetworkError

_CONNECT = b"\x05\x01\x00\x03"
_REASONS = {
    0x01: "a general failure",
    0x04: "its service does not answer",
    0x05: "it refuses the connection",
    0x06: "it took too long",
    0xF0: "its onion service is not known to the network",
    0xF1: "what the network says of its onion service is not right",
    0xF2: "its onion service could not be asked",
    0xF3: "its onion service did not come to meet",
    0xF4: "its onion service wants a key of whoever asks",
    0xF5: "its onion service does not know this party's key",
    0xF6: "its onion address is none",
    0xF7: "its onion service did not answer in time",
}


async def connect(path: str, host: str, port: int) -> socket.socket:
    """A socket, not blocking, connected to that port of an onion address; NetworkError says why not."""
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, path)
        await loop.sock_sendall(sock, b"\x05\x01\x00")
        if await exactly(sock, 2) != b"\x05\x00":
            raise NetworkError("Tor's SOCKS port wants a password")
        name = host.encode("ascii")
        await loop.sock_sendall(sock, _CONNECT + bytes([len(name)]) + name + port.to_bytes(2, "big"))
        _, answer, _, kind = await exactly(sock, 4)
        await exactly(sock, {1: 4, 4: 16}.get(kind, 0) + 2)
        if answer:
            raise NetworkError(_REASONS.get(answer, f"Tor's answer is {answer:#04x}"))
    except OSError as error:
        sock.close()
        raise NetworkError(f"Tor's SOCKS port can't be reached: {error.strerror or error}") from error
    except BaseException:
        sock.close()
        raise
    return sock


async def exactly(sock: socket.socket, size: int) -> bytes:
    """So many bytes, and none of what follows; NetworkError where they don't come."""
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < size:
        part = await loop.sock_recv(sock, size - len(data))
        if not part:
            raise NetworkError("Tor closed the connection")
        data += part
    return data
