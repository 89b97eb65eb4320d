"""The link proof: three messages by which the two ends of a fresh wire show that they are the two parties.

The party with the lower pid is the initiator and counts the wires of a link in *generations*; the
responder takes no generation that is not above its present one, so that an old wire can't come back.
Both know the link key, which comes from their X25519 keys and the digest that all have signed.

    1  initiator   1 ‖ version U8 ‖ kind U8 ‖ run U32 ‖ generation U64 ‖ nonce[32]     47 bytes
    2  responder   2 ‖ nonce[32] ‖ mac[32]                                             65 bytes
    3  initiator   3 ‖ mac[32]                                                         33 bytes

    mac = mac_fields(link key, "huddle/1 link proof mac", role, initiator's pid U32, responder's pid U32,
                     kind, run, generation, nonce of 1, nonce of 2,
                     initiator's wire key, responder's wire key)

`role` is "responder" in message 2 and "initiator" in message 3; `kind` is 0 for a control link (run 0)
and 1 for a data link. A wire key is the key that an end has *seen* for the other on this wire, so
somebody in the middle, with keys of their own on both sides, fails. After message 2 the initiator, and
after message 3 the responder, knows the other end; what follows on the wire belongs to the link.
The record layer's keys come from the same values (`Proven.keys`).

No socket, no clock and no random source here: nonces are arguments.
"""

import struct
from dataclasses import dataclass

from huddle.errors import NetworkError
from huddle.identity.kdf import hkdf, mac_fields, same

VERSION = 1
NONCE = 32

_FIRST = struct.Struct(">BBBIQ32s")
_SECOND = struct.Struct(">B32s32s")
_THIRD = struct.Struct(">B32s")

_MAC_LABEL = b"huddle/1 link proof mac"
_RECORD_LABEL = b"huddle/1 record"


@dataclass(frozen=True, slots=True)
class Ends:
    """Which link a proof is about, and what is seen on the wire: pids, run, the wire's two keys.

    `local_key` and `peer_key` are those of the wire's info, from where this party stands.
    """

    pid: int
    peer_pid: int
    peer: str
    run: int
    local_key: bytes
    peer_key: bytes

    @property
    def initiator(self) -> bool:
        """Whether this party, having the lower pid, makes the first message."""
        return self.pid < self.peer_pid


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """The keys of the record layer of one wire, from where this party stands; repr shows none."""

    sending: bytes
    receiving: bytes

    def __repr__(self) -> str:
        return "RecordKeys()"


@dataclass(frozen=True, slots=True)
class Proven:
    """The result: the wire's generation, its record keys, and what came behind the last message."""

    generation: int
    keys: RecordKeys
    rest: bytes


class Proof:
    """One proof on one wire.

    `present` is the highest generation known so far; the initiator proposes `generation`.
    """

    def __init__(self, ends: Ends, key: bytes, nonce: bytes, *, generation: int = 0) -> None:
        if len(nonce) != NONCE:
            raise ValueError(f"a nonce of {len(nonce)} bytes")
        self.ends = ends
        self.generation = generation
        self.proven: Proven | None = None
        self._key = key
        self._nonce = nonce
        self._peer_nonce = b""
        self._buffer = b""

    def __repr__(self) -> str:
        role = "initiator" if self.ends.initiator else "responder"
        state = "proven" if self.proven else "second sent" if self._peer_nonce else "open"
        return f"<Proof {role} run {self.ends.run} generation {self.generation} {state}>"

    def start(self) -> bytes:
        """What this end sends by itself: message 1, where it is the initiator."""
        if not self.ends.initiator:
            return b""
        return _FIRST.pack(1, VERSION, self._kind, self.ends.run, self.generation, self._nonce)

    def receive(self, data: bytes, present: int) -> bytes:
        """Take bytes of the wire and return what to send; `proven` is set once the other end is known.

        `present` is the generation that this end's link has by now. Raises NetworkError where the
        other end proves nothing: it is not known who that is, so no peer is blamed.
        """
        if self.proven:
            raise ValueError("the proof is over")
        self._buffer += data
        if self.ends.initiator:
            message = self._take(_SECOND, 2)
            return self._second(message) if message else b""
        if not self._peer_nonce:
            message = self._take(_FIRST, 1)
            return self._first(message, present) if message else b""
        message = self._take(_THIRD, 3)
        if message:
            self._third(message, present)
        return b""

    # --- inside

    @property
    def _kind(self) -> int:
        return 1 if self.ends.run else 0

    def _take(self, layout: struct.Struct, number: int) -> bytes:
        """The next message, or nothing where it is not whole yet."""
        if self._buffer and self._buffer[0] != number:
            raise self._refuse(f"message {self._buffer[0]} came where {number} belongs")
        if len(self._buffer) < layout.size:
            return b""
        message, self._buffer = self._buffer[: layout.size], self._buffer[layout.size :]
        return message

    def _first(self, message: bytes, present: int) -> bytes:
        _, version, kind, run, generation, nonce = _FIRST.unpack(message)
        if version != VERSION:
            raise self._refuse(f"it speaks version {version} of the link proof, not {VERSION}")
        if (kind, run) != (self._kind, self.ends.run):
            raise self._refuse(f"it wants the link of run {run}, not of run {self.ends.run}")
        self.generation = generation
        self._check_generation(present)
        self._peer_nonce = nonce
        return _SECOND.pack(2, self._nonce, self._mac(b"responder"))

    def _second(self, message: bytes) -> bytes:
        _, self._peer_nonce, mac = _SECOND.unpack(message)
        if not same(mac, self._mac(b"responder")):
            raise self._unproven()
        self._prove()
        return _THIRD.pack(3, self._mac(b"initiator"))

    def _third(self, message: bytes, present: int) -> None:
        _, mac = _THIRD.unpack(message)
        if not same(mac, self._mac(b"initiator")):
            raise self._unproven()
        # Another wire may have been proven since message 1.
        self._check_generation(present)
        self._prove()

    def _check_generation(self, present: int) -> None:
        if self.generation <= present:
            raise self._refuse(f"the wire is stale: generation {self.generation}, after {present}")

    def _nonces(self) -> tuple[bytes, bytes]:
        """Of the initiator and of the responder."""
        if self.ends.initiator:
            return self._nonce, self._peer_nonce
        return self._peer_nonce, self._nonce

    def _mac(self, role: bytes) -> bytes:
        ends = self.ends
        if ends.initiator:
            first, second, keys = ends.pid, ends.peer_pid, (ends.local_key, ends.peer_key)
        else:
            first, second, keys = ends.peer_pid, ends.pid, (ends.peer_key, ends.local_key)
        return mac_fields(
            self._key,
            _MAC_LABEL,
            role,
            first.to_bytes(4, "big"),
            second.to_bytes(4, "big"),
            self._kind.to_bytes(1, "big"),
            ends.run.to_bytes(4, "big"),
            self.generation.to_bytes(8, "big"),
            *self._nonces(),
            *keys,
        )

    def _prove(self) -> None:
        salt = b"".join(self._nonces())
        which = self.ends.run.to_bytes(4, "big") + self.generation.to_bytes(8, "big")
        down = hkdf(self._key, _RECORD_LABEL + b" initiator" + which, salt=salt)
        up = hkdf(self._key, _RECORD_LABEL + b" responder" + which, salt=salt)
        keys = RecordKeys(down, up) if self.ends.initiator else RecordKeys(up, down)
        self.proven = Proven(self.generation, keys, self._buffer)
        self._buffer = b""

    def _refuse(self, why: str) -> NetworkError:
        return NetworkError(f"no link with {self.ends.peer} over this wire: {why}")

    def _unproven(self) -> NetworkError:
        return NetworkError(
            f"the other end of this wire could not prove that it is {self.ends.peer}",
            hint="Somebody may be between the two of you. Huddle goes on trying other wires.",
        )
