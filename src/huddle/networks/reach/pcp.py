"""PCP and NAT-PMP: asking the router for a port of its own that leads here (RFC 6887, RFC 6886).

Both speak UDP to port 5351 of the router; who speaks only the older one says so in the same format.

    PCP      2 ‖ opcode U8 ‖ 0 U16 ‖ lifetime U32 ‖ client (16)
             ‖ nonce (12) ‖ protocol U8 ‖ 0 (3) ‖ port U16 ‖ wanted port U16 ‖ wanted address (16)
      answer 2 ‖ 128 + opcode ‖ 0 U8 ‖ result U8 ‖ lifetime U32 ‖ epoch U32 ‖ 0 (12) ‖ as above, given
    NAT-PMP  0 ‖ 0 U8                                                     what is your address?
      answer 0 ‖ 128 U8 ‖ result U16 ‖ epoch U32 ‖ address (4)
             0 ‖ 2 U8 (TCP) ‖ 0 U16 ‖ port U16 ‖ wanted port U16 ‖ lifetime U32
      answer 0 ‖ 130 U8 ‖ result U16 ‖ epoch U32 ‖ port U16 ‖ given port U16 ‖ lifetime U32

The functions are pure; `ask` sends. It knows nothing of sessions or of UPnP.
"""

import asyncio
import ipaddress
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from huddle.networks.reach import udp

PORT = 5351
TCP = 6
NONCE = 12
_TIMES = (0.0, 0.25, 0.5, 1.0)  # after which a request is sent (again): RFC 6886, 3.1, cut short
_PATIENCE = 1.0  # seconds after the last one

_PCP = struct.Struct("!BBHI16s12sB3xHH16s")
_PCP_ANSWER = struct.Struct("!BBxBII12x12sB3xHH16s")
_PMP_ADDRESS = struct.Struct("!BBHI4s")
_PMP_MAP = struct.Struct("!BBHHHI")
_PMP_MAPPED = struct.Struct("!BBHIHHI")
_MAP = 1
_ANSWER = 0x80
_OLD = 1  # result: that version is not spoken here


class MappingRefused(Exception):
    """The router answered, and said no; the text says how."""


class OnlyNatPmp(MappingRefused):
    """The router does not speak PCP."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the router gave: its address and port, for so many seconds."""

    host: str
    port: int
    lifetime: int


def pcp_map(client: str, port: int, wanted: int, lifetime: int, nonce: bytes) -> bytes:
    """A request for a TCP port; lifetime 0 gives it back."""
    anywhere = ipaddress.ip_address("::ffff:0.0.0.0").packed
    return _PCP.pack(2, _MAP, 0, lifetime, _sixteen(client), nonce, TCP, port, wanted, anywhere)


def pcp_mapped(packet: bytes, nonce: bytes) -> Given | None:
    """What an answer gives; None for what is none to this request. Raises Refused."""
    if len(packet) >= 4 and packet[0] == 0 and packet[1] & _ANSWER:
        raise OnlyNatPmp("it speaks NAT-PMP only")
    if len(packet) >= 4 and packet[:2] == bytes([2, _ANSWER | _MAP]) and packet[3]:
        raise MappingRefused(f"PCP result {packet[3]}")
    if len(packet) < _PCP_ANSWER.size:
        return None
    version, kind, _, lifetime, _, echoed, protocol, _, port, host = _PCP_ANSWER.unpack_from(packet)
    if (version, kind, echoed, protocol) != (2, _ANSWER | _MAP, nonce, TCP):
        return None
    address = ipaddress.IPv6Address(host)
    return Given(str(address.ipv4_mapped or address), port, lifetime)


def pmp_address() -> bytes:
    """A request for the router's address."""
    return bytes(2)


def pmp_addressed(packet: bytes) -> str | None:
    """The router's address; None for what is no answer to that. Raises Refused."""
    if len(packet) < _PMP_ADDRESS.size:
        return None
    version, kind, result, _, address = _PMP_ADDRESS.unpack_from(packet)
    if (version, kind) != (0, _ANSWER):
        return None
    if result:
        raise MappingRefused(f"NAT-PMP result {result}")
    return str(ipaddress.IPv4Address(address))


def pmp_map(port: int, wanted: int, lifetime: int) -> bytes:
    """A request for a TCP port; lifetime 0 gives it back."""
    return _PMP_MAP.pack(0, 2, 0, port, wanted if lifetime else 0, lifetime)


def pmp_mapped(packet: bytes, port: int) -> tuple[int, int] | None:
    """The given port and its lifetime; None for what is no answer to that. Raises Refused."""
    if len(packet) < _PMP_MAPPED.size:
        return None
    version, kind, result, _, inner, given, lifetime = _PMP_MAPPED.unpack_from(packet)
    if (version, kind, inner) != (0, _ANSWER | 2, port):
        return None
    if result:
        raise MappingRefused(f"NAT-PMP result {result}")
    return given, lifetime


async def ask[T](router: str, request: bytes, read: Callable[[bytes], T | None], port: int = PORT) -> T:
    """Send until an answer that `read` understands comes.

    Raises TimeoutError, OSError where nobody listens there, or what `read` raises.
    """
    loop = asyncio.get_running_loop()
    client = _PcpClient()
    transport, _ = await udp.endpoint(lambda: client, remote_addr=(router, port))
    try:
        begun = loop.time()
        for after in _TIMES:
            transport.sendto(request)
            until = begun + after + (_PATIENCE if after == _TIMES[-1] else 0.25)
            while (left := until - loop.time()) > 0:
                try:
                    packet = await asyncio.wait_for(client.packets.get(), left)
                except TimeoutError:
                    break
                if isinstance(packet, OSError):
                    raise packet
                if (found := read(packet)) is not None:
                    return found
        raise TimeoutError
    finally:
        transport.close()


class _PcpClient(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.packets: asyncio.Queue[bytes | OSError] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.packets.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self.packets.put_nowait(exc if isinstance(exc, OSError) else OSError(str(exc)))


def _sixteen(host: str) -> bytes:
    address = ipaddress.ip_address(host)
    return address.packed if address.version == 6 else ipaddress.ip_address(f"::ffff:{host}").packed
