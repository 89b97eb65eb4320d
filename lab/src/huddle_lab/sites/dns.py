"""A DNS server for the machines of one run, so that names are really looked up, over the emulated distance.

Pure but for the socket that it is given: `answer` turns a question into a reply (RFC 1035). It knows A
records only; to what it does not know it says so (NXDOMAIN), and to other types that there is nothing.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Mapping

PORT = 53
_HEADER = struct.Struct("!6H")
_A, _IN, _TTL = 1, 1, 60
_REPLY, _AUTHORITATIVE, _RECURSION, _UNKNOWN = 0x8000, 0x0400, 0x0100, 3


def answer(question: bytes, names: Mapping[str, str]) -> bytes | None:
    """The reply to one packet; None where it is no question."""
    try:
        number, flags, count, *_ = _HEADER.unpack_from(question)
        if flags & _REPLY or count != 1:
            return None
        labels, at = [], _HEADER.size
        while length := question[at]:
            if length > 63:
                return None
            labels.append(question[at + 1 : at + 1 + length].decode("ascii"))
            at += 1 + length
        kind, family = struct.unpack_from("!2H", question, at + 1)
    except (struct.error, IndexError, UnicodeDecodeError):
        return None
    asked = question[_HEADER.size : at + 5]
    address = names.get(".".join(labels).lower())
    record = b""
    if address is not None and (kind, family) == (_A, _IN):
        record = struct.pack("!HHHIH", 0xC00C, _A, _IN, _TTL, 4) + socket.inet_aton(address)
    code = 0 if address is not None else _UNKNOWN
    bits = _REPLY | _AUTHORITATIVE | (flags & _RECURSION) | code
    return _HEADER.pack(number, bits, 1, int(bool(record)), 0, 0) + asked + record


class DnsServer:
    """Answers on a UDP socket, which it closes at its end."""

    def __init__(self, bound: socket.socket, names: Mapping[str, str]) -> None:
        self._socket, self._names = bound, names
        self._socket.settimeout(0.2)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                data, who = self._socket.recvfrom(512)
                if reply := answer(data, self._names):
                    self._socket.sendto(reply, who)

    def close(self) -> None:
        """Answer no more."""
        self._over.set()
        self._thread.join()
        self._socket.close()
